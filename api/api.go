// Package api has the types that the native HTTP API reads and writes, as
// they stand on the wire. It depends on the standard library alone, so that
// clients can import it. Times are RFC 3339 in UTC; ids are UUIDs.
package api

import (
	"encoding/json"
	"time"
)

// Credential is the record of something that authenticates. It never holds
// the secret.
type Credential struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Scheme       string   `json:"scheme"`
	Kind         string   `json:"kind"`
	Mode         string   `json:"mode,omitempty"`
	Organization string   `json:"organization,omitempty"` // empty: the whole installation
	Project      string   `json:"project,omitempty"`
	User         string   `json:"user,omitempty"`
	ClientID     string   `json:"client_id,omitempty"`
	KeyIDs       []string `json:"key_ids,omitempty"` // of a client's public keys; not in lists
	Scopes       []string `json:"scopes"`
	// State is active, suspended, expired, revoked, or damaged for a record that can't be read.
	State            string       `json:"state"`
	Hint             string       `json:"hint"`        // what people recognise it by
	Fingerprint      string       `json:"fingerprint"` // first 8 hex digits of the secret's SHA-256
	Predecessor      *Predecessor `json:"predecessor,omitempty"`
	AllowedAddresses []string     `json:"allowed_addresses,omitempty"`
	RateLimit        int          `json:"rate_limit,omitzero"` // requests per minute, of each node
	CreatedAt        time.Time    `json:"created_at,omitzero"`
	CreatedBy        string       `json:"created_by"`
	NotBefore        *time.Time   `json:"not_before,omitempty"`
	ExpiresAt        *time.Time   `json:"expires_at,omitempty"`
	SuspendedAt      *time.Time   `json:"suspended_at,omitempty"`
	RevokedAt        *time.Time   `json:"revoked_at,omitempty"`
	LastUsedAt       *time.Time   `json:"last_used_at,omitempty"`
	LastUsedAddress  string       `json:"last_used_address,omitempty"`
	LastUsedAgent    string       `json:"last_used_agent,omitempty"`
}

// Predecessor is the secret that a rotation replaced, while it still works.
type Predecessor struct {
	Fingerprint string    `json:"fingerprint"`
	EndsAt      time.Time `json:"ends_at"`
}

// IssuedCredential is the one answer that holds a secret.
type IssuedCredential struct {
	Credential
	Secret string `json:"secret"`
}

// CreateCredential asks for a new credential.
type CreateCredential struct {
	Scheme           string   `json:"scheme"`
	Name             string   `json:"name"`
	Organization     string   `json:"organization,omitempty"` // for the operator
	Project          string   `json:"project,omitempty"`      // UUID, pr-… or PRJ-…
	User             string   `json:"user,omitempty"`         // UUID, usr_… or e-mail address
	Scopes           []string `json:"scopes,omitempty"`
	NotBefore        string   `json:"not_before,omitempty"`
	ExpiresAt        string   `json:"expires_at,omitempty"` // RFC 3339 with a zone
	ExpiresIn        string   `json:"expires_in,omitempty"` // such as 90d
	AllowedAddresses []string `json:"allowed_addresses,omitempty"`
	RateLimit        int      `json:"rate_limit,omitzero"`
}

// UpdateCredential changes a credential; what is absent stays. The expiry
// "never" clears it where the scheme allows that.
type UpdateCredential struct {
	Name             *string   `json:"name,omitempty"`
	AllowedAddresses *[]string `json:"allowed_addresses,omitempty"`
	RateLimit        *int      `json:"rate_limit,omitempty"`
	ExpiresAt        *string   `json:"expires_at,omitempty"`
}

// RotateCredential asks for a new secret of a credential.
type RotateCredential struct {
	Grace     *string `json:"grace,omitempty"` // how long the predecessor works: 0 to 30d; 24h if absent
	ExpiresAt string  `json:"expires_at,omitempty"`
	ExpiresIn string  `json:"expires_in,omitempty"`
}

// ClientKeys are the public keys of an OAuth2 client, as a JWK Set (RFC 7517
// section 5). They replace those before.
type ClientKeys struct {
	Keys []json.RawMessage `json:"keys"`
}

// SigningKey is a key that signs access tokens.
type SigningKey struct {
	ID        string `json:"id"` // kid in tokens and in the published keys
	Algorithm string `json:"algorithm"`
	// State is next (published, signs later), current, or retired (verifies only).
	State         string     `json:"state"`
	CreatedAt     time.Time  `json:"created_at"`
	SignsFrom     time.Time  `json:"signs_from"`
	VerifiesUntil *time.Time `json:"verifies_until,omitempty"`
}

// RotateSigningKeys asks for a new signing key.
type RotateSigningKeys struct {
	Now bool `json:"now,omitzero"` // it signs at once, not only when everybody can know it
}

// List is one page of a list.
type List[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty"`
}

// Verify asks whether a credential may do something now.
type Verify struct {
	Credential *string `json:"credential"`
	Permission string  `json:"permission,omitempty"`
	Project    string  `json:"project,omitempty"` // UUID, pr-… or PRJ-…
	Address    string  `json:"address,omitempty"` // of the client
	UserAgent  string  `json:"user_agent,omitempty"`
	// Cost and Resource say what the request would spend and where. They are
	// checked, and this version does nothing else with them.
	Cost     int64  `json:"cost,omitzero"`
	Resource string `json:"resource,omitempty"`
}

// Decision answers Verify. Only Code and Active are set unless Code is ok.
type Decision struct {
	Code         string              `json:"code"`
	Active       bool                `json:"active"`
	Credential   *VerifiedCredential `json:"credential,omitempty"`
	Subject      *Subject            `json:"subject,omitempty"`
	Organization string              `json:"organization,omitempty"`
	Projects     []string            `json:"projects,omitempty"` // that it is confined to
	Scopes       []string            `json:"scopes,omitempty"`
	ExpiresAt    *time.Time          `json:"expires_at,omitempty"`
}

// VerifiedCredential names the credential that was verified.
type VerifiedCredential struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Scheme string `json:"scheme"`
	Kind   string `json:"kind"`
	Mode   string `json:"mode,omitempty"`
}

// Subject is on whose behalf a credential acts.
type Subject struct {
	Type string `json:"type"` // user, project, organization or installation
	ID   string `json:"id,omitempty"`
}

// Self says what the caller is.
type Self struct {
	Credential   *Credential `json:"credential,omitempty"`
	Subject      Subject     `json:"subject"`
	Organization string      `json:"organization,omitempty"`
	Role         string      `json:"role,omitempty"`
	Permissions  []string    `json:"permissions"`
}

// Possession is a secret that somebody found.
type Possession struct {
	Credential *string `json:"credential"`
}

// Scheme describes a declared family of credentials.
type Scheme struct {
	Name          string   `json:"name"`
	Kind          string   `json:"kind"`
	Mode          string   `json:"mode,omitempty"`
	Prefix        string   `json:"prefix"`
	Alphabet      string   `json:"alphabet"`
	Length        int      `json:"length"` // of the whole text
	Pattern       string   `json:"pattern"`
	Owner         string   `json:"owner"`
	Expiry        string   `json:"expiry"` // never, optional, required or operator
	LifetimeDays  []int    `json:"lifetime_days,omitempty"`
	ExpiryFixed   bool     `json:"expiry_fixed,omitzero"`
	MaxActive     int      `json:"max_active,omitzero"`
	Scopes        []string `json:"scopes"`
	DefaultScopes []string `json:"default_scopes,omitempty"`
	Presented     []string `json:"presented"`
}

// Setup makes the first organization and its owner.
type Setup struct {
	Code         string `json:"code"`
	Organization string `json:"organization"`
	Name         string `json:"name"`
	Email        string `json:"email"`
	Password     string `json:"password"`
}

// SetupResult is what a set-up made. Its credential has every permission.
type SetupResult struct {
	Organization Organization     `json:"organization"`
	User         User             `json:"user"`
	Credential   IssuedCredential `json:"credential"`
}

// Organization is the isolation boundary that credentials live in.
type Organization struct {
	ID          string     `json:"id"`
	Number      int64      `json:"number"`
	BunShipID   string     `json:"bunship_id"`
	Name        string     `json:"name"`
	State       string     `json:"state"` // active or suspended
	CreatedAt   time.Time  `json:"created_at"`
	SuspendedAt *time.Time `json:"suspended_at,omitempty"`
}

// CreateOrganization asks for a new organization.
type CreateOrganization struct {
	Name string `json:"name"`
}

// User is a member of an organization.
type User struct {
	ID        string    `json:"id"`
	Number    int64     `json:"number"`
	Email     string    `json:"email"`
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	State     string    `json:"state"` // active or deactivated
	CreatedAt time.Time `json:"created_at"`
}

// CreateUser asks for a member of an organization.
type CreateUser struct {
	Email    string `json:"email"`
	Name     string `json:"name"`
	Role     string `json:"role"`
	Password string `json:"password,omitempty"`
}

// SetRole gives a user a role.
type SetRole struct {
	Role string `json:"role"`
}

// Project is what work belongs to.
type Project struct {
	ID           string     `json:"id"`
	Organization string     `json:"organization"`
	Name         string     `json:"name"`
	BetaHubID    string     `json:"betahub_id"`  // pr-…
	TestKaseID   string     `json:"testkase_id"` // PRJ-…
	State        string     `json:"state"`       // active or archived
	CreatedAt    time.Time  `json:"created_at"`
	ArchivedAt   *time.Time `json:"archived_at,omitempty"`
}

// CreateProject asks for a new project.
type CreateProject struct {
	Name string `json:"name"`
}

// Event is one audit line with its place in the hash chain.
type Event struct {
	Chain    string    `json:"chain"`
	Sequence int64     `json:"sequence"`
	At       time.Time `json:"at"`
	Actor    string    `json:"actor"`
	Subject  string    `json:"subject,omitempty"`
	Action   string    `json:"action"`
	Target   string    `json:"target"`
	Address  string    `json:"address,omitempty"`
	Request  string    `json:"request,omitempty"`
	Detail   string    `json:"detail"` // a JSON object, as it was hashed
	Previous string    `json:"previous"`
	Hash     string    `json:"hash"`
}

// AuditReport says how an audit chain was found.
type AuditReport struct {
	Chain  string `json:"chain"`
	Events int64  `json:"events"` // how many are whole, from the first
	OK     bool   `json:"ok"`
	Broken int64  `json:"broken,omitzero"` // sequence of the first broken event
	Reason string `json:"reason,omitempty"`
}

// Empty is the body of calls and answers that have nothing to say.
type Empty struct{}

// Health says that a process runs, or that it can decide.
type Health struct {
	Status string `json:"status"`
}

// Problem is an error body (RFC 9457). Code is stable; Field names the member
// of the request that is wrong.
type Problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Code      string `json:"code"`
	Field     string `json:"field,omitempty"`
	RequestID string `json:"request_id,omitempty"`
}

// Error makes a problem an error that says what to do.
func (p *Problem) Error() string {
	if p.Field != "" {
		return p.Field + ": " + p.Detail
	}
	return p.Detail
}
