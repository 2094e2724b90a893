package authority

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// IssueRequest asks for a new credential. Its text fields are checked here.
type IssueRequest struct {
	Scheme string
	Name   string
	// Organization is for principals above every organization; others act in their own.
	Organization uuid.UUID
	Project      *store.ProjectRef
	User         *UserRef // nil: the principal itself
	Scopes       []credential.Scope
	Expiry       credential.ExpiryChoice
	NotBefore    time.Time
	Addresses    []string
	RateLimit    int
	Idempotency  *Idempotency
}

// Issued is a credential together with the one showing of its secret.
type Issued struct {
	Detail
	Secret credential.Secret
}

// Issue makes a credential and returns its secret, once.
func (a *Authority) Issue(ctx context.Context, p *credential.Principal, r IssueRequest) (*Issued, error) {
	if err := require(p, credential.CredentialsWrite); err != nil {
		return nil, err
	}
	now := a.clock()
	c, err := a.draft(ctx, p, r, now)
	if err != nil {
		return nil, err
	}
	if err := a.own(ctx, p, c, r); err != nil {
		return nil, err
	}
	if err := a.maySee(ctx, p, c); err != nil {
		return nil, err
	}
	done, err := a.begin(p, "issue "+c.Organization.String(), r.Idempotency)
	if err != nil {
		return nil, err
	}
	defer done()
	var out *Issued
	err = a.transact(ctx, p, c.Organization, func(tx *store.Tx) (err error) {
		out, err = a.issue(ctx, tx, p, c, r.Idempotency)
		return err
	})
	return out, err
}

// issue is Issue within the transaction.
func (a *Authority) issue(ctx context.Context, tx *store.Tx, p *credential.Principal, c *credential.Credential, id *Idempotency) (*Issued, error) {
	made, err := a.repeated(ctx, tx, id, c.CreatedAt)
	if err != nil {
		return nil, err
	}
	if made != nil {
		return a.reissue(ctx, tx, p, made, c.CreatedAt)
	}
	if err := ownerIsThere(ctx, tx, c); err != nil {
		return nil, err
	}
	if err := administersStill(ctx, tx, p, c); err != nil {
		return nil, err
	}
	if err := checkPolicy(ctx, tx, p, c); err != nil {
		return nil, err
	}
	if err := a.checkLimit(ctx, tx, c); err != nil {
		return nil, err
	}
	if err := tx.InsertCredential(ctx, c); err != nil {
		return nil, err
	}
	out, err := a.addSecret(ctx, tx, c, credential.SecretInfo{CreatedAt: c.CreatedAt, Unconfirmed: id.repeats()})
	if err != nil {
		return nil, err
	}
	if err := remember(ctx, tx, id, store.IdempotencyRecord{Target: c.ID, Generation: c.Generation, CreatedAt: c.CreatedAt}); err != nil {
		return nil, err
	}
	tx.Record(act{p, c.CreatedAt}.event("credential.issue", targetOf(c), details(c)))
	return out, nil
}

// ownerIsThere refuses a credential for a user who has left, or was deactivated,
// since the request began: it would wake up when the user comes back.
func ownerIsThere(ctx context.Context, tx *store.Tx, c *credential.Credential) error {
	if c.User == uuid.Nil {
		return nil
	}
	member, err := tx.MemberByID(ctx, c.Organization, c.User)
	if err != nil {
		return hideMissing(err, "user", "no such member of the organization")
	}
	return isActive(member)
}

func isActive(member *store.Member) error {
	if !member.DeactivatedAt.IsZero() {
		return credential.Errorf(credential.Conflict, "the user is deactivated")
	}
	return nil
}

// draft checks everything about a request that needs no owner.
func (a *Authority) draft(_ context.Context, p *credential.Principal, r IssueRequest, now time.Time) (*credential.Credential, error) {
	scheme, err := a.schemes.Find("scheme", r.Scheme)
	if err != nil {
		return nil, err
	}
	c := &credential.Credential{Scheme: scheme, RateLimit: r.RateLimit, Generation: 1, CreatedAt: now, CreatedBy: p.String(), NotBefore: r.NotBefore}
	if c.Name, err = credential.CheckName("name", r.Name); err != nil {
		return nil, err
	}
	if c.Scopes, err = scheme.Scopes.Choose(r.Scopes); err != nil {
		return nil, err
	}
	c.Resolve()
	if c.ExpiresAt, err = scheme.ExpiryAt(now, r.Expiry, scheme.SetsExpiry(p)); err != nil {
		return nil, err
	}
	if c.AllowedAddresses, err = credential.ParseAddresses("allowed_addresses", r.Addresses); err != nil {
		return nil, err
	}
	if err := checkRateLimit(p, scheme, r.RateLimit); err != nil {
		return nil, err
	}
	if !c.NotBefore.IsZero() && !c.ExpiresAt.IsZero() && !c.NotBefore.Before(c.ExpiresAt) {
		return nil, credential.InvalidField("not_before", "must lie before the expiry")
	}
	if c.ID, err = a.newID(); err != nil {
		return nil, fmt.Errorf("issue a credential: %w", err)
	}
	if scheme.ClientID != nil {
		id, err := scheme.ClientID.Generate(a.rand)
		if err != nil {
			return nil, err
		}
		c.ClientID = id.Reveal() // a public identifier, not a secret
	}
	return c, nil
}

func checkRateLimit(p *credential.Principal, scheme *credential.Scheme, perMinute int) error {
	if most := scheme.PerMinute; scheme.Owner == credential.OwnedByUser && most > 0 && perMinute > most && !p.IsOperator() {
		return credential.InvalidField("rate_limit", "at most %d requests per minute; the operator may give it more", most)
	}
	if perMinute < 0 || perMinute > 1_000_000_000 {
		return credential.InvalidField("rate_limit", "must be from 1 to 1000000000 requests per minute")
	}
	return nil
}

// checkLimit refuses one credential too many. The owner's other changes wait,
// so the count can't change before this one is committed.
func (a *Authority) checkLimit(ctx context.Context, tx *store.Tx, c *credential.Credential) error {
	if c.Scheme.MaxActive == 0 {
		return nil
	}
	var group []string
	for _, s := range a.schemes.All() {
		if s.Group() == c.Scheme.Group() {
			group = append(group, s.Name)
		}
	}
	n, err := tx.CountCredentials(ctx, c.Organization, group)
	if err != nil {
		return err
	}
	if n >= c.Scheme.MaxActive {
		return credential.Errorf(credential.LimitReached, "an organization has at most %d of scheme %s that are not revoked; revoke one first",
			c.Scheme.MaxActive, c.Scheme.Group())
	}
	return nil
}

// addSecret draws the secret of the credential's present generation. info says
// when, and what its first use does.
func (a *Authority) addSecret(ctx context.Context, tx *store.Tx, c *credential.Credential, info credential.SecretInfo) (*Issued, error) {
	secret, err := c.Scheme.Text.Generate(a.rand)
	if err != nil {
		return nil, err
	}
	info.Generation, info.Fingerprint, info.Hint = c.Generation, secret.Fingerprint(), c.Scheme.Hint(secret, c.ClientID)
	err = tx.InsertSecret(ctx, c.ID, store.NewSecret{
		Key: a.keyer.LookupKey(secret.Reveal()), KeyVersion: a.store.Root().Version(), SecretInfo: info,
	})
	if err != nil {
		return nil, err
	}
	out := &Issued{Secret: secret}
	out.Credential, out.State, out.Secrets = c, c.State(info.CreatedAt), []credential.SecretInfo{info}
	return out, nil
}

// targetOf names a credential in an audit event.
func targetOf(c *credential.Credential) string { return "credential:" + c.ID.String() }

// description is what a credential is like.
type description struct {
	Name      string             `json:"name"`
	Scheme    string             `json:"scheme"`
	Scopes    []credential.Scope `json:"scopes,omitempty"`
	Project   *uuid.UUID         `json:"project,omitempty"`
	User      *uuid.UUID         `json:"user,omitempty"`
	Addresses []netip.Prefix     `json:"allowed_addresses,omitempty"`
	RateLimit int                `json:"rate_limit,omitempty"`
	NotBefore *time.Time         `json:"not_before,omitempty"`
	ExpiresAt *time.Time         `json:"expires_at,omitempty"`
	Trust     *credential.Trust  `json:"trust,omitempty"`
}

// details tells an audit event what a credential is like.
func details(c *credential.Credential) string { return object(describe(c)) }

func describe(c *credential.Credential) description {
	d := description{Name: c.Name, Scheme: c.Scheme.Name, Scopes: c.Scopes, Addresses: c.AllowedAddresses, RateLimit: c.RateLimit}
	if c.Project != uuid.Nil {
		d.Project = &c.Project
	}
	if c.User != uuid.Nil {
		d.User = &c.User
	}
	if !c.NotBefore.IsZero() {
		d.NotBefore = &c.NotBefore
	}
	if !c.ExpiresAt.IsZero() {
		d.ExpiresAt = &c.ExpiresAt
	}
	return d
}

// object writes an event's detail.
func object(v any) string { return audit.Object(v) }
