package client

import (
	"context"
	"iter"
	"net/http"
	"strconv"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Credentials are the calls about credentials.
type Credentials struct{ c *Client }

// Credentials returns the calls about credentials.
func (c *Client) Credentials() Credentials { return Credentials{c} }

// Create issues a credential. The answer holds the only copy of its secret. key
// makes the call repeatable, see NewIdempotencyKey; it may be empty.
func (s Credentials) Create(ctx context.Context, in api.CreateCredential, key string) (api.IssuedCredential, error) {
	return ask[api.IssuedCredential](ctx, s.c, post("credentials").with(in, key))
}

// CredentialFilter narrows a list of credentials. Empty fields don't.
type CredentialFilter struct{ Organization, Project, User, Scheme, State string }

// All goes through the credentials that the caller looks after, the newest
// first. It ends after an error.
func (s Credentials) All(ctx context.Context, f CredentialFilter) iter.Seq2[api.Credential, error] {
	return all(ctx, s.c, listing{[]string{"credentials"}, []string{
		"organization", f.Organization, "project", f.Project, "user", f.User, "scheme", f.Scheme, "state", f.State,
	}}, byCursor[api.Credential])
}

// Get returns a credential.
func (s Credentials) Get(ctx context.Context, id string) (api.Credential, error) {
	return ask[api.Credential](ctx, s.c, get("credentials", id))
}

// ActivityFilter says which part of what a credential did: before a sequence
// number, the NextBefore of the page before; at most so many events; and for
// credentials of the installation, in which organization. Empty fields are the
// latest events, as many as the server gives.
type ActivityFilter struct {
	Organization string
	Before       int64
	Limit        int
}

// Activity returns where a credential was used the last time, how often it was,
// and what it did, the latest first.
func (s Credentials) Activity(ctx context.Context, id string, f ActivityFilter) (api.Activity, error) {
	return ask[api.Activity](ctx, s.c, get("credentials", id, "activity").where(
		"organization", f.Organization, "before", number(f.Before), "limit", number(int64(f.Limit))))
}

// number writes a number, and nothing for zero.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// Update changes a credential; what in leaves out stays.
func (s Credentials) Update(ctx context.Context, id string, in api.UpdateCredential) (api.Credential, error) {
	return ask[api.Credential](ctx, s.c, to(http.MethodPatch, "credentials", id).with(in, ""))
}

// Rotate gives a credential a new secret; the one before works for the grace.
// key makes the call repeatable; it may be empty.
func (s Credentials) Rotate(ctx context.Context, id string, in api.RotateCredential, key string) (api.IssuedCredential, error) {
	return ask[api.IssuedCredential](ctx, s.c, post("credentials", id, "rotate").with(in, key))
}

// Suspend stops a credential until it is resumed.
func (s Credentials) Suspend(ctx context.Context, id string) (api.Credential, error) {
	return ask[api.Credential](ctx, s.c, post("credentials", id, "suspend"))
}

// Resume lets a suspended credential work again.
func (s Credentials) Resume(ctx context.Context, id string) (api.Credential, error) {
	return ask[api.Credential](ctx, s.c, post("credentials", id, "resume"))
}

// Revoke ends a credential for good.
func (s Credentials) Revoke(ctx context.Context, id string) (api.Credential, error) {
	return ask[api.Credential](ctx, s.c, post("credentials", id, "revoke"))
}

// SetKeys sets the public keys of an OAuth2 client, in place of those before.
func (s Credentials) SetKeys(ctx context.Context, id string, in api.ClientKeys) (api.Credential, error) {
	return ask[api.Credential](ctx, s.c, to(http.MethodPut, "credentials", id, "jwks").with(in, ""))
}

// RemoveKeys takes the public keys of an OAuth2 client away.
func (s Credentials) RemoveKeys(ctx context.Context, id string) (api.Credential, error) {
	return ask[api.Credential](ctx, s.c, to(http.MethodDelete, "credentials", id, "jwks"))
}
