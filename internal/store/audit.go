package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
)

const eventColumns = `chain, sequence, at, actor, subject, action, target, address, request, detail, previous, hash`

func eventTargets(e *audit.Event) []any {
	return []any{&e.Chain, &e.Sequence, instant{&e.At}, &e.Actor, &e.Subject, &e.Action, &e.Target, &e.Address, &e.Request,
		&e.Detail, &e.Previous, &e.Hash}
}

// ActorKind is a sort of those who do something.
type ActorKind string

// The kinds of actors.
const (
	UserActor       ActorKind = "user"       // somebody who has signed in, or is about to
	CredentialActor ActorKind = "credential" // whoever presents a credential
	SystemActor     ActorKind = "system"     // the operator, the server, the finder of a secret
)

// KindOf returns the kind of an event's actor.
func KindOf(actor string) ActorKind {
	switch kind, _, _ := strings.Cut(actor, ":"); kind {
	case "user", "session":
		return UserActor
	case "credential":
		return CredentialActor
	}
	return SystemActor
}

// actorKinds are the conditions of the kinds.
var actorKinds = map[ActorKind]string{
	UserActor:       `(actor = 'user' OR actor LIKE 'session:%')`,
	CredentialActor: `actor LIKE 'credential:%'`,
	SystemActor:     `NOT (actor = 'user' OR actor LIKE 'session:%' OR actor LIKE 'credential:%')`,
}

// EventFilter chooses audit events of a chain. Empty fields choose all.
type EventFilter struct {
	After, Before          int64  // sequences
	Action                 string // one that ends in a dot is all that begin so
	Actor, Subject, Target string // a target that ends in a colon is all that begin so
	Kind                   ActorKind
	Since, Until           time.Time // from, and before
	Limit                  int
}

// where is the condition of a filter, with its arguments.
func (f *EventFilter) where(chain uuid.UUID) (condition string, args []any) {
	query := strings.Builder{}
	query.WriteString(` FROM audit_events WHERE chain = $1 AND sequence > $2`)
	args = []any{chain, f.After}
	and := func(condition string, values ...any) {
		args = append(args, values...)
		query.WriteString(" AND " + strings.ReplaceAll(condition, "$", "$"+strconv.Itoa(len(args))))
	}
	equal := func(column, text, family string) {
		switch {
		case family != "" && strings.HasSuffix(text, family):
			and("substr("+column+", 1, "+strconv.Itoa(len(text))+") = $", text)
		case text != "":
			and(column+" = $", text)
		}
	}
	equal("action", f.Action, ".")
	equal("actor", f.Actor, "")
	equal("subject", f.Subject, "")
	equal("target", f.Target, ":")
	if f.Before != 0 {
		and("sequence < $", f.Before)
	}
	if f.Kind != "" {
		and(actorKinds[f.Kind])
	}
	if !f.Since.IsZero() {
		and("at >= $", f.Since.UnixMilli())
	}
	if !f.Until.IsZero() {
		and("at < $", f.Until.UnixMilli())
	}
	return query.String(), args
}

// Events returns the events of a chain with a sequence above after, in order.
func (r reader) Events(ctx context.Context, chain uuid.UUID, after int64, limit int) ([]audit.Event, error) {
	return r.FindEvents(ctx, chain, EventFilter{After: after, Limit: limit})
}

// FindEvents returns the events of a chain that a filter chooses, in order.
func (r reader) FindEvents(ctx context.Context, chain uuid.UUID, f EventFilter) ([]audit.Event, error) {
	where, args := f.where(chain)
	query := `SELECT ` + eventColumns + where + fmt.Sprintf(" ORDER BY sequence LIMIT $%d", len(args)+1)
	return list(ctx, r, selection[audit.Event]{"list audit events", eventTargets, query}, append(args, f.Limit)...)
}

// LatestEvents returns the events of a chain that a filter chooses, the latest
// first, without so many of them.
func (r reader) LatestEvents(ctx context.Context, chain uuid.UUID, f EventFilter, without int) ([]audit.Event, error) {
	where, args := f.where(chain)
	query := `SELECT ` + eventColumns + where + fmt.Sprintf(" ORDER BY sequence DESC LIMIT $%d OFFSET $%d", len(args)+1, len(args)+2)
	return list(ctx, r, selection[audit.Event]{"list audit events", eventTargets, query}, append(args, f.Limit, without)...)
}

// CountEvents returns how many events of a chain a filter chooses.
func (r reader) CountEvents(ctx context.Context, chain uuid.UUID, f EventFilter) (n int64, err error) {
	where, args := f.where(chain)
	if err = r.q.QueryRowContext(ctx, `SELECT COUNT(*)`+where, args...).Scan(&n); err != nil {
		return 0, r.fail("count audit events", err)
	}
	return n, nil
}

// Chains returns the ids of the audit chains above after, in order: those
// that are there, and those that an organization should have.
func (r reader) Chains(ctx context.Context, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	return list(ctx, r, selection[uuid.UUID]{"list audit chains", func(id *uuid.UUID) []any { return []any{id} },
		`SELECT id FROM (SELECT id FROM audit_chains UNION SELECT id FROM organizations) AS chains WHERE id > $1 ORDER BY id LIMIT $2`}, after, limit)
}

// VerifyChain checks every event of a chain, and its sealed head. It returns
// how many events are whole; the error is an *audit.Break if one is not.
func (s *Store) VerifyChain(ctx context.Context, chain uuid.UUID) (int64, error) {
	const page = 1000
	v := audit.NewVerifier(chain)
	for {
		// The head is read before each page: what is added meanwhile stands
		// behind it and is checked with the next.
		head, err := s.head(ctx, chain)
		if err != nil {
			return v.Count(), err
		}
		events, err := s.Events(ctx, chain, v.Count(), page)
		if err != nil {
			return v.Count(), err
		}
		for i := range events {
			if err := v.Next(&events[i]); err != nil {
				return v.Count(), err
			}
		}
		if len(events) == page || v.Count() > head.Sequence {
			if now, err := s.head(ctx, chain); err != nil || now.Sequence < v.Count() {
				return v.Count(), errors.Join(err, v.Finish(now))
			}
			continue
		}
		return v.Count(), v.Finish(head)
	}
}

// head reads the head of a chain and checks its seal.
func (s *Store) head(ctx context.Context, chain uuid.UUID) (audit.Head, error) {
	head := audit.Head{Chain: chain}
	err := s.q.QueryRowContext(ctx, `SELECT sequence, hash, seal FROM audit_chains WHERE id = $1`, chain).Scan(&head.Sequence, &head.Hash, &head.Seal)
	if errors.Is(err, sql.ErrNoRows) {
		return head, s.missingChain(ctx, chain)
	}
	if err != nil {
		return head, s.failed("read the head of an audit chain", err)
	}
	if !s.root.Verifies(seal.AuditHeads, head.Seal, head.Fields()...) {
		return head, &audit.Break{Chain: chain, Sequence: head.Sequence, Reason: "the seal of the chain's head is wrong"}
	}
	return head, nil
}

// missingChain is the error of a chain without a head: broken from its first
// event, where it belongs to something that is there.
func (s *Store) missingChain(ctx context.Context, chain uuid.UUID) error {
	if chain != uuid.Nil {
		if _, err := s.Organization(ctx, chain); err != nil {
			return err
		}
	}
	return &audit.Break{Chain: chain, Sequence: 1, Reason: "the whole chain is gone"}
}
