package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// postgresWrites are the connections that one node holds open to PostgreSQL at
// most for changes. Reads have their own, so that no verification waits behind
// them.
const postgresWrites = 10

// postgresPays are those for payments, which are stored many at a time: a call
// that costs something doesn't wait behind whoever changes much.
const postgresPays = 6

// postgresReads is how many connections reads may have: as many as this
// machine's processors keep busy. More would not read sooner, and after a start
// each is slow until it knows the tables.
func postgresReads() int { return min(max(2*runtime.GOMAXPROCS(0), 4), 10) }

// postgresDriver is a pool for reads, one for changes and one for payments.
type postgresDriver struct{ read, write, pay *sql.DB }

// openPostgres connects to PostgreSQL.
func (s *Store) openPostgres(ctx context.Context, url string) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return errors.New("the database URL can't be parsed; it looks like postgres://user:password@host:5432/gatehouse")
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	pool := func(most int) *sql.DB {
		db := stdlib.OpenDB(*cfg)
		db.SetMaxOpenConns(most)
		db.SetMaxIdleConns(most)
		db.SetConnMaxIdleTime(time.Minute)
		return db
	}
	d := &postgresDriver{pool(postgresReads()), pool(postgresWrites), pool(postgresPays)}
	s.drv, s.index, s.pipeline = d, postgresSearching(), atOnce
	s.write, s.read, s.purse, s.q = d.write, d.read, d.pay, d.read
	if err := d.write.PingContext(ctx); err != nil {
		return errors.Join(fmt.Errorf("connect to PostgreSQL at %s:%d: %w", cfg.Host, cfg.Port, err), d.close())
	}
	if err := s.migrate(ctx, "postgres"); err != nil {
		return errors.Join(err, d.close())
	}
	return nil
}

// classify tells the failures of PostgreSQL apart by SQLSTATE.
func (d *postgresDriver) classify(err error) credential.ErrorKind {
	var e *pgconn.PgError
	var network net.Error
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &connect): // whatever the server said to it
		return credential.Unavailable
	case errors.As(err, &e):
	case errors.As(err, &network), pgconn.SafeToRetry(err), errors.Is(err, sql.ErrConnDone),
		errors.Is(err, context.DeadlineExceeded):
		return credential.Unavailable
	default:
		return ""
	}
	switch {
	case e.Code == "23505": // unique_violation
		return credential.Conflict
	case e.Code == "53100": // disk_full
		return credential.StorageFull
	case e.Code == "25006", strings.HasPrefix(e.Code, "08"), strings.HasPrefix(e.Code, "53"),
		strings.HasPrefix(e.Code, "57"), strings.HasPrefix(e.Code, "40"): // read only, connection, resources, shutdown, rollback
		return credential.Unavailable
	}
	return ""
}

// tryLock takes an advisory lock that lasts as long as the transaction.
func (d *postgresDriver) tryLock(ctx context.Context, tx *sql.Tx, key [32]byte) (taken bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT pg_try_advisory_xact_lock($1)`, int64(binary.BigEndian.Uint64(key[:8]))).Scan(&taken)
	return taken, err
}

// postgresSearching is by vectors of words, which are taken as they are. Of a
// word that is everywhere enough stand among the latest items of the scope;
// only where they don't, the index of all words is asked.
func postgresSearching() searching {
	return searching{
		row: `INSERT INTO searchable (item_id, scope, words) VALUES ($1, $2, '') ON CONFLICT (item_id) DO UPDATE SET scope = excluded.scope RETURNING id`,
		put: `UPDATE searchable SET words = array_to_tsvector(array_remove(string_to_array($3, ' '), '')) WHERE id = $1 AND scope = $2`,
		match: `
			WITH asked AS MATERIALIZED (SELECT CAST(CAST($2 AS TEXT) AS tsquery) AS q),
			latest AS MATERIALIZED (SELECT id, item_id, words FROM searchable WHERE scope = $1 ORDER BY id DESC LIMIT 5000),
			late AS MATERIALIZED (SELECT id, item_id FROM latest WHERE words @@ (SELECT q FROM asked)),
			early AS MATERIALIZED (SELECT id, item_id FROM searchable
				WHERE words @@ (SELECT q FROM asked) AND scope || '' = $1 AND (SELECT COUNT(*) FROM late) < $3)
			SELECT item_id FROM (SELECT id, item_id FROM late UNION SELECT id, item_id FROM early) AS found ORDER BY id DESC LIMIT $3`,
		word: `'?':*`, exact: `'?'`, and: ` & `, or: ` | `,
	}
}

// atOnce sends the statements of a ledger without waiting for the answer of
// each: whoever waits for the same budget waits less. After one that fails
// PostgreSQL runs none.
func atOnce(ctx context.Context, l *ledger) error {
	var all pgx.Batch
	for _, st := range l.statements {
		all.Queue(st.query, st.args...)
	}
	return l.conn.Raw(func(conn any) error { return conn.(*stdlib.Conn).Conn().SendBatch(ctx, &all).Close() })
}

func (d *postgresDriver) close() error {
	return errors.Join(d.read.Close(), d.write.Close(), d.pay.Close())
}
