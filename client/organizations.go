package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Organizations are the calls about organizations. Each is named by its UUID,
// its org_… or its number.
type Organizations struct{ c *Client }

// Organizations returns the calls about organizations.
func (c *Client) Organizations() Organizations { return Organizations{c} }

// Create makes an organization. key makes the call repeatable; it may be empty.
func (s Organizations) Create(ctx context.Context, in api.CreateOrganization, key string) (api.Organization, error) {
	return ask[api.Organization](ctx, s.c, post("organizations").with(in, key))
}

// All goes through the organizations that the caller reaches.
func (s Organizations) All(ctx context.Context) iter.Seq2[api.Organization, error] {
	return all(ctx, s.c, listing{path: []string{"organizations"}}, byCursor[api.Organization])
}

// Get returns an organization.
func (s Organizations) Get(ctx context.Context, organization string) (api.Organization, error) {
	return ask[api.Organization](ctx, s.c, get("organizations", organization))
}

// Suspend stops all credentials of an organization until it is resumed.
func (s Organizations) Suspend(ctx context.Context, organization string) (api.Organization, error) {
	return ask[api.Organization](ctx, s.c, post("organizations", organization, "suspend"))
}

// Resume lets the credentials of a suspended organization work again.
func (s Organizations) Resume(ctx context.Context, organization string) (api.Organization, error) {
	return ask[api.Organization](ctx, s.c, post("organizations", organization, "resume"))
}

// Members are the calls about the members of an organization. A user is named
// by UUID, usr_… or e-mail address.
type Members struct {
	c            *Client
	organization string
}

// Members returns the calls about the members of an organization.
func (c *Client) Members(organization string) Members { return Members{c, organization} }

// Create adds a member. key makes the call repeatable; it may be empty.
func (s Members) Create(ctx context.Context, in api.CreateUser, key string) (api.User, error) {
	return ask[api.User](ctx, s.c, post("organizations", s.organization, "members").with(in, key))
}

// CreateService makes a member that nobody signs in as. key makes the call
// repeatable; it may be empty.
func (s Members) CreateService(ctx context.Context, in api.CreateServiceUser, key string) (api.User, error) {
	return ask[api.User](ctx, s.c, post("organizations", s.organization, "service-users").with(in, key))
}

// All goes through the members.
func (s Members) All(ctx context.Context) iter.Seq2[api.User, error] {
	return all(ctx, s.c, listing{path: []string{"organizations", s.organization, "members"}}, byCursor[api.User])
}

// Get returns a member.
func (s Members) Get(ctx context.Context, user string) (api.User, error) {
	return ask[api.User](ctx, s.c, to(http.MethodGet, "organizations", s.organization, "members", user))
}

// SetRole gives a member another role.
func (s Members) SetRole(ctx context.Context, user, role string) error {
	return s.c.Do(ctx, to(http.MethodPut, "organizations", s.organization, "members", user).with(api.SetRole{Role: role}, ""))
}

// Remove ends a membership, and the credentials that the user has by it.
func (s Members) Remove(ctx context.Context, user string) error {
	return s.c.Do(ctx, to(http.MethodDelete, "organizations", s.organization, "members", user))
}
