// Package store keeps everything that Gatehouse remembers, in SQLite or in
// PostgreSQL, through one concrete [Store] and one SQL text for both.
//
// It hides the database: callers hand over and get back values of the
// vocabulary, and errors of package credential. Its invariants:
//
//   - A change happens in one transaction that also writes its audit event;
//     without an event nothing is committed ([Store.Change]).
//   - SQL never reads a clock. Times come in as arguments and are kept as UTC
//     milliseconds.
//   - On SQLite one process owns the data directory, and lookups are cached
//     exactly: no read that began before a change was committed can be served
//     once the change has been answered. On PostgreSQL every lookup reads.
//   - A row that can't be read harms nobody but its own credential.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
)

// Config says which database to open and how.
type Config struct {
	// Directory holds the SQLite database; used when DatabaseURL is empty.
	Directory string
	// DatabaseURL is a postgres:// URL.
	DatabaseURL string
	// RootKey returns the root key. It is told the identity of the key that the
	// database was made with, or "" when the database is new.
	RootKey func(identity string) (*seal.Root, error)
	Schemes *credential.Schemes
	// CacheSize bounds how many credentials are kept in memory (SQLite only).
	CacheSize int
	Logger    *slog.Logger
}

// Store is an open database.
type Store struct {
	reader
	read, write *sql.DB
	purse       *sql.DB // for payments; where there is one writer, that
	exclusive   bool
	reserve     reserve
	turns       turns
	finished    together[tried]
	deposits    together[deposit]
	paying      [payingLanes]together[*payment]
	pipeline    func(context.Context, *ledger) error // runs its statements
	root        *seal.Root
	cache       *cache
	drv         dialect
	index       searching
	stmts       statements
	imports     atomic.Bool // a secret of another system is known
	// from and to are the schema versions before and after opening.
	from, to int64
}

// dialect holds what differs between the two databases.
type dialect interface {
	classify(err error) credential.ErrorKind
	tryLock(ctx context.Context, tx *sql.Tx, key [32]byte) (bool, error)
	close() error
}

// statements are the ones that are run so often that they are prepared once.
type statements struct {
	lookup *sql.Stmt
	token  *sql.Stmt
	// by how many rows they save
	saveUses, saveTotals, saveCalls map[int]*sql.Stmt
	pay                             map[string]*sql.Stmt // by their text
	lines                           []lines
}

// querier is what a database and a transaction have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// reader has the reads that work inside a transaction and outside of one.
type reader struct {
	q      querier
	idType string // of ids, in SQL
	// unnumbered means that parameters without numbers are cheaper: SQLite looks
	// through all the others for each that has one.
	unnumbered bool
	hold       string // behind a SELECT: others can't change the rows until the transaction ends
	schemes    *credential.Schemes
	texts      *interner
	log        *slog.Logger
	fail       func(op string, err error) error
}

// Open opens the database, brings its schema up to date, and checks that the
// root key is the one that it was made with.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := s.adopt(ctx, cfg.RootKey); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// connect opens the database of the configuration and migrates it.
func connect(ctx context.Context, cfg Config) (*Store, error) {
	s := &Store{}
	s.reader = reader{schemes: cfg.Schemes, texts: newInterner(), log: cfg.Logger, fail: s.failed}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for i := range s.paying {
		s.paying[i].most, s.paying[i].hasty = mostPaid, true
	}
	var err error
	if cfg.DatabaseURL != "" {
		s.idType, s.hold = "uuid", " FOR UPDATE"
		err = s.openPostgres(ctx, cfg.DatabaseURL)
	} else {
		s.idType, s.unnumbered = "TEXT", true
		err = s.openSQLite(ctx, cfg.Directory)
		s.cache = newCache(cfg.CacheSize)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// adopt checks the root keys against the database, or registers the first of
// them in a new one.
func (s *Store) adopt(ctx context.Context, rootKey func(string) (*seal.Root, error)) error {
	known, err := s.rootKeys(ctx)
	if err != nil {
		return err
	}
	root, err := rootKey(known.newest())
	if err != nil {
		return err
	}
	if len(known) == 0 {
		s.root = root.Numbered(1)
		if err := s.found(ctx, rootKeyName(1)); err != nil {
			return err
		}
		if known, err = s.rootKeys(ctx); err != nil { // another node may have been first
			return err
		}
	}
	if s.root, err = s.number(ctx, root, known); err != nil {
		return err
	}
	return s.prepare(ctx)
}

// found registers the root key of a new database under a name and begins the
// installation's audit chain, both or neither: a chain that is missing later
// was deleted, and is not begun again in silence.
func (s *Store) found(ctx context.Context, name string) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.failed("begin to set up the database", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	_, err = tx.ExecContext(ctx, `INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, s.root.Identity())
	if err != nil {
		return s.failed("register the root key", err)
	}
	if err := s.createChain(ctx, tx, uuid.Nil); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return s.failed("register the root key", err)
	}
	return nil
}

// prepare makes the statements that are run most.
func (s *Store) prepare(ctx context.Context) (err error) {
	if s.stmts.lookup, err = s.read.PrepareContext(ctx, lookupQuery); err != nil {
		return s.failed("prepare to look up", err)
	}
	if s.stmts.token, err = s.read.PrepareContext(ctx, tokenQuery); err != nil {
		return s.failed("prepare to look up tokens", err)
	}
	s.stmts.saveUses, s.stmts.saveTotals, s.stmts.saveCalls = map[int]*sql.Stmt{}, map[int]*sql.Stmt{}, map[int]*sql.Stmt{}
	for _, n := range useBatches {
		if s.stmts.saveUses[n], err = s.write.PrepareContext(ctx, saveUsesQuery(n)); err != nil {
			return s.failed("prepare to save uses", err)
		}
		if s.stmts.saveTotals[n], err = s.write.PrepareContext(ctx, saveTotalsQuery(n)); err != nil {
			return s.failed("prepare to save usage", err)
		}
		if s.stmts.saveCalls[n], err = s.write.PrepareContext(ctx, saveCallsQuery(n)); err != nil {
			return s.failed("prepare to save requests", err)
		}
	}
	if err := s.preparePay(ctx); err != nil {
		return err
	}
	return s.findImports(ctx)
}

// Root returns the root key that makes what is new, with those beside it that
// are still understood.
func (s *Store) Root() *seal.Root { return s.root }

// Schemes returns the schemes that the credentials in it are of.
func (s *Store) Schemes() *credential.Schemes { return s.schemes }

// Exclusive reports whether no other process can have this database open: on
// SQLite, where this one holds the lock on the data directory.
func (s *Store) Exclusive() bool { return s.exclusive }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.q.QueryRowContext(ctx, `SELECT 1`).Scan(&one); err != nil {
		return s.failed("ping", err)
	}
	return nil
}

// Close ends all use of the database.
func (s *Store) Close() error { return s.drv.close() }

// failed turns an error of the database into one of the vocabulary. The cause
// stays in the chain for the log; only the detail may be shown.
func (s *Store) failed(op string, err error) error {
	kind := s.drv.classify(err)
	if kind == "" && isAway(err) {
		kind = credential.Unavailable
	}
	switch kind {
	case "":
		return fmt.Errorf("%s: %w", op, err)
	case credential.Conflict:
		return fmt.Errorf("%s: %w (%w)", op, credential.Errorf(kind, "it exists already"), err)
	case credential.StorageFull:
		return fmt.Errorf("%s: %w (%w)", op, credential.Errorf(kind, "the storage is full; nothing was changed"), err)
	default:
		return fmt.Errorf("%s: %w (%w)", op, credential.Errorf(kind, "the storage can't be used right now; try again later"), err)
	}
}

// isAway recognises a database that is closed or that didn't answer in time.
func isAway(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, sql.ErrTxDone) ||
		errors.Is(err, driver.ErrBadConn) || strings.Contains(err.Error(), "sql: database is closed") // which has no value of its own
}

// stamp is a time on its way into a column; the zero time is NULL.
func stamp(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

// maxInstant is the last millisecond of the year 9999, beyond which a time can
// be written neither in RFC 3339 nor in JSON.
const maxInstant = 253_402_300_799_999

// instant scans a column of milliseconds into a time; NULL is the zero time.
type instant struct{ t *time.Time }

// Scan implements sql.Scanner.
func (i instant) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*i.t = time.Time{}
	case int64:
		if v < 0 || v > maxInstant {
			return errors.New("a time lies beyond the years 1970 to 9999")
		}
		*i.t = time.UnixMilli(v).UTC()
	default:
		return fmt.Errorf("a time is kept as a whole number, not %T", src)
	}
	return nil
}

// nullable is an id on its way into a column; the nil id is NULL.
func nullable(id uuid.UUID) uuid.NullUUID { return uuid.NullUUID{UUID: id, Valid: id != uuid.Nil} }

// optional is a text on its way into a column; the empty one is NULL.
func optional(text string) sql.NullString { return sql.NullString{String: text, Valid: text != ""} }
