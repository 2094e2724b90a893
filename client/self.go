package client

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Self are the calls of a credential about itself. They need no permission.
type Self struct{ c *Client }

// Self returns the calls about the client's own credential.
func (c *Client) Self() Self { return Self{c} }

// Get says what the caller is and may do.
func (s Self) Get(ctx context.Context) (api.Self, error) {
	return ask[api.Self](ctx, s.c, get("self"))
}

// Rotate gives the caller's credential a new secret. This client goes on with
// the one that it has, which works for the grace; make another for the new one.
func (s Self) Rotate(ctx context.Context, in api.RotateCredential, key string) (api.IssuedCredential, error) {
	return ask[api.IssuedCredential](ctx, s.c, post("self", "rotate").with(in, key))
}

// Revoke ends the caller's credential for good.
func (s Self) Revoke(ctx context.Context) (api.Credential, error) {
	return ask[api.Credential](ctx, s.c, post("self", "revoke"))
}

// Schemes returns the declared families of credentials.
func (c *Client) Schemes(ctx context.Context) ([]api.Scheme, error) {
	return items[api.Scheme](ctx, c, get("schemes"))
}
