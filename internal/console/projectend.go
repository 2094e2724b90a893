package console

import (
	"fmt"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// working counts the credentials of a project that would stop, up to a bound.
func (c *console) working(r *edge.Request, p *store.Project) (string, error) {
	found, err := c.authority.List(r.Context(), &r.Principal, authority.ListRequest{Organization: p.Organization, Project: &store.ProjectRef{ID: p.ID}, State: credential.Active, Limit: mostRows})
	if len(found) == mostRows {
		return fmt.Sprintf("%d or more", mostRows), err
	}
	return countOf(len(found), "credential"), err
}

func (c *console) askArchive(r *edge.Request, _ edge.None) (edge.Page, error) {
	project, at, err := c.projectOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	n, err := c.working(r, project)
	if err != nil {
		return edge.Page{}, err
	}
	return c.sure(r, surePage{
		Heading: "Archive " + project.Name + "?", To: r.URL.Path, Do: "Archive project", Keep: "Keep it in service", Back: at.Base + "/settings", BackTitle: "Settings of " + project.Name, Project: at,
		Texts: []string{"Its credentials get 401 from the next request on, and nobody writes in it. It can be put back in service, and then they work again."},
		Facts: []fact{{Title: "Credentials that stop", Text: n}},
	})
}

func (c *console) archiveProject(r *edge.Request, _ edge.Values) (edge.Page, error) {
	return c.shelve(r, true)
}

func (c *console) restoreProject(r *edge.Request, _ edge.Values) (edge.Page, error) {
	return c.shelve(r, false)
}

func (c *console) shelve(r *edge.Request, archive bool) (edge.Page, error) {
	project, at, err := c.projectOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	if archive == project.ArchivedAt.IsZero() { // a form that is sent again changes nothing
		if _, err := c.authority.ArchiveProject(r.Context(), &r.Principal, r.Principal.Organization, project.ID, archive); err != nil {
			return edge.Page{}, err
		}
	}
	if archive {
		return c.done(r, at.Base+"/settings", "archived")
	}
	return c.done(r, at.Base+"/settings", "restored")
}

func (c *console) askDeleteProject(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showDeleteProject(r, nil)
}

func (c *console) showDeleteProject(r *edge.Request, problems []trouble) (edge.Page, error) {
	project, at, err := c.projectOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	n, err := c.working(r, project)
	if err != nil {
		return edge.Page{}, err
	}
	return c.sure(r, surePage{
		Heading: "Delete " + project.Name + "?", To: r.URL.Path, Do: "Delete project", Keep: "Keep project", Danger: true, Typed: project.Name, Problems: problems,
		Back: at.Base + "/settings", BackTitle: "Settings of " + project.Name, Project: at,
		Texts: []string{"Its issues, tests and results are gone from every page and API, and its credentials are revoked. This can't be taken back."},
		Facts: []fact{{Title: "Project", Text: fmt.Sprintf("PRJ-%d", project.OrganizationNumber)}, {Title: "Credentials that are revoked", Text: n}},
		Hint:  "To stop it for a while, archive it instead.",
	})
}

func (c *console) deleteProject(r *edge.Request, in edge.Values) (edge.Page, error) {
	project, _, err := c.projectOf(r)
	if err != nil {
		return edge.Page{}, err
	}
	if problems := mistyped(in, project.Name); problems != nil {
		return c.showDeleteProject(r, problems)
	}
	if err := c.authority.DeleteProject(r.Context(), &r.Principal, r.Principal.Organization, project.ID); err != nil {
		return edge.Page{}, err
	}
	return c.done(r, base(r)+"/projects", "project-deleted")
}
