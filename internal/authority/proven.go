package authority

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// provenFor is how long a password counts as proven while a code is typed.
const provenFor = 5 * time.Minute

// provenRow is what the text of a proven password is sealed for.
const provenRow = "sign-in"

// mostProven bounds the text of a proven password: an address has at most 254 bytes.
const mostProven = 1 << 10

// provenText is what the browser holds, sealed, between password and code.
type provenText struct {
	Email    string    `json:"email"`
	Password []byte    `json:"password"` // which one it was; tells nothing of it
	Until    time.Time `json:"until"`
}

// whichPassword tells a user's password from the next.
func (a *Authority) whichPassword(user *store.User) []byte {
	return a.store.Root().MAC(seal.Forms, []byte("password"), user.ID[:], []byte(user.PasswordHash))
}

// proven seals that the password of a user was right.
func (a *Authority) proven(user *store.User) (string, error) {
	text, err := json.Marshal(provenText{user.Email, a.whichPassword(user), a.clock().Add(provenFor)})
	if err != nil {
		return "", fmt.Errorf("write what is proven: %w", err)
	}
	sealed, err := a.store.Root().Seal(a.rand, provenRow, text)
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// evidence is whom a request to sign in is about, and what it proves that by.
func (a *Authority) evidence(r SignInRequest) (email string, matches match, err error) {
	if r.Proven == "" {
		email, err = credential.CheckEmail("email", r.Email)
		return email, a.password(r.Password), err
	}
	again := credential.Errorf(credential.Unauthenticated, "That took too long. Sign in again.")
	if len(r.Proven) > mostProven {
		return "", nil, again
	}
	var text provenText
	sealed, err := base64.RawURLEncoding.DecodeString(r.Proven)
	if err == nil {
		sealed, err = a.store.Root().Open(provenRow, sealed)
	}
	if err == nil {
		err = json.Unmarshal(sealed, &text)
	}
	if err != nil || !a.clock().Before(text.Until) {
		return "", nil, again
	}
	return text.Email, func(_ context.Context, user *store.User) (bool, error) {
		return hmac.Equal(text.Password, a.whichPassword(user)), nil
	}, nil
}

// FormToken is what the forms of a session's pages carry, so that no page of
// another site can send them (it is good for one session and never ends).
func (a *Authority) FormToken(p *credential.Principal) string {
	if p.Credential == nil { // the operator, who sends no forms
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(a.store.Root().MAC(seal.Forms, []byte("session"), p.Credential.ID[:])[:16])
}

// CheckFormToken reports whether a form comes from a page of the session.
func (a *Authority) CheckFormToken(p *credential.Principal, token string) bool {
	return token != "" && hmac.Equal([]byte(token), []byte(a.FormToken(p)))
}
