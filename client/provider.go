package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/gatehouse-dev/gatehouse/api"
)

// SignInProvider returns the OpenID Connect provider by which the people of an
// organization sign in.
func (s Organizations) SignInProvider(ctx context.Context, id string) (api.SignInProvider, error) {
	return ask[api.SignInProvider](ctx, s.c, get("organizations", id, "sign-in-provider"))
}

// SetSignInProvider replaces the OpenID Connect provider by which the people of
// an organization sign in.
func (s Organizations) SetSignInProvider(ctx context.Context, id string, in api.SetSignInProvider) (api.SignInProvider, error) {
	return ask[api.SignInProvider](ctx, s.c, to(http.MethodPut, "organizations", id, "sign-in-provider").with(in, ""))
}

// DeleteSignInProvider lets nobody sign in but by password, and ends the sessions
// that the provider began.
func (s Organizations) DeleteSignInProvider(ctx context.Context, id string) error {
	return s.c.Do(ctx, to(http.MethodDelete, "organizations", id, "sign-in-provider"))
}

// SignInLinks goes through the people whom the provider of an organization knows.
// It ends after an error.
func (s Organizations) SignInLinks(ctx context.Context, id string) iter.Seq2[api.SignInLink, error] {
	return all(ctx, s.c, listing{path: []string{"organizations", id, "sign-in-provider", "links"}}, byCursor[api.SignInLink])
}

// ForgetSignInLink forgets by which subject the provider of an organization knows
// a user, who is named by UUID, usr_… or e-mail address.
func (s Organizations) ForgetSignInLink(ctx context.Context, id, user string) error {
	return s.c.Do(ctx, to(http.MethodDelete, "organizations", id, "sign-in-provider", "links", user))
}
