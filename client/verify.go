package client

import (
	"context"
	"net/http"

	"github.com/gatehouse-dev/gatehouse/api"
)

const verifyPath = "/v1/verify"

// Verify asks whether a credential may do something now. Decision.Active says
// so; an error means that nothing was decided, and the caller must refuse. What
// it costs is paid once, however often it is tried.
func (c *Client) Verify(ctx context.Context, v api.Verify) (*api.Decision, error) {
	return c.VerifyOnce(ctx, v, NewIdempotencyKey())
}

// VerifyOnce is Verify under an Idempotency-Key of the caller's own: for a
// request that may come again, such as a job that is taken up anew. Under one
// key it is paid once a day.
func (c *Client) VerifyOnce(ctx context.Context, v api.Verify, key string) (*api.Decision, error) {
	var d api.Decision
	err := c.Do(ctx, Request{Method: http.MethodPost, Path: verifyPath, In: v, Out: &d, IdempotencyKey: key})
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// Settle says what a call came to that was verified with a cost: at most what
// was paid, up to a day later. The rest goes back to the budgets.
func (c *Client) Settle(ctx context.Context, spend string, cost int64) (api.Spend, error) {
	return ask[api.Spend](ctx, c, post("spends", spend, "settle").with(api.SettleSpend{Cost: &cost}, ""))
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
