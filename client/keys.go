package client

import (
	"context"

	"github.com/gatehouse-dev/gatehouse/api"
)

// SigningKeys are the calls about the keys that sign access tokens. They are
// the operator's alone.
type SigningKeys struct{ c *Client }

// SigningKeys returns the calls about the keys that sign access tokens.
func (c *Client) SigningKeys() SigningKeys { return SigningKeys{c} }

// List returns the keys that verify access tokens.
func (s SigningKeys) List(ctx context.Context) ([]api.SigningKey, error) {
	return items[api.SigningKey](ctx, s.c, get("signing-keys"))
}

// Rotate makes a new signing key, and returns the keys that there are then.
func (s SigningKeys) Rotate(ctx context.Context, in api.RotateSigningKeys) ([]api.SigningKey, error) {
	return items[api.SigningKey](ctx, s.c, post("signing-keys", "rotate").with(in, ""))
}

// ConsoleCode makes a code by which the operator signs in to the console, once.
func (c *Client) ConsoleCode(ctx context.Context) (api.ConsoleCode, error) {
	return ask[api.ConsoleCode](ctx, c, post("console-codes"))
}

// RootKeys are the calls about the root keys. They are the operator's alone.
type RootKeys struct{ c *Client }

// RootKeys returns the calls about the root keys.
func (c *Client) RootKeys() RootKeys { return RootKeys{c} }

// List returns the root keys that the database knows, the newest first.
func (s RootKeys) List(ctx context.Context) ([]api.RootKey, error) {
	return items[api.RootKey](ctx, s.c, get("root-keys"))
}

// Retire ends the time of an older root key, and returns the keys that there
// are then.
func (s RootKeys) Retire(ctx context.Context, in api.RetireRootKey) ([]api.RootKey, error) {
	return items[api.RootKey](ctx, s.c, post("root-keys", "retire").with(in, ""))
}
