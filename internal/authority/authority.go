// Package authority issues, verifies, rotates, revokes and audits credentials.
// Every surface goes through it: the native API, the dialects, the command line
// and the server's own routes ask the same questions and get the same answers.
//
// What it hides: who may do what to which credential, how a secret becomes a
// row and back, and how a lost answer is made good. Its invariants:
//
//   - Every changing method takes the principal first, authorises, acts and
//     writes its audit event in one transaction.
//   - A secret leaves once, in the value that created it.
//   - A denial is a decision, never an error; an error means that nothing
//     could be decided, and the caller must refuse.
//   - At most two secrets of a credential work at any time.
package authority

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/usage"
)

// Config is what an Authority is made of. Only Store and Schemes are needed.
type Config struct {
	Store   *store.Store
	Schemes *credential.Schemes
	// Modes are the credential modes that this installation accepts; nil means all.
	Modes []string
	// PasswordMinimum is the least length of a password in bytes.
	PasswordMinimum int
	// PasswordMemory is what it takes to hash a password, in KiB; 0 is what
	// is recommended. Passwords that were hashed at another cost stay good.
	PasswordMemory uint32
	// Issuer is the public URL of the installation: "iss" and "aud" of its tokens.
	Issuer string
	// Algorithm signs access tokens; empty means ES256.
	Algorithm jwt.Algorithm
	// Accounts says how people come to have one.
	Accounts AccountRules
	// Prices are what requests cost in coins, by what they are called; what
	// isn't named costs one.
	Prices map[string]int64
	// Webhooks says where webhooks may be sent.
	Webhooks WebhookRules
	// Issuers says whose identity tokens may be trusted.
	Issuers IssuerRules
	// Limits keeps limits on requests; nil is a memory of this node alone.
	Limits limit.Limiter
	// Decided is told the code of every decision about a request; nil is nobody.
	Decided func(credential.Code)
	// Keep says how long it is kept what credentials were used for.
	Keep   Retention
	Now    func() time.Time
	Rand   io.Reader
	Logger *slog.Logger
}

// Authority decides about credentials. Make one with New.
type Authority struct {
	store    *store.Store
	schemes  *credential.Schemes
	modes    []string
	minimum  int
	memory   uint32
	now      func() time.Time
	rand     io.Reader
	log      *slog.Logger
	keyer    *keyring
	meter    *usage.Meter
	limits   limit.Limiter
	decided  func(credential.Code)
	calls    usage.Log
	refused  *limit.Memory // requests that are listed though they were refused
	keep     Retention
	losing   atomic.Bool // calls, which was logged
	signing  signing
	rules    AccountRules
	webhooks WebhookRules
	issuers  issuers
	linker   *keyring
	// importer makes the keys by which imported secrets are found at first.
	importer *keyring
	hashing  chan struct{} // room for the passwords that are hashed at once
	queues   queues
	prices   map[string]int64
	alerts   chan struct{} // somebody is to be told of a budget

	// running holds the Idempotency-Keys of calls that are being answered.
	mu      sync.Mutex
	running map[[32]byte]bool
}

// New makes an Authority.
func New(cfg Config) *Authority {
	a := &Authority{
		store: cfg.Store, schemes: cfg.Schemes, modes: cfg.Modes, minimum: cfg.PasswordMinimum, memory: cmp.Or(cfg.PasswordMemory, argonMemory),
		now: cfg.Now, rand: cfg.Rand, log: cfg.Logger,
		keyer: newKeyring(cfg.Store.Root(), seal.LookupKeys), meter: usage.NewMeter(), limits: cfg.Limits, decided: cfg.Decided,
		running: map[[32]byte]bool{}, keep: cfg.Keep, rules: cfg.Accounts, webhooks: cfg.Webhooks,
		linker:   newKeyring(cfg.Store.Root(), seal.Links),
		importer: newKeyring(cfg.Store.Root(), seal.Imports), refused: limit.New(1 << 14), prices: cfg.Prices, alerts: make(chan struct{}, 1), hashing: make(chan struct{}, runtime.GOMAXPROCS(0)), queues: newQueues(),
	}
	if a.limits == nil {
		a.limits = limit.Alone{Memory: limit.New(mostLimited)}
	}
	if a.decided == nil {
		a.decided = func(credential.Code) {}
	}
	if a.now == nil {
		a.now = time.Now
	}
	if a.rand == nil {
		a.rand = rand.Reader
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.issuers = issuers{rules: cfg.Issuers, now: a.now, log: a.log, known: map[string]*issuer{}}
	a.signing.issuer, a.signing.algorithm = cfg.Issuer, cmp.Or(cfg.Algorithm, jwt.ES256)
	if a.minimum == 0 {
		a.minimum = 8
	}
	return a
}

// Schemes returns the schemes that the installation knows.
func (a *Authority) Schemes() *credential.Schemes { return a.schemes }

// Ready reports whether verifications can be decided.
func (a *Authority) Ready(ctx context.Context) error { return a.store.Ping(ctx) }

// Degraded reports whether what counts the requests of all nodes is away.
func (a *Authority) Degraded() bool {
	shared, ok := a.limits.(interface{ Degraded() bool })
	return ok && shared.Degraded()
}

// mostLimited bounds how many credentials' limits are remembered at once.
const mostLimited = 1 << 20

// How often pending uses are stored, and how long a repeat of a call with an
// Idempotency-Key is recognised.
const (
	flushEvery        = 500 * time.Millisecond
	idempotencyWindow = 24 * time.Hour
	// Where very many credentials are in use at once, storing each use by
	// itself costs more than the verification. A node that has the store for
	// itself then gathers uses for longer: it shows them from memory meanwhile.
	gatherAbove = 2000
	gatherFor   = 10 * time.Second
)

// Run stores pending uses twice a second, and tidies up at its start and every
// hour, until ctx is done; then it stores what is left.
func (a *Authority) Run(ctx context.Context) error {
	a.tidy(ctx)
	flush, hourly, keys := time.NewTicker(flushEvery), time.NewTicker(time.Hour), time.NewTicker(reloadKeysEvery)
	defer flush.Stop()
	defer hourly.Stop()
	defer keys.Stop()
	failing, last := false, time.Time{}
	for {
		select {
		case tick := <-flush.C:
			if err := a.store.FindImports(ctx); err != nil {
				a.log.Debug("whether other nodes imported credentials can't be read; asked again at once", "error", err)
			}
			if a.store.Exclusive() && a.meter.Pending() > gatherAbove && !a.calls.Crowded() && tick.Sub(last) < gatherFor {
				continue
			}
			last = tick
			err := a.Flush(ctx)
			if err != nil && !failing {
				a.log.Warn("what credentials were used for can't be stored; it is kept in memory and tried again", "error", err)
			}
			failing = err != nil
		case <-a.alerts:
			if err := a.TellBudgets(ctx); err != nil {
				a.log.Warn("nobody can be told of a budget that is nearly used up; tried again within the hour", "error", err)
			}
		case <-hourly.C:
			a.tidy(ctx)
		case <-keys.C:
			if err := a.keepKeys(ctx); err != nil {
				a.log.Warn("the signing keys can't be read; those that are known stay in use", "error", err)
			}
		case <-ctx.Done():
			final, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			return a.Flush(final)
		}
	}
}

// tidy forgets old idempotency records, and sets space aside for revocations.
func (a *Authority) tidy(ctx context.Context) {
	if err := a.store.ForgetIdempotencyRecords(ctx, a.now().Add(-idempotencyWindow)); err != nil {
		a.log.Warn("old idempotency records can't be deleted; tried again in an hour", "error", err)
	}
	if err := a.store.ForgetMarks(ctx, a.now().Add(-time.Minute)); err != nil {
		a.log.Warn("old marks can't be deleted; tried again in an hour", "error", err)
	}
	if err := a.forgetPeople(ctx); err != nil {
		a.log.Warn("what has ended of sessions and links can't be deleted; tried again in an hour", "error", err)
	}
	if err := a.SuspendUnused(ctx); err != nil {
		a.log.Warn("unused credentials can't be suspended; tried again in an hour", "error", err)
	}
	if err := a.store.ForgetDeliveries(ctx, a.now().Add(-deliveriesFor)); err != nil {
		a.log.Warn("old deliveries of webhooks can't be deleted; tried again in an hour", "error", err)
	}
	if err := a.ForgetUsage(ctx); err != nil {
		a.log.Warn("old usage, requests and spends can't be deleted; tried again in an hour", "error", err)
	}
	if err := a.reseal(ctx); err != nil {
		a.log.Warn("what an older root key sealed can't be sealed anew; tried again in an hour", "error", err)
	}
	if err := a.TellBudgets(ctx); err != nil {
		a.log.Warn("nobody can be told of a budget that is nearly used up; tried again in an hour", "error", err)
	}
	if err := a.store.KeepReserve(); err != nil {
		a.log.Warn("while the disk is full nothing could be revoked; tried again in an hour", "error", err)
	}
}

// latest is the later of a stored use and one that is still in memory, with
// the requests of both.
func (a *Authority) latest(id uuid.UUID, stored credential.Use) credential.Use {
	u, ok := a.meter.Latest(id)
	if !ok {
		return stored
	}
	requests := stored.Requests + u.Requests
	if u.At.After(stored.At) {
		stored = credential.Use{At: u.At.UTC().Truncate(time.Millisecond), Address: u.Address, UserAgent: u.UserAgent}
	}
	stored.Requests = requests
	return stored
}

// Now returns the present time as the authority sees it.
func (a *Authority) Now() time.Time { return a.clock() }

// clock returns the present time as it is stored: UTC, to the millisecond.
func (a *Authority) clock() time.Time { return a.now().UTC().Truncate(time.Millisecond) }

// newID draws a UUIDv7: ids of one millisecond sort in the order of creation.
func (a *Authority) newID() (uuid.UUID, error) { return uuid.NewV7FromReader(a.rand) }

// act is a principal doing something at a moment.
type act struct {
	by *credential.Principal
	at time.Time
}

// transact is the store's Change on behalf of a principal, who must still be
// what it was when it was let in: since then its credential may have been
// revoked, or its rights taken away, and that has been answered.
func (a *Authority) transact(ctx context.Context, p *credential.Principal, chain uuid.UUID, fn func(*store.Tx) error) error {
	return a.store.Change(ctx, chain, a.still(ctx, p, fn))
}

// stop is transact for what ends or suspends something.
func (a *Authority) stop(ctx context.Context, p *credential.Principal, chain uuid.UUID, fn func(*store.Tx) error) error {
	return a.store.Stop(ctx, chain, a.still(ctx, p, fn))
}

// still runs fn only for a principal that may still do what it might before.
func (a *Authority) still(ctx context.Context, p *credential.Principal, fn func(*store.Tx) error) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		if err := tx.Still(ctx, store.Acting{By: p, At: a.now(), Modes: a.modes}); err != nil {
			return err
		}
		return fn(tx)
	}
}

// event begins the audit event of an act.
func (a act) event(action, target, detail string) audit.Event {
	return store.Acting{By: a.by, At: a.at}.Event(action, target, detail)
}

// hideMissing answers what a principal may not see as if it didn't exist.
func hideMissing(err error, field, detail string) error {
	if errors.Is(err, credential.NotFound) {
		return &credential.Error{Kind: credential.Invalid, Field: field, Detail: detail}
	}
	return err
}
