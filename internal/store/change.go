package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
)

// Tx is a change under way: reads and writes of one transaction, and the
// audit events that will be committed with it.
type Tx struct {
	reader
	tx     *sql.Tx
	s      *Store
	events []audit.Event
	// touched and touchedAll are what the cache must forget.
	touched    []lookupKey
	touchedAll bool
	// endpoints are those of the organizations whose events were told so far.
	endpoints map[uuid.UUID][]endpoint
	imports   bool // it stores secrets of another system
}

// change is Change, whatever is left of the disk.
func (s *Store) change(ctx context.Context, chain uuid.UUID, fn func(*Tx) error) error {
	done, err := s.turns.take(ctx, chain)
	if err != nil {
		return s.failed("wait for a change", err)
	}
	defer done()
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.failed("begin a change", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	t := &Tx{reader: s.reader, tx: tx, s: s}
	t.q = tx
	head, err := t.lockChain(ctx, chain)
	if err != nil {
		return err
	}
	if err := fn(t); err != nil {
		return err
	}
	if len(t.events) == 0 {
		return errors.New("a change without an audit event is not committed")
	}
	if err := t.append(ctx, head); err != nil {
		return err
	}
	return t.commit()
}

// Quietly runs fn in one transaction that writes no audit event, for what is
// use and no change: a session that goes on.
func (s *Store) Quietly(ctx context.Context, fn func(*Tx) error) error {
	if err := s.room(); err != nil {
		return err
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.failed("begin a transaction", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	t := &Tx{reader: s.reader, tx: tx, s: s}
	t.q = tx
	if err := fn(t); err != nil {
		return err
	}
	if len(t.events) > 0 {
		return errors.New("what has an audit event is a change")
	}
	return t.commit()
}

// commit ends the transaction, and makes the cache forget what it touched.
func (t *Tx) commit() error {
	open := t.s.cache.close(t.touched, t.touchedAll)
	defer open()
	if err := t.tx.Commit(); err != nil {
		return t.s.failed("commit a change", err)
	}
	if t.imports {
		t.s.imports.Store(true)
	}
	return nil
}

// KeyVersion is the version of the root key that makes what is new.
func (t *Tx) KeyVersion() int { return t.s.root.Version() }

// Record adds an audit event to the change: to the change's own chain, or to
// that of an organization which the event names.
func (t *Tx) Record(e audit.Event) { t.events = append(t.events, e) }

// TryLock takes a lock that lasts until the change ends, and reports whether
// nobody else, on any node, holds it.
func (t *Tx) TryLock(ctx context.Context, key [32]byte) (bool, error) {
	taken, err := t.s.drv.tryLock(ctx, t.tx, key)
	if err != nil {
		return false, t.fail("take a lock", err)
	}
	return taken, nil
}

// HoldOrganization keeps other changes in an organization waiting until this
// one is done. Only a change of the installation may hold any, and before it
// touches what they touch: so that no two ever wait for each other.
func (t *Tx) HoldOrganization(ctx context.Context, id uuid.UUID) error {
	_, err := t.lockChain(ctx, id)
	return err
}

// lockChain waits for the chain's other changes and returns its head.
func (t *Tx) lockChain(ctx context.Context, chain uuid.UUID) (audit.Head, error) {
	head := audit.Head{Chain: chain}
	err := t.q.QueryRowContext(ctx, `UPDATE audit_chains SET sequence = sequence WHERE id = $1 RETURNING sequence, hash, seal`, chain).
		Scan(&head.Sequence, &head.Hash, &head.Seal)
	if errors.Is(err, sql.ErrNoRows) {
		return head, credential.Errorf(credential.NotFound, "no such organization")
	}
	if err != nil {
		return head, t.fail("lock the audit chain", err)
	}
	if !t.s.root.Verifies(seal.AuditHeads, head.Seal, head.Fields()...) {
		return head, fmt.Errorf("the head of audit chain %s was changed behind the server's back; nothing is added to it", chain)
	}
	return head, nil
}

// append writes the events behind the heads of their chains, has webhooks told
// of them, and seals the new heads.
func (t *Tx) append(ctx context.Context, own audit.Head) (err error) {
	heads := map[uuid.UUID]audit.Head{own.Chain: own}
	for i := range t.events {
		e := &t.events[i]
		if e.Chain == uuid.Nil {
			e.Chain = own.Chain
		}
		head, locked := heads[e.Chain]
		if !locked {
			if head, err = t.lockChain(ctx, e.Chain); err != nil {
				return err
			}
		}
		e.Seal(head.Sequence+1, head.Hash)
		head.Sequence, head.Hash = e.Sequence, e.Hash
		heads[e.Chain] = head
	}
	if err := t.insertEvents(ctx); err != nil {
		return err
	}
	if err := t.tell(ctx); err != nil {
		return err
	}
	for _, head := range heads {
		if err := t.sealHead(ctx, head); err != nil {
			return err
		}
	}
	return nil
}

// sealHead stores the head of a chain with its seal.
func (t *Tx) sealHead(ctx context.Context, head audit.Head) error {
	_, err := t.q.ExecContext(ctx, `UPDATE audit_chains SET sequence = $2, hash = $3, seal = $4 WHERE id = $1`,
		head.Chain, head.Sequence, head.Hash, t.s.root.MAC(seal.AuditHeads, head.Fields()...))
	if err != nil {
		return t.fail("seal the audit chain", err)
	}
	return nil
}

func (t *Tx) insertEvents(ctx context.Context) error {
	rows := inserts{t: t, op: "write the audit event", into: `audit_events (` + eventColumns + `)`, columns: 12}
	for i := range t.events {
		e := &t.events[i]
		err := rows.add(ctx, e.Chain, e.Sequence, e.At.UnixMilli(), e.Actor, e.Subject, e.Action, e.Target, e.Address, e.Request, e.Detail, e.Previous, e.Hash)
		if err != nil {
			return err
		}
	}
	return rows.done(ctx)
}

// createChain begins an empty audit chain, unless it exists.
func (s *Store) createChain(ctx context.Context, q querier, chain uuid.UUID) error {
	head := audit.Head{Chain: chain, Hash: audit.Genesis()}
	_, err := q.ExecContext(ctx, `INSERT INTO audit_chains (id, sequence, hash, seal) VALUES ($1, 0, $2, $3) ON CONFLICT (id) DO NOTHING`,
		chain, head.Hash, s.root.MAC(seal.AuditHeads, head.Fields()...))
	if err != nil {
		return s.failed("begin an audit chain", err)
	}
	return nil
}

// next draws the next number of a noun below a parent. Other draws below the
// same parent wait until this change is done, so that none is given out twice.
func (t *Tx) next(ctx context.Context, parent, noun string) (n int64, err error) {
	err = t.q.QueryRowContext(ctx, `
		INSERT INTO counters (parent, noun, last) VALUES ($1, $2, 1)
		ON CONFLICT (parent, noun) DO UPDATE SET last = counters.last + 1 RETURNING last`, parent, noun).Scan(&n)
	if err != nil {
		return 0, t.fail("draw a number", err)
	}
	return n, nil
}
