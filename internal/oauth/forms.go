package oauth

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// tokenErrors are how the token endpoint can fail beside what any can.
var tokenErrors = []credential.ErrorKind{credential.InvalidClient, credential.InvalidScope, credential.InvalidTarget, credential.UnsupportedGrant}

// The forms, for documents. The handlers read their fields by name, so that
// one without a value counts as left out.
type (
	clientForm struct {
		ID            string `json:"client_id,omitempty" doc:"of a client that doesn't authenticate by Basic"`
		Secret        string `json:"client_secret,omitempty" format:"password" doc:"of a client that authenticates in the form"`
		AssertionType string `json:"client_assertion_type,omitempty" enum:"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"`
		Assertion     string `json:"client_assertion,omitempty" doc:"a JWT that the client signed (RFC 7523)"`
	}

	tokenForm struct {
		GrantType string `json:"grant_type" enum:"client_credentials,urn:ietf:params:oauth:grant-type:token-exchange"`
		Scope     string `json:"scope,omitempty" doc:"scopes with blanks between them; left out, all that there are"`
		clientForm
		Subject       string `json:"subject_token,omitempty" format:"password" doc:"in an exchange: the credential or access token to trade, or the identity token of a CI job that a trust rule lets in"`
		SubjectType   string `json:"subject_token_type,omitempty" enum:"urn:ietf:params:oauth:token-type:access_token,urn:ietf:params:oauth:token-type:jwt,urn:ietf:params:oauth:token-type:id_token"`
		RequestedType string `json:"requested_token_type,omitempty" enum:"urn:ietf:params:oauth:token-type:access_token,urn:ietf:params:oauth:token-type:jwt"`
		Audience      string `json:"audience,omitempty" doc:"the issuer, or nothing"`
		Resource      string `json:"resource,omitempty" doc:"the issuer, or nothing"`
		Project       string `json:"project,omitempty" doc:"in an exchange: the one project that the token is for, by UUID, pr-… or PRJ-…"`
		ExpiresIn     int    `json:"expires_in,omitempty" doc:"in an exchange: seconds, 3600 at most, for an identity token 900"`
	}

	introspectForm struct {
		Token   string `json:"token" format:"password"`
		Hint    string `json:"token_type_hint,omitempty" doc:"changes nothing"`
		Address string `json:"address,omitempty" doc:"from where the token came, for one that works from some addresses only"`
		clientForm
	}

	revokeForm struct {
		Token string `json:"token" format:"password"`
		Hint  string `json:"token_type_hint,omitempty" doc:"changes nothing"`
		clientForm
	}
)

// keySet is a JWK Set (RFC 7517 section 5).
type keySet struct {
	Keys []jsontext.Value `json:"keys" doc:"public keys (JWK)"`
}
