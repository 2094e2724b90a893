package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// ErrInUse means that another process owns the data directory.
var ErrInUse = errors.New("the data directory is in use by another process")

// sqliteDriver is one writer connection, several readers, and the lock that
// makes this process the only one.
type sqliteDriver struct {
	lock        *os.File
	read, write *sql.DB
}

// foldSQLite has LOWER know all letters, as that of PostgreSQL does: SQLite's own
// knows those of ASCII alone. No index and no constraint is made with it.
var foldSQLite = sync.OnceValue(func() error {
	return sqlite.RegisterDeterministicScalarFunction("lower", 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		if text, ok := args[0].(string); ok {
			return strings.ToLower(text), nil
		}
		return args[0], nil
	})
})

// openSQLite takes the data directory for this process and opens its database.
func (s *Store) openSQLite(ctx context.Context, dir string) error {
	path, err := filepath.Abs(filepath.Join(dir, "gatehouse.db"))
	if err != nil {
		return fmt.Errorf("find the data directory: %w", err)
	}
	if err := foldSQLite(); err != nil {
		return fmt.Errorf("teach SQLite letters: %w", err)
	}
	lock, err := lockDirectory(dir)
	if err != nil {
		return err
	}
	d := &sqliteDriver{lock: lock}
	s.drv, s.index, s.pipeline, s.exclusive, s.reserve.path = d, sqliteSearching(), oneByOne, true, reserveIn(dir)
	// The writer begins immediate transactions, so that two never deadlock
	// half-way, and a commit is on the disk before it is answered.
	const common = "?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=temp_store(2)&_pragma=cache_size(-65536)"
	file := (&url.URL{Scheme: "file", Path: path}).String()
	d.write, err = sql.Open("sqlite", file+common+"&_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return errors.Join(fmt.Errorf("open %s: %w", path, err), d.close())
	}
	d.write.SetMaxOpenConns(1)
	d.read, err = sql.Open("sqlite", file+common+"&_pragma=query_only(1)")
	if err != nil {
		return errors.Join(fmt.Errorf("open %s: %w", path, err), d.close())
	}
	d.read.SetMaxOpenConns(2 * runtime.GOMAXPROCS(0))
	d.read.SetMaxIdleConns(2 * runtime.GOMAXPROCS(0))
	s.write, s.read, s.purse, s.q = d.write, d.read, d.write, d.read
	if err := os.Chmod(path, 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
		return errors.Join(fmt.Errorf("open %s: %w", path, err), d.close())
	}
	if err := s.migrate(ctx, "sqlite"); err != nil {
		return errors.Join(fmt.Errorf("open %s: %w", path, err), d.close())
	}
	return nil
}

// lockDirectory takes the one lock on a data directory without waiting.
func lockDirectory(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, "gatehouse.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the data directory %s can't be written: %w", dir, err)
	}
	if err := lockFile(file); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrInUse, dir), file.Close())
	}
	return file, nil
}

// classify tells the failures of SQLite apart.
func (d *sqliteDriver) classify(err error) credential.ErrorKind {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return credential.Conflict
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return credential.StorageFull
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY,
		sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return credential.Unavailable
	}
	return ""
}

// tryLock has nothing to do: there is one writer, in this process.
func (d *sqliteDriver) tryLock(context.Context, *sql.Tx, [32]byte) (bool, error) { return true, nil }

// sqliteSearching is by FTS5, whose index has the scope as a word of its own.
func sqliteSearching() searching {
	return searching{
		row: `INSERT INTO searchable (item_id, scope) VALUES ($1, $2) ON CONFLICT (item_id) DO UPDATE SET scope = excluded.scope RETURNING id`,
		put: `INSERT OR REPLACE INTO search_words (rowid, scope, words) VALUES ($1, $2, $3)`,
		match: `SELECT s.item_id FROM search_words w JOIN searchable s ON s.id = w.rowid
			WHERE search_words MATCH 'scope : "' || $1 || '" AND words : (' || $2 || ')' ORDER BY w.rowid DESC LIMIT $3`,
		word: `"?" *`, exact: `"?"`, and: ` AND `, or: ` OR `,
	}
}

func (d *sqliteDriver) close() error {
	var errs []error
	if d.read != nil {
		errs = append(errs, d.read.Close())
	}
	if d.write != nil {
		errs = append(errs, d.write.Close())
	}
	return errors.Join(append(errs, d.lock.Close())...)
}
