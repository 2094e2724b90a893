package authority

import (
	"context"
	"crypto/hmac"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

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
func whichPassword(user *store.User) [][]byte {
	return [][]byte{[]byte("password"), user.ID[:], []byte(user.PasswordHash)}
}

// proven seals that the password of a user was right.
func (a *Authority) proven(user *store.User) (string, error) {
	text, err := json.Marshal(provenText{user.Email, a.store.Root().MAC(seal.Forms, whichPassword(user)...), a.clock().Add(provenFor)})
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
		return a.store.Root().Verifies(seal.Forms, text.Password, whichPassword(user)...), nil
	}, nil
}

// formSecret leads what SealForm made.
const formSecret = "sealed."

// SealForm seals a secret that somebody typed into a form, which is asked about
// meanwhile: for the forms of that session alone.
func (a *Authority) SealForm(p *credential.Principal, text string) (string, error) {
	if p.Credential == nil || strings.HasPrefix(text, formSecret) {
		return text, nil
	}
	text = text[:min(len(text), mostFlow/2)] // more than any secret has, and refused as the whole would be
	sealed, err := a.sealFor("form of session "+p.Credential.ID.String(), text)
	return formSecret + sealed, err
}

// OpenForm is the text that SealForm sealed for the session; any other is what
// it is. What can't be opened is a text that no secret is.
func (a *Authority) OpenForm(p *credential.Principal, text string) (plain string) {
	sealed, ok := strings.CutPrefix(text, formSecret)
	if !ok || p.Credential == nil {
		return text
	}
	if !a.openFor("form of session "+p.Credential.ID.String(), sealed, &plain) {
		return "\x00"
	}
	return plain
}

// FormToken is what the forms of a session's pages carry, so that no page of
// another site can send them (it is good for one session and never ends). Each
// time it is written otherwise, so that how a page packs tells nothing of it.
func (a *Authority) FormToken(p *credential.Principal) string {
	if formsOf(p) == uuid.Nil { // the operator outside of the console, who sends no forms
		return ""
	}
	masked := make([]byte, 2*formTokenSize)
	if _, err := io.ReadFull(a.rand, masked[:formTokenSize]); err != nil {
		a.log.Error("a form can't be written", "error", err)
		return ""
	}
	subtle.XORBytes(masked[formTokenSize:], masked[:formTokenSize], a.formTokens(p)[0])
	return base64.RawURLEncoding.EncodeToString(masked)
}

// formsOf is the session whose forms a principal sends; Nil for none.
func formsOf(p *credential.Principal) uuid.UUID {
	if p.Credential == nil {
		return p.Console
	}
	return p.Credential.ID
}

// formTokenSize is how many bytes a form token has before it is masked.
const formTokenSize = 16

// formTokens are those under each root key, the present one first.
func (a *Authority) formTokens(p *credential.Principal) (list [][]byte) {
	session := formsOf(p)
	for _, mac := range a.store.Root().MACs(seal.Forms, []byte("session"), session[:]) {
		list = append(list, mac[:formTokenSize])
	}
	return list
}

// CheckFormToken reports whether a form comes from a page of the session.
func (a *Authority) CheckFormToken(p *credential.Principal, token string) bool {
	if formsOf(p) == uuid.Nil || len(token) > 64 {
		return false
	}
	masked, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(masked) != 2*formTokenSize {
		return false
	}
	plain := make([]byte, formTokenSize)
	subtle.XORBytes(plain, masked[:formTokenSize], masked[formTokenSize:])
	return slices.ContainsFunc(a.formTokens(p), func(good []byte) bool { return hmac.Equal(plain, good) })
}
