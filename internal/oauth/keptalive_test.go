package oauth_test

import (
	"net/http"
	"net/http/httptrace"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// What ends under a connection that stays open ends at its next request.
func TestR13_O6_KeptAliveConnection(t *testing.T) {
	const password = "correct horse battery"
	cases := map[string]struct {
		session bool // or else a client's token
		end     func(w *world, user authority.UserRef, token string) error
		code    string
	}{
		"the client is revoked": {false, func(w *world, _ authority.UserRef, _ string) error {
			return second(w.Revoke(background, w.op, w.client.ID))
		}, "revoked"},
		"the client is suspended": {false, func(w *world, _ authority.UserRef, _ string) error {
			return second(w.Suspend(background, w.op, w.client.ID))
		}, "suspended"},
		"the client is rotated without grace": {false, func(w *world, _ authority.UserRef, _ string) error {
			return second(w.Rotate(background, w.op, w.client.ID, authority.RotateRequest{}))
		}, "revoked"},
		"the session is signed out": {true, func(w *world, _ authority.UserRef, token string) error {
			d, err := w.Verify(background, token, authority.Verification{})
			if err != nil {
				return err
			}
			return w.SignOut(background, &d.Principal, false)
		}, "revoked"},
		"the session is ended by the operator": {true, func(w *world, user authority.UserRef, token string) error {
			d, err := w.Verify(background, token, authority.Verification{})
			if err != nil {
				return err
			}
			return w.EndSessionsOf(background, w.op, user, d.Principal.Credential.ID)
		}, "revoked"},
		"the user is deactivated": {true, func(w *world, user authority.UserRef, _ string) error {
			return second(w.Deactivate(background, w.op, user))
		}, "revoked"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				m, err := w.CreateUser(background, w.op, w.org, authority.UserRequest{Email: "ada@example.test", Name: "Ada", Role: credential.Member, Password: password})
				w.ok(err)
				token := w.token("api:read")
				if c.session {
					s, err := w.SignIn(background, authority.SignInRequest{Email: m.Email, Password: password})
					w.ok(err)
					token = s.Access.Token.Reveal()
				}
				transport := &http.Transport{MaxConnsPerHost: 1}
				defer transport.CloseIdleConnections()
				reused := false
				call := func() answer {
					r, err := http.NewRequest(http.MethodGet, w.url+"/protected", nil)
					w.ok(err)
					bearer(token)(r)
					trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }}
					return w.sendBy(transport, r.WithContext(httptrace.WithClientTrace(background, trace)))
				}
				for range 2 {
					if a := call(); a.status != http.StatusOK {
						t.Fatalf("before: got %d %s", a.status, a.text)
					}
				}
				w.ok(c.end(w, authority.UserRef{ID: m.ID}, token))
				if a := call(); a.status != http.StatusUnauthorized || a.field("code") != c.code || !reused {
					t.Errorf("the next request on the connection (the same: %v): got %d %s, want 401 %s", reused, a.status, a.text, c.code)
				}
			})
		})
	}
}
