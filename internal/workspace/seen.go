package workspace

import (
	"context"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// ProjectsSeen lists the projects that a principal sees in its organization,
// with its user's role in each, in the order of their numbers. At most
// store.MostCounted are counted.
func (w *Workspace) ProjectsSeen(ctx context.Context, p *credential.Principal, s Section) ([]store.ProjectSeen, int64, error) {
	if !p.Permissions.Has(credential.ProjectsRead) {
		return nil, 0, credential.Errorf(credential.Forbidden, "this needs the permission %s", credential.ProjectsRead)
	}
	if s.Page > store.MostCounted/s.Limit {
		return nil, 0, credential.InvalidField("page", "a list is paged up to its item %d", store.MostCounted)
	}
	sight := store.Sight{Organization: p.Organization, Project: p.ProjectScoped()}
	if p.SubjectType == credential.SubjectUser {
		sight.User, sight.Added = p.Subject, !p.Role.Manages()
	}
	if sight.Organization == uuid.Nil {
		return nil, 0, credential.Errorf(credential.NotFound, "no such organization")
	}
	list, err := w.store.ProjectsSeen(ctx, sight, (s.Page-1)*s.Limit, s.Limit)
	if err != nil {
		return nil, 0, err
	}
	total, err := w.store.CountProjectsSeen(ctx, sight)
	return list, total, err
}
