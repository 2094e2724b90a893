// Package api has the types that the native HTTP API reads and writes, as
// they stand on the wire. It depends on the standard library alone, so that
// clients can import it. Times are RFC 3339 in UTC; ids are UUIDs.
//
// The tags format, enum and doc are read for the OpenAPI document: a member is
// required there unless it may be omitted.
package api

import (
	"encoding/json"
	"time"
)

// Credential is the record of something that authenticates. It never holds
// the secret.
type Credential struct {
	ID               string       `json:"id" format:"uuid"`
	Name             string       `json:"name"`
	Scheme           string       `json:"scheme"`
	Kind             string       `json:"kind" enum:"personal_access_token,api_key,project_token,oauth_client,session,trust_rule," doc:"empty for a damaged record"`
	Mode             string       `json:"mode,omitempty" doc:"such as live or test, where the scheme tells them apart"`
	Organization     string       `json:"organization,omitempty" format:"uuid" doc:"absent: the whole installation"`
	Project          string       `json:"project,omitempty" format:"uuid"`
	User             string       `json:"user,omitempty" format:"uuid"`
	ClientID         string       `json:"client_id,omitempty" doc:"public id, for schemes that have one"`
	KeyIDs           []string     `json:"key_ids,omitempty" doc:"of a client's public keys; not in lists"`
	Scopes           []string     `json:"scopes" doc:"as they were chosen; they never change"`
	State            string       `json:"state" enum:"active,suspended,expired,revoked,damaged" doc:"damaged: a record that can't be read; its id is all there is"`
	Hint             string       `json:"hint" doc:"what people recognise it by"`
	Fingerprint      string       `json:"fingerprint" doc:"first 8 hex digits of the secret's SHA-256; empty for a trust rule, which has none"`
	Predecessor      *Predecessor `json:"predecessor,omitempty" doc:"during the grace of a rotation; not in lists"`
	AllowedAddresses []string     `json:"allowed_addresses,omitempty" doc:"addresses and CIDR prefixes; absent: from anywhere"`
	RateLimit        int          `json:"rate_limit,omitzero" doc:"requests per minute, of each node"`
	CreatedAt        time.Time    `json:"created_at,omitzero"`
	CreatedBy        string       `json:"created_by" doc:"who issued it, such as operator or credential:…"`
	NotBefore        *time.Time   `json:"not_before,omitempty"`
	ExpiresAt        *time.Time   `json:"expires_at,omitempty"`
	SuspendedAt      *time.Time   `json:"suspended_at,omitempty"`
	RevokedAt        *time.Time   `json:"revoked_at,omitempty"`
	LastUsedAt       *time.Time   `json:"last_used_at,omitempty" doc:"the latest verification"`
	LastUsedAddress  string       `json:"last_used_address,omitempty"`
	LastUsedAgent    string       `json:"last_used_agent,omitempty"`
	Version          string       `json:"version" doc:"tells one state of it from the next, but for its use: what If-Match takes; empty for a damaged record"`
}

// ETag is what If-Match takes.
func (c Credential) ETag() string { return c.Version }

// Predecessor is the secret that a rotation replaced, while it still works.
type Predecessor struct {
	Fingerprint string    `json:"fingerprint"`
	EndsAt      time.Time `json:"ends_at" doc:"when it stops working"`
	AtFirstUse  bool      `json:"at_first_use,omitzero" doc:"or as soon as the new secret is used"`
}

// IssuedCredential is the one answer that holds a secret.
type IssuedCredential struct {
	Credential
	Secret string `json:"secret" format:"password" doc:"one time only: this answer holds it and no other"`
}

// CreateCredential asks for a new credential.
type CreateCredential struct {
	Scheme           string   `json:"scheme" doc:"name of a scheme"`
	Name             string   `json:"name" doc:"1 to 100 characters"`
	Organization     string   `json:"organization,omitempty" doc:"for callers above every organization: UUID, org_… or number"`
	Project          string   `json:"project,omitempty" doc:"UUID, pr-… or PRJ-…"`
	User             string   `json:"user,omitempty" doc:"UUID, usr_… or e-mail address"`
	Scopes           []string `json:"scopes,omitempty" doc:"needed unless the scheme has a default"`
	NotBefore        string   `json:"not_before,omitempty" doc:"RFC 3339 with a zone"`
	ExpiresAt        string   `json:"expires_at,omitempty" doc:"RFC 3339 with a zone; this or expires_in"`
	ExpiresIn        string   `json:"expires_in,omitempty" doc:"such as 90d"`
	AllowedAddresses []string `json:"allowed_addresses,omitempty" doc:"up to 64 addresses and CIDR prefixes; absent: from anywhere"`
	RateLimit        int      `json:"rate_limit,omitzero" doc:"requests per minute; absent: what the scheme says"`
}

// ImportLine is one credential that another system issued. It becomes one of a
// scheme that is known here, and keeps the secret that it has.
type ImportLine struct {
	SHA256           string   `json:"sha256,omitempty" doc:"of the secret: 64 hexadecimal digits; this or secret"`
	Secret           string   `json:"secret,omitempty" doc:"the secret itself: 20 to 512 characters, such as a Bearer token may have"`
	Scheme           string   `json:"scheme" doc:"name of a scheme, whose rules it follows"`
	Name             string   `json:"name" doc:"1 to 100 characters"`
	Project          string   `json:"project,omitempty" doc:"UUID, pr-… or PRJ-…"`
	User             string   `json:"user,omitempty" doc:"UUID, usr_… or e-mail address"`
	Scopes           []string `json:"scopes,omitempty" doc:"needed unless the scheme has a default"`
	NotBefore        string   `json:"not_before,omitempty" doc:"RFC 3339 with a zone"`
	ExpiresAt        string   `json:"expires_at,omitempty" doc:"RFC 3339 with a zone; this or expires_in"`
	ExpiresIn        string   `json:"expires_in,omitempty" doc:"such as 90d"`
	AllowedAddresses []string `json:"allowed_addresses,omitempty" doc:"up to 64 addresses and CIDR prefixes; absent: from anywhere"`
	RateLimit        int      `json:"rate_limit,omitzero" doc:"requests per minute; absent: what the scheme says"`
}

// ImportReport is what became of an import, line by line.
type ImportReport struct {
	DryRun   bool           `json:"dry_run" doc:"nothing was stored: this is what would become of the lines"`
	Imported int            `json:"imported" doc:"how many lines"`
	Existing int            `json:"existing" doc:"how many lines have a secret that was imported before"`
	Refused  int            `json:"refused" doc:"how many lines"`
	Skipped  int            `json:"skipped" doc:"how many lines are good and were left out, since another was refused"`
	Lines    []ImportedLine `json:"lines"`
}

// ImportedLine is what became of one line. It never repeats a secret.
type ImportedLine struct {
	Line       int    `json:"line" doc:"its number, from 1"`
	Result     string `json:"result" enum:"imported,existing,refused,skipped"`
	Credential string `json:"credential,omitempty" format:"uuid" doc:"whose secret it is"`
	Code       string `json:"code,omitempty" doc:"why it was refused; stable"`
	Detail     string `json:"detail,omitempty" doc:"what to do"`
	Field      string `json:"field,omitempty" doc:"the member that is wrong"`
}

// UpdateCredential changes a credential; what is absent stays. The expiry
// "never" clears it where the scheme allows that.
type UpdateCredential struct {
	Name             *string   `json:"name,omitempty" doc:"1 to 100 characters"`
	AllowedAddresses *[]string `json:"allowed_addresses,omitempty" doc:"an empty list: from anywhere"`
	RateLimit        *int      `json:"rate_limit,omitempty" doc:"requests per minute; 0: none"`
	ExpiresAt        *string   `json:"expires_at,omitempty" doc:"RFC 3339 with a zone, or never where the scheme allows that"`
}

// RotateCredential asks for a new secret of a credential.
type RotateCredential struct {
	Grace          *string `json:"grace,omitempty" doc:"how long the predecessor works: 0 to 30d; absent: 24h"`
	EndPredecessor string  `json:"end_predecessor,omitempty" enum:"after_grace,at_first_use" doc:"at_first_use: as soon as the new secret is used, if that is before the grace is over"`
	ExpiresAt      string  `json:"expires_at,omitempty" doc:"RFC 3339 with a zone; this or expires_in"`
	ExpiresIn      string  `json:"expires_in,omitempty" doc:"such as 90d"`
}

// ClientKeys are the public keys of an OAuth2 client, as a JWK Set (RFC 7517
// section 5). They replace those before.
type ClientKeys struct {
	Keys []json.RawMessage `json:"keys" doc:"public keys (JWK)"`
}

// SigningKey is a key that signs access tokens.
type SigningKey struct {
	ID            string     `json:"id" doc:"kid in tokens and in the published keys"`
	Algorithm     string     `json:"algorithm"`
	State         string     `json:"state" enum:"next,current,retired" doc:"next: published, signs later; retired: verifies only"`
	CreatedAt     time.Time  `json:"created_at"`
	SignsFrom     time.Time  `json:"signs_from"`
	VerifiesUntil *time.Time `json:"verifies_until,omitempty"`
}

// RotateSigningKeys asks for a new signing key.
type RotateSigningKeys struct {
	Now bool `json:"now,omitzero" doc:"the key signs at once, not only when everybody can know it"`
}

// RootKey is a root key that the database knows. Nothing here reveals it.
type RootKey struct {
	Version  int           `json:"version" doc:"counts the root keys of this database, from 1"`
	Identity string        `json:"identity" doc:"16 hexadecimal digits that name the key"`
	State    string        `json:"state" enum:"current,understood,retired" doc:"current: what is new is made with it"`
	Needs    []RootKeyNeed `json:"needs" doc:"what would be lost with it"`
}

// RootKeyNeed is how much of something needs a root key.
type RootKeyNeed struct {
	What  string `json:"what" enum:"secrets,sessions,links,invitations,backup_codes,repeats,seeds,signing_keys,mails,webhooks,providers" doc:"repeats: calls with an Idempotency-Key"`
	Count int    `json:"count"`
}

// RetireRootKey ends the time of an older root key.
type RetireRootKey struct {
	Version int  `json:"version"`
	Force   bool `json:"force,omitzero" doc:"give up what still needs it"`
}

// ConsoleCode lets the operator into the console, once.
type ConsoleCode struct {
	Code      string    `json:"code" format:"password" doc:"to be typed at url; shown this once"`
	URL       string    `json:"url" doc:"where the operator signs in"`
	ExpiresAt time.Time `json:"expires_at"`
}

// List is one page of a list.
type List[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty" doc:"pass it on as cursor; absent on the last page"`
}

// Verify asks whether a credential may do something now.
type Verify struct {
	Credential *string `json:"credential" format:"password" doc:"the secret or access token to verify"`
	Permission string  `json:"permission,omitempty" doc:"what the request would do; absent: anything"`
	Project    string  `json:"project,omitempty" doc:"UUID, pr-… or PRJ-…"`
	Address    string  `json:"address,omitempty" doc:"of the client"`
	UserAgent  string  `json:"user_agent,omitempty" doc:"of the client"`
	Cost       *int64  `json:"cost,omitempty" doc:"what the request spends of the budgets of the credential, in coins; absent: the price of the resource, which is 1 unless the operator says otherwise"`
	Resource   string  `json:"resource,omitempty" doc:"what the request is about, such as POST /orders: a name in prices, usage and the ledger"`
}

// Decision answers Verify. Unless Code is ok, Code and Active alone are set, and
// what ends a refusal by itself.
type Decision struct {
	Code         string              `json:"code" enum:"ok,unknown,malformed,revoked,suspended,expired,not_yet_valid,owner_inactive,insufficient_scope,forbidden,wrong_audience,address_denied,rate_limited,budget_exceeded"`
	Active       bool                `json:"active" doc:"whether the code is ok; if not, nothing is told of the credential"`
	Credential   *VerifiedCredential `json:"credential,omitempty"`
	Subject      *Subject            `json:"subject,omitempty"`
	Organization string              `json:"organization,omitempty" format:"uuid"`
	Projects     []string            `json:"projects,omitempty" format:"uuid" doc:"that the credential is confined to"`
	Scopes       []string            `json:"scopes,omitempty"`
	ExpiresAt    *time.Time          `json:"expires_at,omitempty"`
	Budget       *DecidedBudget      `json:"budget,omitempty" doc:"where there is one"`
	Spend        *Spend              `json:"spend,omitempty" doc:"what was paid; settle it by its id"`
	Limits       *LimitState         `json:"limits,omitempty" doc:"where requests are limited: what is left, also where the code is rate_limited"`
}

// VerifiedCredential names the credential that was verified.
type VerifiedCredential struct {
	ID     string `json:"id" format:"uuid"`
	Name   string `json:"name"`
	Scheme string `json:"scheme"`
	Kind   string `json:"kind" enum:"personal_access_token,api_key,project_token,oauth_client,access_token,session,trust_rule"`
	Mode   string `json:"mode,omitempty"`
}

// Subject is on whose behalf a credential acts.
type Subject struct {
	Type string `json:"type" enum:"user,project,organization,installation,operator"`
	ID   string `json:"id,omitempty" format:"uuid"`
}

// Self says what the caller is.
type Self struct {
	Credential   *Credential `json:"credential,omitempty" doc:"absent for the operator"`
	Subject      Subject     `json:"subject"`
	Organization string      `json:"organization,omitempty" format:"uuid"`
	Role         string      `json:"role,omitempty" enum:"owner,admin,member,guest" doc:"of a user in the organization"`
	Permissions  []string    `json:"permissions" doc:"native ones, outside any particular project"`
}

// Possession is a secret that somebody found.
type Possession struct {
	Credential *string `json:"credential" format:"password" doc:"the secret that was found"`
}

// Scheme describes a declared family of credentials.
type Scheme struct {
	Name          string   `json:"name"`
	Kind          string   `json:"kind" enum:"personal_access_token,api_key,project_token,oauth_client"`
	Mode          string   `json:"mode,omitempty"`
	Prefix        string   `json:"prefix"`
	Alphabet      string   `json:"alphabet" enum:"base62,hex,base32"`
	Length        int      `json:"length" doc:"of the whole text"`
	Pattern       string   `json:"pattern" doc:"regular expression of the whole text"`
	Owner         string   `json:"owner" enum:"organization,project,user"`
	Expiry        string   `json:"expiry" enum:"never,optional,required,operator,manager"`
	LifetimeDays  []int    `json:"lifetime_days,omitempty" doc:"the only lifetimes to choose from"`
	ExpiryFixed   bool     `json:"expiry_fixed,omitzero" doc:"it never changes once issued"`
	MaxActive     int      `json:"max_active,omitzero" doc:"how many that are not revoked one owner has"`
	Scopes        []string `json:"scopes"`
	DefaultScopes []string `json:"default_scopes,omitempty"`
	Presented     []string `json:"presented" enum:"bearer,bare,form_user,x_api_key,token_endpoint"`
}

// Setup makes the first organization and its owner.
type Setup struct {
	Code         string `json:"code" doc:"that the server prints when it starts"`
	Organization string `json:"organization" doc:"its name"`
	Name         string `json:"name" doc:"the owner's"`
	Email        string `json:"email" format:"email"`
	Password     string `json:"password" format:"password"`
}

// SetupResult is what a set-up made. Its credential has every permission.
type SetupResult struct {
	Organization Organization     `json:"organization"`
	User         User             `json:"user"`
	Credential   IssuedCredential `json:"credential"`
}

// Organization is the isolation boundary that credentials live in.
type Organization struct {
	ID          string     `json:"id" format:"uuid"`
	Number      int64      `json:"number" doc:"counts the organizations of the installation"`
	BunShipID   string     `json:"bunship_id" doc:"org_…"`
	Name        string     `json:"name"`
	State       string     `json:"state" enum:"active,suspended"`
	CreatedAt   time.Time  `json:"created_at"`
	SuspendedAt *time.Time `json:"suspended_at,omitempty"`
	Version     string     `json:"version" doc:"tells one state of it from the next: what If-Match takes"`
}

// ETag is what If-Match takes.
func (o Organization) ETag() string { return o.Version }

// CreateOrganization asks for a new organization.
type CreateOrganization struct {
	Name string `json:"name" doc:"1 to 100 characters"`
}

// User is a member of an organization.
type User struct {
	ID        string    `json:"id" format:"uuid"`
	Number    int64     `json:"number" doc:"counts the users of the installation"`
	Email     string    `json:"email" format:"email"`
	Name      string    `json:"name"`
	Role      string    `json:"role" enum:"owner,admin,member,guest"`
	State     string    `json:"state" enum:"active,deactivated"`
	Service   bool      `json:"service,omitzero" doc:"nobody signs in as it: whom shared tokens belong to"`
	CreatedAt time.Time `json:"created_at"`
	Version   string    `json:"version" doc:"tells one state of the membership from the next: what If-Match takes"`
}

// ETag is what If-Match takes.
func (u User) ETag() string { return u.Version }

// CreateServiceUser asks for a member that nobody signs in as.
type CreateServiceUser struct {
	Name string `json:"name"`
	Role string `json:"role" enum:"admin,member,guest"`
}

// CreateUser asks for a member of an organization.
type CreateUser struct {
	Email    string `json:"email" format:"email"`
	Name     string `json:"name" doc:"of a new user"`
	Role     string `json:"role" enum:"owner,admin,member,guest"`
	Password string `json:"password,omitempty" format:"password" doc:"for a new user"`
}

// SetRole gives a user a role.
type SetRole struct {
	Role string `json:"role" doc:"in an organization owner, admin, member or guest; in a project admin, user or guest"`
}

// ProjectMember is the role of a user in a project.
type ProjectMember struct {
	User     string    `json:"user" format:"uuid"`
	Role     string    `json:"role" enum:"admin,user,guest"`
	JoinedAt time.Time `json:"joined_at"`
	Version  string    `json:"version" doc:"tells one state of the membership from the next: what If-Match takes"`
}

// ETag is what If-Match takes.
func (m ProjectMember) ETag() string { return m.Version }

// Project is what work belongs to.
type Project struct {
	ID           string     `json:"id" format:"uuid"`
	Organization string     `json:"organization" format:"uuid"`
	Name         string     `json:"name"`
	BetaHubID    string     `json:"betahub_id" doc:"pr-…"`
	TestKaseID   string     `json:"testkase_id" doc:"PRJ-…"`
	State        string     `json:"state" enum:"active,archived"`
	CreatedAt    time.Time  `json:"created_at"`
	ArchivedAt   *time.Time `json:"archived_at,omitempty"`
	Version      string     `json:"version" doc:"tells one state of it from the next: what If-Match takes"`
}

// ETag is what If-Match takes.
func (p Project) ETag() string { return p.Version }

// CreateProject asks for a new project.
type CreateProject struct {
	Name string `json:"name" doc:"1 to 100 characters"`
}

// VirtualUser is a person whom a credential of a project vouched for, and who
// never signs in.
type VirtualUser struct {
	ID        string    `json:"id" format:"uuid"`
	Number    int64     `json:"number" doc:"as dialects name it, among those of users"`
	Kind      string    `json:"kind" enum:"email,discord"`
	Value     string    `json:"value" doc:"the address, or the digits"`
	CreatedAt time.Time `json:"created_at"`
}

// Event is one audit line with its place in the hash chain.
type Event struct {
	Chain    string    `json:"chain" format:"uuid" doc:"an organization's id, or zeros: the installation's chain"`
	Sequence int64     `json:"sequence" doc:"place in the chain"`
	At       time.Time `json:"at"`
	Actor    string    `json:"actor" doc:"who did it"`
	Subject  string    `json:"subject,omitempty" doc:"on whose behalf"`
	Action   string    `json:"action"`
	Target   string    `json:"target"`
	Address  string    `json:"address,omitempty" doc:"from where"`
	Request  string    `json:"request,omitempty" doc:"X-Request-Id of the call"`
	Detail   string    `json:"detail" doc:"a JSON object, as it was hashed"`
	Previous string    `json:"previous" doc:"hash of the event before"`
	Hash     string    `json:"hash"`
}

// Activity is where a credential was used the last time, how often it was, and
// what it did.
type Activity struct {
	Requests        int64      `json:"requests" doc:"how often it was let in"`
	LastUsedAt      *time.Time `json:"last_used_at,omitempty" doc:"the latest verification"`
	LastUsedAddress string     `json:"last_used_address,omitempty"`
	LastUsedAgent   string     `json:"last_used_agent,omitempty"`
	Events          []Event    `json:"events" doc:"what it did, the latest first"`
	NextBefore      int64      `json:"next_before,omitzero" doc:"before of the next page; absent on the last one"`
}

// AuditReport says how an audit chain was found.
type AuditReport struct {
	Chain  string `json:"chain" format:"uuid"`
	Events int64  `json:"events" doc:"how many are whole, from the first"`
	OK     bool   `json:"ok"`
	Broken int64  `json:"broken,omitzero" doc:"sequence of the first broken event"`
	Reason string `json:"reason,omitempty"`
}

// Empty is the body of calls and answers that have nothing to say.
type Empty struct{}

// Health says that a process runs, or that it can decide.
type Health struct {
	Status   string `json:"status" enum:"ok"`
	Degraded bool   `json:"degraded,omitzero" doc:"it decides, but what counts the requests of all nodes is away: each keeps to its share"`
}

// Problem is an error body (RFC 9457). Code is stable; Field names the member
// of the request that is wrong.
type Problem struct {
	Type      string `json:"type" doc:"about:blank"`
	Title     string `json:"title"`
	Status    int    `json:"status" doc:"of the answer"`
	Detail    string `json:"detail,omitempty" doc:"what to do"`
	Code      string `json:"code" doc:"stable; rely on it"`
	Field     string `json:"field,omitempty" doc:"the member, parameter or header that is wrong"`
	RequestID string `json:"request_id,omitempty" doc:"the answer's X-Request-Id"`
}

// Error makes a problem an error that says what to do.
func (p *Problem) Error() string {
	if p.Field != "" {
		return p.Field + ": " + p.Detail
	}
	return p.Detail
}
