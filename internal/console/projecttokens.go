package console

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// onetestScopes are what the scopes of OneTest's keys are about.
var onetestScopes = []resource{
	{Name: "testcases", Title: "Test cases", Note: "what is tested", Writable: true},
	{Name: "testruns", Title: "Test runs", Note: "and their results", Writable: true},
	{Name: "autotests", Title: "Automated tests", Note: "what reporters send", Writable: true},
	{Name: "artifacts", Title: "Artifacts", Note: "files, pictures and logs", Writable: true},
	{Name: "membership", Title: "Products", Note: "environments, builds and releases", Writable: true},
	{Name: "activity", Title: "Usage", Note: "what was used of the budget"},
}

// projectScopes are what BetaHub's tokens of a project may do.
var projectScopes = []choice{
	{Value: "can_create_bug_report", Title: "Create bug reports", Checked: true},
	{Value: "can_create_feature_request", Title: "Create feature requests"},
	{Value: "can_create_support_ticket", Title: "Create support tickets"},
}

// projectTokens is the page of the credentials of a project.
func (c *console) projectTokens(r *edge.Request, _ edge.None) (edge.Page, error) {
	project, at, err := c.projectOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	writes, err := c.authority.Administers(r.Context(), &r.Principal, project.ID)
	if err != nil {
		return edge.Page{}, err
	}
	to := at.Base + "/credentials"
	p := tokensPage{
		List: listed(r, "Credentials of the project", to, "scheme", "state", "q"), Title: "Credentials of " + project.Name, Looks: !writes, Product: project.ID.String(),
		Lead:  "Keys and tokens that reach this project and no other. They belong to the project, and go on working when people leave.",
		Empty: "No key or token yet", Start: "OneTest's keys report test results and read them. BetaHub's tokens go into a game or a form, and only create reports.",
	}
	read := func(scheme string, before uuid.UUID) ([]authority.Detail, error) {
		if !writes {
			return nil, nil
		}
		return c.authority.List(r.Context(), &r.Principal, authority.ListRequest{
			Organization: r.Principal.Organization, Project: &store.ProjectRef{ID: project.ID}, Scheme: scheme, Kept: true, Before: before, Limit: mostRows,
		})
	}
	err = p.fill(r, inProjects, read, func(d *authority.Detail) *tokenRow {
		t := c.tokenRowOf(d, to)
		t.Writes = true
		return &t
	})
	if err != nil {
		return edge.Page{}, err
	}
	switch {
	case !writes:
		p.Empty, p.Start = "Nothing that you look after", "Who administers this project, and owners and admins of the organization, look after its keys and tokens."
	case project.ArchivedAt.IsZero():
		p.Make = []link{{Title: "New Token", To: makes(to, "betahub")}, {Title: "Create API Key", To: makes(to, "onetest"), Current: true}}
	}
	return c.render(r, "tokens", page{Title: p.Title, Project: at, Body: p})
}

// projectForm is the form of what a project gets, for who administers it.
func (c *console) projectForm(r *edge.Request, kind string) (tokenForm, error) {
	project, at, err := c.projectOf(r)
	if err != nil {
		return tokenForm{}, err
	}
	writes, err := c.authority.Administers(r.Context(), &r.Principal, project.ID)
	if err == nil && !writes {
		err = credential.Errorf(credential.Forbidden, "only administrators of the project make its credentials")
	}
	if err != nil {
		return tokenForm{}, err
	}
	k, err := kindNamed(inProjects, kind)
	if err != nil {
		return tokenForm{}, err
	}
	f := c.emptyTokenForm(k, at.Base+"/credentials")
	f.Matrix, f.Checks = slices.Clone(onetestScopes), slices.Clone(projectScopes)
	if k.Name == "onetest" {
		f.Checks = nil
	} else {
		f.Matrix = nil
	}
	return f, nil
}

func (c *console) newProjectToken(r *edge.Request, _ edge.None) (edge.Page, error) {
	f, err := c.projectForm(r, r.Param("scheme"))
	if err == nil {
		err = c.fillFrom(r, &f)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.showTokenForm(r, f)
}

func (c *console) createProjectToken(r *edge.Request, in edge.Values) (edge.Page, error) {
	f, err := c.projectForm(r, in["scheme"])
	if err != nil {
		return edge.Page{}, err
	}
	return c.makeToken(r, in, f)
}

// take fills the scopes of a form in with those of another credential.
func (f *tokenForm) take(scopes []credential.Scope) {
	for i := range f.Checks {
		f.Checks[i].Checked = slices.Contains(scopes, credential.Scope(f.Checks[i].Value))
	}
	every := 0
	for i := range f.Matrix {
		m := &f.Matrix[i]
		m.Read = slices.Contains(scopes, credential.Scope(m.Name+":read"))
		m.Write = slices.Contains(scopes, credential.Scope(m.Name+":write"))
		if m.Read && (m.Write || !m.Writable) {
			every++
		}
	}
	if f.Access = "custom"; every == len(f.Matrix) {
		f.Access = "all"
	}
}

// ticked fills the scopes of a form in with what was sent.
func (f *tokenForm) ticked(in edge.Values) {
	for i := range f.Checks {
		f.Checks[i].Checked = in[f.Checks[i].Value] != ""
	}
	for i := range f.Matrix {
		f.Matrix[i].Read, f.Matrix[i].Write = in["read:"+f.Matrix[i].Name] != "", in["write:"+f.Matrix[i].Name] != ""
	}
}

// wanted are the scopes that a form asks for; none stands for all.
func (f *tokenForm) wanted() (list []credential.Scope) {
	for _, c := range f.Checks {
		if c.Checked {
			list = append(list, credential.Scope(c.Value))
		}
	}
	for _, m := range f.Matrix {
		if m.Read && f.Access == "custom" {
			list = append(list, credential.Scope(m.Name+":read"))
		}
		if m.Write && m.Writable && f.Access == "custom" {
			list = append(list, credential.Scope(m.Name+":write"))
		}
	}
	if list == nil && (f.Matrix == nil || f.Access != "all") {
		f.Problems = append(f.Problems, trouble{"scopes", "Choose at least one: a " + strings.ToLower(f.Kind.Word) + " without any can do nothing."})
	}
	return list
}
