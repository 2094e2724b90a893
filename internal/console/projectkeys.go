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
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// The schemes of the credentials of a project that the form makes.
const (
	oneTestKey   = "onetest_key"
	projectToken = "betahub_project_token"
)

// projectKeysPage lists the projects whose credentials somebody looks after.
type projectKeysPage struct {
	Tabs []tab
	List *listing
	Rows []link
}

func (c *console) projectKeys(r *edge.Request, _ edge.None) (edge.Page, error) {
	skip := 0
	if text := r.Param("after"); text != "" {
		var err error
		if skip, err = strconv.Atoi(text); err != nil || skip < 0 || skip > 100_000 {
			return edge.Page{}, credential.InvalidField("after", "must be a number of this list")
		}
	}
	found, err := c.workspace.Projects(r.Context(), &r.Principal, skip, mostRows)
	if err != nil {
		return edge.Page{}, err
	}
	p := projectKeysPage{Tabs: keyTabs(r), List: listed(r, "Projects", base(r)+"/keys/projects")}
	for _, project := range found.Projects {
		if r.Principal.Role.Manages() || r.Principal.Role == credential.Member && project.Role == credential.ProjectAdmin {
			p.Rows = append(p.Rows, link{Title: project.Name, To: base(r) + "/projects/" + project.ID.String() + "/credentials"})
		}
	}
	p.List.after(skip+len(found.Projects) < found.Total, strconv.Itoa(skip+len(found.Projects)))
	return c.render(r, "projectkeys", page{Title: "Keys of projects", Body: p})
}

// projectCredentialsPage lists the credentials of a project.
type projectCredentialsPage struct {
	List     *listing
	Rows     []row
	Archived bool
	New      string
	Product  string // the id by which OneTest's API names the project
	Number   string // by which BetaHub's does
}

// administered is the project in the path, for who looks after its credentials.
func (c *console) administered(r *edge.Request) (*store.Project, *place, error) {
	project, place, err := c.projectOf(r)
	if err != nil {
		return nil, nil, err
	}
	ok, err := c.authority.Administers(r.Context(), &r.Principal, project.ID)
	if err == nil && !ok {
		err = credential.Errorf(credential.Forbidden, "administrators of the project look after its credentials; ask one of them")
	}
	return project, place, err
}

func (c *console) projectCredentials(r *edge.Request, _ edge.None) (edge.Page, error) {
	project, place, err := c.administered(r)
	if err != nil {
		return edge.Page{}, err
	}
	f, err := c.familyOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	schemes := c.schemesOf(credential.OwnedByProject)
	p := projectCredentialsPage{List: listed(r, "Credentials", f.Base, "scheme", "state", "q"), Archived: !project.ArchivedAt.IsZero(),
		New: f.Acts + "/new", Product: project.ID.String(), Number: "pr-" + strconv.FormatInt(project.Number, 10)}
	p.List.search("Name or last characters")
	p.List.tab("All", "scheme", "", 0)
	for _, name := range schemes {
		p.List.tab(schemeTitle(name)+"s", "scheme", name, 0)
	}
	p.List.filter("state", "State", choice{Title: "Any state"}, choice{Value: "active", Title: "Active"}, choice{Value: "ending", Title: "End soon"}, choice{Value: "expired", Title: "Expired"})
	req := authority.ListRequest{Organization: r.Principal.Organization, Project: &store.ProjectRef{ID: project.ID}, Schemes: schemes, Text: p.List.Q, Soon: soon, Limit: tokenRows + 1}
	if name := r.Param("scheme"); name != "" {
		if !slices.Contains(schemes, name) {
			return edge.Page{}, credential.InvalidField("scheme", "must be that of a credential of projects")
		}
		req.Schemes = []string{name}
	}
	if err := stateOf(r, &req); err != nil {
		return edge.Page{}, err
	}
	found, err := c.authority.List(r.Context(), &r.Principal, req)
	if err != nil {
		return edge.Page{}, err
	}
	p.List.page(found, tokenRows)
	for i := range found[:min(len(found), tokenRows)] {
		if found[i].Credential != nil {
			p.Rows = append(p.Rows, c.rowIn(r, &found[i], &f))
		}
	}
	return c.render(r, "projectcredentials", page{Title: "Credentials of " + project.Name, Project: place, Body: p})
}

// projectForm is the form of a new credential of a project, as it is filled in.
type projectForm struct {
	To, Back              string
	Once, Kind            string
	Name, Date, Addresses string
	Access                string // all or custom
	Scopes                []choice
	Kinds                 []choice
	Least, Last           string
	Required              bool
	Problems              []trouble
}

// Problem finds what is wrong with a field.
func (f projectForm) Problem(field string) *trouble { return problemOf(f.Problems, field) }

// IsKey reports whether it is the form of a key, and not that of a token.
func (f projectForm) IsKey() bool { return f.Kind == oneTestKey }

func (c *console) newProjectCredential(r *edge.Request, _ edge.None) (edge.Page, error) {
	f := projectForm{Kind: r.Param("kind"), Access: "all"}
	if from := r.Param("from"); from != "" {
		if err := c.likeCredential(r, from, &f); err != nil {
			return edge.Page{}, err
		}
	}
	return c.showProjectForm(r, f)
}

// likeCredential fills the form in like a credential that the project had before.
func (c *console) likeCredential(r *edge.Request, from string, f *projectForm) error {
	missing := credential.Errorf(credential.NotFound, "no such credential")
	id, err := uuid.Parse(from)
	if err != nil {
		return missing
	}
	d, err := c.authority.Get(r.Context(), &r.Principal, id)
	if err != nil {
		return err
	}
	if d.Credential == nil || d.Credential.Project.String() != r.PathValue("project") {
		return missing
	}
	f.Kind, f.Name, f.Access = d.Credential.Scheme.Name, d.Credential.Name, "custom"
	if len(d.Credential.Scopes) == len(d.Credential.Scheme.Scopes.Default) {
		f.Access = "all"
	}
	for _, s := range d.Credential.Scopes {
		f.Scopes = append(f.Scopes, choice{Value: string(s), Checked: true})
	}
	f.Addresses = strings.Join(texts(d.Credential.AllowedAddresses), "\n")
	return nil
}

// scopeNotes say what the scopes of a project's credentials are for.
var scopeNotes = map[credential.Scope]string{
	"can_create_bug_report": "Report bugs", "can_create_feature_request": "Ask for features", "can_create_support_ticket": "Ask for help",
	"autotests:read": "Read results of tests", "autotests:write": "Report results of tests", "testcases:read": "Read test cases", "testcases:write": "Change test cases",
	"testruns:read": "Read test runs", "testruns:write": "Change test runs", "artifacts:read": "Read files", "artifacts:write": "Store files",
	"membership:read": "Read products and members", "membership:write": "Change products", "activity:read": "Read what is used",
}

func (c *console) showProjectForm(r *edge.Request, f projectForm) (edge.Page, error) {
	project, place, err := c.administered(r)
	if err != nil {
		return edge.Page{}, err
	}
	policy, err := c.authority.Policy(r.Context(), &r.Principal, r.Principal.Organization)
	if err != nil {
		return edge.Page{}, err
	}
	if f.Kind == "" || c.authority.Schemes().ByName(f.Kind) == nil || f.Kind != projectToken {
		f.Kind = oneTestKey
	}
	if f.Once == "" {
		f.Once = rand.Text()
	}
	f.Back = place.Base + "/credentials"
	f.To = f.Back
	scheme, given := c.authority.Schemes().ByName(f.Kind), map[string]bool{}
	for _, s := range f.Scopes {
		given[s.Value] = s.Checked
	}
	f.Scopes = nil
	for _, s := range scheme.Scopes.Names() {
		f.Scopes = append(f.Scopes, choice{Value: string(s), Note: scopeNotes[s], Checked: given[string(s)]})
	}
	rule, now := policy.Of(scheme), c.authority.Now()
	f.Least, f.Required = now.UTC().Format(time.DateOnly), rule.ExpiryRequired || rule.MaxLifetime > 0
	if rule.MaxLifetime > 0 {
		f.Last = now.Add(rule.MaxLifetime).UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	}
	title := "New project token"
	if f.IsKey() {
		title = "New API key"
	}
	out, err := c.render(r, "newprojectcredential", page{Title: title + " of " + project.Name, Project: place, Body: f})
	if f.Problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

func (c *console) createProjectCredential(r *edge.Request, in edge.Values) (edge.Page, error) {
	project, _, err := c.administered(r)
	if err != nil {
		return edge.Page{}, err
	}
	once, err := c.sentOnce(r, in)
	if err != nil {
		return edge.Page{}, err
	}
	form := projectForm{Once: in["once"], Kind: in["kind"], Name: in["name"], Date: in["date"], Addresses: in["addresses"], Access: in["access"]}
	if form.Kind != oneTestKey && form.Kind != projectToken {
		return edge.Page{}, credential.InvalidField("kind", "must be that of a key or token of projects")
	}
	req := authority.IssueRequest{Scheme: form.Kind, Name: form.Name, Project: &store.ProjectRef{ID: project.ID}, Addresses: strings.Fields(form.Addresses), Idempotency: once}
	for _, s := range c.authority.Schemes().ByName(form.Kind).Scopes.Names() {
		if in["scope:"+string(s)] != "" {
			form.Scopes = append(form.Scopes, choice{Value: string(s), Checked: true})
			if form.Kind != oneTestKey || form.Access != "all" {
				req.Scopes = append(req.Scopes, s)
			}
		}
	}
	if req.Scopes == nil && (form.Kind != oneTestKey || form.Access != "all") {
		form.Problems = append(form.Problems, trouble{"scopes", "Choose at least one: without any it can do nothing."})
	}
	req.Expiry = lastDay(form.Date, &form.Problems)
	if form.Problems != nil {
		return c.showProjectForm(r, form)
	}
	made, err := c.authority.Issue(r.Context(), &r.Principal, req)
	f, failed := c.familyOf(r)
	if failed != nil {
		return edge.Page{}, failed
	}
	if errors.Is(err, authority.ErrDone) {
		return c.moveTo(r, f.Base)
	}
	if form.Problems = troubles(err); form.Problems != nil {
		for i := range form.Problems {
			if form.Problems[i].Field == "expires" {
				form.Problems[i].Field = "date"
			}
		}
		return c.showProjectForm(r, form)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.show(r, made, f, "Copy the new value now")
}
