package authority

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// The life of a signing key and of what it signs.
const (
	// TokenLifetime is how long an access token works at most.
	TokenLifetime = time.Hour
	// KeysCachedFor is how long others may keep the published keys (J-13). A
	// new key is published for longer than that before it signs.
	KeysCachedFor = 5 * time.Minute
	publishFirst  = 2 * KeysCachedFor
	// overlap is how long a key verifies after its successor began to sign, and
	// longOverlap how long one does whose successor waited: as long as a device's token.
	overlap     = TokenLifetime + KeysCachedFor
	longOverlap = DeviceLasts + KeysCachedFor
	// mostKeys bounds how many keys verify at once, and so how fast they are
	// rotated; the rest of store.MostSigningKeys is for leaks.
	mostKeys = 12
	// How often a node looks whether others have rotated the keys, and how old
	// the newest key gets before it is rotated by itself.
	reloadKeysEvery = time.Minute
	keyLifetime     = 90 * 24 * time.Hour
)

// SigningKey is a key of the installation as it is shown.
type SigningKey struct {
	ID        string
	Algorithm string
	// State is next (published, signs later), current, or retired (verifies only).
	State                               string
	CreatedAt, SignsFrom, VerifiesUntil time.Time
}

// SigningKeys lists the keys that verify access tokens, the newest first. Only
// the operator can.
func (a *Authority) SigningKeys(ctx context.Context, p *credential.Principal) ([]SigningKey, error) {
	if err := operatorOnly(p); err != nil {
		return nil, err
	}
	return a.signingKeys(ctx)
}

// PublishedKeys is SigningKeys for the owners and admins of an organization who
// have signed in: what is published of the keys, and since when and until when.
func (a *Authority) PublishedKeys(ctx context.Context, p *credential.Principal) ([]SigningKey, error) {
	if !p.IsOperator() && (!p.SignedIn() || !p.Role.Manages()) {
		return nil, credential.Errorf(credential.Forbidden, "an owner or admin who has signed in sees the signing keys")
	}
	if _, err := a.keys(ctx); err != nil { // so that there is one
		return nil, err
	}
	return a.signingKeys(ctx)
}

func (a *Authority) signingKeys(ctx context.Context) ([]SigningKey, error) {
	now := a.clock()
	rows, err := a.store.SigningKeys(ctx, now)
	if err != nil {
		return nil, err
	}
	out := make([]SigningKey, len(rows))
	state := "current"
	for i, row := range rows {
		out[i] = SigningKey{row.ID, row.Algorithm, state, row.CreatedAt, row.SignsFrom, row.VerifiesUntil}
		switch {
		case row.SignsFrom.After(now):
			out[i].State = "next"
		case state == "current":
			state = "retired"
		}
	}
	return out, nil
}

// RotateSigningKeys makes a new key, which is published at once and signs when
// everybody can know it; with now it signs at once, and takes the place of one
// that waits. The keys before verify until what they signed has expired; with
// now that excepts the tokens of devices, since somebody may know the keys. Only
// the operator can.
func (a *Authority) RotateSigningKeys(ctx context.Context, p *credential.Principal, now bool) ([]SigningKey, error) {
	if err := operatorOnly(p); err != nil {
		return nil, err
	}
	if _, err := a.keys(ctx); err != nil { // so that there is one that signs until then
		return nil, err
	}
	wait := publishFirst
	if now {
		wait = 0
	}
	if err := a.addSigningKey(ctx, p, wait, func([]store.SigningKey) bool { return true }); err != nil {
		return nil, err
	}
	if _, err := a.readKeys(ctx, a.now()); err != nil {
		return nil, err
	}
	return a.SigningKeys(ctx, p)
}

// addSigningKey adds a key that signs after a while, if the keys that there
// are, seen inside the transaction, call for one. A key that signs at once
// removes those that still wait: they would take over from it.
func (a *Authority) addSigningKey(ctx context.Context, p *credential.Principal, wait time.Duration, wanted func([]store.SigningKey) bool) error {
	key, err := jwt.Generate(a.signing.algorithm, a.rand)
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	now := a.clock()
	row := store.SigningKey{
		ID: key.ID, Algorithm: string(key.Algorithm), KeyVersion: a.store.Root().Version(), CreatedAt: now, SignsFrom: now.Add(wait),
	}
	plain, err := key.PKCS8()
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	if row.Private, err = a.store.Root().Seal(a.rand, row.SealedRow(), plain); err != nil {
		return err
	}
	err = a.transact(ctx, p, uuid.Nil, func(tx *store.Tx) error {
		known, err := tx.SigningKeys(ctx, now)
		if err != nil {
			return err
		}
		if !wanted(known) {
			return errUnchanged
		}
		detail := map[string]any{"algorithm": row.Algorithm, "signs_from": row.SignsFrom}
		if waiting := waitingKeys(known, now); wait == 0 && len(waiting) > 0 {
			if err := tx.DeleteSigningKeys(ctx, now); err != nil {
				return err
			}
			known, detail["replaces"] = known[len(waiting):], waiting
		}
		most := mostKeys
		if wait == 0 { // after a leak nobody waits for those before
			most = store.MostSigningKeys
		}
		if len(known) >= most {
			return credential.Errorf(credential.Conflict, "%d keys verify already; rotate again when the oldest of them has ended", len(known))
		}
		if err := tx.InsertSigningKey(ctx, &row); err != nil {
			return err
		}
		tx.Record(act{p, now}.event("signing_key.create", "signing_key:"+row.ID, object(detail)))
		verifies := longOverlap
		if wait == 0 { // somebody may know the keys before
			verifies = overlap
		}
		return tx.RetireSigningKeys(ctx, row.ID, row.SignsFrom.Add(verifies))
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// waitingKeys are the ids of the keys that don't sign yet: the first ones.
func waitingKeys(keys []store.SigningKey, now time.Time) (ids []string) {
	for _, key := range keys {
		if key.SignsFrom.After(now) {
			ids = append(ids, key.ID)
		}
	}
	return ids
}

// signing is what signs and verifies access tokens.
type signing struct {
	issuer    string
	algorithm jwt.Algorithm
	ring      atomic.Pointer[jwt.Ring]

	mu     sync.Mutex // held while the keys are read
	ids    string     // of the keys in the ring, and when they change their state
	readAt time.Time
}

// keys returns the ring of signing keys. A new installation gets its first key.
func (a *Authority) keys(ctx context.Context) (*jwt.Ring, error) {
	if ring := a.signing.ring.Load(); ring != nil {
		return ring, nil
	}
	return a.readKeys(ctx, a.now())
}

// readKeys reads the signing keys that there are, unless that was done since a
// time, and makes the first one.
func (a *Authority) readKeys(ctx context.Context, since time.Time) (*jwt.Ring, error) {
	s := &a.signing
	s.mu.Lock()
	defer s.mu.Unlock()
	if ring := s.ring.Load(); ring != nil && s.readAt.After(since) {
		return ring, nil
	}
	rows, slots, err := a.openKeys(ctx)
	if err != nil {
		return nil, err
	}
	if len(slots) == 0 { // a new installation, or one whose keys are all damaged
		if err := a.addSigningKey(ctx, ourselves(), 0, func(now []store.SigningKey) bool { return len(now) == len(rows) }); err != nil {
			return nil, err
		}
		if rows, slots, err = a.openKeys(ctx); err != nil {
			return nil, err
		}
	}
	s.readAt = a.now()
	var ids strings.Builder
	for _, row := range rows {
		fmt.Fprintln(&ids, row.ID, row.SignsFrom, row.VerifiesUntil)
	}
	if ids.String() == s.ids { // and so keeps what the ring has verified already
		return s.ring.Load(), nil
	}
	ring, err := jwt.NewRing(s.issuer, s.issuer, slots)
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	s.ids = ids.String()
	s.ring.Store(ring)
	return ring, nil
}

// openKeys reads the keys and opens those that can be opened. The others are
// logged, and what they signed is refused.
func (a *Authority) openKeys(ctx context.Context) (rows []store.SigningKey, slots []jwt.Slot, err error) {
	if rows, err = a.store.SigningKeys(ctx, a.clock()); err != nil {
		return nil, nil, err
	}
	for _, row := range rows {
		key, err := a.openKey(&row)
		if err != nil {
			a.log.Error("a signing key is damaged; what it signed is refused", "key", row.ID, "error", err)
			continue
		}
		slots = append(slots, jwt.Slot{Key: key, SignsFrom: row.SignsFrom, VerifiesUntil: row.VerifiesUntil})
	}
	return rows, slots, nil
}

func (a *Authority) openKey(row *store.SigningKey) (*jwt.Key, error) {
	plain, err := a.store.Root().Open(row.SealedRow(), row.Private)
	if err != nil {
		return nil, err
	}
	key, err := jwt.ParseKey(jwt.Algorithm(row.Algorithm), plain)
	if err == nil && key.ID != row.ID {
		err = errors.New("it has another name")
	}
	return key, err
}

// ourselves is who does what nobody asked for: the server, by its schedule.
func ourselves() *credential.Principal {
	return &credential.Principal{SubjectType: credential.SubjectServer}
}

// keepKeys follows the rotations of other nodes, and rotates keys that have
// become old.
func (a *Authority) keepKeys(ctx context.Context) error {
	if _, err := a.readKeys(ctx, a.now()); err != nil {
		return err
	}
	old := a.clock().Add(-keyLifetime)
	isOld := func(keys []store.SigningKey) bool { return len(keys) > 0 && keys[0].CreatedAt.Before(old) }
	rows, err := a.store.SigningKeys(ctx, a.clock())
	if err != nil || !isOld(rows) {
		return err
	}
	if err := a.addSigningKey(ctx, ourselves(), publishFirst, isOld); err != nil {
		return err
	}
	_, err = a.readKeys(ctx, a.now())
	return err
}

// JWKS returns the public keys that verify access tokens (RFC 7517 section 5).
func (a *Authority) JWKS(ctx context.Context) ([]byte, error) {
	ring, err := a.keys(ctx)
	if err != nil {
		return nil, err
	}
	return ring.JWKS(a.now()), nil
}

// Issuer identifies this installation in its tokens and metadata.
func (a *Authority) Issuer() string { return a.signing.issuer }
