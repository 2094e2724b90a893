package workspace

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

// Repeat makes a call whose answer was lost repeatable: for a day, the same key
// of the same principal does nothing again.
type Repeat struct {
	Key  string
	Body []byte // what the call asked for; a repeat must ask the same
}

// making is a call that is done once.
type making struct {
	call   string
	repeat *Repeat
}

// repeatsFor is how long a repeat is recognised.
const repeatsFor = 24 * time.Hour

// errUnchanged ends a change that has nothing to do.
var errUnchanged = errors.New("nothing to do")

// unlessUnchanged is what a change ended by, but for having nothing to do.
func unlessUnchanged(err error) error {
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// once runs fn in one transaction of a principal in its organization, and
// returns the id of what fn made or changed; a repeat returns the same.
func (w *Workspace) once(ctx context.Context, p *credential.Principal, m making, fn func(*change) (uuid.UUID, error)) (target uuid.UUID, err error) {
	var ids, requests [][32]byte // under each root key, the present one first
	if m.repeat != nil {
		if err := credential.CheckIdempotencyKey(m.repeat.Key); err != nil {
			return target, err
		}
		root := w.store.Root()
		ids = root.MACs(seal.Idempotency, []byte("key"), []byte(p.String()), []byte(m.call), []byte(m.repeat.Key))
		requests = root.MACs(seal.Idempotency, []byte("request"), m.repeat.Body)
	}
	err = w.store.Change(ctx, p.Organization, func(tx *store.Tx) error { // which holds the calls of the organization apart
		ch := &change{Tx: tx, by: p, at: w.clock()}
		if err := tx.Still(ctx, store.Acting{By: p, At: ch.at, Modes: w.modes}); err != nil {
			return err
		}
		for _, id := range ids {
			made, err := tx.IdempotencyRecord(ctx, id, ch.at.Add(-repeatsFor))
			switch {
			case errors.Is(err, credential.NotFound):
				continue
			case err != nil:
				return err
			case !slices.Contains(requests, made.Request):
				return credential.InvalidField("Idempotency-Key", "this key came with another request before; use a new key for a new request")
			}
			target = made.Target
			return errUnchanged
		}
		if target, err = fn(ch); err != nil || m.repeat == nil {
			return err
		}
		return tx.SaveIdempotencyRecord(ctx, &store.IdempotencyRecord{ID: ids[0], Request: requests[0], Target: target, CreatedAt: ch.at, KeyVersion: tx.KeyVersion()})
	})
	return target, unlessUnchanged(err)
}
