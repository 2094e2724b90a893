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
	"path"
	"path/filepath"
	"sync"
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

// Copy configures a store in a copy of a database that nobody has open.
func Copy(t testing.TB, of store.Config) store.Config {
	t.Helper()
	if of.DatabaseURL != "" {
		u, err := url.Parse(of.DatabaseURL)
		if err != nil {
			t.Fatal(err)
		}
		of.DatabaseURL = database(t, path.Base(u.Path))
		return of
	}
	from := of.Directory
	of.Directory = t.TempDir()
	if err := os.CopyFS(of.Directory, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return of
}

// EachEmpty is Each with databases that have no schema yet.
func EachEmpty(t *testing.T, test func(t *testing.T, cfg store.Config)) {
	t.Run("sqlite", func(t *testing.T) { test(t, EmptySQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, EmptyPostgres(t)) })
}

// SQLite configures a store in a directory of its own, where the schema is
// there already: it is a copy of a database that was migrated once.
func SQLite(t testing.TB) store.Config {
	t.Helper()
	cfg := EmptySQLite(t)
	file, err := migratedSQLite()
	if err == nil {
		err = os.WriteFile(filepath.Join(cfg.Directory, "gatehouse.db"), file, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// EmptySQLite is SQLite without the schema.
func EmptySQLite(t testing.TB) store.Config {
	cfg := config(t)
	cfg.Directory = t.TempDir()
	return cfg
}

// Postgres configures a store in a PostgreSQL database of its own, a copy of
// one that was migrated once.
func Postgres(t testing.TB) store.Config {
	t.Helper()
	cfg := config(t)
	if os.Getenv(serverVariable) == "" { // which Database says
		cfg.DatabaseURL = Database(t)
		return cfg
	}
	template, err := migratedPostgres()
	if err != nil {
		t.Fatal(err)
	}
	cfg.DatabaseURL = database(t, template)
	return cfg
}

// EmptyPostgres is Postgres without the schema.
func EmptyPostgres(t testing.TB) store.Config {
	cfg := config(t)
	cfg.DatabaseURL = Database(t)
	return cfg
}

// migratedSQLite is the file of a database with the schema and nothing else,
// made once in a process.
var migratedSQLite = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "gatehouse-schema-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if _, _, err := store.Migrate(context.Background(), store.Config{Directory: dir}); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "gatehouse.db"))
})

// migratedPostgres is the name of a database like that. It stays until its
// server, which is a throw-away as well, is gone.
var migratedPostgres = sync.OnceValues(func() (string, error) {
	server, err := postgresServer()
	if err != nil {
		return "", err
	}
	name := newName()
	if err := server.create(name, ""); err != nil {
		return "", err
	}
	u, err := url.Parse(os.Getenv(serverVariable))
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	_, _, err = store.Migrate(context.Background(), store.Config{DatabaseURL: u.String()})
	return name, err
})

// server makes and drops databases, by connections that all tests share.
type server struct{ db *sql.DB }

// postgresServer is the server of the tests. Its connections end with the
// process.
var postgresServer = sync.OnceValues(func() (*server, error) {
	db, err := sql.Open("pgx", os.Getenv(serverVariable))
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(4)
	return &server{db}, nil
})

// create makes a database: an empty one, or a copy of the template.
func (s *server) create(name, template string) error {
	if template != "" {
		template = " TEMPLATE " + template
	}
	_, err := s.db.Exec(`CREATE DATABASE ` + name + template)
	return err
}

// serverVariable names the PostgreSQL server of the tests.
const serverVariable = "GATEHOUSE_TEST_POSTGRES_URL"

func newName() string {
	var suffix [8]byte
	_, _ = rand.Read(suffix[:]) // never fails
	return "gatehouse_" + hex.EncodeToString(suffix[:])
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
	return database(t, "")
}

// database makes a database that is dropped when the test ends.
func database(t testing.TB, template string) string {
	t.Helper()
	if os.Getenv(serverVariable) == "" {
		t.Fatal(serverVariable + " is not set; run the tests with make test, which starts PostgreSQL")
	}
	server, err := postgresServer()
	if err != nil {
		t.Fatal(err)
	}
	name := newName()
	if err := server.create(name, template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = server.db.Exec(`DROP DATABASE IF EXISTS ` + name + ` WITH (FORCE)`) })
	u, err := url.Parse(os.Getenv(serverVariable))
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
