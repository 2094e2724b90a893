package authority

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// visible finds a credential that the principal may read. What it may not see
// is credential.NotFound, the same as what doesn't exist.
func (a *Authority) visible(ctx context.Context, p *credential.Principal, id uuid.UUID) (*credential.Credential, error) {
	c, err := a.store.CredentialIn(ctx, nilIfWide(p), id)
	if errors.Is(err, credential.Damaged) && !seesAll(p) { // whose it is can't be told
		return nil, orNotFound(nil)
	}
	if err != nil {
		return nil, err
	}
	if ok, err := a.reaches(ctx, p, c); err != nil || !ok {
		return nil, orNotFound(err)
	}
	return c, nil
}

func orNotFound(err error) error {
	if err != nil {
		return err
	}
	return credential.Errorf(credential.NotFound, "no such credential")
}

// seesAll reports whether a principal looks after every credential of its
// organization, or of the installation.
func seesAll(p *credential.Principal) bool {
	return p.InstallationWide() ||
		p.ProjectScoped() == uuid.Nil && (p.SubjectType == credential.SubjectOrganization || p.Role.Manages())
}

// reaches reports whether a credential is among those that the principal
// looks after: everything for who runs the place, an organization's for its
// managers and services, one's own for anybody else, and a project's for its
// administrators.
func (a *Authority) reaches(ctx context.Context, p *credential.Principal, c *credential.Credential) (bool, error) {
	switch {
	case p.InstallationWide():
		return true, nil
	case c.Organization != p.Organization:
		return false, nil
	case p.ProjectScoped() != uuid.Nil:
		return c.Project == p.ProjectScoped(), nil
	case seesAll(p):
		return true, nil
	case c.User != uuid.Nil:
		return c.User == p.Subject, nil
	case c.Project != uuid.Nil:
		return a.administers(ctx, p, c.Project)
	}
	return false, nil
}

// administers reports whether a user is an administrator of a project. A guest
// of the organization never is.
func (a *Authority) administers(ctx context.Context, p *credential.Principal, project uuid.UUID) (bool, error) {
	if p.Role != credential.Member {
		return p.Role.Manages(), nil
	}
	access, err := a.store.ProjectAccess(ctx, p.Organization, store.ProjectRef{ID: project}, p.Subject)
	return access.Role == credential.ProjectAdmin, err
}

// Administers reports whether the principal looks after the credentials of a
// project that it sees.
func (a *Authority) Administers(ctx context.Context, p *credential.Principal, project uuid.UUID) (bool, error) {
	if p.SubjectType != credential.SubjectUser || !p.SignedIn() {
		return false, nil
	}
	return a.administers(ctx, p, project)
}

// administersStill refuses a member who lost, since the request began, the role
// in a project that let it look after the project's credential.
func administersStill(ctx context.Context, tx *store.Tx, p *credential.Principal, c *credential.Credential) error {
	if p.SubjectType != credential.SubjectUser || p.Role != credential.Member || c.Project == uuid.Nil {
		return nil
	}
	access, err := tx.ProjectAccess(ctx, c.Organization, store.ProjectRef{ID: c.Project}, p.Subject)
	if err == nil && access.Role != credential.ProjectAdmin {
		return credential.Errorf(credential.Forbidden, "only administrators of the project look after its credentials")
	}
	return err
}

// writable finds a credential that the principal may change.
func (a *Authority) writable(ctx context.Context, p *credential.Principal, id uuid.UUID) (*credential.Credential, error) {
	c, err := a.visible(ctx, p, id)
	if err != nil {
		return nil, err
	}
	return c, require(p, credential.CredentialsWrite)
}

// require refuses a principal that lacks a permission.
func require(p *credential.Principal, permission credential.Permission) error {
	if !p.Permissions.Has(permission) {
		return credential.Errorf(credential.Forbidden, "this needs the permission %s", permission)
	}
	return nil
}

// lasting refuses a token that stands on a session, and that nobody signed in
// for: a device's, or one that was traded. It leaves nothing that outlives it.
func lasting(p *credential.Principal) error {
	if p.Token != nil && p.Credential.Scheme.Kind == credential.Session && !p.SignedIn() {
		return credential.Errorf(credential.Forbidden, "sign in for this: an access token does nothing that outlives it")
	}
	return nil
}

// maySee refuses to hand a principal a secret that could do more than the
// principal may hand on, or that would act as somebody else.
func (a *Authority) maySee(ctx context.Context, p *credential.Principal, c *credential.Credential) error {
	if p.IsOperator() {
		return nil
	}
	grantable, err := a.grantable(ctx, p, c.Project)
	if err != nil {
		return err
	}
	foreign := c.User != uuid.Nil && (p.SubjectType != credential.SubjectUser || c.User != p.Subject)
	if foreign {
		serves, err := a.serves(ctx, p, c)
		if err != nil {
			return err
		}
		foreign = !serves
	}
	switch {
	case p.Token != nil && !p.SignedIn():
		return credential.Errorf(credential.Forbidden, "an access token hands on no secret that outlives it; use the credential that it was traded for")
	case p.ProjectScoped() != uuid.Nil && c.Project != p.ProjectScoped():
		return credential.Errorf(credential.Forbidden, "this is not a credential of the project that you are confined to")
	case foreign:
		return credential.Errorf(credential.Forbidden, "only the user and the operator can make or rotate this; you may suspend or revoke it")
	case c.User != uuid.Nil && !p.Credential.Held.Covers(c.Held), c.User == uuid.Nil && !grantable.Covers(c.Held),
		!grantsForeign(p.Credential, c):
		return &credential.Error{Kind: credential.Forbidden, Field: "scopes", Detail: "the scopes go beyond what you may do yourself"}
	}
	return nil
}

// grantable is what a principal may hand on to credentials of a project, or
// (Nil) of no project: there its role in the project counts as well.
func (a *Authority) grantable(ctx context.Context, p *credential.Principal, project uuid.UUID) (credential.PermissionSet, error) {
	set := p.Grantable()
	if project == uuid.Nil || p.SubjectType != credential.SubjectUser || p.Role != credential.Member {
		return set, nil
	}
	access, err := a.store.ProjectAccess(ctx, p.Organization, store.ProjectRef{ID: project}, p.Subject)
	return set | access.Role.Permissions()&p.Credential.Held, err
}

// grantsForeign reports whether a credential may hand on scopes that mean
// nothing to Gatehouse itself. One whose own scheme has such scopes hands on
// only what it holds; others, such as a service's gatehouse_key, issue them.
func grantsForeign(own, c *credential.Credential) bool {
	limited := false
	for _, set := range own.Scheme.Scopes.Known {
		limited = limited || set == 0
	}
	if !limited {
		return true
	}
	for _, s := range c.Scheme.Scopes.Expand(c.Scopes) {
		if c.Scheme.Scopes.Known[s] == 0 && !own.Scheme.Scopes.Grants(own.Scopes, own.Held, credential.Permission(s)) {
			return false
		}
	}
	return true
}
