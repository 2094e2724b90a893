package rest

import (
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// parseProject reads the ways in which a project is named.
func parseProject(field, text string) (store.ProjectRef, error) {
	ref, err := authority.ParseProject(text)
	if err != nil {
		return ref, credential.InvalidField(field, "name the project by its UUID, pr-… or PRJ-…")
	}
	return ref, nil
}

// parseUser reads the ways in which a user is named: UUID, usr_… or e-mail address.
func parseUser(field, text string) (authority.UserRef, error) {
	if strings.Contains(text, "@") {
		return authority.UserRef{Email: text}, nil
	}
	id, err := authority.ParsePublicID("usr", text)
	if err != nil {
		return authority.UserRef{}, credential.InvalidField(field, "name the user by UUID, usr_… or e-mail address")
	}
	return authority.UserRef{ID: id}, nil
}

// organizationID reads the ways in which an organization is named: UUID, org_…
// or its number. Empty is Nil.
func (h *handlers) organizationID(r *edge.Request, field, text string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, nil
	}
	if n, ok := authority.ParseNumber(text, ""); ok {
		id, err := h.authority.OrganizationNumbered(r.Context(), &r.Principal, n)
		if errors.Is(err, credential.NotFound) {
			return uuid.Nil, credential.InvalidField(field, "no such organization")
		}
		return id, err
	}
	id, err := authority.ParsePublicID("org", text)
	if err != nil {
		return uuid.Nil, credential.InvalidField(field, "name the organization by UUID, org_… or its number")
	}
	return id, nil
}

// organization finds the organization in the path, if the caller may see it.
func (h *handlers) organization(r *edge.Request) (uuid.UUID, error) {
	id, err := h.organizationID(r, "organization", r.PathValue("organization"))
	if err != nil && !errors.Is(err, credential.Invalid) {
		return uuid.Nil, err
	}
	if err != nil || (!r.Principal.InstallationWide() && id != r.Principal.Organization) {
		return uuid.Nil, credential.Errorf(credential.NotFound, "no such organization")
	}
	return id, nil
}

func (h *handlers) createServiceUser(r *edge.Request, in api.CreateServiceUser) (api.User, error) {
	id, err := h.organization(r)
	if err != nil {
		return api.User{}, err
	}
	m, err := h.authority.CreateServiceUser(r.Context(), &r.Principal, id, authority.ServiceRequest{
		Name: in.Name, Role: credential.Role(in.Role), Idempotency: r.Idempotency(),
	})
	if err != nil {
		return api.User{}, err
	}
	return userOf(m), nil
}

// project finds the project in the path, if the caller may see it.
func (h *handlers) project(r *edge.Request) (*store.Project, error) {
	organization, err := h.organization(r)
	if err != nil {
		return nil, err
	}
	ref, err := parseProject("project", r.PathValue("project"))
	if err != nil {
		return nil, credential.Errorf(credential.NotFound, "no such project")
	}
	return h.authority.Project(r.Context(), &r.Principal, organization, ref)
}

func (h *handlers) createOrganization(r *edge.Request, in api.CreateOrganization) (api.Organization, error) {
	o, err := h.authority.CreateOrganization(r.Context(), &r.Principal, authority.NameRequest{Name: in.Name, Idempotency: r.Idempotency()})
	if err != nil {
		return api.Organization{}, err
	}
	return organizationOf(o), nil
}

func (h *handlers) listOrganizations(r *edge.Request, _ edge.None) (out api.List[api.Organization], err error) {
	page, err := h.page(r)
	if err != nil {
		return out, err
	}
	list, err := h.authority.Organizations(r.Context(), &r.Principal, page.after, page.limit+1)
	return paged(page, list, func(o store.Organization) api.Organization { return organizationOf(&o) },
		func(o api.Organization) string { return o.ID }), err
}

func (h *handlers) getOrganization(r *edge.Request, _ edge.None) (api.Organization, error) {
	id, err := h.organization(r)
	if err != nil {
		return api.Organization{}, err
	}
	o, err := h.authority.Organization(r.Context(), &r.Principal, id)
	if err != nil {
		return api.Organization{}, err
	}
	return organizationOf(o), nil
}

func (h *handlers) suspendOrganization(r *edge.Request, _ edge.None) (api.Organization, error) {
	return h.switchOrganization(r, true)
}

func (h *handlers) resumeOrganization(r *edge.Request, _ edge.None) (api.Organization, error) {
	return h.switchOrganization(r, false)
}

func (h *handlers) switchOrganization(r *edge.Request, suspend bool) (api.Organization, error) {
	id, err := h.organization(r)
	if err != nil {
		return api.Organization{}, err
	}
	o, err := h.authority.SuspendOrganization(r.Context(), &r.Principal, id, suspend)
	if err != nil {
		return api.Organization{}, err
	}
	return organizationOf(o), nil
}

func (h *handlers) createMember(r *edge.Request, in api.CreateUser) (api.User, error) {
	id, err := h.organization(r)
	if err != nil {
		return api.User{}, err
	}
	m, err := h.authority.CreateUser(r.Context(), &r.Principal, id, authority.UserRequest{
		Email: in.Email, Name: in.Name, Role: credential.Role(in.Role), Password: in.Password, Idempotency: r.Idempotency(),
	})
	if err != nil {
		return api.User{}, err
	}
	return userOf(m), nil
}

func (h *handlers) listMembers(r *edge.Request, _ edge.None) (out api.List[api.User], err error) {
	id, err := h.organization(r)
	if err != nil {
		return out, err
	}
	page, err := h.page(r)
	if err != nil {
		return out, err
	}
	list, err := h.authority.Members(r.Context(), &r.Principal, id, page.after, page.limit+1)
	return paged(page, list, func(m store.Member) api.User { return userOf(&m) }, func(u api.User) string { return u.ID }), err
}

// memberInPath reads which user of which organization a path names.
func (h *handlers) memberInPath(r *edge.Request) (organization uuid.UUID, ref authority.UserRef, err error) {
	if organization, err = h.organization(r); err == nil {
		ref, err = parseUser("user", r.PathValue("user"))
	}
	return organization, ref, err
}

func (h *handlers) getMember(r *edge.Request, _ edge.None) (api.User, error) {
	id, ref, err := h.memberInPath(r)
	if err != nil {
		return api.User{}, err
	}
	m, err := h.authority.Member(r.Context(), &r.Principal, id, ref)
	if err != nil {
		return api.User{}, err
	}
	return userOf(m), nil
}

func (h *handlers) removeMember(r *edge.Request, _ edge.None) (api.Empty, error) {
	id, ref, err := h.memberInPath(r)
	if err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, h.authority.RemoveMember(r.Context(), &r.Principal, id, ref)
}

func (h *handlers) setRole(r *edge.Request, in api.SetRole) (api.Empty, error) {
	id, ref, err := h.memberInPath(r)
	if err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, h.authority.SetRole(r.Context(), &r.Principal, id, ref, credential.Role(in.Role))
}

func (h *handlers) createProject(r *edge.Request, in api.CreateProject) (api.Project, error) {
	id, err := h.organization(r)
	if err != nil {
		return api.Project{}, err
	}
	p, err := h.authority.CreateProject(r.Context(), &r.Principal, id, authority.NameRequest{Name: in.Name, Idempotency: r.Idempotency()})
	if err != nil {
		return api.Project{}, err
	}
	return projectOf(p), nil
}

func (h *handlers) listProjects(r *edge.Request, _ edge.None) (out api.List[api.Project], err error) {
	id, err := h.organization(r)
	if err != nil {
		return out, err
	}
	page, err := h.page(r)
	if err != nil {
		return out, err
	}
	list, err := h.authority.Projects(r.Context(), &r.Principal, id, page.after, page.limit+1)
	return paged(page, list, func(p store.Project) api.Project { return projectOf(&p) }, func(p api.Project) string { return p.ID }), err
}

func (h *handlers) getProject(r *edge.Request, _ edge.None) (api.Project, error) {
	p, err := h.project(r)
	if err != nil {
		return api.Project{}, err
	}
	return projectOf(p), nil
}

func (h *handlers) deleteProject(r *edge.Request, _ edge.None) (api.Empty, error) {
	p, err := h.project(r)
	if err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, h.authority.DeleteProject(r.Context(), &r.Principal, p.Organization, p.ID)
}

func (h *handlers) archiveProject(r *edge.Request, _ edge.None) (api.Project, error) {
	return h.switchProject(r, true)
}

func (h *handlers) restoreProject(r *edge.Request, _ edge.None) (api.Project, error) {
	return h.switchProject(r, false)
}

func (h *handlers) switchProject(r *edge.Request, archive bool) (api.Project, error) {
	p, err := h.project(r)
	if err != nil {
		return api.Project{}, err
	}
	p, err = h.authority.ArchiveProject(r.Context(), &r.Principal, p.Organization, p.ID, archive)
	if err != nil {
		return api.Project{}, err
	}
	return projectOf(p), nil
}

// projectMemberInPath reads which user in which project a path names.
func (h *handlers) projectMemberInPath(r *edge.Request) (p *store.Project, ref authority.UserRef, err error) {
	if p, err = h.project(r); err == nil {
		ref, err = parseUser("user", r.PathValue("user"))
	}
	return p, ref, err
}

func (h *handlers) getProjectMember(r *edge.Request, _ edge.None) (api.ProjectMember, error) {
	p, ref, err := h.projectMemberInPath(r)
	if err != nil {
		return api.ProjectMember{}, err
	}
	m, err := h.authority.ProjectMember(r.Context(), &r.Principal, p, ref)
	if err != nil {
		return api.ProjectMember{}, err
	}
	return api.ProjectMember{User: m.User.String(), Role: string(m.Role), JoinedAt: m.JoinedAt, Version: authority.ProjectMemberVersion(m)}, nil
}

func (h *handlers) removeProjectMember(r *edge.Request, _ edge.None) (api.Empty, error) {
	p, ref, err := h.projectMemberInPath(r)
	if err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, h.authority.RemoveProjectMember(r.Context(), &r.Principal, p, ref)
}

func (h *handlers) setProjectRole(r *edge.Request, in api.SetRole) (api.Empty, error) {
	p, ref, err := h.projectMemberInPath(r)
	if err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, h.authority.SetProjectMember(r.Context(), &r.Principal, p, ref, credential.ProjectRole(in.Role))
}
