package authority

import (
	"context"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// UserRef names a user within an organization: by id or by e-mail address.
type UserRef struct {
	ID    uuid.UUID
	Email string
}

// own gives a draft its owner, if the principal may act for that owner. What
// the principal can't see is answered like what doesn't exist.
func (a *Authority) own(ctx context.Context, p *credential.Principal, c *credential.Credential, r IssueRequest) error {
	if c.Organization = p.Organization; p.InstallationWide() {
		c.Organization = r.Organization
	} else if r.Organization != uuid.Nil && r.Organization != p.Organization {
		return credential.InvalidField("organization", "no such organization")
	}
	if c.Organization == uuid.Nil {
		return ownedByInstallation(p, c, r)
	}
	if _, err := a.store.Organization(ctx, c.Organization); err != nil {
		return hideMissing(err, "organization", "no such organization")
	}
	if c.Scheme.Owner != credential.OwnedByProject && r.Project != nil {
		return credential.InvalidField("project", "credentials of scheme %s don't belong to a project", c.Scheme.Name)
	}
	if c.Scheme.Owner != credential.OwnedByUser && r.User != nil {
		return credential.InvalidField("user", "credentials of scheme %s don't belong to a user", c.Scheme.Name)
	}
	switch c.Scheme.Owner {
	case credential.OwnedByProject:
		return a.ownByProject(ctx, p, c, r.Project)
	case credential.OwnedByUser:
		return a.ownByUser(ctx, p, c, r.User)
	}
	if p.SubjectType == credential.SubjectUser && !p.Role.Manages() || p.ProjectScoped() != uuid.Nil {
		return credential.Errorf(credential.Forbidden, "only owners and administrators make credentials of the organization")
	}
	return nil
}

// ownedByInstallation lets the operator issue above every organization.
func ownedByInstallation(p *credential.Principal, c *credential.Credential, r IssueRequest) error {
	switch {
	case !c.Scheme.Installation:
		return credential.InvalidField("organization", "say for which organization the credential is")
	case !p.IsOperator():
		return credential.Errorf(credential.Forbidden, "only the operator makes credentials of the installation")
	case r.Project != nil || r.User != nil:
		return credential.InvalidField("organization", "say which organization the project or user is in")
	}
	return nil
}

func (a *Authority) ownByProject(ctx context.Context, p *credential.Principal, c *credential.Credential, ref *store.ProjectRef) error {
	if ref == nil {
		return credential.InvalidField("project", "credentials of scheme %s belong to a project; name it", c.Scheme.Name)
	}
	project, err := a.visibleProject(ctx, p, c.Organization, *ref)
	if err != nil {
		return hideMissing(err, "project", "no such project")
	}
	if p.SubjectType == credential.SubjectUser {
		if ok, err := a.administers(ctx, p, project.ID); err != nil || !ok {
			return orForbidden(err, "only administrators of the project make its credentials")
		}
	}
	if !project.ArchivedAt.IsZero() {
		return credential.Errorf(credential.Conflict, "the project is archived; restore it first")
	}
	c.Project = project.ID
	return nil
}

func (a *Authority) ownByUser(ctx context.Context, p *credential.Principal, c *credential.Credential, ref *UserRef) error {
	if ref == nil {
		if p.SubjectType != credential.SubjectUser {
			return credential.InvalidField("user", "credentials of scheme %s belong to a user; name one", c.Scheme.Name)
		}
		ref = &UserRef{ID: p.Subject}
	}
	member, err := a.member(ctx, c.Organization, *ref)
	if err != nil {
		return hideMissing(err, "user", "no such member of the organization")
	}
	c.User = member.ID
	return isActive(member)
}

func orForbidden(err error, detail string) error {
	if err != nil {
		return err
	}
	return &credential.Error{Kind: credential.Forbidden, Detail: detail}
}

// member finds a member of an organization.
func (a *Authority) member(ctx context.Context, organization uuid.UUID, ref UserRef) (*store.Member, error) {
	if ref.Email != "" {
		email, err := credential.CheckEmail("user", ref.Email)
		if err != nil {
			return nil, err
		}
		return a.store.MemberByEmail(ctx, organization, email)
	}
	return a.store.MemberByID(ctx, organization, ref.ID)
}

// visibleProject finds a project that the principal may see.
func (a *Authority) visibleProject(ctx context.Context, p *credential.Principal, organization uuid.UUID, ref store.ProjectRef) (*store.Project, error) {
	project, err := a.store.ProjectIn(ctx, organization, ref)
	if err != nil || p.InstallationWide() {
		return project, err
	}
	access := credential.ProjectAccess{ID: project.ID}
	if p.SubjectType == credential.SubjectUser && !p.Role.Manages() {
		if access, err = a.store.ProjectAccess(ctx, organization, store.ProjectRef{ID: project.ID}, p.Subject); err != nil {
			return nil, err
		}
	}
	if p.Organization != organization || !p.Sees(access) {
		return nil, credential.Errorf(credential.NotFound, "no such project")
	}
	return project, nil
}
