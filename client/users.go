package client

import (
	"context"
	"net/http"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Users are the calls about people, whatever organizations they are in. They
// are the operator's alone. A user is named by UUID, usr_… or e-mail address.
type Users struct{ c *Client }

// Users returns the calls about people.
func (c *Client) Users() Users { return Users{c} }

// Get returns a user.
func (s Users) Get(ctx context.Context, user string) (api.Person, error) {
	return ask[api.Person](ctx, s.c, get("users", user))
}

// Delete takes away what is known of a user, and shuts them out for good.
func (s Users) Delete(ctx context.Context, user string) error {
	return s.c.Do(ctx, to(http.MethodDelete, "users", user))
}

// Deactivate shuts a user out everywhere; their own credentials end for good.
func (s Users) Deactivate(ctx context.Context, user string) (api.Person, error) {
	return ask[api.Person](ctx, s.c, post("users", user, "deactivate"))
}

// Reactivate lets a deactivated user sign in again.
func (s Users) Reactivate(ctx context.Context, user string) (api.Person, error) {
	return ask[api.Person](ctx, s.c, post("users", user, "reactivate"))
}

// Unlock lets a user sign in who was locked out after wrong passwords.
func (s Users) Unlock(ctx context.Context, user string) (api.Person, error) {
	return ask[api.Person](ctx, s.c, post("users", user, "unlock"))
}

// PasswordCode makes a one-time code with which the user chooses a password. It
// ends the one before, so that it is never repeated.
func (s Users) PasswordCode(ctx context.Context, user string) (api.PasswordCode, error) {
	return ask[api.PasswordCode](ctx, s.c, post("users", user, "password-code"))
}

// ResetTwoFactor turns a user's second factor off and ends their sessions.
func (s Users) ResetTwoFactor(ctx context.Context, user string) (api.Person, error) {
	return ask[api.Person](ctx, s.c, to(http.MethodDelete, "users", user, "two-factor"))
}

// Sessions returns where a user has signed in, the latest used first.
func (s Users) Sessions(ctx context.Context, user string) ([]api.Session, error) {
	return items[api.Session](ctx, s.c, get("users", user, "sessions"))
}

// EndSessions ends all sessions of a user.
func (s Users) EndSessions(ctx context.Context, user string) error {
	return s.c.Do(ctx, to(http.MethodDelete, "users", user, "sessions"))
}

// EndSession ends one session of a user.
func (s Users) EndSession(ctx context.Context, user, session string) error {
	return s.c.Do(ctx, to(http.MethodDelete, "users", user, "sessions", session))
}
