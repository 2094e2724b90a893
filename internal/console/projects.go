package console

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// projectRoutes are the pages about which projects there are, and who is in them.
func (c *console) projectRoutes() []edge.Route {
	const projects = organization + "/projects"
	const settings = projects + "/{project}/settings"
	read, write := edge.Needs(credential.ProjectsRead), edge.Needs(credential.ProjectsWrite)
	return []edge.Route{
		shows(projects, read, c.projects, "q", "state", "after"),
		shows(projects+"/new", write, c.newProject),
		edge.Form(projects, write, most, c.guarded(c.createProject)),
		shows(settings, read, c.projectSettings, "after"),
		edge.Form(settings, read, most, c.sentAnd(c.describeProject)), // who may depends on the project
		edge.Form(settings+"/limits", write, most, c.guarded(c.limitProject)),
		edge.Form(settings+"/members", edge.Needs(credential.MembersWrite), most, c.guarded(c.setProjectRole)),
		edge.Form(settings+"/members/{member}/remove", edge.Needs(credential.MembersWrite), most, c.guarded(c.leaveProject)),
		shows(settings+"/archive", write, c.askArchive),
		edge.Form(settings+"/archive", write, most, c.guarded(c.archiveProject)),
		edge.Form(settings+"/restore", write, most, c.guarded(c.restoreProject)),
		shows(settings+"/delete", write, c.askDeleteProject),
		edge.Form(settings+"/delete", write, most, c.guarded(c.deleteProject)),
	}
}

// projectsPage lists projects.
type projectsPage struct {
	List    *listing
	Rows    []projectRow
	Manages bool
	Past    bool // whether those are shown that are archived
}

// projectRow is a project in the list.
type projectRow struct {
	Name, Text, Label, To     string
	Role, Members, Credential string
	Created                   time.Time
	Archived                  bool
	Since                     time.Time
}

func (c *console) projects(r *edge.Request, _ edge.None) (edge.Page, error) {
	f := store.ProjectFilter{Archived: r.Param("state") == "archived", Text: r.Param("q"), Limit: pageRows + 1}
	if state := r.Param("state"); state != "" && state != "archived" {
		return edge.Page{}, credential.InvalidField("state", "must be archived")
	}
	var err error
	if f.After, err = afterID(r); err != nil {
		return edge.Page{}, err
	}
	found, err := c.authority.FindProjects(r.Context(), &r.Principal, f)
	if err != nil {
		return edge.Page{}, err
	}
	p := projectsPage{List: listed(r, "Projects", base(r)+"/projects", "q", "state"), Manages: r.Principal.Role.Manages(), Past: f.Archived}
	p.List.Asked = f.Text != ""
	p.List.tab("In service", "state", "", 0)
	p.List.tab("Archived", "state", "archived", 0)
	p.List.search("Name or PRJ number")
	for i := range found[:min(len(found), pageRows)] {
		p.Rows = append(p.Rows, projectRowOf(r, &found[i]))
	}
	if len(found) > pageRows {
		p.List.after(true, found[pageRows-1].ID.String())
	}
	return c.render(r, "projects", page{Title: "Projects", Body: p})
}

func projectRowOf(r *edge.Request, p *store.ListedProject) projectRow {
	row := projectRow{
		Name: p.Name, Text: p.Description, Label: fmt.Sprintf("PRJ-%d", p.OrganizationNumber), To: base(r) + "/projects/" + p.ID.String(), Role: titled(string(p.Role)),
		Members: countOf(p.Members, "member"), Created: p.CreatedAt, Archived: !p.ArchivedAt.IsZero(), Since: p.ArchivedAt,
	}
	if row.Role == "" {
		row.Role = titled(string(r.Principal.Role)) + " of the organization"
	}
	if r.Principal.Role.Manages() {
		row.Credential = countOf(p.Credentials, "credential")
	}
	return row
}

func (c *console) newProject(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showNewProject(r, edge.Values{"once": rand.Text()}, nil)
}

func (c *console) showNewProject(r *edge.Request, in edge.Values, problems []trouble) (edge.Page, error) {
	return c.ask(r, formPage{
		Title: "New project", Back: base(r) + "/projects", BackTitle: "Projects", To: base(r) + "/projects", Do: "Create project", Once: in["once"], Problems: problems,
		Sections: []formSection{{Controls: []control{
			text("name", "Name", in["name"], "What people call it. It stays as it is."),
			{Kind: "area", Name: "description", Label: "Description", Value: in["description"], Most: 10_000, Optional: true},
			{Kind: "check", Name: "public", Label: "Others may know of it", Checked: in["public"] != "", Hint: "BetaHub’s API lists it as public. Who may read and write in it stays the same."},
		}}},
		Asides: []aside{
			{"What it gets", "A number in the organization (PRJ-1), one in the installation (pr-1), a budget, and its first test cycle."},
			{"Who sees it", "Owners and admins. Members and guests once they are added in its settings."},
		},
	})
}

func (c *console) createProject(r *edge.Request, in edge.Values) (edge.Page, error) {
	once, err := sentOnce(in)
	if err != nil {
		return edge.Page{}, err
	}
	made, err := c.authority.CreateProject(r.Context(), &r.Principal, r.Principal.Organization, authority.NameRequest{
		Name: in["name"], Description: in["description"], Public: in["public"] != "", Idempotency: once,
	})
	if errors.Is(err, authority.ErrDone) {
		return c.moveTo(r, base(r)+"/projects")
	}
	problems, err := mend(err, map[string]string{"name": "The name", "description": "The description"})
	if err != nil {
		return edge.Page{}, err
	}
	if problems != nil {
		return c.showNewProject(r, in, problems)
	}
	return c.done(r, base(r)+"/projects/"+made.ID.String()+"/settings", "project")
}

// copyable is a text with a button that copies it.
type copyable struct{ ID, Text, What, Note string }

// projectPage is the settings of a project.
type projectPage struct {
	Name, Description string
	IDs               []copyable
	Public, Archived  bool
	Since             time.Time
	Describes         bool // whether who looks may say what it is
	Manages           bool // and who is in it
	List              *listing
	People            []personRow
	Roles             []choice
	Suggest           []string
	Requests, Window  string
	Windows           []choice
	Limit             string
	Problems          []trouble
	Tried             edge.Values
}

// Problem finds what is wrong with a field.
func (p projectPage) Problem(field string) *trouble { return problemOf(p.Problems, field) }

// personRow is a member of a project.
type personRow struct {
	ID, Name, Email, Role string
	You                   bool
	Joined                time.Time
	Roles                 []choice
}

// projectRoles are those of a project, with what they mean.
var projectRoles = []choice{
	{Value: "admin", Title: "Admin", Note: "Writes in it, and looks after its credentials."},
	{Value: "user", Title: "User", Note: "Writes issues, tests and results in it."},
	{Value: "guest", Title: "Guest", Note: "Reads it."},
}

// windows are the lengths of time of a limit.
var windows = []choice{{Value: "1s", Title: "a second"}, {Value: "1m", Title: "a minute"}, {Value: "1h", Title: "an hour"}, {Value: "1d", Title: "a day"}, {Value: "7d", Title: "7 days"}, {Value: "30d", Title: "30 days"}}

func (c *console) projectSettings(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showProject(r, nil, nil)
}

func (c *console) showProject(r *edge.Request, in edge.Values, problems []trouble) (edge.Page, error) {
	project, at, err := c.projectOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	p := projectPage{
		Name: project.Name, Description: project.Description, Public: project.Public, Archived: !project.ArchivedAt.IsZero(), Since: project.ArchivedAt,
		Manages: r.Principal.Role.Manages(), Problems: problems, Tried: in, Roles: chosen("user", titlesOf(projectRoles)), IDs: idsOf(project),
	}
	if p.Describes, err = c.describes(r, project); err != nil {
		return edge.Page{}, err
	}
	rate, err := c.authority.ProjectRate(r.Context(), &r.Principal, project)
	if err != nil {
		return edge.Page{}, err
	}
	p.limits(rate)
	if err := c.fillPeople(r, project, &p); err != nil {
		return edge.Page{}, err
	}
	if in != nil {
		p.keep(in)
	}
	out, err := c.render(r, "projectsettings", page{Title: "Settings of " + project.Name, Body: p, Project: at})
	if problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// keep fills in what was typed.
func (p *projectPage) keep(in edge.Values) {
	if text, typed := in["description"]; typed {
		p.Description = text
	}
	if _, typed := in["window"]; typed {
		p.Requests = in["requests"]
		chosen(in["window"], p.Windows)
	}
}

// limits says how many requests there may be.
func (p *projectPage) limits(rate credential.Rate) {
	p.Windows, p.Limit = windowsFor(rate.Window), "No limit"
	if rate.Requests > 0 {
		p.Requests = strconv.Itoa(rate.Requests)
		p.Limit = grouped(int64(rate.Requests)) + " requests in " + credential.SpellSpan(rate.Window)
	}
}

// windowsFor are the lengths of time to choose from, with one that is chosen.
func windowsFor(d time.Duration) []choice {
	spelled := "1h"
	if d > 0 {
		spelled = credential.SpellSpan(d)
	}
	list := append([]choice(nil), windows...)
	for _, w := range list {
		if w.Value == spelled {
			return chosen(spelled, list)
		}
	}
	return chosen(spelled, append(list, choice{Value: spelled, Title: spelled}))
}

// idsOf are the ids of a project as the APIs call it.
func idsOf(p *store.Project) []copyable {
	return []copyable{
		{"id-number", fmt.Sprintf("PRJ-%d", p.OrganizationNumber), "Project key", "TestKase’s API and the command line"},
		{"id-betahub", fmt.Sprintf("pr-%d", p.Number), "BetaHub id", "BetaHub’s API"},
		{"id-uuid", p.ID.String(), "Product id", "OneTest’s API, and every other"},
	}
}

// describes reports whether who looks may say what a project is.
func (c *console) describes(r *edge.Request, p *store.Project) (bool, error) {
	if r.Principal.Role.Manages() {
		return true, nil
	}
	seen, err := c.workspace.SeenProject(r.Context(), &r.Principal, store.ProjectRef{ID: p.ID})
	if errors.Is(err, credential.NotFound) || errors.Is(err, credential.Conflict) { // as an archived one
		return false, nil
	}
	return seen.Role == credential.ProjectAdmin && r.Principal.Role == credential.Member, err
}

// fillPeople reads who is in a project.
func (c *console) fillPeople(r *edge.Request, project *store.Project, p *projectPage) error {
	p.List = listed(r, "Members of the project", base(r)+"/projects/"+project.ID.String()+"/settings")
	part := workspace.Section{Page: 1, Limit: pageRows}
	if text := r.Param("after"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 10_000 {
			return credential.InvalidField("after", "must be the number of a page")
		}
		part.Page = n + 1
	}
	people, total, err := c.workspace.People(r.Context(), &r.Principal, store.ProjectRef{ID: project.ID}, part)
	if err != nil {
		return err
	}
	p.List.after(total > int64(part.Page*pageRows), strconv.Itoa(part.Page))
	for i := range people {
		m := &people[i]
		row := personRow{ID: m.ID.String(), Name: m.Name, Email: m.Email, Role: string(m.Role), You: m.ID == r.Principal.Subject, Joined: m.JoinedAt}
		if m.Service {
			row.Email = "Service user"
		}
		row.Roles = chosen(row.Role, titlesOf(projectRoles))
		p.People = append(p.People, row)
	}
	if !p.Manages {
		return nil
	}
	all, err := c.authority.Members(r.Context(), &r.Principal, r.Principal.Organization, uuid.Nil, mostRows)
	for i := range all {
		p.Suggest = append(p.Suggest, all[i].Email)
	}
	return err
}

func (c *console) describeProject(r *edge.Request, in edge.Values) (edge.Page, error) {
	project, at, err := c.projectOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	description := in["description"]
	err = c.workspace.ChangeProduct(r.Context(), &r.Principal, store.ProjectRef{ID: project.ID}, workspace.ProductRequest{Description: &description})
	return c.finished(r, in, projectDone{err, map[string]string{"description": "The description"}, at.Base + "/settings", "saved"})
}

// projectDone is what came of a form of a project's settings.
type projectDone struct {
	err      error
	called   map[string]string
	to, deed string
}

func (c *console) finished(r *edge.Request, in edge.Values, s projectDone) (edge.Page, error) {
	problems, err := mend(s.err, s.called)
	if err != nil {
		return edge.Page{}, err
	}
	if problems != nil {
		return c.showProject(r, in, problems)
	}
	return c.done(r, s.to, s.deed)
}

// rateOf reads so many requests in a window off a form; none is no limit.
func rateOf(in edge.Values) (rate credential.Rate, err error) {
	if in["requests"] == "" {
		return rate, nil
	}
	if rate.Requests, err = strconv.Atoi(in["requests"]); err != nil {
		return rate, credential.InvalidField("requests", "must be a whole number, or nothing for no limit")
	}
	rate.Window, err = credential.ParseSpan("window", in["window"], credential.MaxWindow)
	return rate, err
}

func (c *console) limitProject(r *edge.Request, in edge.Values) (edge.Page, error) {
	project, at, err := c.projectOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	rate, err := rateOf(in)
	if err == nil {
		err = c.authority.SetProjectRate(r.Context(), &r.Principal, project, rate)
	}
	return c.finished(r, in, projectDone{err, map[string]string{"requests": "The requests", "window": "The time"}, at.Base + "/settings", "saved"})
}

func (c *console) setProjectRole(r *edge.Request, in edge.Values) (edge.Page, error) {
	project, at, err := c.projectOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	ref := authority.UserRef{Email: in["email"]}
	if in["member"] != "" {
		if ref.ID, err = authority.ParseID(in["member"]); err != nil {
			return edge.Page{}, credential.Errorf(credential.NotFound, "no such member")
		}
	}
	if ref == (authority.UserRef{}) {
		return c.showProject(r, in, []trouble{{"email", "Type the address of a member of the organization."}})
	}
	err = c.authority.SetProjectMember(r.Context(), &r.Principal, project, ref, credential.ProjectRole(in["role"]))
	if errors.Is(err, credential.NotFound) && in["member"] == "" {
		err = credential.InvalidField("email", "no member of the organization has this address; invite them first")
	}
	return c.finished(r, in, projectDone{err, map[string]string{"user": "The address"}, at.Base + "/settings", "project-role"})
}

func (c *console) leaveProject(r *edge.Request, in edge.Values) (edge.Page, error) {
	project, at, err := c.projectOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	id, err := pathID(r, "member")
	if err != nil {
		return edge.Page{}, err
	}
	err = c.authority.RemoveProjectMember(r.Context(), &r.Principal, project, authority.UserRef{ID: id})
	return c.finished(r, in, projectDone{err, nil, at.Base + "/settings", "project-left"})
}
