// Package storetest opens throw-away stores for tests, on SQLite and on
// PostgreSQL. It hides where they are; a PostgreSQL server that is missing
// fails the test, it never skips it.
package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"net/url"
	"os"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver for making databases

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Each runs a test on every database, each time with a new one.
func Each(t *testing.T, test func(t *testing.T, cfg store.Config)) {
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// SQLite configures a store in a directory of its own.
func SQLite(t testing.TB) store.Config {
	cfg := config(t)
	cfg.Directory = t.TempDir()
	return cfg
}

// Postgres configures a store in a PostgreSQL database of its own.
func Postgres(t testing.TB) store.Config {
	cfg := config(t)
	cfg.DatabaseURL = Database(t)
	return cfg
}

// config is what both have in common: the built-in schemes and one root key.
func config(t testing.TB) store.Config {
	t.Helper()
	root, err := seal.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	schemes, err := credential.NewSchemes()
	if err != nil {
		t.Fatal(err)
	}
	return store.Config{
		Schemes: schemes, CacheSize: 1000,
		RootKey: func(string) (*seal.Root, error) { return root, nil },
	}
}

// Open opens a store and closes it when the test ends.
func Open(t testing.TB, cfg store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Database makes an empty PostgreSQL database and returns its URL.
func Database(t testing.TB) string {
	t.Helper()
	server := os.Getenv("GATEHOUSE_TEST_POSTGRES_URL")
	if server == "" {
		t.Fatal("GATEHOUSE_TEST_POSTGRES_URL is not set; run the tests with make test, which starts PostgreSQL")
	}
	db, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	var suffix [8]byte
	_, _ = rand.Read(suffix[:]) // never fails
	name := "gatehouse_" + hex.EncodeToString(suffix[:])
	if _, err := db.Exec(`CREATE DATABASE ` + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = db.Exec(`DROP DATABASE IF EXISTS ` + name + ` WITH (FORCE)`)
		_ = db.Close()
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// Raw opens the database of a store behind the store's back.
func Raw(t testing.TB, cfg store.Config) *sql.DB {
	t.Helper()
	driver, dsn := "pgx", cfg.DatabaseURL
	if dsn == "" {
		driver, dsn = "sqlite", (&url.URL{Scheme: "file", Path: cfg.Directory + "/gatehouse.db"}).String()+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
