package jwt

import (
	"strings"
	"testing"
)

// What a provider says of itself is taken where people can sign in by it.
func TestProvider(t *testing.T) {
	t.Parallel()
	const good = `"authorization_endpoint":"https://a.test/auth","token_endpoint":"https://a.test/token"`
	for text, want := range map[string]string{
		"{" + good + "}": "", `{"token_endpoint":"x"}`: "authorization_endpoint", `{"authorization_endpoint":"x"}`: "token_endpoint", "[]": "claims",
		"{" + good + `,"token_endpoint_auth_methods_supported":["private_key_jwt"]}`: "token_endpoint_auth_methods_supported",
		"{" + good + `,"response_types_supported":["id_token"]}`:                     "response_types_supported",
		"{" + good + `,"code_challenge_methods_supported":["plain"]}`:                "code_challenge_methods_supported",
		"{" + good + `,"authorization_endpoint":"https://b.test"}`:                   "claims",
	} {
		_, err := ParseProvider([]byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]bool{
		`{"id_token":"a","access_token":"b","token_type":"bearer"}`: true, `{"id_token":"a","access_token":"b"}`: false, `{"access_token":"b","token_type":"Bearer"}`: false,
		`{"id_token":"a","id_token":"c","access_token":"b","token_type":"Bearer"}`: false,
	} {
		if _, _, err := ParseTokens([]byte(text)); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzProvider: whatever a provider says is read or refused, and what is read can
// be used.
func FuzzProvider(f *testing.F) {
	f.Add(`{"authorization_endpoint":"https://a.test","token_endpoint":"https://a.test","userinfo_endpoint":"https://a.test"}`)
	f.Add(`{"id_token":"a","access_token":"b","token_type":"Bearer","sub":"x","error":"invalid_client"}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseProvider([]byte(text))
		if err == nil && (p.Authorization == "" || p.Token == "") {
			t.Errorf("%q: %+v", text, p)
		}
		if identity, access, err := ParseTokens([]byte(text)); err == nil && (identity == "" || access == "") {
			t.Errorf("%q: no tokens", text)
		}
		if claims, err := ParseUserInfo([]byte(text)); err == nil && len(claims) > maxClaims {
			t.Errorf("%q: %d claims", text, len(claims))
		}
		if code := ParseError([]byte(text)); strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Errorf("%q: the code %q", text, code)
		}
	})
}
