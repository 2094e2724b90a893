package credential

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is the sort of thing a credential is, whatever its scheme.
type Kind string

// The kinds of credential.
const (
	PersonalAccessToken Kind = "personal_access_token"
	APIKey              Kind = "api_key"
	ProjectToken        Kind = "project_token"
	OAuthClient         Kind = "oauth_client"
	AccessToken         Kind = "access_token" // a JWT that stands on one of the others
	Session             Kind = "session"      // a user who has signed in
)

// OwnerType says what a credential of a scheme belongs to.
type OwnerType string

// The owners of credentials.
const (
	OwnedByOrganization OwnerType = "organization"
	OwnedByProject      OwnerType = "project"
	OwnedByUser         OwnerType = "user"
)

// ExpiryMode says when a credential of a scheme may end by itself.
type ExpiryMode string

// The expiry rules of schemes.
const (
	ExpiryNever    ExpiryMode = "never"
	ExpiryOptional ExpiryMode = "optional"
	ExpiryRequired ExpiryMode = "required"
	ExpiryOperator ExpiryMode = "operator" // optional, and only an operator sets it
	ExpiryManager  ExpiryMode = "manager"  // and owners and administrators who have signed in
)

// Reserved reports whether the expiry is set by some people only. They are free
// to move it either way.
func (m ExpiryMode) Reserved() bool { return m == ExpiryOperator || m == ExpiryManager }

// Presentation is a place in a request where a credential may stand.
type Presentation string

// The places where credentials are presented.
const (
	AsBearer        Presentation = "bearer"         // Authorization: Bearer (RFC 6750 section 2.1)
	AsBare          Presentation = "bare"           // Authorization: the secret alone
	AsFormUser      Presentation = "form_user"      // Authorization: FormUser secret[,…]
	AsAPIKeyHeader  Presentation = "x_api_key"      // X-API-Key
	AsTokenEndpoint Presentation = "token_endpoint" // exchanged for an access token (RFC 6749 section 4.4)
	AsCookie        Presentation = "cookie"         // of a browser that signed in at the console
)

// Scheme is a declared family of credentials. It is data: what a scheme does
// differently from another is said here and nowhere else.
type Scheme struct {
	Name     string
	Kind     Kind
	Mode     string // "live" or "test" where the scheme tells them apart
	Text     Format
	ClientID *Format // the public identifier that stands beside the secret
	Owner    OwnerType
	// Installation allows credentials above every organization, issued by an operator.
	Installation bool
	Expiry       ExpiryMode
	// LifetimeDays, if any, are the only lifetimes to choose from, in days of 24 hours.
	LifetimeDays []int
	// ExpiryFixed means that the expiry never changes once issued.
	ExpiryFixed bool
	// MaxActive bounds how many that are not revoked one owner has; 0 means no bound.
	MaxActive int
	// PerMinute bounds the requests of a credential that has no rate limit of
	// its own; 0 means no bound.
	PerMinute int
	// Metered means that a request of a credential is paid from the budget of its
	// project.
	Metered bool
	// CountedAs names the group whose members count together; empty means the scheme alone.
	CountedAs string
	Scopes    ScopeRule
	Presented []Presentation
	// HintFirst and HintLast are how many characters of the body people see afterwards.
	HintFirst, HintLast int
	// HintPublic replaces them by what tells nothing of the secret.
	HintPublic Hint
}

// Hint is what a list shows of a credential when it isn't characters of the secret.
type Hint string

// The hints that show no part of the secret.
const (
	HintNone        Hint = ""
	HintFingerprint Hint = "fingerprint"
	HintClientID    Hint = "client_id"
	HintName        Hint = "name"
)

// Hint returns the part of a secret that people may see afterwards.
func (s *Scheme) Hint(secret Secret, clientID string) string {
	switch s.HintPublic {
	case HintFingerprint:
		return secret.Fingerprint() + "…"
	case HintClientID:
		return clientID
	case HintName:
		return s.Text.Prefix + "…"
	}
	body := strings.TrimPrefix(secret.Reveal(), s.Text.Prefix)
	return s.Text.Prefix + body[:s.HintFirst] + "…" + body[len(body)-s.HintLast:]
}

// Accepts reports whether a credential of the scheme may be presented so.
func (s *Scheme) Accepts(p Presentation) bool { return slices.Contains(s.Presented, p) }

// Group names what MaxActive counts.
func (s *Scheme) Group() string { return cmp.Or(s.CountedAs, s.Name) }

// lifetimes spells the choices for an error message.
func (s *Scheme) lifetimes() string {
	parts := make([]string, len(s.LifetimeDays))
	for i, days := range s.LifetimeDays {
		parts[i] = fmt.Sprintf("%dd", days)
	}
	return strings.Join(parts, ", ")
}

// SetsExpiry reports whether the principal sets when credentials of the scheme
// expire, where some only do.
func (s *Scheme) SetsExpiry(p *Principal) bool {
	switch s.Expiry {
	case ExpiryOperator:
		return p.IsOperator()
	case ExpiryManager:
		return p.IsOperator() || p.SignedIn() && p.Role.Manages()
	}
	return true
}

// ExpiryAt decides when a credential issued now ends: at a time, after a
// lifetime, or (both zero) never. sets says whether one asks who SetsExpiry.
func (s *Scheme) ExpiryAt(now time.Time, e ExpiryChoice, sets bool) (time.Time, error) {
	asked := !e.At.IsZero() || e.In != 0
	switch {
	case !e.At.IsZero() && e.In != 0:
		return time.Time{}, InvalidField("expires_at", "give expires_at or expires_in, not both")
	case asked && s.Expiry == ExpiryNever:
		return time.Time{}, InvalidField(e.field(), "credentials of scheme %s don't expire", s.Name)
	case asked && s.Expiry == ExpiryOperator && !sets:
		return time.Time{}, &Error{Kind: Forbidden, Field: e.field(), Detail: "only an operator sets an expiry for scheme " + s.Name}
	case asked && s.Expiry == ExpiryManager && !sets:
		return time.Time{}, &Error{Kind: Forbidden, Field: e.field(), Detail: "it takes an owner or admin who has signed in to set an expiry for scheme " + s.Name}
	case len(s.LifetimeDays) > 0 && (e.In == 0 || e.In%day != 0 || !slices.Contains(s.LifetimeDays, int(e.In/day))):
		return time.Time{}, InvalidField("expires_in", "choose one of: %s", s.lifetimes())
	case !asked && s.Expiry == ExpiryRequired:
		return time.Time{}, InvalidField("expires_at", "credentials of scheme %s must expire; give expires_at or expires_in", s.Name)
	case !asked:
		return time.Time{}, nil
	}
	at := e.At
	if e.In != 0 {
		at = now.Add(e.In)
	}
	return CheckExpiry(e.field(), now, at)
}

const day = 24 * time.Hour

// ExpiryChoice is an expiry as asked for: an instant or a lifetime.
type ExpiryChoice struct {
	At time.Time
	In time.Duration
}

func (e ExpiryChoice) field() string {
	if e.In != 0 {
		return "expires_in"
	}
	return "expires_at"
}

// CheckExpiry bounds an expiry to the future and to the year 9999, and cuts
// it to the millisecond that is stored.
func CheckExpiry(field string, now, at time.Time) (time.Time, error) {
	switch {
	case !at.After(now):
		return time.Time{}, InvalidField(field, "the expiry must lie in the future; it is %s now", now.UTC().Format(time.RFC3339))
	case at.UTC().Year() > 9999:
		return time.Time{}, InvalidField(field, "the expiry must lie before the year 10000")
	}
	return at.UTC().Truncate(time.Millisecond), nil
}

// Schemes is the set of schemes that an installation knows. It never changes
// once made.
type Schemes struct {
	list   []*Scheme
	byName map[string]*Scheme
}

// NewSchemes checks declared schemes and joins them to the built-in ones.
func NewSchemes(declared ...*Scheme) (*Schemes, error) {
	set := &Schemes{byName: map[string]*Scheme{}}
	for _, s := range declared {
		if err := s.validateDeclared(); err != nil {
			return nil, fmt.Errorf("scheme %q: %w", s.Name, err)
		}
	}
	for _, s := range append(builtin(), declared...) {
		if err := set.add(s); err != nil {
			return nil, fmt.Errorf("scheme %q: %w", s.Name, err)
		}
	}
	return set, nil
}

func (set *Schemes) add(s *Scheme) error {
	if err := s.validate(); err != nil {
		return err
	}
	if set.byName[s.Name] != nil || s.Name == sessionScheme.Name || s.Name == trustScheme.Name {
		return errors.New("the name is taken")
	}
	for _, other := range append(set.list, sessionScheme) {
		for _, prefix := range other.prefixes() {
			for _, mine := range s.prefixes() {
				if strings.HasPrefix(prefix, mine) || strings.HasPrefix(mine, prefix) {
					return fmt.Errorf("prefix %q can't be told from %q of scheme %s", mine, prefix, other.Name)
				}
			}
		}
	}
	s.Scopes.resolveAll()
	set.list = append(set.list, s)
	set.byName[s.Name] = s
	return nil
}

func (s *Scheme) prefixes() []string {
	switch {
	case s.ClientID != nil:
		return []string{s.Text.Prefix, s.ClientID.Prefix}
	case s.Kind == Session:
		return []string{RefreshText.Prefix, CookieText.Prefix, ConsoleText.Prefix}
	}
	return []string{s.Text.Prefix}
}

func (s *Scheme) validate() error {
	if !isWord(s.Name) {
		return errors.New("a name is 1 to 64 of a-z, 0-9 and _")
	}
	if err := s.Text.validate(); err != nil {
		return err
	}
	hidden := s.hiddenBits()
	switch {
	case s.HintFirst < 0 || s.HintLast < 0 || hidden < 75:
		return errors.New("the hint shows too much: at least 75 bits must stay unknown")
	case len(s.Scopes.Known) == 0:
		return errors.New("it needs at least one scope")
	case len(s.Scopes.Names()) == 1 && s.Scopes.Names()[0] == AllScope:
		return errors.New("the scope \"*\" stands for all others, and there are none")
	case s.Expiry == ExpiryNever && len(s.LifetimeDays) > 0:
		return errors.New("with expiry never there are no lifetimes to choose from: leave lifetime_days out, or give another expiry")
	case s.MaxActive < 0:
		return errors.New("the most active can't be negative")
	case len(s.Presented) == 0:
		return errors.New("it must be presented somehow")
	}
	if err := s.validateWords(); err != nil {
		return err
	}
	for scope := range s.Scopes.Known {
		if !validScope(scope) {
			return fmt.Errorf("%q is no scope", scope)
		}
	}
	for _, days := range s.LifetimeDays {
		if days < 1 || days > 36500 {
			return fmt.Errorf("a lifetime of %d days is out of range", days)
		}
	}
	if len(s.Scopes.Default) > 0 {
		_, err := s.Scopes.Choose(s.Scopes.Default)
		return err
	}
	return nil
}

// validateDeclared refuses what only built-in schemes can be: the parts of
// Gatehouse that would take such a credential know those alone.
func (s *Scheme) validateDeclared() error {
	err := checkWord("kind", s.Kind, PersonalAccessToken, APIKey, ProjectToken, OAuthClient)
	if s.Kind == OAuthClient {
		return s.validateClient()
	}
	if s.ClientID != nil {
		err = cmp.Or(err, errors.New("client_prefix is for kind oauth_client alone"))
	}
	for _, place := range s.Presented {
		err = cmp.Or(err, checkWord("presented", place, AsBearer, AsAPIKeyHeader, AsFormUser))
	}
	return err
}

// validateClient refuses what a declared OAuth2 client can't be. It belongs to
// an organization, and is presented at the token endpoint and nowhere else.
func (s *Scheme) validateClient() error {
	switch {
	case s.ClientID == nil:
		return errors.New("kind oauth_client needs client_prefix, which the public client_id begins with")
	case checkPrefix(s.ClientID.Prefix) != nil:
		return fmt.Errorf("client_%w", checkPrefix(s.ClientID.Prefix))
	case strings.HasPrefix(s.ClientID.Prefix, s.Text.Prefix) || strings.HasPrefix(s.Text.Prefix, s.ClientID.Prefix):
		return fmt.Errorf("client_prefix %q can't be told from prefix %q", s.ClientID.Prefix, s.Text.Prefix)
	case s.Owner != OwnedByOrganization:
		return errors.New("kind oauth_client belongs to an organization: leave owner out")
	case !slices.Equal(s.Presented, []Presentation{AsTokenEndpoint}):
		return errors.New("kind oauth_client is presented at the token endpoint alone: leave presented out")
	case s.HintFirst != 0 || s.HintLast != 0:
		return errors.New("kind oauth_client is recognised by its client_id: leave hint_first and hint_last out")
	}
	return nil
}

// validateWords refuses a word that means nothing: it would not do what the
// operator meant by it.
func (s *Scheme) validateWords() error {
	errs := []error{
		checkWord("kind", s.Kind, PersonalAccessToken, APIKey, ProjectToken, OAuthClient),
		checkWord("owner", s.Owner, OwnedByOrganization, OwnedByProject, OwnedByUser),
		checkWord("mode", cmp.Or(s.Mode, "live"), "live", "test"),
		checkWord("expiry", s.Expiry, ExpiryNever, ExpiryOptional, ExpiryRequired, ExpiryOperator, ExpiryManager),
	}
	for _, place := range s.Presented {
		errs = append(errs, checkWord("presented", place, AsBearer, AsAPIKeyHeader, AsFormUser, AsBare, AsTokenEndpoint))
	}
	return cmp.Or(errs...)
}

// checkWord wants one of some words.
func checkWord[T ~string](key string, word T, words ...T) error {
	if slices.Contains(words, word) {
		return nil
	}
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return fmt.Errorf("%s %q: must be one of %s", key, word, strings.Join(texts, ", "))
}

// hiddenBits is how much of a secret nobody can tell from its hint and its
// fingerprint, which is 32 bits of a plain hash.
func (s *Scheme) hiddenBits() int {
	spec, _ := s.Text.Alphabet.spec()
	return s.Text.RandomBits() - int(float64(s.HintFirst+s.HintLast)*spec.bits) - 32
}

func isWord(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// Parse finds the scheme that text is a well-formed secret of. It does no
// I/O: a typo, a truncated copy or a foreign string ends here.
func (set *Schemes) Parse(text string) (*Scheme, bool) {
	if len(text) > MaxText {
		return nil, false
	}
	for _, s := range set.list {
		if strings.HasPrefix(text, s.Text.Prefix) {
			return s, s.Text.Check(text)
		}
	}
	return nil, false
}

// HasPrefix reports whether text begins like a secret of some scheme, well
// formed or not: such a string is treated as a secret wherever it stands.
func (set *Schemes) HasPrefix(text string) bool {
	return IsSessionText(text) || slices.ContainsFunc(set.list, func(s *Scheme) bool { return strings.HasPrefix(text, s.Text.Prefix) })
}

// ByName finds the scheme of a record, or nil.
func (set *Schemes) ByName(name string) *Scheme {
	if name == trustScheme.Name {
		return trustScheme
	}
	return set.byName[name]
}

// Find finds the scheme that a field of a request names.
func (set *Schemes) Find(field, name string) (*Scheme, error) {
	if s := set.byName[name]; s != nil {
		return s, nil
	}
	names := make([]string, len(set.list))
	for i, s := range set.list {
		names[i] = s.Name
	}
	return nil, InvalidField(field, "no such scheme; choose one of: %s", strings.Join(names, ", "))
}

// All returns the schemes in the order of their declaration.
func (set *Schemes) All() []*Scheme { return slices.Clone(set.list) }
