package workspace

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// OwnOrganization returns the organization that a principal acts in. Who sees
// projects knows whose they are.
func (w *Workspace) OwnOrganization(ctx context.Context, p *credential.Principal) (*store.Organization, error) {
	if !p.Permissions.Has(credential.ProjectsRead) {
		return nil, credential.Errorf(credential.Forbidden, "this needs the permission %s", credential.ProjectsRead)
	}
	return w.store.Organization(ctx, p.Organization)
}
