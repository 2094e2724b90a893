package console

import (
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// confirmPage asks before something is done.
type confirmPage struct {
	Heading, Text, Hint string
	To, Back, BackTitle string
	Do, Keep            string // the two buttons
	Instead             *link  // what may be better
	Danger, Hot         bool
	Once                string
	Graces              []choice
	Facts               []fact
	Problems            []trouble
}

// fact is a line about a credential.
type fact struct{ Title, Text, Mode string }

// choice is one of several.
type choice struct {
	Value, Title, Note string
	Checked, Full      bool
}

// trouble is what is wrong with a form.
type trouble struct{ Field, Text string }

// ID is that of the element that says it.
func (t *trouble) ID() string { return t.Field + "-error" }

// graces are how long a value works beside the next.
func graces() []choice {
	return []choice{
		{Value: "0s", Title: "Stops now"}, {Value: "1h", Title: "1 hour more"}, {Value: "24h", Title: "24 hours more", Checked: true},
		{Value: "72h", Title: "3 days more"}, {Value: "168h", Title: "7 days more"},
	}
}

// uses say when a credential was used, for whoever is about to change it.
func uses(row *row, requests int64) []fact {
	last := "Never"
	if row.Used != nil {
		last = row.Used.Ago + ", from " + row.Used.From
	}
	return []fact{{Title: "Value", Text: row.Hint}, {Title: "Last used", Text: last}, {Title: "Requests so far", Text: grouped(requests)}}
}

// asking is a confirmation about a credential.
func (c *console) asking(d *authority.Detail, f family) confirmPage {
	row := c.rowOf(d, f.Base)
	return confirmPage{
		Back: f.Base, BackTitle: f.Title, Keep: "Keep it", Facts: uses(&row, d.Use.Requests),
		Hot: row.Used != nil && c.authority.Now().Sub(row.Used.At) < 24*time.Hour,
	}
}

func (c *console) askRevoke(r *edge.Request, _ edge.None) (edge.Page, error) {
	d, f, err := c.find(r)
	if err != nil {
		return edge.Page{}, err
	}
	p := c.asking(d, f)
	p.Heading = titled(f.End) + " " + d.Credential.Name + "?"
	p.Text = "Requests with it get 401 right away, and so do access tokens that were made from it. This can't be taken back."
	p.Hint = f.advice()
	p.To, p.Do, p.Danger, p.Keep = r.URL.Path, titled(f.End)+" "+f.Word, true, "Keep "+f.Word
	c.offer(&p, d, f)
	return c.render(r, "confirm", page{Title: p.Do, Body: p})
}

func (c *console) revoke(r *edge.Request, _ edge.Values) (edge.Page, error) {
	d, f, err := c.find(r)
	if err != nil {
		return edge.Page{}, err
	}
	if d.State != credential.Revoked { // a form that is sent again changes nothing
		if _, err := c.authority.Revoke(r.Context(), &r.Principal, d.Credential.ID); err != nil {
			return edge.Page{}, err
		}
	}
	return c.moveTo(r, f.Base)
}

func (c *console) askRotate(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showRotate(r, nil)
}

func (c *console) showRotate(r *edge.Request, problems []trouble) (edge.Page, error) {
	d, f, err := c.find(r)
	if err != nil {
		return edge.Page{}, err
	}
	p := c.asking(d, f)
	p.Heading = "Rotate " + d.Credential.Name
	p.Text = "It gets a new value, shown once on the next page, and keeps its name, scopes and history."
	c.offer(&p, d, f)
	if len(d.Secrets) > 1 {
		p.Text += " The value from before the present one stops working now."
	}
	expires := "Never"
	if !d.Credential.ExpiresAt.IsZero() {
		expires = when(d.Credential.ExpiresAt)
	}
	p.Facts = append(p.Facts, fact{Title: "New value expires", Text: expires})
	p.To, p.Do, p.Keep, p.Graces, p.Once, p.Problems = r.URL.Path, "Rotate "+f.Word, "Cancel", graces(), rand.Text(), problems
	status := 0
	if problems != nil {
		status = unprocessable
	}
	out, err := c.render(r, "confirm", page{Title: p.Do, Body: p})
	out.Status = status
	return out, err
}

func (c *console) rotate(r *edge.Request, in edge.Values) (edge.Page, error) {
	d, f, err := c.find(r)
	if err != nil {
		return edge.Page{}, err
	}
	once, err := sentOnce(in)
	if err != nil {
		return edge.Page{}, err
	}
	grace, err := time.ParseDuration(in["grace"])
	if err != nil {
		return c.showRotate(r, []trouble{{"grace", "Choose how long the value that works now goes on working."}})
	}
	made, err := c.authority.Rotate(r.Context(), &r.Principal, d.Credential.ID, authority.RotateRequest{Grace: grace, Idempotency: once})
	if errors.Is(err, authority.ErrDone) {
		return c.moveTo(r, f.Base)
	}
	if problems := troubles(err); problems != nil {
		return c.showRotate(r, problems)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.show(r, made, f, "Copy the new value now")
}

// sentOnce makes a form one that is done once, however often it is sent.
func sentOnce(in edge.Values) (*authority.Idempotency, error) {
	if in["once"] == "" {
		return nil, credential.Errorf(credential.BadRequest, "this form doesn't say which it is; load its page again")
	}
	return &authority.Idempotency{Key: "form " + in["once"], Body: bodyOf(in), Once: true}, nil
}

// fields are what forms call the fields of requests.
var fields = map[string]struct{ name, label string }{
	"name": {"name", "The name"}, "scopes": {"scopes", "The scopes"}, "rate_limit": {"rate", "The limit"}, "allowed_addresses": {"addresses", "The addresses"},
	"expires_at": {"expires", "The end"}, "expires_in": {"expires", "The end"},
	"email": {"email", "The address"}, "organization": {"organization", "The name of the organization"}, "code": {"code", "The code"}, "token": {"token", "The code"},
	"password": {"password", "The password"}, "newPassword": {"password-new", "The new password"},
	"issuer": {"issuer", "The issuer"}, "client_id": {"client", "The client ID"}, "client_secret": {"secret-client", "The client secret"}, "domains": {"domains", ""}, "role": {"role", ""},
	"weekly_budget": {"budget", "The budget"}, "hourly_limit": {"hourly", "The limit"}, "coins": {"coins", "The coins"},
	"title": {"title", "The title"}, "description": {"description", "The description"}, "steps_to_reproduce": {"steps", "The steps"}, "body": {"body", "The comment"},
	"priority": {"priority", "The priority"}, "status": {"status", "The status"}, "preconditions": {"preconditions", "The preconditions"}, "folder": {"folder", "The folder"},
	"type": {"type", "The type"}, "labels": {"labels", "The labels"}, "steps": {"steps", "The steps"}, "comment": {"comment", "The comment"},
}

// unprocessable is the status of a form that has to be mended.
const unprocessable = 422

// troubles are what somebody can mend in a form; nil for any other error.
func troubles(err error) []trouble {
	var e *credential.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Kind {
	case credential.Invalid, credential.BadRequest, credential.Conflict, credential.LimitReached, credential.Forbidden:
	default:
		return nil
	}
	name, _, _ := strings.Cut(e.Field, ".")
	f, text := fields[name], stop(e.Detail)
	if f.label != "" && (strings.HasPrefix(text, "Must ") || strings.HasPrefix(text, "May ")) {
		text = f.label + " " + strings.ToLower(text[:1]) + text[1:]
	}
	if strings.HasPrefix(f.name, "password") { // whoever types one counts so, and it is never shorter
		text = strings.ReplaceAll(text, " bytes", " characters")
	}
	return []trouble{{f.name, text}}
}

// problemOf finds what is wrong with a field; nil for nothing.
func problemOf(list []trouble, field string) *trouble {
	for i := range list {
		if list[i].Field == field {
			return &list[i]
		}
	}
	return nil
}
