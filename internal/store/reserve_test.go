package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// What is left of a full disk is for stopping credentials alone: nobody uses it
// up who only tries to sign in.
func TestR3_ReserveIsForStopping(t *testing.T) {
	cfg := storetest.SQLite(t)
	s := storetest.Open(t, cfg)
	if err := s.KeepReserve(); err != nil {
		t.Fatal(err)
	}
	ctx, full := context.Background(), credential.Errorf(credential.StorageFull, "full")
	path := filepath.Join(cfg.Directory, "gatehouse.reserve")
	err := s.Stop(ctx, uuid.Nil, func(*store.Tx) error {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) { // it was spent; there is no room for it again
			return errors.Join(os.MkdirAll(filepath.Join(path, "in the way"), 0o700), errors.New("nothing to stop"))
		}
		return full
	})
	if err == nil || errors.Is(err, credential.StorageFull) {
		t.Fatalf("the reserve was not spent: %v", err)
	}
	before := storetest.Dump(t, storetest.Raw(t, cfg))
	for what, do := range map[string]func() error{
		"attempt to sign in": func() error {
			_, err := s.BeginAttempt(ctx, &store.Attempt{At: time.Now()}, store.Bounds{Burst: 5, Total: 100, LockFor: time.Minute})
			return err
		},
		"what happens once": func() error {
			_, err := s.Once(ctx, store.Mark{1}, time.Now())
			return err
		},
		"change":  func() error { return s.Change(ctx, uuid.Nil, func(*store.Tx) error { return nil }) },
		"refresh": func() error { return s.Quietly(ctx, func(*store.Tx) error { return nil }) },
	} {
		if err := do(); !errors.Is(err, credential.StorageFull) {
			t.Errorf("%s: got %v, want that the storage is full", what, err)
		}
	}
	if storetest.Dump(t, storetest.Raw(t, cfg)) != before {
		t.Error("something was stored")
	}
}
