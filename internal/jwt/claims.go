package jwt

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	claimsDepth = 16               // levels of nesting
	skew        = 60 * time.Second // how far another clock may be ahead of ours
	maxActors   = 4
)

// Claims is what an access token says (RFC 9068 section 2.2). Times are in
// whole seconds. What Verify returns is shared: it must not be changed.
type Claims struct {
	Issuer     string   // "iss"
	Subject    string   // "sub": on whose behalf the token acts
	ClientID   string   // "client_id": whom it was issued to
	Audience   []string // "aud"
	Scope      []string // "scope" (RFC 6749 section 3.3), at least one
	ID         string   // "jti"
	IssuedAt   time.Time
	ExpiresAt  time.Time
	NotBefore  time.Time // zero: at once
	Credential string    // "cid": id of the record that the token stands on
	Generation int       // "gen": which secret of that record
	Session    string    // "sid"
	Projects   []string  // "projects": what it is limited to, empty where it isn't
	Actor      *Actor    // "act": who acts for the subject
}

// Actor is a party that acts for the subject of a token (RFC 8693 section 4.1).
// A chain has at most 4: the latest first, each with the one before it.
type Actor struct {
	Subject  string `json:"sub"`
	ClientID string `json:"client_id,omitzero"`
	Actor    *Actor `json:"act,omitzero"`
}

// payload is the JSON of claims.
type payload struct {
	Issuer     string   `json:"iss"`
	Subject    string   `json:"sub"`
	ClientID   string   `json:"client_id"`
	Audience   []string `json:"aud"`
	Scope      string   `json:"scope"`
	ID         string   `json:"jti"`
	IssuedAt   int64    `json:"iat"`
	ExpiresAt  int64    `json:"exp"`
	NotBefore  int64    `json:"nbf,omitzero"`
	Credential string   `json:"cid,omitzero"`
	Generation int      `json:"gen,omitzero"`
	Session    string   `json:"sid,omitzero"`
	Projects   []string `json:"projects,omitempty"`
	Actor      *Actor   `json:"act,omitzero"`
}

func (c *Claims) encode() ([]byte, error) {
	actors := 0
	for a := c.Actor; a != nil; a = a.Actor {
		if actors++; actors > maxActors {
			return nil, BadClaims.because("act has more than %d actors", maxActors)
		}
	}
	p := payload{
		Issuer: c.Issuer, Subject: c.Subject, ClientID: c.ClientID, Audience: c.Audience,
		Scope: strings.Join(c.Scope, " "), ID: c.ID, IssuedAt: c.IssuedAt.Unix(), ExpiresAt: c.ExpiresAt.Unix(),
		Credential: c.Credential, Generation: c.Generation, Session: c.Session, Projects: c.Projects, Actor: c.Actor,
	}
	if !c.NotBefore.IsZero() {
		p.NotBefore = c.NotBefore.Unix()
	}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, BadClaims.because("a claim is not valid UTF-8")
	}
	return text, nil
}

// decode reads claims, all but their meaning: what is required is there, and
// everything is of the right type. Claims that we don't know are ignored.
func decode(text []byte) (*Claims, error) {
	r := readClaims(text)
	c := &Claims{
		Issuer:     r.text("iss"),
		Subject:    r.text("sub"),
		ClientID:   r.text("client_id"),
		Audience:   r.list("aud"),
		Scope:      r.scope("scope"),
		ID:         r.text("jti"),
		IssuedAt:   r.date("iat"),
		ExpiresAt:  r.date("exp"),
		NotBefore:  r.optionalDate("nbf"),
		Credential: r.optionalText("cid"),
		Session:    r.optionalText("sid"),
	}
	if r.has("gen") {
		generation, ok := r.integer("gen", math.MaxInt32)
		r.require(ok, "gen", "a whole number")
		c.Generation = int(generation)
	}
	if r.has("projects") {
		c.Projects = r.list("projects")
	}
	if r.has("act") {
		c.Actor = r.actor(r.object, maxActors)
	}
	r.require(c.ExpiresAt.After(c.IssuedAt), "exp", "after iat")
	if r.err != nil {
		return nil, r.err
	}
	return c, nil
}

// scope reads scope tokens with one space between them (RFC 6749 section 3.3).
func (r *claimReader) scope(name string) []string {
	text, _ := r.object.text(name)
	scope := strings.Split(text, " ")
	r.require(!slices.ContainsFunc(scope, notScopeToken), name, "a list of scopes with one space between them")
	return scope
}

func notScopeToken(text string) bool {
	return text == "" || strings.ContainsFunc(text, func(c rune) bool { return c < '!' || c > '~' || c == '"' || c == '\\' })
}

// actor reads the chain of actors that begins in a member of an object.
func (r *claimReader) actor(of object, most int) *Actor {
	members, err := readObject(of["act"], claimsDepth)
	r.require(err == nil && most > 0, "act", "a chain of at most 4 actors")
	if r.err != nil {
		return nil
	}
	nested := claimReader{object: members}
	a := &Actor{Subject: nested.text("sub"), ClientID: nested.optionalText("client_id")}
	if r.require(nested.err == nil, "act", "an actor with a sub"); nested.has("act") {
		a.Actor = r.actor(members, most-1)
	}
	return a
}

// current decides by the time alone. There is no leeway after exp; nbf and iat
// are of this server, or of a client whose clock may be a minute ahead.
func (c *Claims) current(now time.Time) error {
	switch {
	case !now.Before(c.ExpiresAt): // RFC 7519 section 4.1.4
		return Expired
	case now.Before(c.NotBefore): // RFC 7519 section 4.1.5
		return NotYetValid
	case c.IssuedAt.After(now.Add(skew)):
		return NotYetValid
	}
	return nil
}
