package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// TestThreeNodesStart on one new database at once; each is ready.
func TestThreeNodesStart(t *testing.T) {
	cfg := storetest.EmptyPostgres(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			s, err := store.Open(context.Background(), cfg)
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(s.Ping(context.Background()), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestDirectoryInUse refuses a second process, here a second store.
func TestDirectoryInUse(t *testing.T) {
	cfg := storetest.EmptySQLite(t)
	storetest.Open(t, cfg)
	if _, err := store.Open(context.Background(), cfg); !errors.Is(err, store.ErrInUse) {
		t.Errorf("got %v, want %v", err, store.ErrInUse)
	}
}

// TestNewerDatabase is left alone by an older binary.
func TestNewerDatabase(t *testing.T) {
	storetest.EachEmpty(t, func(t *testing.T, cfg store.Config) {
		if err := storetest.Open(t, cfg).Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := storetest.Raw(t, cfg).Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, TRUE)`); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Open(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "newer") {
			t.Errorf("got %v, want a refusal that says newer", err)
		}
	})
}

// TestWrongRootKey names both keys and changes nothing; the right one still opens.
func TestWrongRootKey(t *testing.T) {
	storetest.EachEmpty(t, func(t *testing.T, cfg store.Config) {
		s := storetest.Open(t, cfg)
		right := s.Root().Identity()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		other, err := seal.Generate(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		wrong := cfg
		wrong.RootKey = func(identity string) (*seal.Root, error) {
			if identity != right {
				t.Errorf("asked for key %s, want %s", identity, right)
			}
			return other, nil
		}
		_, err = store.Open(context.Background(), wrong)
		if err == nil || !strings.Contains(err.Error(), right) || !strings.Contains(err.Error(), other.Identity()) {
			t.Errorf("got %v, want a refusal that names both keys", err)
		}
		storetest.Open(t, cfg)
	})
}
