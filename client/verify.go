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
