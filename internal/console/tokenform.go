package console

import (
	"crypto/rand"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// tokenForm is the form of a new token or key, as it is filled in.
type tokenForm struct {
	Kind          *tokenKind
	Kinds         []tab
	To, Back      string
	Once          string
	Name, Expires string // the end is a day, or with Periods a number of days
	Periods       []period
	Project       string // the name of the project that it is of; empty for a personal one
	Access        string
	Matrix        []resource
	Checks        []choice
	Replaces      string // the name of the token whose place it takes
	Tomorrow      string // the first day that may be chosen
	Problems      []trouble
	now           time.Time
}

// Problem finds what is wrong with a field.
func (f tokenForm) Problem(field string) *trouble { return problemOf(f.Problems, field) }

// Presets are the choices of what a key of a project can do.
func (f tokenForm) Presets() []choice {
	return chosen(f.Access, []choice{
		{Value: "all", Title: "All scopes", Note: "Reads and reports everything in the project."},
		{Value: "custom", Title: "Custom", Note: "Only the scopes that you choose."},
	})
}

// Title is the heading of the form.
func (f tokenForm) Title() string { return "New " + f.Kind.Title + " " + f.Kind.Word }

// period is how long a token may live, with what that is good for.
type period struct {
	choice
	End string
}

// periods are the six that TestKase's tokens have, counted from now.
func periods(now time.Time, checked string) (list []period) {
	for _, p := range []choice{
		{Value: "7", Note: "A quick test, a script that runs once, a demo."},
		{Value: "30", Note: "A sprint, or a pipeline that is only tried out."},
		{Value: "60", Note: "A project of some months whose end is known, or seasonal tests."},
		{Value: "90", Note: "A pipeline in production, changed every quarter. The usual choice."},
		{Value: "180", Note: "An established integration, changed twice a year by plan."},
		{Value: "365", Note: "Only where changing it more often isn't practical. Change it every year."},
	} {
		days, _ := strconv.Atoi(p.Value)
		p.Title, p.Checked = p.Value+" days", p.Value == checked
		list = append(list, period{p, when(now.Add(time.Duration(days) * 24 * time.Hour))})
	}
	return list
}

// emptyTokenForm is the form before anything is filled in, which goes to an address.
func (c *console) emptyTokenForm(kind *tokenKind, to string) tokenForm {
	f := tokenForm{Kind: kind, To: to, Back: to, Once: rand.Text(), now: c.authority.Now(), Access: "all"}
	f.Tomorrow = f.now.UTC().AddDate(0, 0, 1).Format(time.DateOnly)
	if kind.scheme == "testkase_pat" {
		f.Expires = "90"
	}
	return f
}

func (c *console) newToken(r *edge.Request, _ edge.None) (edge.Page, error) {
	kind, err := kindNamed(personal, r.Param("scheme"))
	if err != nil {
		return edge.Page{}, err
	}
	f := c.emptyTokenForm(kind, base(r)+"/tokens")
	if err := c.fillFrom(r, &f); err != nil {
		return edge.Page{}, err
	}
	return c.showTokenForm(r, f)
}

// fillFrom fills a form in with what the credential has that the address names.
// One that still works is followed by the next version of it.
func (c *console) fillFrom(r *edge.Request, f *tokenForm) error {
	if r.Param("from") == "" {
		return nil
	}
	id, err := uuid.Parse(r.Param("from"))
	if err != nil {
		return credential.InvalidField("from", "must be the id of a credential")
	}
	d, err := c.authority.Get(r.Context(), &r.Principal, id)
	if err != nil {
		return err
	}
	if d.Credential == nil || d.Credential.Scheme.Name != f.Kind.scheme || !belongs(r, d.Credential) {
		return credential.Errorf(credential.NotFound, "no such credential")
	}
	old := c.tokenRowOf(d, f.To)
	f.Name = old.Name
	f.take(d.Credential.Scopes)
	if !old.Inactive {
		f.Name, f.Replaces = successor(old.Name), old.Name
	}
	switch days := old.days(); {
	case old.Expires.IsZero():
	case f.Kind.scheme == "testkase_pat":
		f.Expires = strconv.Itoa(days)
	default:
		f.Expires = f.now.UTC().AddDate(0, 0, max(1, days)).Format(time.DateOnly)
	}
	return nil
}

func (c *console) showTokenForm(r *edge.Request, f tokenForm) (edge.Page, error) {
	if f.Kind.scheme == "testkase_pat" {
		f.Periods = periods(f.now, f.Expires)
	}
	kinds, at := personal, (*place)(nil)
	if r.PathValue("project") != "" {
		project, p, err := c.projectOf(r)
		if err != nil {
			return edge.Page{}, err
		}
		kinds, at, f.Project = inProjects, p, project.Name
	}
	for _, k := range kinds {
		f.Kinds = append(f.Kinds, tab{Title: k.Title, To: makes(f.To, k.Name), Current: k.Name == f.Kind.Name})
	}
	out, err := c.render(r, "tokensnew", page{Title: f.Title(), Project: at, Body: f})
	if f.Problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// ends reads when a token stops working.
func (f *tokenForm) ends() (e credential.ExpiryChoice) {
	if f.Kind.scheme == "testkase_pat" {
		days, err := strconv.Atoi(f.Expires)
		if err != nil || days < 1 || days > 3650 {
			f.Problems = append(f.Problems, trouble{"expires", "Choose one of the six periods."})
		}
		e.In = time.Duration(days) * 24 * time.Hour
		return e
	}
	if f.Expires == "" {
		return e
	}
	at, err := time.Parse(time.DateOnly, f.Expires)
	if err != nil {
		f.Problems = append(f.Problems, trouble{"expires", "Choose the day on which it stops working, or none."})
	}
	e.At = at
	return e
}

func (c *console) createToken(r *edge.Request, in edge.Values) (edge.Page, error) {
	kind, err := kindNamed(personal, in["scheme"])
	if err != nil {
		return edge.Page{}, err
	}
	return c.makeToken(r, in, c.emptyTokenForm(kind, base(r)+"/tokens"))
}

// makeToken makes what a form asks for, and shows it once.
func (c *console) makeToken(r *edge.Request, in edge.Values, form tokenForm) (edge.Page, error) {
	once, err := sentOnce(in)
	if err != nil {
		return edge.Page{}, err
	}
	form.Once, form.Name, form.Expires, form.Access = in["once"], in["name"], in["expires"], in["access"]
	form.ticked(in)
	req := authority.IssueRequest{Scheme: form.Kind.scheme, Name: form.Name, Expiry: form.ends(), Idempotency: once}
	if named := r.PathValue("project"); named != "" {
		id, err := authority.ParseID(named)
		if err != nil {
			return edge.Page{}, credential.Errorf(credential.NotFound, "no such project")
		}
		req.Project, req.Scopes = &store.ProjectRef{ID: id}, form.wanted()
	}
	if form.Problems != nil {
		return c.showTokenForm(r, form)
	}
	made, err := c.authority.Issue(r.Context(), &r.Principal, req)
	f := familyOf(r)
	if errors.Is(err, authority.ErrDone) {
		return c.moveTo(r, f.Base)
	}
	if !errors.Is(err, credential.Forbidden) {
		form.Problems = troubles(err)
	}
	if form.Problems != nil {
		return c.showTokenForm(r, form)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.show(r, made, f, "Copy your new "+form.Kind.Word+" now")
}

// offer names what may be better than rotating or ending a token: another that
// takes its place, which works beside it.
func (c *console) offer(p *confirmPage, d *authority.Detail, f family) {
	if kindOf(d.Credential.Scheme.Name) == nil || !f.has(d.Credential.Scheme.Name) {
		return
	}
	t := c.tokenRowOf(d, f.Base)
	p.Instead = &link{Title: "Make its replacement", To: t.Successor}
	if d.Credential.Scheme.ExpiryFixed && !p.Danger {
		p.Text += " Its end stays where it is: for a later one, make a replacement."
	}
}
