package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Policy returns what an organization asks of its credentials.
func (s Organizations) Policy(ctx context.Context, id string) (api.Policy, error) {
	return ask[api.Policy](ctx, s.c, get("organizations", id, "policy"))
}

// SetPolicy replaces what an organization asks of its credentials.
func (s Organizations) SetPolicy(ctx context.Context, id string, in api.Policy) (api.Policy, error) {
	return ask[api.Policy](ctx, s.c, to(http.MethodPut, "organizations", id, "policy").with(in, ""))
}

// Unused goes through the working credentials of an organization that nobody
// has used for some time, such as 90d. It ends after an error.
func (s Organizations) Unused(ctx context.Context, id, span string) iter.Seq2[api.UnusedCredential, error] {
	return all(ctx, s.c, listing{[]string{"organizations", id, "unused-credentials"}, []string{"for", span}}, byCursor[api.UnusedCredential])
}

// RevokeMany ends credentials of one organization at once.
func (s Credentials) RevokeMany(ctx context.Context, in api.RevokeCredentials) (api.RevokedCredentials, error) {
	return ask[api.RevokedCredentials](ctx, s.c, post("credential-revocations").with(in, ""))
}
