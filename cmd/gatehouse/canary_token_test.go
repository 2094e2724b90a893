package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

const asForm = "application/x-www-form-urlencoded"

// form makes a call with a form and keeps the answer.
func (r *canaryRun) form(path string, form url.Values, header ...string) (int, string) {
	r.t.Helper()
	return r.call(http.MethodPost, path, form.Encode(), append(header, "Content-Type", asForm)...)
}

// accessToken asks for an access token, which becomes a canary, and its
// signature another: the rest of it is no secret.
func (r *canaryRun) accessToken(name string, form url.Values) string {
	r.t.Helper()
	status, text := r.form("/oauth2/token", form)
	var made struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(text), &made); err != nil || status != http.StatusOK || made.Token == "" {
		r.t.Fatalf("%s: got %d %s", name, status, text)
	}
	r.canaries = append(r.canaries, canary{name, made.Token}, canary{name + ", its signature", made.Token[strings.LastIndex(made.Token, ".")+1:]})
	return made.Token
}

// tokens takes access tokens, a client's and those that credentials are traded
// for, through everything that may happen to them.
func (r *canaryRun) tokens(key, pat string) {
	r.t.Helper()
	c := r.issued("a client", key, [2]string{"/v1/credentials", `{"scheme":"betatesting_client","name":"tokens"}`})
	asClient := func(more url.Values) url.Values {
		form := url.Values{"client_id": {c.ClientID}, "client_secret": {c.Secret}}
		for name, values := range more {
			form[name] = values
		}
		return form
	}
	trade := func(subject string) url.Values {
		return url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {subject},
			"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		}
	}
	own := r.accessToken("an access token", asClient(url.Values{"grant_type": {"client_credentials"}}))
	again := r.accessToken("an access token traded again", trade(own))
	traded := r.accessToken("an access token of a user", trade(pat))
	found := r.accessToken("an access token that somebody finds", asClient(url.Values{"grant_type": {"client_credentials"}}))

	bearer := []string{"Authorization", "Bearer " + key}
	use := func(want int) {
		for _, token := range []string{own, again, traded, found} {
			if got, _ := r.call("GET", "/v1/self", "", "Authorization", "Bearer "+token); got != want {
				r.t.Errorf("/v1/self with an access token: got %d, want %d", got, want)
			}
			r.call("GET", "/v1/organizations/1/projects", "", "Authorization", "Bearer "+token)
			r.call("POST", "/v1/verify", `{"credential":"`+token+`","permission":"issues:read"}`, bearer...)
			r.form("/oauth2/introspect", asClient(url.Values{"token": {token}}))
			r.form("/oauth2/introspect", url.Values{"token": {token}}, bearer...)
			r.form("/oauth2/introspect", url.Values{"token": {token}}, "Authorization", "Bearer "+token)
			r.strayForms(token)
		}
	}
	use(http.StatusOK)
	for _, token := range []string{own, traded} {
		r.stray(token, key)
	}
	r.form("/oauth2/revoke", asClient(url.Values{"token": {own}}))
	r.call("POST", "/v1/self/revoke", "", "Authorization", "Bearer "+traded)
	r.call("POST", "/v1/revoke", `{"credential":"`+found+`"}`)
	r.call("POST", "/v1/credentials/"+c.ID+"/suspend", "", bearer...)
	use(http.StatusUnauthorized)
	r.strayForms(c.Secret)
}

// strayForms puts a secret where it doesn't belong in the forms of OAuth2.
func (r *canaryRun) strayForms(secret string) {
	r.t.Helper()
	for _, name := range []string{
		"grant_type", "scope", "client_id", "client_secret", "client_assertion", "client_assertion_type", "token", "subject_token", "subject_token_type",
		"actor_token", "audience", "resource", "project", "expires_in", "address", secret,
	} {
		for _, path := range []string{"/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"} {
			form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"x"}, "client_secret": {"x"}, "token": {"x"}}
			form.Set(name, secret)
			r.form(path, form)
			r.call("POST", path+"?"+url.Values{name: {secret}}.Encode(), "x=y", "Content-Type", asForm)
		}
	}
}
