package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Filter chooses credentials for a list. Zero fields choose everything.
type Filter struct {
	Organization, User, Project uuid.UUID
	Scheme                      string
	Schemes                     []string // any of them
	Text                        string   // stands in the name, or in what is shown of the secret, in any case
	State                       credential.State
	Part                        Part
	Before                      uuid.UUID // the last id of the page before
	Limit                       int
	Now                         time.Time
	Soon                        time.Time // up to when an end is soon
}

// Part is a part of a list, by where its credentials are in their lives.
type Part string

// The parts of a list.
const (
	Kept    Part = "kept"    // not revoked
	Working Part = "working" // neither revoked nor expired
	Ending  Part = "ending"  // active, and expired soon
	Ended   Part = "ended"   // revoked or expired
)

// Parts is how many credentials of a list are in each part.
type Parts struct{ All, Kept, Working, Ending, Ended int }

// conditions are what a filter asks for, but for state, part and page. Only
// listed ones can occur, and every value is an argument.
func (f *Filter) conditions() *conditions {
	w := &conditions{}
	for _, id := range []struct {
		condition string
		value     uuid.UUID
	}{{"c.organization_id = $", f.Organization}, {"c.user_id = $", f.User}, {"c.project_id = $", f.Project}} {
		if id.value != uuid.Nil {
			w.and(id.condition, id.value)
		}
	}
	if f.Scheme != "" {
		w.and("c.scheme = $", f.Scheme)
	}
	if len(f.Schemes) > 0 {
		w.text.WriteString(" AND c.scheme IN " + places(len(w.args)+1, len(f.Schemes)))
		for _, name := range f.Schemes {
			w.args = append(w.args, name)
		}
	}
	if f.Text != "" {
		w.and(`LOWER(c.name || ' ' || COALESCE(s.hint, '') || ' ' || COALESCE(s.fingerprint, '')) LIKE $ ESCAPE '!'`, "%"+literally(strings.ToLower(f.Text))+"%")
	}
	return w
}

// literally is a text as a part of a pattern of LIKE that matches just it.
func literally(text string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text)
}

// byState adds what a state means at a time.
func (w *conditions) byState(state credential.State, now int64) {
	switch state {
	case credential.Revoked:
		w.text.WriteString(" AND c.revoked_at IS NOT NULL")
	case credential.Expired:
		w.and("c.revoked_at IS NULL AND c.expires_at <= $", now)
	case credential.Suspended:
		w.and("c.revoked_at IS NULL AND c.suspended_at IS NOT NULL AND (c.expires_at IS NULL OR c.expires_at > $)", now)
	case credential.Active:
		w.and("c.revoked_at IS NULL AND c.suspended_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $)", now)
	}
}

// byPart adds what a part means at a time.
func (w *conditions) byPart(f *Filter) {
	now := f.Now.UnixMilli()
	switch f.Part {
	case Kept:
		w.text.WriteString(" AND c.revoked_at IS NULL")
	case Working:
		w.and("c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $)", now)
	case Ending:
		w.and("c.revoked_at IS NULL AND c.suspended_at IS NULL AND c.expires_at > $", now)
		w.and("c.expires_at <= $", f.Soon.UnixMilli())
	case Ended:
		w.and("(c.revoked_at IS NOT NULL OR c.expires_at <= $)", now)
	}
}

const listedFrom = ` FROM credentials c LEFT JOIN secrets s ON s.credential_id = c.id AND s.generation = c.generation`

// sql writes the query of a filter.
func (f *Filter) sql() (string, []any) {
	w := f.conditions()
	w.byState(f.State, f.Now.UnixMilli())
	w.byPart(f)
	if f.Before != uuid.Nil {
		w.and("c.id < $", f.Before)
	}
	w.args = append(w.args, f.Limit)
	return fmt.Sprintf(`
		SELECT %s, s.hint, s.fingerprint, x.used_at, x.address, x.user_agent, COALESCE(x.requests, 0)%s
		LEFT JOIN credential_uses x ON x.credential_id = c.id
		WHERE 1 = 1%s ORDER BY c.id DESC LIMIT $%d`, credentialColumns, listedFrom, w.text.String(), len(w.args)), w.args
}

// CountParts counts what a filter chooses, whatever its state, part and page.
func (r reader) CountParts(ctx context.Context, f Filter) (p Parts, err error) {
	w := f.conditions()
	now := len(w.args) + 1
	w.args = append(w.args, f.Now.UnixMilli(), f.Soon.UnixMilli())
	query := fmt.Sprintf(`
		SELECT COUNT(*),
			COUNT(CASE WHEN c.revoked_at IS NULL THEN 1 END),
			COUNT(CASE WHEN c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $%[1]d) THEN 1 END),
			COUNT(CASE WHEN c.revoked_at IS NULL AND c.suspended_at IS NULL AND c.expires_at > $%[1]d AND c.expires_at <= $%[2]d THEN 1 END)%[3]s
		WHERE 1 = 1%[4]s`, now, now+1, listedFrom, w.text.String())
	if err := r.q.QueryRowContext(ctx, query, w.args...).Scan(&p.All, &p.Kept, &p.Working, &p.Ending); err != nil {
		return p, r.fail("count credentials", err)
	}
	p.Ended = p.All - p.Working
	return p, nil
}

// Trace is what somebody knows of a credential who wants to find its record.
// One field is set.
type Trace struct {
	ID          uuid.UUID
	ClientID    string
	Fingerprint string
	First, Last string // what the shown part of the secret begins and ends with
}

// Traced is a credential that a trace leads to, by which of its secrets.
type Traced struct {
	ID         uuid.UUID
	Generation int // 0 where it isn't known
}

// Trace finds credentials of some organizations, those that were made last first.
func (r reader) Trace(ctx context.Context, organizations []uuid.UUID, t Trace, limit int) ([]Traced, error) {
	if len(organizations) == 0 {
		return nil, nil
	}
	w := &conditions{}
	for _, id := range organizations {
		w.args = append(w.args, id)
	}
	w.text.WriteString(" AND c.organization_id IN " + places(1, len(organizations)))
	generation := "COALESCE(MAX(s.generation), 0)"
	switch {
	case t.ID != uuid.Nil:
		generation = "0"
		w.and("c.id = $", t.ID)
	case t.ClientID != "":
		generation = "0"
		w.and("c.client_id = $", t.ClientID)
	case t.Fingerprint != "":
		w.and("s.fingerprint = $", t.Fingerprint)
	default:
		w.and("s.hint LIKE $ ESCAPE '!'", literally(t.First)+"%"+literally(t.Last))
	}
	w.args = append(w.args, limit)
	query := fmt.Sprintf(`SELECT c.id, %s FROM credentials c LEFT JOIN secrets s ON s.credential_id = c.id
		WHERE 1 = 1%s GROUP BY c.id ORDER BY c.id DESC LIMIT $%d`, generation, w.text.String(), len(w.args))
	return list(ctx, r, selection[Traced]{"trace a credential", func(t *Traced) []any { return []any{&t.ID, &t.Generation} }, query}, w.args...)
}
