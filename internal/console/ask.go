package console

import (
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// confirmPage asks before something is done.
type confirmPage struct {
	Heading, Text, Hint string
	Instead             link // what may be done instead
	Kept                []pair
	To, Back, BackTitle string
	Do, Keep            string // the two buttons
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
func (c *console) asking(r *edge.Request, d *authority.Detail, f *family) confirmPage {
	row := c.rowIn(r, d, f)
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
	p := c.asking(r, d, &f)
	p.Heading = titled(f.End) + " " + d.Credential.Name + "?"
	p.Text = "Requests with it get 401 right away, and so do access tokens that were made from it. This can't be taken back."
	p.Hint = "To change the value without an interruption, rotate the " + f.Word + " instead."
	if own := c.rowIn(r, d, &f); d.Credential.User != uuid.Nil && own.Again != "" {
		p.Hint = "If something still uses it, make its replacement first and change everything over, so that no pipeline fails."
		p.Instead = link{Title: "Make its replacement", To: own.Again + "&next=1"}
	}
	p.To, p.Do, p.Danger, p.Keep = r.URL.Path, titled(f.End)+" "+f.Word, true, "Keep "+f.Word
	return c.render(r, "confirm", page{Title: p.Do, Project: f.place, Body: p})
}

func (c *console) revoke(r *edge.Request, in edge.Values) (edge.Page, error) {
	d, f, err := c.find(r)
	if err == nil {
		err = c.sent(r, in)
	}
	if err != nil {
		return edge.Page{}, err
	}
	if d.State != credential.Revoked { // a form that is sent again changes nothing
		if _, err := c.authority.Revoke(r.Context(), &r.Principal, d.Credential.ID); err != nil {
			return edge.Page{}, err
		}
	}
	return c.done(r, f.Base, f.deed)
}

func (c *console) askRotate(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showRotate(r, nil)
}

func (c *console) showRotate(r *edge.Request, problems []trouble) (edge.Page, error) {
	d, f, err := c.find(r)
	if err != nil {
		return edge.Page{}, err
	}
	p := c.asking(r, d, &f)
	p.Heading = "Rotate " + d.Credential.Name
	p.Text = "It gets a new value, shown once on the next page, and keeps its name, scopes and history."
	if len(d.Secrets) > 1 {
		p.Text += " The value from before the present one stops working now."
	}
	expires := "Never"
	if !d.Credential.ExpiresAt.IsZero() {
		expires = when(d.Credential.ExpiresAt)
	}
	p.Facts = append(p.Facts, fact{Title: "New value expires", Text: expires})
	if own := c.rowIn(r, d, &f); d.Credential.Scheme.ExpiryFixed && own.Again != "" {
		p.Hint = "The end stays as it is: it can't be changed. For a later one make a token that takes its place."
		p.Instead = link{Title: "Make its successor", To: own.Again + "&next=1"}
	}
	p.To, p.Do, p.Keep, p.Graces, p.Once, p.Problems = r.URL.Path, "Rotate "+f.Word, "Cancel", graces(), rand.Text(), problems
	status := 0
	if problems != nil {
		status = unprocessable
	}
	out, err := c.render(r, "confirm", page{Title: p.Do, Project: f.place, Body: p})
	out.Status = status
	return out, err
}

func (c *console) rotate(r *edge.Request, in edge.Values) (edge.Page, error) {
	d, f, err := c.find(r)
	if err != nil {
		return edge.Page{}, err
	}
	once, err := c.sentOnce(r, in)
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

// sentOnce is sent for forms that make a secret, and makes them ones that are
// done once, however often they are sent.
func (c *console) sentOnce(r *edge.Request, in edge.Values) (*authority.Idempotency, error) {
	if err := c.sent(r, in); err != nil {
		return nil, err
	}
	if in["once"] == "" {
		return nil, credential.Errorf(credential.BadRequest, "this form doesn't say which it is; load its page again")
	}
	return &authority.Idempotency{Key: "form " + in["once"], Body: bodyOf(in), Once: true}, nil
}

// fields are what forms call the fields of requests.
var fields = map[string]struct{ name, label string }{
	"name": {"name", "The name"}, "scopes": {"scopes", "The scopes"}, "rate_limit": {"rate", "The limit"}, "allowed_addresses": {"addresses", "The addresses"},
	"expires_at": {"expires", "The end"}, "expires_in": {"expires", "The end"}, "scheme": {"scheme", "The kind"},
	"weekly_budget": {"budget", "The budget"}, "hourly_limit": {"hourly", "The limit"}, "coins": {"coins", "The coins"},
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
