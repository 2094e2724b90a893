package authority

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Idempotency makes a call whose answer was lost repeatable. The repeat gets a
// working secret in place of the one that nobody saw.
type Idempotency struct {
	Key  string
	Body []byte // what the call asked for; a repeat must ask the same
	// Once means that there is no repeat: whoever asks saw the answer, and
	// may do so again without wanting to, as a page that is loaded again.
	Once bool

	ids, requests [][32]byte // under each root key, the present one first
}

// ErrDone is the answer to a repeat of a call that has none. Its secret was
// shown when it was done.
var ErrDone = credential.Errorf(credential.Conflict, "this was done before")

// repeats reports whether the answer may be lost and asked for again.
func (id *Idempotency) repeats() bool { return id != nil && !id.Once }

// begin marks a call with an Idempotency-Key as running. A second one with the
// same key fails until done has been called.
func (a *Authority) begin(p *credential.Principal, call string, id *Idempotency) (done func(), err error) {
	if id == nil {
		return func() {}, nil
	}
	if err := credential.CheckIdempotencyKey(id.Key); err != nil {
		return nil, err
	}
	root := a.store.Root()
	id.ids = root.MACs(seal.Idempotency, []byte("key"), []byte(p.String()), []byte(call), []byte(id.Key))
	id.requests = root.MACs(seal.Idempotency, []byte("request"), id.Body)
	own := id.ids[0]
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running[own] {
		return nil, errInProgress()
	}
	a.running[own] = true
	return func() {
		a.mu.Lock()
		delete(a.running, own)
		a.mu.Unlock()
	}, nil
}

func errInProgress() error {
	return credential.Errorf(credential.InProgress, "the first call with this Idempotency-Key still runs; repeat it in a moment")
}

// repeated returns what an earlier call with the same key made, or nil.
func (a *Authority) repeated(ctx context.Context, tx *store.Tx, id *Idempotency, now time.Time) (*store.IdempotencyRecord, error) {
	if id == nil {
		return nil, nil
	}
	// Another node may be running the same call.
	for _, key := range id.ids {
		if taken, err := tx.TryLock(ctx, key); err != nil || !taken {
			return nil, orElse(err, errInProgress())
		}
	}
	made, err := under(id.ids, func(key [32]byte) (*store.IdempotencyRecord, error) {
		return tx.IdempotencyRecord(ctx, key, now.Add(-idempotencyWindow))
	})
	if err != nil {
		return nil, ignoreMissing(err)
	}
	if id.Once {
		return nil, ErrDone
	}
	if made.Request != id.requests[slices.Index(id.ids, made.ID)] {
		return nil, credential.InvalidField("Idempotency-Key", "this key came with another request before; use a new key for a new request")
	}
	return made, nil
}

// remember notes what a call made.
func remember(ctx context.Context, tx *store.Tx, id *Idempotency, made store.IdempotencyRecord) error {
	if id == nil {
		return nil
	}
	made.ID, made.Request, made.KeyVersion = id.ids[0], id.requests[0], tx.KeyVersion()
	return tx.SaveIdempotencyRecord(ctx, &made)
}

// creation is a call that makes one thing, whose answer holds nothing secret.
type creation struct {
	chain uuid.UUID
	call  string
	id    *Idempotency
}

// once makes a thing and returns its id; a repeat returns the same.
func (a *Authority) once(ctx context.Context, p *credential.Principal, c creation, create func(*store.Tx) (uuid.UUID, error)) (target uuid.UUID, err error) {
	done, err := a.begin(p, c.call, c.id)
	if err != nil {
		return target, err
	}
	defer done()
	now := a.clock()
	err = a.transact(ctx, p, c.chain, func(tx *store.Tx) error {
		made, err := a.repeated(ctx, tx, c.id, now)
		if err != nil {
			return err
		}
		if made != nil {
			target = made.Target
			return errUnchanged
		}
		if target, err = create(tx); err != nil {
			return err
		}
		return remember(ctx, tx, c.id, store.IdempotencyRecord{Target: target, CreatedAt: now})
	})
	if errors.Is(err, errUnchanged) {
		err = nil
	}
	return target, err
}

// reissue answers a repeat: the same credential gets a new secret in place of
// the one that the lost answer held. Its predecessor, if any, keeps its grace.
func (a *Authority) reissue(ctx context.Context, tx *store.Tx, p *credential.Principal, made *store.IdempotencyRecord, now time.Time) (*Issued, error) {
	c, err := tx.CredentialIn(ctx, nilIfWide(p), made.Target)
	if err != nil {
		return nil, err
	}
	if err := alive(c, now); err != nil {
		return nil, err
	}
	if c.Generation != made.Generation {
		return nil, credential.Errorf(credential.Conflict, "the credential has been rotated since the first call with this Idempotency-Key")
	}
	lost, err := tx.Secrets(ctx, c.ID, now)
	if err != nil {
		return nil, err
	}
	unseen, err := tx.EndUnseen(ctx, c.ID, c.Generation, endedForGood)
	if err != nil {
		return nil, err
	}
	if !unseen {
		return nil, credential.Errorf(credential.Conflict, "the secret that the first call returned is in use; rotate the credential to get another")
	}
	carried := takesOver(lost, c)
	c.Generation++
	made.Generation = c.Generation
	if err := tx.UpdateCredential(ctx, c); err != nil {
		return nil, err
	}
	if err := tx.SaveIdempotencyRecord(ctx, made); err != nil {
		return nil, err
	}
	tx.Record(act{p, now}.event("credential.reissue", targetOf(c), object(map[string]int{"generation": c.Generation})))
	out, err := a.addSecret(ctx, tx, c, credential.SecretInfo{CreatedAt: now, Unconfirmed: true, TakesOver: carried})
	if err != nil {
		return nil, err
	}
	out.Secrets, err = tx.Secrets(ctx, c.ID, now)
	return out, err
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
