package authority

import (
	"context"
	"io"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

const (
	// mostTrustRules is how many rules a project has.
	mostTrustRules = 50
	maxIssuer      = 2048 // bytes
)

// Trusted is a trust rule as it is shown.
type Trusted struct {
	store.TrustRule
	State credential.State
	Use   credential.Use
}

// Version tells one state of the rule from the next, but for its use.
func (t *Trusted) Version() string { return trustVersion(&t.TrustRule) }

func trustVersion(t *store.TrustRule) string {
	c, trust := t.Credential, t.Trust
	return version(credentialVersion(c), trust.Audience, trust.Owner, trust.Branch, trust.Tag, trust.Environment, trust.Protected, trust.PullRequests, trust.Claims)
}

// TrustRequest asks for a trust rule.
type TrustRequest struct {
	Organization uuid.UUID
	Project      store.ProjectRef
	Name         string
	Trust        credential.Trust
	Scopes       []credential.Scope
	Expiry       credential.ExpiryChoice
	Idempotency  *Idempotency
}

// CreateTrustRule lets the workloads of a repository in: what shows an identity
// token that fits gets an access token with the scopes of the rule.
func (a *Authority) CreateTrustRule(ctx context.Context, p *credential.Principal, r TrustRequest) (*Trusted, error) {
	if err := require(p, credential.CredentialsWrite); err != nil {
		return nil, err
	}
	now := a.clock()
	c := &credential.Credential{Scheme: credential.TrustScheme(), Generation: 1, CreatedAt: now, CreatedBy: p.String()}
	if err := a.own(ctx, p, c, IssueRequest{Organization: r.Organization, Project: &r.Project}); err != nil {
		return nil, err
	}
	if err := a.draftTrust(p, c, &r); err != nil {
		return nil, err
	}
	if err := a.maySee(ctx, p, c); err != nil {
		return nil, err
	}
	key, err := a.noKey()
	if err != nil {
		return nil, err
	}
	id, err := a.once(ctx, p, creation{c.Organization, "create trust rule " + c.Project.String(), r.Idempotency}, func(tx *store.Tx) (uuid.UUID, error) {
		if err := a.mayTrust(ctx, tx, p, c); err != nil {
			return uuid.Nil, err
		}
		if err := tx.InsertCredential(ctx, c); err != nil {
			return uuid.Nil, err
		}
		tx.Record(act{p, now}.event("credential.issue", targetOf(c), trustDetails(c, &r.Trust)))
		return c.ID, tx.InsertTrustRule(ctx, c, &r.Trust, key)
	})
	if err != nil {
		return nil, err
	}
	return a.trusted(ctx, c.Project, id)
}

// draftTrust checks everything about a request that needs no owner.
func (a *Authority) draftTrust(p *credential.Principal, c *credential.Credential, r *TrustRequest) (err error) {
	if c.Name, err = credential.CheckName("name", r.Name); err != nil {
		return err
	}
	if r.Trust.Issuer == "" {
		r.Trust.Issuer = r.Trust.Provider.Issuer()
	}
	if err := r.Trust.Check(); err != nil {
		return err
	}
	if err := a.checkIssuer(r.Trust.Issuer); err != nil {
		return err
	}
	if c.Scopes, err = c.Scheme.Scopes.Choose(r.Scopes); err != nil {
		return err
	}
	c.Resolve()
	if c.ExpiresAt, err = c.Scheme.ExpiryAt(c.CreatedAt, r.Expiry, c.Scheme.SetsExpiry(p)); err != nil {
		return err
	}
	c.ID, err = a.newID()
	return err
}

// checkIssuer refuses what no token names as its issuer, and what must not be
// asked for keys. What is compared with tokens has one spelling.
func (a *Authority) checkIssuer(issuer string) error {
	canonical, err := a.issuers.rules.CheckURL("issuer", issuer)
	if err != nil {
		return err
	}
	if canonical != issuer || strings.Contains(issuer, "?") {
		return credential.InvalidField("issuer", "must be as the tokens write it in iss: https:// and the host in small letters, without a query")
	}
	if issuer == a.Issuer() {
		return credential.InvalidField("issuer", "must be another than this installation itself")
	}
	return nil
}

// mayTrust is what is asked within the change that makes a rule.
func (a *Authority) mayTrust(ctx context.Context, tx *store.Tx, p *credential.Principal, c *credential.Credential) error {
	if err := administersStill(ctx, tx, p, c); err != nil {
		return err
	}
	if err := checkPolicy(ctx, tx, p, c); err != nil {
		return err
	}
	n, err := tx.CountTrustRules(ctx, c.Project)
	if err == nil && n >= mostTrustRules {
		err = credential.Errorf(credential.LimitReached, "a project has at most %d trust rules; delete one first", mostTrustRules)
	}
	return err
}

// noKey draws what stands in place of a lookup key: of no text that there is.
func (a *Authority) noKey() (key [32]byte, err error) {
	_, err = io.ReadFull(a.rand, key[:])
	return key, err
}

// trustDetails tells an audit event what a rule is like.
func trustDetails(c *credential.Credential, trust *credential.Trust) string {
	d := describe(c)
	d.Trust = trust
	return object(d)
}

// trusted reads a rule as it is shown.
func (a *Authority) trusted(ctx context.Context, project, id uuid.UUID) (*Trusted, error) {
	rule, err := a.store.TrustRule(ctx, project, id)
	if err != nil {
		return nil, err
	}
	use, err := a.store.Use(ctx, id)
	return &Trusted{*rule, rule.Credential.State(a.clock()), a.latest(id, use)}, err
}

// TrustRef names a trust rule.
type TrustRef struct {
	Organization uuid.UUID
	Project      store.ProjectRef
	ID           uuid.UUID
}

// trustProject finds the project whose rules a principal looks after.
func (a *Authority) trustProject(ctx context.Context, p *credential.Principal, of TrustRef, permission credential.Permission) (*store.Project, error) {
	if err := require(p, permission); err != nil {
		return nil, err
	}
	project, err := a.visibleProject(ctx, p, of.Organization, of.Project)
	if err != nil {
		return nil, err
	}
	ok, err := a.reaches(ctx, p, &credential.Credential{Organization: project.Organization, Project: project.ID})
	if err != nil || !ok {
		return nil, orForbidden(err, "only administrators of the project look after its credentials")
	}
	return project, nil
}

// TrustRules returns the rules of a project with an id above after, in order.
func (a *Authority) TrustRules(ctx context.Context, p *credential.Principal, of TrustRef, limit int) ([]Trusted, error) {
	project, err := a.trustProject(ctx, p, of, credential.CredentialsRead)
	if err != nil {
		return nil, err
	}
	rules, err := a.store.TrustRules(ctx, project.ID, of.ID, limit)
	if err != nil {
		return nil, err
	}
	now, list := a.clock(), make([]Trusted, len(rules))
	for i, rule := range rules {
		use, err := a.store.Use(ctx, rule.Credential.ID)
		if err != nil {
			return nil, err
		}
		list[i] = Trusted{rule, rule.Credential.State(now), a.latest(rule.Credential.ID, use)}
	}
	return list, nil
}

// TrustRule returns a rule of a project.
func (a *Authority) TrustRule(ctx context.Context, p *credential.Principal, of TrustRef) (*Trusted, error) {
	project, err := a.trustProject(ctx, p, of, credential.CredentialsRead)
	if err != nil {
		return nil, err
	}
	return a.trusted(ctx, project.ID, of.ID)
}

// TrustChange changes a rule. A nil field stays as it is. Whose tokens it is for
// never changes: that would be another rule.
type TrustChange struct {
	Name, Audience, Owner, Branch, Tag, Environment *string
	Protected, PullRequests                         *bool
	Claims                                          *map[string]string
}

func (r *TrustChange) apply(c *credential.Credential, t *credential.Trust) (err error) {
	if r.Name != nil {
		if c.Name, err = credential.CheckName("name", *r.Name); err != nil {
			return err
		}
	}
	set(&t.Audience, r.Audience)
	set(&t.Owner, r.Owner)
	set(&t.Branch, r.Branch)
	set(&t.Tag, r.Tag)
	set(&t.Environment, r.Environment)
	set(&t.Protected, r.Protected)
	set(&t.PullRequests, r.PullRequests)
	set(&t.Claims, r.Claims)
	return t.Check()
}

// set writes a value where there is one.
func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// UpdateTrustRule changes what a rule asks for. The access tokens that were got
// by what it asked for before end with that.
func (a *Authority) UpdateTrustRule(ctx context.Context, p *credential.Principal, of TrustRef, r TrustChange) (*Trusted, error) {
	project, err := a.trustProject(ctx, p, of, credential.CredentialsWrite)
	if err != nil {
		return nil, err
	}
	key, err := a.noKey()
	if err != nil {
		return nil, err
	}
	now := a.clock()
	err = a.transact(ctx, p, project.Organization, func(tx *store.Tx) error {
		rule, err := tx.TrustRule(ctx, project.ID, of.ID)
		if err != nil {
			return err
		}
		return a.changeTrust(ctx, tx, act{p, now}, trustChanged{rule, &r, key})
	})
	if err != nil {
		return nil, err
	}
	return a.trusted(ctx, project.ID, of.ID)
}

// trustChanged is a rule, and what is to become of it.
type trustChanged struct {
	rule   *store.TrustRule
	change *TrustChange
	key    [32]byte
}

// changeTrust is a change within the transaction.
func (a *Authority) changeTrust(ctx context.Context, tx *store.Tx, by act, t trustChanged) error {
	c, trust := t.rule.Credential, &t.rule.Trust
	if err := administersStill(ctx, tx, by.by, c); err != nil {
		return err
	}
	if err := holds(ctx, trustVersion(t.rule)); err != nil {
		return err
	}
	if err := alive(c, by.at); err != nil {
		return err
	}
	if err := a.maySee(ctx, by.by, c); err != nil { // who lets others in hands on what the rule grants
		return err
	}
	if err := t.change.apply(c, trust); err != nil {
		return err
	}
	c.Generation++
	if err := tx.EndSecrets(ctx, c.ID, c.Generation, endedForGood); err != nil {
		return err
	}
	if err := tx.UpdateCredential(ctx, c); err != nil {
		return err
	}
	tx.Record(by.event("credential.update", targetOf(c), trustDetails(c, trust)))
	return tx.UpdateTrustRule(ctx, c, trust, t.key)
}

// DeleteTrustRule revokes a rule for good, and with it the access tokens that
// stand on it. One whose conditions can't be read any more is revoked as well.
func (a *Authority) DeleteTrustRule(ctx context.Context, p *credential.Principal, of TrustRef) error {
	project, err := a.trustProject(ctx, p, of, credential.CredentialsWrite)
	if err != nil {
		return err
	}
	c, err := a.store.CredentialIn(ctx, project.Organization, of.ID)
	if err != nil {
		return err
	}
	if c.Scheme.Kind != credential.TrustRule || c.Project != project.ID || !c.RevokedAt.IsZero() {
		return credential.Errorf(credential.NotFound, "no such trust rule")
	}
	now := a.clock()
	return a.stop(ctx, p, project.Organization, func(tx *store.Tx) error {
		rule, err := tx.TrustRule(ctx, project.ID, of.ID)
		if err == nil {
			err = holds(ctx, trustVersion(rule))
		}
		if ignoreMissing(err) != nil {
			return err
		}
		if err := administersStill(ctx, tx, p, c); err != nil {
			return err
		}
		return a.revokeRule(ctx, tx, act{p, now}, c.ID)
	})
}

func (a *Authority) revokeRule(ctx context.Context, tx *store.Tx, by act, id uuid.UUID) error {
	c, err := tx.CredentialIn(ctx, uuid.Nil, id)
	if err != nil {
		return err
	}
	c.RevokedAt = by.at
	if err := tx.UpdateCredential(ctx, c); err != nil {
		return err
	}
	tx.Record(by.event("credential.revoke", targetOf(c), details(c)))
	return nil
}
