package betahub

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// mostListed is how many entries an array has at most.
const mostListed = 1000

// shownProject is a project as it is shown.
type shownProject struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Visibility  string    `json:"visibility"`
	URL         string    `json:"url"`
	MemberCount int       `json:"member_count"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

func (h *handlers) projectOf(p *store.SeenProject) shownProject {
	out := shownProject{
		ID: projectID(p.Number), Name: p.Name, Description: p.Description, Visibility: "private", URL: h.address(p.Number),
		MemberCount: p.Members, CreatedAt: p.CreatedAt, UpdatedAt: p.CreatedAt,
	}
	if p.Public {
		out.Visibility = "public"
	}
	if p.ArchivedAt.After(p.CreatedAt) {
		out.UpdatedAt = p.ArchivedAt
	}
	return out
}

// address is where a project is.
func (h *handlers) address(number int64) string {
	return h.authority.Issuer() + "/projects/" + projectID(number)
}

func (h *handlers) listProjects(r *edge.Request) ([]shownProject, error) {
	number, size, asked, err := page(r, 20)
	if err != nil {
		return nil, err
	}
	if !asked {
		size = mostListed
	}
	list, err := h.workspace.Projects(r.Context(), &r.Principal, (number-1)*size, size)
	if err != nil {
		return nil, err
	}
	out := make([]shownProject, len(list.Projects))
	for i := range list.Projects {
		out[i] = h.projectOf(&list.Projects[i])
	}
	h.tellMore(r, list.Total, number*size, url.Values{"page": {strconv.Itoa(number + 1)}, "per_page": {strconv.Itoa(size)}})
	return out, nil
}

// tellMore says by headers how many entries there are, and where those behind
// the first upTo of them are.
func (h *handlers) tellMore(r *edge.Request, total, upTo int, next url.Values) {
	r.SetHeader("X-Total-Count", strconv.Itoa(total))
	if total <= upTo {
		return
	}
	query := r.URL.Query()
	for name := range next {
		query.Set(name, next.Get(name))
	}
	r.SetHeader("Link", fmt.Sprintf(`<%s%s?%s>; rel="next"`, h.authority.Issuer(), r.URL.EscapedPath(), query.Encode()))
}

func (h *handlers) getProject(r *edge.Request) (out shownProject, err error) {
	ref, err := projectIn(r)
	if err != nil {
		return out, err
	}
	p, err := h.workspace.SeenProject(r.Context(), &r.Principal, ref)
	if err != nil {
		return out, err
	}
	return h.projectOf(&p), nil
}

// newProject asks for a project.
type newProject struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Visibility  string `json:"visibility"`
}

// nestedProject is newProject, flat or one level down.
type nestedProject struct {
	newProject
	Project *newProject `json:"project"`
}

func (h *handlers) createProject(r *edge.Request, body edge.Payload) (out shownProject, err error) {
	in := nestedProject{}
	if body.IsJSON() {
		if err := body.Decode(&in); err != nil {
			return out, err
		}
		if in.Project != nil {
			in.newProject = *in.Project
		}
	} else {
		f := fields{body.Form, "project"}
		in.newProject = newProject{f.text("name"), f.text("description"), f.text("visibility")}
	}
	if in.Visibility != "" && in.Visibility != "public" && in.Visibility != "private" {
		return out, credential.InvalidField("visibility", "must be public or private")
	}
	made, err := h.authority.CreateProject(r.Context(), &r.Principal, r.Principal.Organization, authority.NameRequest{
		Name: in.Name, Description: in.Description, Public: in.Visibility == "public", Idempotency: r.Idempotency(),
	})
	if err != nil {
		return out, err
	}
	return h.projectOf(&store.SeenProject{Project: *made}), nil
}

// profile is a user with the projects that they see.
type profile struct {
	ID           int64         `json:"id"`
	Name         string        `json:"name"`
	Email        string        `json:"email"`
	AvatarURL    *string       `json:"avatar_url"`
	CreatedAt    time.Time     `json:"created_at"`
	ProjectRoles []projectRole `json:"project_roles"`
}

type projectRole struct {
	ProjectID   string `json:"project_id"`
	ProjectName string `json:"project_name"`
	Role        string `json:"role"`
}

func (h *handlers) me(r *edge.Request) (out profile, err error) {
	user, err := h.workspace.Profile(r.Context(), &r.Principal)
	if err != nil {
		return out, err
	}
	list, err := h.workspace.Projects(r.Context(), &r.Principal, 0, mostListed)
	if err != nil {
		return out, err
	}
	out = profile{ID: user.Number, Name: user.Name, Email: user.Email, CreatedAt: user.CreatedAt, ProjectRoles: []projectRole{}}
	if user.AvatarURL != "" {
		out.AvatarURL = &user.AvatarURL
	}
	for _, p := range list.Projects {
		out.ProjectRoles = append(out.ProjectRoles, projectRole{projectID(p.Number), p.Name, roleIn(r.Principal.Role, p.Role)})
	}
	return out, nil
}

// roleIn is what BetaHub calls the role of a user in a project.
func roleIn(role credential.Role, in credential.ProjectRole) string {
	switch {
	case role == credential.Owner:
		return "owner"
	case role == credential.Guest:
		return "viewer"
	case role == credential.Admin, in == credential.ProjectAdmin:
		return "admin"
	case in == credential.ProjectUser:
		return "developer"
	}
	return "viewer"
}

// release is a version of what a project makes.
type release struct {
	ID                 int64     `json:"id"`
	ProjectID          int64     `json:"project_id"`
	Label              string    `json:"label"`
	Summary            *string   `json:"summary"`
	Description        *string   `json:"description"`
	CreatedAt          time.Time `json:"created_at"`
	UpdatedAt          time.Time `json:"updated_at"`
	DownloadLink       *string   `json:"download_link"`
	DynamicallyCreated bool      `json:"dynamically_created"`
}

func releaseOf(p *store.Project, r *store.Release) release {
	return release{ID: r.Number, ProjectID: p.Number, Label: r.Label, CreatedAt: r.CreatedAt, UpdatedAt: r.CreatedAt, DynamicallyCreated: true}
}

func (h *handlers) listReleases(r *edge.Request) ([]release, error) {
	ref, err := projectIn(r)
	if err != nil {
		return nil, err
	}
	project, list, err := h.workspace.Releases(r.Context(), &r.Principal, ref)
	if err != nil {
		return nil, err
	}
	out := make([]release, len(list))
	for i := range list {
		out[i] = releaseOf(project, &list[i])
	}
	return out, nil
}

func (h *handlers) getRelease(r *edge.Request) (out release, err error) {
	ref, err := projectIn(r)
	if err != nil {
		return out, err
	}
	n, ok := number(last(r, "release"), "")
	if !ok {
		return out, credential.Errorf(credential.NotFound, "no such release")
	}
	project, found, err := h.workspace.Release(r.Context(), &r.Principal, ref, n)
	if err != nil {
		return out, err
	}
	return releaseOf(project, found), nil
}
