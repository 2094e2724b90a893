package credential

import (
	"fmt"
	"io"
	"strings"
)

// handleLength is how many characters of a session's token are its handle,
// which stays when the token is traded for a new one.
const handleLength = 22 // 130 bits

// SessionText is the text of a session's token: a handle of 130 random bits,
// 160 random bits that are new in each token, and the checksum.
type SessionText struct{ Format }

// The tokens of sessions: the one that is traded for a new one each time
// (RFC 6749 section 1.5), the one that a browser keeps in a cookie, and the one
// that it keeps for the operator.
var (
	RefreshText = SessionText{Format{"gsr_", Base62, handleLength + 27 + 6}}
	CookieText  = SessionText{Format{"gsc_", Base62, handleLength + 27 + 6}}
	ConsoleText = SessionText{Format{"gso_", Base62, handleLength + 27 + 6}}
)

// Handle returns the part of a token that stays, and whether it is a token.
func (f SessionText) Handle(text string) (string, bool) {
	if !f.Check(text) {
		return "", false
	}
	return text[:len(f.Prefix)+handleLength], true
}

// Renew draws the next token of the session that text is a token of.
func (f SessionText) Renew(random io.Reader, text string) (Secret, error) {
	handle, ok := f.Handle(text)
	if !ok {
		return Secret{}, fmt.Errorf("renew %s: not such a token", f.Prefix)
	}
	fresh, err := f.Generate(random)
	if err != nil {
		return Secret{}, err
	}
	spec, _ := f.Alphabet.spec()
	body := handle + fresh.Reveal()[len(handle):len(fresh.Reveal())-spec.checksum]
	var sum [8]byte
	return NewSecret(body + string(spec.sum(body, sum[:]))), nil
}

// IsSessionText reports whether text begins like a session's token.
func IsSessionText(text string) bool {
	return strings.HasPrefix(text, RefreshText.Prefix) || strings.HasPrefix(text, CookieText.Prefix) || strings.HasPrefix(text, ConsoleText.Prefix)
}

// sessionScheme is what is true of all sessions. Nobody issues one but by
// signing in, so that no list of schemes has it.
var sessionScheme = newSessionScheme()

func newSessionScheme() *Scheme {
	s := &Scheme{
		Name: "session", Kind: Session, Owner: OwnedByUser, Text: CookieText.Format, Expiry: ExpiryRequired, ExpiryFixed: true,
		Scopes: ScopeRule{
			// Those that a token may be narrowed to, and what stands for all.
			Known: map[Scope]PermissionSet{AllScope: allPermissions &^ PermissionsOf(CredentialsVerify)},
			Fixed: true, Default: []Scope{AllScope},
		},
		Presented: []Presentation{AsCookie}, HintPublic: HintName,
	}
	return s
}

// SessionScheme is the scheme of sessions.
func SessionScheme() *Scheme { return sessionScheme }
