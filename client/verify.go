package client

import (
	"context"
	"net/http"

	"github.com/gatehouse-dev/gatehouse/api"
)

const verifyPath = "/v1/verify"

// Verify asks whether a credential may do something now. Decision.Active says
// so; an error means that nothing was decided, and the caller must refuse.
func (c *Client) Verify(ctx context.Context, v api.Verify) (*api.Decision, error) {
	var d api.Decision
	if err := c.Call(ctx, http.MethodPost, verifyPath, v, &d); err != nil {
		return nil, err
	}
	return &d, nil
}

// RevokeSecret revokes the credential of a secret that somebody found. It needs
// no credential of the caller's own, and its answer is the same for all texts.
func (c *Client) RevokeSecret(ctx context.Context, secret string) error {
	return c.Do(ctx, post("revoke").with(api.Possession{Credential: &secret}, ""))
}

// Setup makes the first organization, its owner and a key with every
// permission, by the code that the server prints. It works once.
func (c *Client) Setup(ctx context.Context, in api.Setup) (api.SetupResult, error) {
	return ask[api.SetupResult](ctx, c, post("setup").with(in, ""))
}
