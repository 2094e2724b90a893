package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// reserveSize is how much of the disk is kept for stopping credentials, in
// bytes: some dozens of changes.
const reserveSize = 1 << 20

// reserve is a file that only takes up room in the data directory. Where the
// disk is full it is deleted, so that what must not wait has the room instead.
// Until it could be made again nothing else is written. An empty path keeps none.
type reserve struct {
	path string

	mu    sync.Mutex
	spent bool
}

// keep makes the file, unless it is there whole. A half one is no reserve and
// is taken away again.
func (r *reserve) keep() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.path == "" {
		return nil
	}
	if info, err := os.Stat(r.path); err != nil || info.Size() != reserveSize {
		if free, known := freeSpace(filepath.Dir(r.path)); known && free < 2*reserveSize {
			r.spent = true
			return errors.New("keep some space for revocations: the disk is full") // and isn't made fuller by trying
		}
		if err := os.WriteFile(r.path, make([]byte, reserveSize), 0o600); err != nil {
			return errors.Join(fmt.Errorf("keep some space for revocations: %w", err), r.remove())
		}
	}
	r.spent = false
	return nil
}

func (r *reserve) remove() error {
	if err := os.Remove(r.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("give up the space for revocations: %w", err)
	}
	return nil
}

// spend gives the room free, and reports whether there was any.
func (r *reserve) spend() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.path == "" || os.Remove(r.path) != nil {
		return false
	}
	r.spent = true
	return true
}

// gone reports whether the room that is left is for stopping credentials alone.
func (r *reserve) gone() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spent
}

// room refuses what may not use the space that is kept for stopping
// credentials, until there is more.
func (s *Store) room() error {
	if !s.reserve.gone() {
		return nil
	}
	if err := s.reserve.keep(); err != nil {
		return fmt.Errorf("%w (%w)", credential.Errorf(credential.StorageFull, "the storage is full; nothing was changed"), err)
	}
	s.log.Info("the disk has space again; some is kept for revocations")
	return nil
}

// KeepReserve sets space aside for stopping credentials while the disk is full
// (SQLite only). It is asked again now and then, since a full disk spends it.
func (s *Store) KeepReserve() error { return s.reserve.keep() }

// Stop is Change for what ends or suspends something. Where the disk is full
// it spends the reserve and tries once more.
func (s *Store) Stop(ctx context.Context, chain uuid.UUID, fn func(*Tx) error) error {
	err := s.change(ctx, chain, fn)
	if errors.Is(err, credential.StorageFull) && s.reserve.spend() {
		s.log.Warn("the disk is full; the space kept for revocations is in use now, free some")
		err = s.change(ctx, chain, fn)
	}
	return err
}

// Change runs fn in one transaction and commits it together with the audit
// events that fn recorded. Changes of one chain (an organization's id, or Nil
// for the installation) happen one after another. If fn fails or records no
// event, nothing has happened.
func (s *Store) Change(ctx context.Context, chain uuid.UUID, fn func(*Tx) error) error {
	if err := s.room(); err != nil {
		return err
	}
	return s.change(ctx, chain, fn)
}

func reserveIn(dir string) string { return filepath.Join(dir, "gatehouse.reserve") }
