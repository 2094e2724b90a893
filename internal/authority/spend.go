package authority

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Charge is what a request costs and what it is called in the ledger.
type Charge struct {
	// Cost is in coins, where Named says that whoever asks named it. Else the
	// price of the resource is asked for, and without one it is one coin, or
	// none where Free says so.
	Cost        int64
	Named, Free bool
	Resource    string // which call, at most 200 bytes
	Operation   string // what sort of call; empty is CalledService
	// Repeat is the Idempotency-Key, so that the same call is paid once;
	// empty for none. By says whose key it is.
	Repeat string
	By     *credential.Principal
}

// The sorts of calls that nobody else names.
const (
	CalledService = "service_call"   // of a service that verifies here
	CalledRead    = "rest_api_read"  // of our own routes
	CalledWrite   = "rest_api_write" // likewise
)

// MaxCost bounds what one call costs, in coins.
const MaxCost = limit.MaxCost

// settleFor is how long after a call it can be said what it came to.
const settleFor = 24 * time.Hour

// price is what a request costs.
func (a *Authority) price(c *Charge) int64 {
	if c.Named {
		return c.Cost
	}
	if price, ok := a.prices[c.Resource]; ok {
		return price
	}
	if c.Free {
		return 0
	}
	return 1
}

// payers are the budgets that a request of a credential is paid from, besides
// those of which nobody made any. Who has signed in pays nothing. A project's
// is for the schemes that are metered, and for what a service names the cost of.
func payers(s *credential.Standing, named bool) (ids []uuid.UUID) {
	c := s.Credential
	if c.Scheme.Kind == credential.Session || c.Organization == uuid.Nil {
		return nil
	}
	if s.OrganizationMetered {
		ids = append(ids, c.Organization)
	}
	if c.Project != uuid.Nil && (c.Scheme.Metered || named) {
		ids = append(ids, c.Project)
	}
	if s.Metered {
		ids = append(ids, c.ID)
	}
	return ids
}

// spend takes what a request costs that may go on otherwise, and refuses it
// where a budget has no room. What is refused costs nothing.
func (a *Authority) spend(ctx context.Context, d *credential.Decision, v *Verification) error {
	if d.Code != credential.OK {
		return nil
	}
	from := payers(d.Standing, v.Charge.Named)
	if len(from) == 0 {
		return nil
	}
	cost := a.price(&v.Charge)
	if cost == 0 {
		return nil
	}
	p, err := a.payment(d.Standing.Credential, &v.Charge, cost)
	if err != nil {
		return undecided(err)
	}
	p.Payers = from
	r, err := a.store.Pay(ctx, p)
	if err != nil && !errors.Is(err, credential.Invalid) { // on a full disk, say
		err = fmt.Errorf("%w (%w)", credential.Errorf(credential.Unavailable, "the budget can't be charged now; try again"), err)
	}
	if err != nil {
		return err
	}
	if r.Free {
		return nil
	}
	d.Budget = budgetOf(&r.Budget, p.At)
	if r.Refused {
		d.Code = credential.CodeBudget
		return nil
	}
	d.Paid = credential.Paid{Spend: r.Spend.ID, Cost: r.Spend.Cost, Reserved: r.Spend.Reserved, Organization: r.Spend.Organization, Repeated: r.Spend.ID != p.ID}
	if r.Alert {
		a.alert()
	}
	return nil
}

// payment asks for a spend of a credential.
func (a *Authority) payment(c *credential.Credential, charge *Charge, cost int64) (p store.Payment, err error) {
	now := a.clock()
	p.Spend = store.Spend{Organization: c.Organization, Project: c.Project, Credential: c.ID, User: c.User, At: now, Cost: cost,
		Operation: charge.Operation, Resource: charge.Resource}
	if p.Operation == "" { // named by a service, which may put a secret into the name
		p.Operation, p.Resource = CalledService, a.cleanResource(charge.Resource)
	}
	if p.ID, err = a.newID(); err != nil {
		return p, fmt.Errorf("name a spend: %w", err)
	}
	if charge.Repeat != "" {
		p.Repeats = a.store.Root().MACs(seal.Idempotency, []byte("spend"), []byte(charge.By.String()), c.ID[:], []byte(charge.Repeat))
		p.RepeatsSince = now.Add(-idempotencyWindow)
	}
	return p, nil
}

// budgetOf is a budget as a decision tells of it.
func budgetOf(b *store.Budget, now time.Time) credential.Budget {
	return credential.Budget{Of: string(b.Kind), ID: b.ID, Coins: b.Limit(), Used: b.Used, Remaining: b.Remaining(), Overage: b.Overage,
		ResetsAt: b.ResetsAt(), RetryAfter: max(b.ResetsAt().Sub(now), time.Second)}
}

// credentialOf is the credential of a principal; Nil for the operator.
func credentialOf(p *credential.Principal) uuid.UUID {
	if p.Credential == nil {
		return uuid.Nil
	}
	return p.Credential.ID
}

// Settle says what a call of a service came to that was paid up to a day ago,
// and gives the rest back. It may come to no more than was taken. Who may verify
// may settle: what is of its own organization, or of its project if it is
// confined to one, and never what it paid itself.
func (a *Authority) Settle(ctx context.Context, p *credential.Principal, spend uuid.UUID, cost int64) (store.Receipt, error) {
	if err := require(p, credential.CredentialsVerify); err != nil {
		return store.Receipt{}, err
	}
	if cost < 0 || cost > MaxCost {
		return store.Receipt{}, credential.InvalidField("cost", "must be from 0 to %d", MaxCost)
	}
	now := a.clock()
	return a.store.Settle(ctx, store.Settlement{Spend: spend, Organization: nilIfWide(p), Cost: cost, At: now, Since: now.Add(-settleFor),
		Operation: CalledService, Project: p.ProjectScoped(), Not: credentialOf(p)})
}

// Refund gives back what a call of ours cost that failed by our own fault. It
// is done even where its caller is gone.
func (a *Authority) Refund(ctx context.Context, d credential.Paid) {
	if d.Spend == uuid.Nil {
		return
	}
	ctx = context.WithoutCancel(ctx)
	_, err := a.store.Settle(ctx, store.Settlement{Spend: d.Spend, Organization: d.Organization, At: a.clock()})
	if err != nil {
		a.log.Warn("what a failed call cost can't be given back", "spend", d.Spend, "error", err)
	}
}
