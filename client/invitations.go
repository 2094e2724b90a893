package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Invitations are the calls about the invitations of an organization.
type Invitations struct {
	c            *Client
	organization string
}

// Invitations returns the calls about the invitations of an organization.
func (c *Client) Invitations(organization string) Invitations { return Invitations{c, organization} }

// Create invites an address, and ends an invitation before to the same one, so
// that it is never repeated.
func (s Invitations) Create(ctx context.Context, in api.Invite) (api.IssuedInvitation, error) {
	return ask[api.IssuedInvitation](ctx, s.c, post("organizations", s.organization, "invitations").with(in, ""))
}

// All goes through the invitations.
func (s Invitations) All(ctx context.Context) iter.Seq2[api.Invitation, error] {
	return all(ctx, s.c, listing{path: []string{"organizations", s.organization, "invitations"}}, byCursor[api.Invitation])
}

// Withdraw takes an invitation back.
func (s Invitations) Withdraw(ctx context.Context, invitation string) error {
	return s.c.Do(ctx, to(http.MethodDelete, "organizations", s.organization, "invitations", invitation))
}

// AcceptInvitation makes who has signed in a member, by the code of an
// invitation to their address.
func (c *Client) AcceptInvitation(ctx context.Context, code string) (api.Organization, error) {
	return ask[api.Organization](ctx, c, post("invitations", "accept").with(api.AcceptInvitation{Code: code}, ""))
}
