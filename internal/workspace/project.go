package workspace

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// ProjectList is a part of the projects that a principal sees.
type ProjectList struct {
	Projects []store.SeenProject
	Total    int
}

// Projects lists the projects in service that a user sees, in the order of
// their creation. Who is confined to a project sees that one.
func (w *Workspace) Projects(ctx context.Context, p *credential.Principal, skip, limit int) (out ProjectList, err error) {
	only := p.ProjectScoped()
	if !p.Permissions.Has(credential.ProjectsRead) || p.SubjectType != credential.SubjectUser && only == uuid.Nil {
		return out, credential.Errorf(credential.Forbidden, "this needs the permission %s of a user", credential.ProjectsRead)
	}
	if only != uuid.Nil {
		return w.onlyProject(ctx, p, only, skip)
	}
	s := store.Seeing{Organization: p.Organization, User: p.Subject, All: p.Role.Manages(), Skip: skip, Limit: limit}
	if out.Total, err = w.store.CountProjectsSeen(ctx, s); err != nil {
		return out, err
	}
	out.Projects, err = w.store.ProjectsSeen(ctx, s)
	return out, err
}

// onlyProject is the list of who is confined to a project.
func (w *Workspace) onlyProject(ctx context.Context, p *credential.Principal, id uuid.UUID, skip int) (out ProjectList, err error) {
	seen, err := w.SeenProject(ctx, p, store.ProjectRef{ID: id})
	if errors.Is(err, credential.NotFound) {
		return out, nil
	}
	if out.Total = 1; err == nil && skip == 0 {
		out.Projects = []store.SeenProject{seen}
	}
	return out, err
}

// SeenProject returns one project as the principal sees it.
func (w *Workspace) SeenProject(ctx context.Context, p *credential.Principal, ref store.ProjectRef) (out store.SeenProject, err error) {
	project, err := w.Project(ctx, p, ref, credential.ProjectsRead)
	if err != nil {
		return out, err
	}
	user := uuid.Nil
	if p.SubjectType == credential.SubjectUser {
		user = p.Subject
	}
	return w.store.ProjectSeen(ctx, project.ID, user)
}

// Profile returns the user on whose behalf a principal acts.
func (w *Workspace) Profile(ctx context.Context, p *credential.Principal) (*store.User, error) {
	if p.SubjectType != credential.SubjectUser {
		return nil, credential.Errorf(credential.Forbidden, "only a user has a profile")
	}
	return w.store.User(ctx, p.Subject)
}

// OwnProject returns the project that a principal is confined to. Knowing its
// name needs no permission.
func (w *Workspace) OwnProject(ctx context.Context, p *credential.Principal) (*store.Project, error) {
	project, _, err := w.store.ProjectFor(ctx, p, store.ProjectRef{ID: p.ProjectScoped()})
	return project, err
}
