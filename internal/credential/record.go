package credential

import (
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Credential is the record of something that authenticates. It holds nothing
// secret. A zero time means that the thing has not happened or never will.
type Credential struct {
	ID           uuid.UUID
	Name         string
	Scheme       *Scheme
	Organization uuid.UUID // Nil: the whole installation
	User         uuid.UUID // of a user's own credential
	Project      uuid.UUID // of a project's credential
	ClientID     string

	Scopes []Scope
	// Held is what the scopes stand for, worked out once by Resolve.
	Held             PermissionSet
	AllowedAddresses []netip.Prefix // empty: from anywhere
	RateLimit        int            // requests per minute; 0: that of the scheme

	CreatedAt   time.Time
	CreatedBy   string // "operator", or "credential:" and its id
	NotBefore   time.Time
	ExpiresAt   time.Time
	SuspendedAt time.Time
	RevokedAt   time.Time

	// Generation numbers the secrets of this credential, from 1.
	Generation int
	// KeysVersion counts how often the public keys of an OAuth2 client were set.
	KeysVersion int
}

// SecretInfo is what is stored beside the lookup key of one secret.
type SecretInfo struct {
	Generation  int
	Fingerprint string
	Hint        string
	CreatedAt   time.Time
	// EndsAt is when a predecessor stops working; zero for the current secret.
	EndsAt time.Time
	// Unconfirmed means that the answer which held this secret may have been
	// lost: nobody has used it yet, and a repeat of that call may replace it.
	Unconfirmed bool
	// TakesOver means that the first use of this secret ends its predecessor,
	// and is still to come.
	TakesOver bool
}

// Use is the latest use of a credential.
type Use struct {
	At        time.Time
	Address   netip.Addr
	UserAgent string
	Requests  int64 // all of them, up to this one
}

// State is where a credential is in its life.
type State string

// The states of a credential, in the order in which they are decided.
const (
	Revoked   State = "revoked"
	Expired   State = "expired"
	Suspended State = "suspended"
	Active    State = "active"
)

// State returns the state at a time.
func (c *Credential) State(now time.Time) State {
	switch {
	case !c.RevokedAt.IsZero():
		return Revoked
	case reached(now, c.ExpiresAt):
		return Expired
	case !c.SuspendedAt.IsZero():
		return Suspended
	}
	return Active
}

// PerMinute is how many requests a minute the credential may make; 0 means that
// nothing limits them.
func (c *Credential) PerMinute() int {
	if c.RateLimit > 0 {
		return c.RateLimit
	}
	return c.Scheme.PerMinute
}

// reached reports whether a set instant has come.
func reached(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }

// Standing is a credential as one of its secrets found it, together with how
// its owner stands at this moment.
type Standing struct {
	Credential *Credential
	Secret     SecretInfo // without the texts that people see
	// OrganizationActive and ProjectActive say whether those it belongs to are
	// in service; true where it belongs to none.
	OrganizationActive, ProjectActive bool
	// OrganizationAddresses are those from which alone anybody acts in the
	// organization; empty means from anywhere.
	OrganizationAddresses []netip.Prefix
	// Role is the user's in the organization; empty when the user is inactive
	// or no member (any more), and for credentials without a user.
	Role Role
	// UserInactive means that the user is deactivated.
	UserInactive bool
	// OrganizationMetered and Metered say whether the organization, and the
	// credential itself, have a budget that its requests are paid from.
	OrganizationMetered, Metered bool
	// Withheld means that the operator withholds credentials of the scheme
	// from the organization.
	Withheld bool
	// OrganizationLimits and ProjectRate are how many requests the organization
	// makes, and the project that the credential belongs to.
	OrganizationLimits Limits
	ProjectRate        Rate
}

// ownerActive reports whether those whom a credential belongs to are in
// service. A session goes on where its user is no member: it may do nothing
// in that organization.
func (s *Standing) ownerActive() bool {
	c := s.Credential
	return s.OrganizationActive && s.ProjectActive && !s.UserInactive &&
		(c.User == uuid.Nil || s.Role.Valid() || c.Scheme.Kind == Session)
}

// ProjectAccess is the project that a request is about, as seen by the
// credential's owner. The zero value is a project that the owner can't see.
type ProjectAccess struct {
	ID     uuid.UUID
	Active bool
	Role   ProjectRole // of the user; empty for none
}

// Request is what a credential is presented for.
type Request struct {
	Permission Permission     // empty: only whether it works at all
	Project    *ProjectAccess // nil: no particular project
	Address    netip.Addr     // of the client; invalid when unknown
	Modes      []string       // the modes this installation accepts; nil: all
	Now        time.Time
}

// Code is the reason of a decision.
type Code string

// The decision codes.
const (
	OK                Code = "ok"
	CodeUnknown       Code = "unknown"
	CodeMalformed     Code = "malformed"
	CodeRevoked       Code = "revoked"
	CodeSuspended     Code = "suspended"
	CodeExpired       Code = "expired"
	CodeNotYetValid   Code = "not_yet_valid"
	CodeOwnerInactive Code = "owner_inactive"
	CodeScope         Code = "insufficient_scope"
	CodeForbidden     Code = "forbidden"
	CodeAudience      Code = "wrong_audience"
	CodeAddress       Code = "address_denied"
	CodeRateLimited   Code = "rate_limited"
	CodeBudget        Code = "budget_exceeded"
)

// SubjectType is what a credential acts on behalf of.
type SubjectType string

// The subjects that credentials act for.
const (
	SubjectUser         SubjectType = "user"
	SubjectProject      SubjectType = "project"
	SubjectOrganization SubjectType = "organization"
	SubjectInstallation SubjectType = "installation"
	SubjectOperator     SubjectType = "operator"
	SubjectServer       SubjectType = "server" // what happens by schedule
)

// Principal is the authenticated caller.
type Principal struct {
	// Credential is nil for the operator, who needs none.
	Credential   *Credential
	SubjectType  SubjectType
	Subject      uuid.UUID
	Organization uuid.UUID // Nil: above every organization
	Role         Role
	// Permissions is what may be done outside any particular project.
	Permissions PermissionSet
	// Token is the access token that was presented; nil where the credential
	// itself was.
	Token *Token
	// Generation is of the secret that was presented.
	Generation int
	// Console is the session of an operator who works in the console; Nil for
	// the operator anywhere else, and for everybody else.
	Console uuid.UUID
	// Address and RequestID say where the call came from, for the audit.
	Address   netip.Addr
	RequestID string
}

// Token is an access token that stands on a credential and may do no more.
type Token struct {
	ID        string // "jti" (RFC 7519 section 4.1.7)
	IssuedAt  time.Time
	ExpiresAt time.Time
	// SignedIn means that its user signed in for it. A token that was traded
	// for it isn't.
	SignedIn bool
	// Report is the one report that the token completes, and then it does
	// nothing else; Nil for others.
	Report uuid.UUID
}

// SignedIn reports whether the principal is a user who has signed in: who may
// do what no token of a user may.
func (p *Principal) SignedIn() bool {
	return p.Credential != nil && p.Credential.Scheme.Kind == Session && (p.Token == nil || p.Token.SignedIn)
}

// Operator is whoever runs the installation, above every organization.
func Operator() Principal {
	return Principal{SubjectType: SubjectOperator, Permissions: allPermissions}
}

// IsOperator reports whether the principal runs the installation.
func (p *Principal) IsOperator() bool { return p.SubjectType == SubjectOperator }

// InstallationWide reports whether the principal sees every organization.
func (p *Principal) InstallationWide() bool {
	return p.IsOperator() || p.SubjectType == SubjectInstallation
}

// Grantable is what the principal may hand on in a new credential's scopes.
// Owners and administrators may let a service verify, though their own tokens
// can't: by a token that stands in for them in everything else.
func (p *Principal) Grantable() PermissionSet {
	if p.Role.Manages() && p.Credential.Held.Covers(allPermissions&^PermissionsOf(CredentialsVerify)) {
		return p.Permissions | PermissionsOf(CredentialsVerify)
	}
	return p.Permissions
}

// ProjectScoped returns the one project the principal is confined to, or Nil.
func (p *Principal) ProjectScoped() uuid.UUID {
	if p.Credential == nil {
		return uuid.Nil
	}
	return p.Credential.Project
}

// Sees reports whether the principal sees a project of its organization: one
// that is confined to a project sees that, a user those it was added to, and
// everybody else all of them.
func (p *Principal) Sees(a ProjectAccess) bool {
	switch {
	case a.ID == uuid.Nil, p.ProjectScoped() != uuid.Nil && p.ProjectScoped() != a.ID:
		return false
	case p.SubjectType != SubjectUser, p.Role.Manages():
		return true
	}
	return a.Role.Valid()
}

// Within is what the principal may do in a project that it sees: there the
// role in the project counts for a member as well.
func (p *Principal) Within(a ProjectAccess) PermissionSet {
	if p.Role == Member && p.Credential != nil {
		return p.Permissions | a.Role.Permissions()&p.Credential.Held
	}
	return p.Permissions
}

// String names the principal in audit events and records.
func (p *Principal) String() string {
	if p.Credential == nil {
		return string(p.SubjectType)
	}
	if p.Credential.Scheme.Kind == Session {
		return "session:" + p.Credential.ID.String()
	}
	return "credential:" + p.Credential.ID.String()
}

// Budget is what may be spent in a cycle, and what is left of it. The zero value
// means that none applies.
type Budget struct {
	Of                     string // organization, project or credential
	ID                     uuid.UUID
	Coins, Used, Remaining int64 // of this cycle
	Overage                bool  // whether calls go on when nothing is left
	ResetsAt               time.Time
	RetryAfter             time.Duration // until then
}

// Paid is what a request was paid with; zero where it cost nothing.
type Paid struct {
	Spend        uuid.UUID
	Cost         int64 // what it came to; of a repeat, by now
	Reserved     int64 // what was taken at first
	Organization uuid.UUID
	Repeated     bool // before, under the same Idempotency-Key
}

// Decision is the outcome of a verification. Standing and Principal are set
// whenever the credential was found, also when it is refused.
type Decision struct {
	Code      Code
	Standing  *Standing
	Principal Principal
	Limit     Limit
	Budget    Budget // of several the one with the least left, or that has none
	Paid      Paid
}

// Narrowed returns a standing that may do no more than some scopes in one
// project (Nil: in all that there are). Scopes may be those of the scheme, or
// native permissions by their names; what the standing doesn't hold is not
// gained by naming it.
func (s *Standing) Narrowed(scopes []Scope, project uuid.UUID) *Standing {
	narrowed, c := *s, *s.Credential
	c.Scopes, c.Held = scopes, c.Held&c.Scheme.Scopes.tokenPermissions(scopes)
	if project != uuid.Nil {
		c.Project = project
	}
	narrowed.Credential = &c
	return &narrowed
}

// Evaluate decides whether a credential that was found may do what the
// request asks. It is the whole rule, and pure.
func Evaluate(s *Standing, r Request) Decision {
	d := Decision{Standing: s, Principal: s.principal()}
	d.Code = s.decide(r, &d.Principal)
	return d
}

func (s *Standing) decide(r Request, p *Principal) Code {
	c := s.Credential
	switch {
	case !c.RevokedAt.IsZero(), reached(r.Now, s.Secret.EndsAt):
		return CodeRevoked
	case reached(r.Now, c.ExpiresAt):
		return CodeExpired
	case !c.SuspendedAt.IsZero():
		return CodeSuspended
	case r.Now.Before(c.NotBefore):
		return CodeNotYetValid
	case !s.ownerActive():
		return CodeOwnerInactive
	case s.Withheld:
		return CodeForbidden
	case c.Scheme.Mode != "" && r.Modes != nil && !slices.Contains(r.Modes, c.Scheme.Mode):
		return CodeAudience
	case !addressAllowed(c.AllowedAddresses, r.Address), !addressAllowed(s.OrganizationAddresses, r.Address):
		return CodeAddress
	case r.Permission != "" && !c.Scheme.Scopes.Grants(c.Scopes, c.Held, r.Permission):
		return CodeScope
	}
	return decideRole(r, p)
}

// decideRole is the half of the rule about the owner's rights and the project.
func decideRole(r Request, p *Principal) Code {
	held := p.Permissions
	if r.Project != nil {
		switch {
		case !p.Sees(*r.Project):
			return CodeForbidden
		case !r.Project.Active:
			return CodeOwnerInactive
		}
		held = p.Within(*r.Project)
	}
	if r.Permission.Native() && !held.Has(r.Permission) {
		return CodeForbidden
	}
	return OK
}

// Resolve works out what the scopes stand for. Whoever makes or reads a record
// calls it, so that a verification needn't.
func (c *Credential) Resolve() { c.Held = c.Scheme.Scopes.Permissions(c.Scopes) }

// principal derives who acts and what it may do outside a particular project:
// what the scopes allow, and for a user what the present role allows of that.
func (s *Standing) principal() Principal {
	c := s.Credential
	p := Principal{Credential: c, Organization: c.Organization, Permissions: c.Held, Generation: s.Secret.Generation}
	switch {
	case c.User != uuid.Nil:
		p.SubjectType, p.Subject, p.Role = SubjectUser, c.User, s.Role
		p.Permissions &= s.Role.Permissions()
	case c.Project != uuid.Nil:
		p.SubjectType, p.Subject = SubjectProject, c.Project
	case c.Organization != uuid.Nil:
		p.SubjectType, p.Subject = SubjectOrganization, c.Organization
	default:
		p.SubjectType = SubjectInstallation
	}
	return p
}

// addressAllowed applies an allowlist. An unknown address passes only where
// there is no list.
func addressAllowed(list []netip.Prefix, addr netip.Addr) bool {
	if len(list) == 0 {
		return true
	}
	addr = addr.Unmap()
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(addr) })
}
