package console

import (
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// resources are what the scopes of API keys are about.
var resources = []resource{
	{Name: "projects", Title: "Projects", Note: "with their issues, tests, runs and results", Writable: true},
	{Name: "members", Title: "Members", Note: "who is in the organization", Writable: true},
	{Name: "webhooks", Title: "Webhooks", Note: "and their deliveries", Writable: true},
	{Name: "billing", Title: "Usage", Note: "what was used"},
	{Name: "audit-logs", Title: "Audit log", Note: "who changed what"},
}

// resource is a line of the table of scopes.
type resource struct {
	Name, Title, Note     string
	Writable, Read, Write bool
}

// keyForm is the form of a new API key, as it is filled in.
type keyForm struct {
	Once                              string
	Name, Mode, Access, Expires, Date string
	Rate, Addresses                   string
	DefaultRate                       int
	Matrix                            []resource
	Problems                          []trouble
	now                               time.Time
}

// Problem finds what is wrong with a field.
func (f keyForm) Problem(field string) *trouble { return problemOf(f.Problems, field) }

// Modes are the choices of a mode.
func (f keyForm) Modes() []choice {
	return chosen(f.Mode, []choice{
		{Value: "test", Title: "Test", Note: "For trying things out. Begins with bsk_test_."},
		{Value: "live", Title: "Live", Note: "For production. Begins with bsk_live_."},
	})
}

// Presets are the choices of what it can do.
func (f keyForm) Presets() []choice {
	return chosen(f.Access, []choice{
		{Value: "read", Title: "Read only", Note: "Lists and fetches everything, changes nothing."},
		{Value: "all", Title: "Read and write", Note: "Everything but making and revoking keys."},
		{Value: "custom", Title: "Custom", Note: "Only the scopes that you choose."},
	})
}

// Lifetimes are the choices of an end.
func (f keyForm) Lifetimes() []choice {
	var list []choice
	for _, days := range []int{7, 30, 90, 180, 365} {
		list = append(list, choice{Value: strconv.Itoa(days), Title: strconv.Itoa(days) + " days", Note: when(f.now.AddDate(0, 0, days))})
	}
	return chosen(f.Expires, append(list, choice{Value: "date", Title: "On a day"}, choice{Value: "never", Title: "Never"}))
}

func chosen(value string, list []choice) []choice {
	for i := range list {
		list[i].Checked = list[i].Value == value
	}
	return list
}

// emptyKeyForm is the form before anything is filled in.
func (c *console) emptyKeyForm() keyForm {
	return keyForm{
		Once: rand.Text(), Mode: "test", Access: "read", Expires: "90", DefaultRate: c.authority.Schemes().ByName("bunship_live").PerMinute, Matrix: slices.Clone(resources), now: c.authority.Now(),
	}
}

func (c *console) newKey(r *edge.Request, _ edge.None) (edge.Page, error) {
	if err := manages(r); err != nil {
		return edge.Page{}, err
	}
	f := c.emptyKeyForm()
	if from := r.Param("from"); from != "" {
		if err := c.recreate(r, from, &f); err != nil {
			return edge.Page{}, err
		}
	}
	f.prefill(r)
	return c.showKeyForm(r, f)
}

// prefill fills a form in by the query: a link in somebody's documents can name
// what their integration needs. What it can't mean is left as it was.
func (f *keyForm) prefill(r *edge.Request) {
	if name := r.Param("name"); name != "" {
		f.Name = name
	}
	if mode := r.Param("mode"); mode == "live" || mode == "test" {
		f.Mode = mode
	}
	if expires := r.Param("expires"); slices.ContainsFunc(f.Lifetimes(), func(c choice) bool { return c.Value == expires }) {
		f.Expires = expires
	}
	for _, scope := range strings.FieldsFunc(r.Param("scopes"), func(c rune) bool { return c == ' ' || c == ',' }) {
		f.tick(scope)
	}
}

// tick checks the box of a scope, in either of its spellings.
func (f *keyForm) tick(scope string) {
	act, name, _ := strings.Cut(scope, ":")
	if act != "read" && act != "write" {
		act, name = name, act
	}
	for i := range f.Matrix {
		if m := &f.Matrix[i]; m.Name == name && (act == "read" || act == "write" && m.Writable) {
			m.Read, m.Write, f.Access = m.Read || act == "read", m.Write || act == "write", "custom"
		}
	}
}

// recreate fills a form in with what another key has.
func (c *console) recreate(r *edge.Request, from string, f *keyForm) error {
	id, err := uuid.Parse(from)
	if err != nil {
		return credential.InvalidField("from", "must be the id of a key")
	}
	d, err := c.authority.Get(r.Context(), &r.Principal, id)
	if err != nil {
		return err
	}
	old := d.Credential
	if old == nil || old.Scheme.Group() != "bunship" {
		return credential.Errorf(credential.NotFound, "no such key")
	}
	f.Name, f.Mode, f.Access = old.Name, old.Scheme.Mode, "custom"
	if old.RateLimit > 0 {
		f.Rate = strconv.Itoa(old.RateLimit)
	}
	for _, p := range old.AllowedAddresses {
		f.Addresses += p.String() + "\n"
	}
	for _, s := range old.Scopes {
		f.tick(string(s))
		if s == credential.AllScope {
			f.Access = "all"
		}
	}
	return nil
}

func (c *console) showKeyForm(r *edge.Request, f keyForm) (edge.Page, error) {
	out, err := c.render(r, "newkey", page{Title: "New API key", Body: f})
	if f.Problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// filled is the form as it was sent.
func (c *console) filled(in edge.Values) keyForm {
	f := c.emptyKeyForm()
	f.Once, f.Name, f.Mode, f.Access, f.Expires, f.Date = in["once"], in["name"], in["mode"], in["access"], in["expires"], in["date"]
	f.Rate, f.Addresses = in["rate"], in["addresses"]
	for i := range f.Matrix {
		f.Matrix[i].Read, f.Matrix[i].Write = in["read:"+f.Matrix[i].Name] != "", in["write:"+f.Matrix[i].Name] != ""
	}
	return f
}

// request is what a form asks for.
func (f *keyForm) request() authority.IssueRequest {
	req := authority.IssueRequest{Scheme: "bunship_" + f.Mode, Name: f.Name, Scopes: f.scopes(), Addresses: strings.Fields(f.Addresses)}
	if f.Mode != "live" && f.Mode != "test" {
		f.Problems = append(f.Problems, trouble{"mode", "Choose live or test."})
	}
	if len(req.Scopes) == 0 {
		f.Problems = append(f.Problems, trouble{"scopes", "Choose at least one scope: a key without any can do nothing."})
	}
	if f.Rate != "" {
		var err error
		if req.RateLimit, err = strconv.Atoi(f.Rate); err != nil || req.RateLimit < 1 {
			f.Problems = append(f.Problems, trouble{"rate", "Type a whole number of requests, at least 1, or leave it empty for the usual limit."})
		}
	}
	req.Expiry = f.expiry()
	return req
}

func (f *keyForm) scopes() (list []credential.Scope) {
	switch f.Access {
	case "all":
		return []credential.Scope{credential.AllScope}
	case "read", "custom":
		for _, m := range f.Matrix {
			if m.Read || f.Access == "read" {
				list = append(list, credential.Scope("read:"+m.Name))
			}
			if m.Write && m.Writable && f.Access == "custom" {
				list = append(list, credential.Scope("write:"+m.Name))
			}
		}
	}
	return list
}

func (f *keyForm) expiry() (e credential.ExpiryChoice) {
	switch f.Expires {
	case "never":
		return e
	case "date":
		at, err := time.Parse(time.DateOnly, f.Date)
		if err != nil {
			f.Problems = append(f.Problems, trouble{"expires", "Choose the day on which the key stops working."})
		}
		e.At = at
		return e
	}
	days, err := strconv.Atoi(f.Expires)
	if err != nil || days < 1 || days > 3650 {
		f.Problems = append(f.Problems, trouble{"expires", "Choose when the key stops working."})
	}
	e.In = time.Duration(days) * 24 * time.Hour
	return e
}

func (c *console) createKey(r *edge.Request, in edge.Values) (edge.Page, error) {
	if err := manages(r); err != nil {
		return edge.Page{}, err
	}
	once, err := sentOnce(in)
	if err != nil {
		return edge.Page{}, err
	}
	form := c.filled(in)
	req := form.request()
	if form.Problems != nil {
		return c.showKeyForm(r, form)
	}
	req.Idempotency = once
	made, err := c.authority.Issue(r.Context(), &r.Principal, req)
	f := familyOf(r)
	if errors.Is(err, authority.ErrDone) {
		return c.moveTo(r, f.Base)
	}
	if form.Problems = troubles(err); form.Problems != nil {
		return c.showKeyForm(r, form)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.show(r, made, f, "Copy your new key now")
}
