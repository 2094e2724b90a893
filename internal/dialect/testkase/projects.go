package testkase

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// project is a project as its user sees it.
type project struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	OrgID       int64     `json:"orgId"`
	OrgName     string    `json:"orgName"`
	Role        string    `json:"role"`
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
}

func (h *handlers) listProjects(r *edge.Request, _ edge.None) (list[project], error) {
	if err := h.organization(r); err != nil {
		return list[project]{}, err
	}
	s, err := section(r)
	if err != nil {
		return list[project]{}, err
	}
	o, err := h.workspace.OwnOrganization(r.Context(), &r.Principal)
	if err != nil {
		return list[project]{}, err
	}
	skip, err := s.Skip()
	if err != nil {
		return list[project]{}, err
	}
	seen, err := h.workspace.Projects(r.Context(), &r.Principal, skip, s.Limit)
	return paged(s, seen.Projects, int64(seen.Total), func(p *store.SeenProject) project {
		return project{id("PRJ-", p.OrganizationNumber), p.Name, p.Description, o.Number, o.Name, role(r.Principal.Role, p.Role), p.CreatedAt, p.CreatedAt}
	}), err
}

// role is what TestKase calls the roles of a user in an organization and in a
// project of it. A guest of the organization is one everywhere.
func role(in credential.Role, of credential.ProjectRole) string {
	switch {
	case in.Manages(), in == credential.Member && of == credential.ProjectAdmin:
		return "Project Admin"
	case in == credential.Member && of == credential.ProjectUser:
		return "User"
	}
	return "Guest"
}
