package authority

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// resealAtOnce bounds what is sealed anew before others have their turn.
const resealAtOnce = 100

// reseal seals anew what an older root key sealed. It goes on where it was
// interrupted, since what is done has the present version.
func (a *Authority) reseal(ctx context.Context) error {
	for {
		done, err := a.store.Reseal(ctx, a.rand, resealAtOnce)
		if err != nil || done == 0 {
			return err
		}
		a.log.Info("sealed anew what an older root key sealed", "fields", done)
	}
}

// RootKey is a root key that the database knows, and what still needs it.
type RootKey struct {
	store.RootKey
	Current bool           // what is new is made with it
	Needs   map[string]int // by what it is; empty for a retired key
}

// RootKeys lists the root keys, the newest first. The operator alone may.
func (a *Authority) RootKeys(ctx context.Context, p *credential.Principal) ([]RootKey, error) {
	if !p.IsOperator() {
		return nil, credential.Errorf(credential.Forbidden, "only the operator looks after root keys")
	}
	known, err := a.store.RootKeys(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]RootKey, len(known))
	for i, k := range known {
		list[i] = RootKey{RootKey: k, Current: k.Version == a.store.Root().Version()}
		if k.Retired {
			continue
		}
		if list[i].Needs, err = a.store.Needs(ctx, k.Version, a.clock()); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// RetireRootKey ends the time of an older root key: from the next start on it
// isn't understood any more. What still needs it keeps it, unless force says
// that it may be lost. The operator alone may.
func (a *Authority) RetireRootKey(ctx context.Context, p *credential.Principal, version int, force bool) error {
	list, err := a.RootKeys(ctx, p)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(k RootKey) bool { return k.Version == version })
	switch {
	case i < 0:
		return credential.InvalidField("version", "there is no such root key")
	case list[i].Retired:
		return credential.Errorf(credential.Conflict, "the root key was retired before")
	case list[i].Current || !a.store.Root().IsNewest():
		return credential.Errorf(credential.Conflict, "the root key is in use; make another the first, on every node, and restart them")
	}
	if err := a.reseal(ctx); err != nil {
		return err
	}
	return a.transact(ctx, p, uuid.Nil, func(tx *store.Tx) error {
		now := a.clock()
		needs, err := tx.Needs(ctx, version, now)
		if err != nil {
			return err
		}
		if len(needs) > 0 && !force {
			return credential.Errorf(credential.Conflict, "the root key is still needed by %s; wait, or give them up by force", spellNeeds(needs))
		}
		tx.Record(act{p, now}.event("root_key.retire", fmt.Sprintf("root_key:%d", version), object(map[string]any{"lost": needs})))
		return tx.Retire(ctx, version)
	})
}

// spellNeeds writes what needs a root key in words.
func spellNeeds(needs map[string]int) string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(needs)) {
		parts = append(parts, fmt.Sprintf("%d %s", needs[what], strings.ReplaceAll(what, "_", " ")))
	}
	return strings.Join(parts, ", ")
}
