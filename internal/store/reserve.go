package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// reserveSize is how much of the disk is kept for stopping credentials, in
// bytes: some dozens of changes.
const reserveSize = 1 << 20

// reserve is a file that only takes up room in the data directory. Where the
// disk is full it is deleted, so that what must not wait has the room instead.
// An empty path keeps none.
type reserve struct{ path string }

func reserveIn(dir string) reserve { return reserve{filepath.Join(dir, "gatehouse.reserve")} }

// keep makes the file, unless it is there whole. A half one is no reserve and
// is taken away again.
func (r reserve) keep() error {
	if r.path == "" {
		return nil
	}
	if info, err := os.Stat(r.path); err == nil && info.Size() == reserveSize {
		return nil
	}
	if err := os.WriteFile(r.path, make([]byte, reserveSize), 0o600); err != nil {
		return errors.Join(fmt.Errorf("keep some space for revocations: %w", err), r.forget())
	}
	return nil
}

func (r reserve) forget() error {
	if err := os.Remove(r.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("give up the space for revocations: %w", err)
	}
	return nil
}

// spend gives the room free, and reports whether there was any.
func (r reserve) spend() bool { return r.path != "" && os.Remove(r.path) == nil }

// KeepReserve sets space aside for stopping credentials while the disk is full
// (SQLite only). It is asked again now and then, since a full disk spends it.
func (s *Store) KeepReserve() error { return s.reserve.keep() }

// Stop is Change for what ends or suspends something. Where the disk is full
// it spends the reserve and tries once more.
func (s *Store) Stop(ctx context.Context, chain uuid.UUID, fn func(*Tx) error) error {
	err := s.Change(ctx, chain, fn)
	if errors.Is(err, credential.StorageFull) && s.reserve.spend() {
		s.log.Warn("the disk is full; the space kept for revocations is in use now, free some")
		err = s.Change(ctx, chain, fn)
	}
	return err
}
