package api

import "time"

// SetSignInProvider says by which OpenID Connect provider the people of an
// organization sign in.
type SetSignInProvider struct {
	Issuer       string   `json:"issuer" format:"uri" doc:"as it stands in the provider's tokens: what is above /.well-known/openid-configuration"`
	ClientID     string   `json:"client_id" doc:"that the provider gave"`
	ClientSecret string   `json:"client_secret,omitempty" doc:"that the provider gave; left out, the one before stays, of the same issuer and client. It is never shown"`
	Domains      []string `json:"domains" doc:"1 to 20 domains of e-mail addresses, such as example.com, for which the provider may vouch; of one installation each leads to one organization"`
	Role         string   `json:"role" enum:"member,guest" doc:"what those become who come new"`
	AdmitNew     bool     `json:"admit_new,omitempty" doc:"let people in who are neither members nor invited"`
	Active       bool     `json:"active,omitempty" doc:"let people sign in by it; when it is turned off, the sessions end that it began"`
}

// SignInProvider is the provider by which the people of an organization sign in.
type SignInProvider struct {
	Issuer      string         `json:"issuer" format:"uri"`
	ClientID    string         `json:"client_id"`
	Domains     []string       `json:"domains"`
	Role        string         `json:"role" enum:"member,guest"`
	AdmitNew    bool           `json:"admit_new"`
	Active      bool           `json:"active"`
	RedirectURI string         `json:"redirect_uri" format:"uri" doc:"what the provider must be told, exactly"`
	CreatedAt   time.Time      `json:"created_at"`
	UpdatedAt   time.Time      `json:"updated_at"`
	LastFailure *SignInFailure `json:"last_failure,omitzero" doc:"why somebody wasn't let in the last time, since the provider was changed"`
	Version     string         `json:"version" doc:"tells one state of it from the next: what If-Match takes"`
}

// ETag is what If-Match takes.
func (p SignInProvider) ETag() string { return p.Version }

// SignInFailure is why a provider let somebody not in.
type SignInFailure struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// SignInLink is somebody whom a provider knows.
type SignInLink struct {
	User       string    `json:"user" format:"uuid"`
	Email      string    `json:"email" format:"email"`
	Name       string    `json:"name"`
	Member     bool      `json:"member" doc:"whether they are a member still; who isn't is let in only once they are invited"`
	Subject    string    `json:"subject" doc:"by which the provider knows them"`
	LinkedAt   time.Time `json:"linked_at"`
	LastUsedAt time.Time `json:"last_used_at"`
}
