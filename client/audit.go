package client

import (
	"context"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Audit are the calls about audit events.
type Audit struct{ c *Client }

// Audit returns the calls about audit events.
func (c *Client) Audit() Audit { return Audit{c} }

// EventFilter says which events: of one organization, or if empty of the
// caller's own; after a sequence number; and those alone that fit what is set.
type EventFilter struct {
	Organization           string
	After                  int64
	Action                 string // one that ends in a dot is all that begin so
	Actor, Subject, Target string
	Since, Until           time.Time // from, and before
}

func (f *EventFilter) query() []string {
	pairs := []string{
		"organization", f.Organization, "after", strconv.FormatInt(f.After, 10),
		"action", f.Action, "actor", f.Actor, "subject", f.Subject, "target", f.Target,
	}
	for name, at := range map[string]time.Time{"since": f.Since, "until": f.Until} {
		if !at.IsZero() {
			pairs = append(pairs, name, at.Format(time.RFC3339Nano))
		}
	}
	return pairs
}

// Events goes through audit events, the oldest first, up to the present.
func (s Audit) Events(ctx context.Context, f EventFilter) iter.Seq2[api.Event, error] {
	l := listing{[]string{"audit", "events"}, f.query()}
	return all(ctx, s.c, l, func(page api.List[api.Event]) []string {
		if len(page.Items) == 0 {
			return nil
		}
		return []string{"after", strconv.FormatInt(page.Items[len(page.Items)-1].Sequence, 10)}
	})
}

// Export returns audit events as a file of a format, jsonl or csv, the oldest
// first, up to the present. It is read as it comes, so that it may be of any
// length; whoever reads it closes it. An error while it is read means that it
// ended too early: it is continued behind the last event that was whole.
func (s Audit) Export(ctx context.Context, f EventFilter, format string) (io.ReadCloser, error) {
	call := get("audit", "export").where(append(f.query(), "format", format)...)
	return s.c.Open(ctx, call)
}

// Verify proves the hash chain of an organization, or if empty those that the
// caller may see, and says how each was found.
func (s Audit) Verify(ctx context.Context, organization string) ([]api.AuditReport, error) {
	return items[api.AuditReport](ctx, s.c, get("audit", "verify").where("organization", organization))
}
