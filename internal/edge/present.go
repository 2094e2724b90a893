package edge

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
)

// Presented is a credential as a request carries it.
type Presented struct {
	Text string
	As   credential.Presentation
}

// FromHeaders takes the credential of the native API: Authorization with
// Bearer (RFC 6750 section 2.1) or FormUser, or X-API-Key. Nothing presented
// is the zero value; two at once are refused (RFC 6750 section 2).
func FromHeaders(h http.Header) (Presented, error) {
	authorization, keys := h["Authorization"], h["X-Api-Key"]
	switch {
	case len(authorization)+len(keys) == 0:
		return Presented{}, nil
	case len(authorization)+len(keys) > 1:
		return Presented{}, &misuse{credential.Errorf(credential.BadRequest, "present one credential, once: in Authorization or in X-API-Key")}
	case len(keys) == 1:
		return Presented{keys[0], credential.AsAPIKeyHeader}, nil
	}
	scheme, text, _ := strings.Cut(authorization[0], " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"): // RFC 9110 section 11.1: case-insensitive
		return Presented{strings.TrimLeft(text, " "), credential.AsBearer}, nil
	case strings.EqualFold(scheme, "FormUser"):
		text, _, _ = strings.Cut(strings.TrimLeft(text, " "), ",")
		return Presented{text, credential.AsFormUser}, nil
	}
	return Presented{}, &Denial{Code: credential.CodeMalformed}
}

// FromCookie takes the credential that a browser keeps in a cookie.
func FromCookie(h http.Header, name string) (Presented, error) {
	switch cookies := (&http.Request{Header: h}).CookiesNamed(name); len(cookies) {
	case 0:
		return Presented{}, nil
	case 1:
		return Presented{cookies[0].Value, credential.AsCookie}, nil
	}
	return Presented{}, &Denial{Code: credential.CodeMalformed}
}

// OrCookie takes the credential from where present finds it, and where no
// header has one from the cookie of who signed in by a browser at a public URL.
func OrCookie(present func(http.Header) (Presented, error), publicURL string) func(http.Header) (Presented, error) {
	name, _ := SessionCookie(publicURL)
	return func(h http.Header) (Presented, error) {
		if name == "" || len(h["Authorization"])+len(h["X-Api-Key"]) > 0 {
			return present(h)
		}
		return FromCookie(h, name)
	}
}

// SessionCookie names the cookie of browsers that sign in at a public URL.
// Where that has TLS, they send it by nothing else (secure); without TLS there
// is one on this very machine alone, else the name is empty.
func SessionCookie(publicURL string) (name string, secure bool) {
	u, err := url.Parse(publicURL)
	switch {
	case err == nil && u.Scheme == "https":
		return "__Host-gatehouse", true
	case err == nil && isLoopback(u.Hostname()):
		return "gatehouse", false
	}
	return "", false
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// secretParameters are the query parameters that some services put secrets in.
var secretParameters = [...]string{"access_token", "token", "api_key", "key", "credential", "client_secret"}

// secretInURL finds a query parameter that carries a secret: by its name, or
// by a name or a value that begins like one, escaped or not.
func secretInURL(rawQuery string, schemes *credential.Schemes) (name string, found bool) {
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescaped(name), unescaped(value)
		for _, secret := range secretParameters {
			if strings.EqualFold(name, secret) {
				return secret, true
			}
		}
		if schemes.HasPrefix(value) || schemes.HasPrefix(name) || jwt.Looks(value) || jwt.Looks(name) {
			return plain(name), true
		}
	}
	return "", false
}

// unescaped decodes a part of a query; one that can't be is left as it is.
func unescaped(part string) string {
	if text, err := url.QueryUnescape(part); err == nil {
		return text
	}
	return part
}
