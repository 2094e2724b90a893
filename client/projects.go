package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Projects are the calls about the projects of an organization. Each is named
// by its UUID, its pr-… or its PRJ-….
type Projects struct {
	c            *Client
	organization string
}

// Projects returns the calls about the projects of an organization.
func (c *Client) Projects(organization string) Projects { return Projects{c, organization} }

// Create makes a project. key makes the call repeatable; it may be empty.
func (s Projects) Create(ctx context.Context, in api.CreateProject, key string) (api.Project, error) {
	return ask[api.Project](ctx, s.c, post("organizations", s.organization, "projects").with(in, key))
}

// All goes through the projects that the caller sees.
func (s Projects) All(ctx context.Context) iter.Seq2[api.Project, error] {
	return all(ctx, s.c, listing{path: []string{"organizations", s.organization, "projects"}}, byCursor[api.Project])
}

// Get returns a project.
func (s Projects) Get(ctx context.Context, project string) (api.Project, error) {
	return ask[api.Project](ctx, s.c, get("organizations", s.organization, "projects", project))
}

// Delete takes a project away for good, and its credentials.
func (s Projects) Delete(ctx context.Context, project string) error {
	return s.c.Do(ctx, to(http.MethodDelete, "organizations", s.organization, "projects", project))
}

// Archive takes a project, and the credentials of it, out of service.
func (s Projects) Archive(ctx context.Context, project string) (api.Project, error) {
	return ask[api.Project](ctx, s.c, post("organizations", s.organization, "projects", project, "archive"))
}

// Restore puts an archived project back in service.
func (s Projects) Restore(ctx context.Context, project string) (api.Project, error) {
	return ask[api.Project](ctx, s.c, post("organizations", s.organization, "projects", project, "restore"))
}

// Member returns the role of a user in a project.
func (s Projects) Member(ctx context.Context, project, user string) (api.ProjectMember, error) {
	return ask[api.ProjectMember](ctx, s.c, to(http.MethodGet, "organizations", s.organization, "projects", project, "members", user))
}

// VirtualUsers goes through those whom the credentials of a project have
// vouched for.
func (s Projects) VirtualUsers(ctx context.Context, project string) iter.Seq2[api.VirtualUser, error] {
	return all(ctx, s.c, listing{path: []string{"organizations", s.organization, "projects", project, "virtual-users"}}, byCursor[api.VirtualUser])
}

// DeleteVirtualUser forgets who a virtual user is. What the person wrote stays.
func (s Projects) DeleteVirtualUser(ctx context.Context, project, id string) error {
	return s.c.Do(ctx, to(http.MethodDelete, "organizations", s.organization, "projects", project, "virtual-users", id))
}

// SetRole gives a user a role in a project: admin, user or guest.
func (s Projects) SetRole(ctx context.Context, project, user, role string) error {
	return s.c.Do(ctx, to(http.MethodPut, "organizations", s.organization, "projects", project, "members", user).with(api.SetRole{Role: role}, ""))
}

// RemoveMember takes the role of a user in a project away.
func (s Projects) RemoveMember(ctx context.Context, project, user string) error {
	return s.c.Do(ctx, to(http.MethodDelete, "organizations", s.organization, "projects", project, "members", user))
}
