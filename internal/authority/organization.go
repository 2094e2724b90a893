package authority

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// NameRequest asks for something that needs only a name. A project may have
// more to it.
type NameRequest struct {
	Name        string
	Description string // of a project
	Public      bool   // whether others may know of the project
	Idempotency *Idempotency
}

// CreateOrganization makes an organization. Only the operator can.
func (a *Authority) CreateOrganization(ctx context.Context, p *credential.Principal, r NameRequest) (*store.Organization, error) {
	if err := operatorOnly(p); err != nil {
		return nil, err
	}
	o := &store.Organization{CreatedAt: a.clock()}
	var err error
	if o.Name, err = credential.CheckName("name", r.Name); err != nil {
		return nil, err
	}
	if o.ID, err = a.newID(); err != nil {
		return nil, err
	}
	id, err := a.once(ctx, p, creation{uuid.Nil, "create organization", r.Idempotency}, func(tx *store.Tx) (uuid.UUID, error) {
		tx.Record(act{p, o.CreatedAt}.event("organization.create", "organization:"+o.ID.String(), object(map[string]string{"name": o.Name})))
		return o.ID, tx.InsertOrganization(ctx, o)
	})
	if err != nil {
		return nil, err
	}
	return a.store.Organization(ctx, id)
}

// Organization returns an organization that the principal may see.
func (a *Authority) Organization(ctx context.Context, p *credential.Principal, id uuid.UUID) (*store.Organization, error) {
	if err := within(p, id, credential.OrganizationRead); err != nil {
		return nil, err
	}
	return a.store.Organization(ctx, id)
}

// OrganizationNumbered finds the organization that the principal calls by its
// number. Naming one's own needs no permission.
func (a *Authority) OrganizationNumbered(ctx context.Context, p *credential.Principal, number int64) (uuid.UUID, error) {
	o, err := a.store.OrganizationByNumber(ctx, number)
	if err != nil {
		return uuid.Nil, err
	}
	if !p.InstallationWide() && o.ID != p.Organization {
		return uuid.Nil, credential.Errorf(credential.NotFound, "no such organization")
	}
	return o.ID, nil
}

// Organizations returns the organizations that the principal may see with an
// id above after, in the order of their creation.
func (a *Authority) Organizations(ctx context.Context, p *credential.Principal, after uuid.UUID, limit int) ([]store.Organization, error) {
	if err := require(p, credential.OrganizationRead); err != nil {
		return nil, err
	}
	if p.InstallationWide() {
		return a.store.Organizations(ctx, after, limit)
	}
	o, err := a.store.Organization(ctx, p.Organization)
	if err != nil {
		return nil, err
	}
	return []store.Organization{*o}, nil
}

// SuspendOrganization stops every credential of an organization until it is
// resumed. Only the operator can.
func (a *Authority) SuspendOrganization(ctx context.Context, p *credential.Principal, id uuid.UUID, suspend bool) (*store.Organization, error) {
	if err := operatorOnly(p); err != nil {
		return nil, err
	}
	now := a.clock()
	action, at, begin := "organization.resume", time.Time{}, a.transact
	if suspend {
		action, at, begin = "organization.suspend", now, a.stop
	}
	err := begin(ctx, p, id, func(tx *store.Tx) error {
		o, err := tx.Organization(ctx, id)
		if err == nil {
			err = holds(ctx, OrganizationVersion(o))
		}
		if err != nil {
			return err
		}
		tx.Record(act{p, now}.event(action, "organization:"+id.String(), "{}"))
		return tx.SuspendOrganization(ctx, id, at)
	})
	if err != nil {
		return nil, err
	}
	return a.store.Organization(ctx, id)
}

func operatorOnly(p *credential.Principal) error {
	if !p.IsOperator() {
		return credential.Errorf(credential.Forbidden, "only the operator of the installation does this")
	}
	return nil
}

// within checks that the principal may act in an organization with a
// permission. Another organization is answered like one that doesn't exist.
func within(p *credential.Principal, organization uuid.UUID, permission credential.Permission) error {
	if !p.InstallationWide() && p.Organization != organization {
		return credential.Errorf(credential.NotFound, "no such organization")
	}
	return require(p, permission)
}

// CreateProject makes a project.
func (a *Authority) CreateProject(ctx context.Context, p *credential.Principal, organization uuid.UUID, r NameRequest) (*store.Project, error) {
	if err := within(p, organization, credential.ProjectsWrite); err != nil {
		return nil, err
	}
	if p.ProjectScoped() != uuid.Nil {
		return nil, credential.Errorf(credential.Forbidden, "a project's credential makes no projects")
	}
	project := &store.Project{Organization: organization, Public: r.Public, CreatedAt: a.clock()}
	var err error
	if project.Name, err = credential.CheckName("name", r.Name); err != nil {
		return nil, err
	}
	if project.Description, err = credential.CheckProse("description", r.Description, 10_000); err != nil {
		return nil, err
	}
	if project.ID, err = a.newID(); err != nil {
		return nil, err
	}
	id, err := a.once(ctx, p, creation{organization, "create project " + organization.String(), r.Idempotency}, func(tx *store.Tx) (uuid.UUID, error) {
		tx.Record(act{p, project.CreatedAt}.event("project.create", "project:"+project.ID.String(), object(map[string]string{"name": project.Name})))
		return project.ID, tx.InsertProject(ctx, project)
	})
	if err != nil {
		return nil, err
	}
	return a.store.ProjectIn(ctx, organization, store.ProjectRef{ID: id})
}

// Project returns a project that the principal may see.
func (a *Authority) Project(ctx context.Context, p *credential.Principal, organization uuid.UUID, ref store.ProjectRef) (*store.Project, error) {
	if err := within(p, organization, credential.ProjectsRead); err != nil {
		return nil, err
	}
	return a.visibleProject(ctx, p, organization, ref)
}

// Projects returns the projects that the principal may see with an id above
// after, in the order of their creation.
func (a *Authority) Projects(ctx context.Context, p *credential.Principal, organization, after uuid.UUID, limit int) ([]store.Project, error) {
	if err := within(p, organization, credential.ProjectsRead); err != nil {
		return nil, err
	}
	if only := p.ProjectScoped(); only != uuid.Nil {
		project, err := a.store.ProjectIn(ctx, organization, store.ProjectRef{ID: only})
		if err != nil {
			return nil, err
		}
		return []store.Project{*project}, nil
	}
	user := uuid.Nil
	if p.SubjectType == credential.SubjectUser && !p.Role.Manages() {
		user = p.Subject
	}
	return a.store.Projects(ctx, organization, user, after, limit)
}

// ArchiveProject takes a project out of service, or puts it back.
func (a *Authority) ArchiveProject(ctx context.Context, p *credential.Principal, organization, id uuid.UUID, archive bool) (*store.Project, error) {
	ref := store.ProjectRef{ID: id}
	project, err := a.Project(ctx, p, organization, ref)
	if err != nil {
		return nil, err
	}
	if err := require(p, credential.ProjectsWrite); err != nil {
		return nil, err
	}
	if p.ProjectScoped() != uuid.Nil {
		return nil, credential.Errorf(credential.Forbidden, "a project's credential doesn't take the project out of service")
	}
	now := a.clock()
	action, at, begin := "project.restore", time.Time{}, a.transact
	if archive {
		action, at, begin = "project.archive", now, a.stop
	}
	err = begin(ctx, p, organization, func(tx *store.Tx) error {
		still, err := tx.ProjectIn(ctx, organization, ref)
		if err == nil {
			err = holds(ctx, ProjectVersion(still))
		}
		if err != nil {
			return err
		}
		tx.Record(act{p, now}.event(action, "project:"+id.String(), "{}"))
		return tx.ArchiveProject(ctx, project.ID, at)
	})
	if err != nil {
		return nil, err
	}
	return a.store.ProjectIn(ctx, organization, ref)
}

// DeleteProject takes a project away for good, and with it its credentials.
// Owners, admins and the operator can.
func (a *Authority) DeleteProject(ctx context.Context, p *credential.Principal, organization, id uuid.UUID) error {
	project, err := a.Project(ctx, p, organization, store.ProjectRef{ID: id})
	if err != nil {
		return err
	}
	if err := require(p, credential.ProjectsWrite); err != nil {
		return err
	}
	if p.ProjectScoped() != uuid.Nil || p.SubjectType == credential.SubjectUser && !p.Role.Manages() {
		return credential.Errorf(credential.Forbidden, "projects are deleted by an owner or admin of the organization")
	}
	if err := lasting(p); err != nil {
		return err
	}
	return a.stop(ctx, p, organization, func(tx *store.Tx) error {
		by := act{p, a.clock()}
		still, err := tx.ProjectIn(ctx, organization, store.ProjectRef{ID: project.ID}) // which may be gone since
		if err == nil {
			err = holds(ctx, ProjectVersion(still))
		}
		if err != nil {
			return err
		}
		tx.Record(by.event("project.delete", "project:"+id.String(), object(map[string]string{"name": project.Name})))
		ended, err := tx.DeleteProject(ctx, project.ID, by.at)
		for _, id := range ended {
			tx.Record(by.event("credential.revoke", "credential:"+id.String(), object(map[string]string{"because": "project.delete"})))
		}
		return err
	})
}

// ProjectMember returns the role of a member in a project.
func (a *Authority) ProjectMember(ctx context.Context, p *credential.Principal, project *store.Project, ref UserRef) (*store.ProjectMember, error) {
	if err := seesMembers(p, project.Organization); err != nil {
		return nil, err
	}
	member, err := a.member(ctx, project.Organization, ref)
	if err != nil {
		return nil, err
	}
	return a.store.ProjectMember(ctx, project.ID, member.ID)
}

// RemoveProjectMember takes a member's role in a project away.
func (a *Authority) RemoveProjectMember(ctx context.Context, p *credential.Principal, project *store.Project, ref UserRef) error {
	return a.changeProjectMember(ctx, p, project, ref, "")
}

// SetProjectMember gives a member a role in a project.
func (a *Authority) SetProjectMember(ctx context.Context, p *credential.Principal, project *store.Project, ref UserRef, role credential.ProjectRole) error {
	if !role.Valid() {
		return credential.InvalidField("role", "choose one of: admin, user, guest")
	}
	return a.changeProjectMember(ctx, p, project, ref, role)
}

// changeProjectMember sets the role of a member in a project, none for "".
func (a *Authority) changeProjectMember(ctx context.Context, p *credential.Principal, project *store.Project, ref UserRef, role credential.ProjectRole) error {
	err := within(p, project.Organization, credential.MembersWrite)
	if err == nil && role != "" {
		err = lasting(p)
	}
	if err != nil {
		return err
	}
	member, err := a.member(ctx, project.Organization, ref)
	if err != nil {
		return err
	}
	now, begin := a.clock(), a.transact
	if role == "" {
		begin = a.stop
	}
	return begin(ctx, p, project.Organization, func(tx *store.Tx) error {
		if _, err := tx.MemberByID(ctx, project.Organization, member.ID); err != nil { // who may have left since
			return err
		}
		before, err := tx.ProjectMember(ctx, project.ID, member.ID)
		switch {
		case err == nil:
			err = holds(ctx, ProjectMemberVersion(before))
		case role != "" && errors.Is(err, credential.NotFound):
			err = holdsAbsent(ctx)
		}
		if err != nil {
			return err
		}
		tx.Record(act{p, now}.event("project.set_member", "project:"+project.ID.String(),
			object(map[string]string{"user": member.ID.String(), "role": string(role)})))
		return tx.SetProjectMember(ctx, project.ID, member.ID, role, now)
	})
}
