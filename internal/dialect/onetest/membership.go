package onetest

import (
	"net/http"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// product is a project as it is shown.
type product struct {
	ID          string    `json:"id"`
	Slug        string    `json:"slug"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	ProductType string    `json:"product_type"`
	Members     int       `json:"member_count"`
	CreatedAt   time.Time `json:"created_at"`
}

func productOf(p *store.SeenProject) product {
	return product{p.ID.String(), workspace.Slug(p.Name), p.Name, p.Description, p.ProductType, p.Members, p.CreatedAt}
}

func (h *handlers) listProducts(r *edge.Request, _ edge.None) (out list[product], err error) {
	s, err := section(r)
	if err != nil {
		return out, err
	}
	skip, err := s.Skip()
	if err != nil {
		return out, err
	}
	seen, err := h.workspace.Projects(r.Context(), &r.Principal, skip, s.Limit)
	return paged(s, seen.Projects, int64(seen.Total), productOf), err
}

func (h *handlers) getProduct(r *edge.Request, ref store.ProjectRef, _ edge.None) (product, error) {
	p, err := h.workspace.SeenProject(r.Context(), &r.Principal, ref)
	if err != nil {
		return product{}, err
	}
	return productOf(&p), nil
}

// productBody is what may be said of a product. What isn't there stays.
type productBody struct {
	Description *string `json:"description"`
	ProductType *string `json:"product_type"`
}

func (h *handlers) changeProduct(r *edge.Request, ref store.ProjectRef, in productBody) (product, error) {
	err := h.workspace.ChangeProduct(r.Context(), &r.Principal, ref, workspace.ProductRequest{Description: in.Description, Type: in.ProductType})
	if err != nil {
		return product{}, err
	}
	return h.getProduct(r, ref, edge.None{})
}

// belonging is an endpoint that lists what belongs to a product.
func belonging[T, Row any](h *handlers, fetch func(*edge.Request, store.ProjectRef, workspace.Section) ([]Row, int64, error), show func(*Row) T) func(*edge.Request, edge.None) (list[T], error) {
	return ofProduct(h, func(r *edge.Request, ref store.ProjectRef, _ edge.None) (out list[T], err error) {
		s, err := section(r)
		if err != nil {
			return out, err
		}
		found, total, err := fetch(r, ref, s)
		return paged(s, found, total, show), err
	})
}

// found is an answer about what is found by its name, or made.
type found[T any] struct {
	What T `json:",embed"`
	made bool
}

// StatusCode is the status of the answer.
func (f found[T]) StatusCode() int {
	if f.made {
		return http.StatusCreated
	}
	return http.StatusOK
}

// member is a user in a product. Who administers it owns it.
type member struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Email    string    `json:"email"`
	Role     string    `json:"role"`
	JoinedAt time.Time `json:"joined_at"`
}

func memberOf(p *store.PersonIn) member {
	role := "member"
	if p.Role == credential.ProjectAdmin {
		role = "owner"
	}
	return member{p.ID.String(), p.Name, p.Email, role, p.JoinedAt}
}

func (h *handlers) members(r *edge.Request, ref store.ProjectRef, s workspace.Section) ([]store.PersonIn, int64, error) {
	return h.workspace.People(r.Context(), &r.Principal, ref, s)
}

// environment is where a product is tested.
type environment struct {
	ID        string    `json:"id"`
	ProductID string    `json:"product_id"`
	Name      string    `json:"name"`
	Type      string    `json:"type"`
	IsDefault bool      `json:"is_default"`
	CreatedAt time.Time `json:"created_at"`
}

func environmentOf(e *store.Environment) environment {
	return environment{e.ID.String(), e.Project.String(), e.Name, e.Type, e.Usual, e.CreatedAt}
}

func (h *handlers) environments(r *edge.Request, ref store.ProjectRef, s workspace.Section) ([]store.Environment, int64, error) {
	return h.workspace.Environments(r.Context(), &r.Principal, ref, s)
}

// newEnvironment names an environment, and says what it is.
type newEnvironment struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	IsDefault *bool  `json:"is_default"`
}

func (h *handlers) setEnvironment(r *edge.Request, ref store.ProjectRef, in newEnvironment) (out found[environment], err error) {
	e, made, err := h.workspace.SetEnvironment(r.Context(), &r.Principal, ref, workspace.EnvironmentRequest{Name: in.Name, Type: in.Type, Usual: in.IsDefault})
	if err != nil {
		return out, err
	}
	return found[environment]{environmentOf(e), made}, nil
}

// build is a version that was built.
type build struct {
	ID        string    `json:"id"`
	ProductID string    `json:"product_id"`
	Version   string    `json:"version"`
	Status    string    `json:"status"`
	CreatedBy *string   `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
}

func buildOf(b *store.Build) build {
	return build{b.ID.String(), b.Project.String(), b.Version, b.Status, maker(b.Maker), b.CreatedAt}
}

func (h *handlers) builds(r *edge.Request, ref store.ProjectRef, s workspace.Section) ([]store.Build, int64, error) {
	return h.workspace.Builds(r.Context(), &r.Principal, ref, s)
}

// newBuild names a build by its version.
type newBuild struct {
	Version string `json:"version"`
	Status  string `json:"status"`
}

func (h *handlers) setBuild(r *edge.Request, ref store.ProjectRef, in newBuild) (out found[build], err error) {
	b, made, err := h.workspace.SetBuild(r.Context(), &r.Principal, ref, in.Version, in.Status)
	if err != nil {
		return out, err
	}
	return found[build]{buildOf(b), made}, nil
}

// release is a version that is planned, or was given out.
type release struct {
	ID        string    `json:"id"`
	ProductID string    `json:"product_id"`
	Name      string    `json:"name"`
	Status    string    `json:"status"`
	CreatedAt time.Time `json:"created_at"`
}

func releaseOf(r *store.Release) release {
	return release{r.ID.String(), r.Project.String(), r.Label, r.Status, r.CreatedAt}
}

func (h *handlers) releases(r *edge.Request, ref store.ProjectRef, s workspace.Section) ([]store.Release, int64, error) {
	return h.workspace.ReleasePage(r.Context(), &r.Principal, ref, s)
}

// newRelease names a release.
type newRelease struct {
	Name   string `json:"name"`
	Status string `json:"status"`
}

func (h *handlers) setRelease(r *edge.Request, ref store.ProjectRef, in newRelease) (out found[release], err error) {
	made, isNew, err := h.workspace.SetRelease(r.Context(), &r.Principal, ref, in.Name, in.Status)
	if err != nil {
		return out, err
	}
	return found[release]{releaseOf(&made), isNew}, nil
}
