package bunship

import (
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// organization reads how the path names the organization: by org_…, UUID or
// number. Whether the caller may see it, the authority decides.
func (h *handlers) organization(r *edge.Request) (uuid.UUID, error) {
	named := r.PathValue("organization")
	if n, ok := authority.ParseNumber(named, ""); ok {
		return h.authority.OrganizationNumbered(r.Context(), &r.Principal, n)
	}
	id, err := authority.ParsePublicID("org", named)
	if err != nil {
		return uuid.Nil, credential.Errorf(credential.NotFound, "no such organization")
	}
	return id, nil
}

// membership is an organization as its member lists it.
type membership struct {
	ID           string    `json:"id"`
	Number       int64     `json:"number"`
	Name         string    `json:"name"`
	Slug         string    `json:"slug"`
	LogoURL      *string   `json:"logoUrl"`
	Role         string    `json:"role"`
	MembershipID string    `json:"membershipId"`
	JoinedAt     time.Time `json:"joinedAt"`
}

type organizationList struct {
	Organizations []membership `json:"organizations"`
	paging
}

func (h *handlers) organizations(r *edge.Request, _ edge.None) (organizationList, error) {
	s, err := pageOf(r)
	if err != nil {
		return organizationList{}, err
	}
	list, err := h.authority.Memberships(r.Context(), &r.Principal)
	from := min(s.Offset, len(list))
	part := list[from:min(from+s.Limit, len(list))]
	out := organizationList{make([]membership, 0, len(part)), pagingOf(s, len(part), len(list))}
	for i := range part {
		m := &part[i]
		out.Organizations = append(out.Organizations, membership{
			organizationID(m.ID), m.Number, m.Name, m.Slug, text(m.LogoURL), role(m.Role), membershipID(m.ID, r.Principal.Subject), m.JoinedAt,
		})
	}
	return out, err
}

// organization is an organization as it is shown.
type organization struct {
	ID          string         `json:"id"`
	Number      int64          `json:"number"`
	Name        string         `json:"name"`
	Slug        string         `json:"slug"`
	Description string         `json:"description"`
	LogoURL     *string        `json:"logoUrl"`
	Settings    jsontext.Value `json:"settings"`
	CreatedBy   *string        `json:"createdBy"` // null for the operator
	CreatedAt   time.Time      `json:"createdAt"`
	UpdatedAt   time.Time      `json:"updatedAt"`
}

// shownOrganization is the answer that shows an organization.
func shownOrganization(o *store.Organization, err error) (organization, error) {
	if err != nil {
		return organization{}, err
	}
	out := organization{
		organizationID(o.ID), o.Number, o.Name, o.Slug, o.Description, text(o.LogoURL), jsontext.Value(o.Settings), nil, o.CreatedAt, o.UpdatedAt,
	}
	if o.CreatedBy != uuid.Nil {
		out.CreatedBy = text(userID(o.CreatedBy))
	}
	return out, nil
}

// organizationFields is what may be said of an organization.
type organizationFields struct {
	Name        *string  `json:"name"`
	Slug        *string  `json:"slug"`
	Description *string  `json:"description"`
	LogoURL     *string  `json:"logoUrl"`
	Settings    settings `json:"settings"`
}

// settings are merged with those before; a member of null is taken away.
type settings map[string]jsontext.Value

func (f *organizationFields) change(r *edge.Request) (authority.OrganizationChange, error) {
	c := authority.OrganizationChange{Name: f.Name, Slug: f.Slug, Description: f.Description, LogoURL: f.LogoURL, Idempotency: r.Idempotency()}
	if f.LogoURL != nil {
		if err := checkURL("logoUrl", *f.LogoURL); err != nil {
			return c, err
		}
	}
	if f.Settings != nil {
		c.Settings = f.Settings.merge
	}
	return c, nil
}

// merge lays settings over those before.
func (s settings) merge(before string) (string, error) {
	all := settings{}
	if before != "" {
		if err := json.Unmarshal([]byte(before), &all); err != nil {
			return "", fmt.Errorf("read the settings of an organization: %w", err)
		}
	}
	for name, value := range s {
		if all[name] = value; value.Kind() == 'n' {
			delete(all, name)
		}
	}
	merged, err := json.Marshal(all, json.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("write the settings of an organization: %w", err)
	}
	return string(merged), nil
}

func (h *handlers) createOrganization(r *edge.Request, in organizationFields) (organization, error) {
	if in.Name == nil {
		return organization{}, credential.InvalidField("name", "must not be empty")
	}
	if in.Slug == nil {
		return organization{}, credential.InvalidField("slug", "must not be empty")
	}
	if in.Settings != nil {
		return organization{}, credential.InvalidField("settings", "belong to an organization that is there; change it")
	}
	c, err := in.change(r)
	if err != nil {
		return organization{}, err
	}
	return shownOrganization(h.authority.FoundOrganization(r.Context(), &r.Principal, c))
}

func (h *handlers) getOrganization(r *edge.Request, _ edge.None) (organization, error) {
	id, err := h.organization(r)
	if err != nil {
		return organization{}, err
	}
	return shownOrganization(h.authority.Organization(r.Context(), &r.Principal, id))
}

func (h *handlers) updateOrganization(r *edge.Request, in organizationFields) (organization, error) {
	id, err := h.organization(r)
	if err != nil {
		return organization{}, err
	}
	c, err := in.change(r)
	if err != nil {
		return organization{}, err
	}
	return shownOrganization(h.authority.UpdateOrganization(r.Context(), &r.Principal, id, c))
}

func (h *handlers) deleteOrganization(r *edge.Request, _ edge.None) (done, error) {
	id, err := h.organization(r)
	if err != nil {
		return done{}, err
	}
	return done{true, "Organization deleted"}, h.authority.DeleteOrganization(r.Context(), &r.Principal, id)
}

// health is what a load balancer asks for.
type health struct {
	Status    string    `json:"status"`
	Timestamp time.Time `json:"timestamp"`
}

func (h *handlers) healthy(*edge.Request, edge.None) (health, error) {
	return health{"ok", h.authority.Now()}, nil
}

// readiness says what it takes to answer, and how each of it stands.
type readiness struct {
	health
	Checks checks `json:"checks"`
}

type checks struct {
	Database string `json:"database"`
}

// StatusCode is 503 while something is missing.
func (r readiness) StatusCode() int {
	if r.Status != "ok" {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

func (h *handlers) ready(r *edge.Request, _ edge.None) (readiness, error) {
	status := "ok"
	if h.authority.Ready(r.Context()) != nil {
		status = "error"
	}
	return readiness{health{status, h.authority.Now()}, checks{status}}, nil
}
