package client

import (
	"context"
	"iter"
	"strconv"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Audit are the calls about audit events.
type Audit struct{ c *Client }

// Audit returns the calls about audit events.
func (c *Client) Audit() Audit { return Audit{c} }

// EventFilter says which events: of one organization, or if empty of the
// caller's own; after a sequence number.
type EventFilter struct {
	Organization string
	After        int64
}

// Events goes through audit events, the oldest first, up to the present.
func (s Audit) Events(ctx context.Context, f EventFilter) iter.Seq2[api.Event, error] {
	l := listing{[]string{"audit", "events"}, []string{"organization", f.Organization, "after", strconv.FormatInt(f.After, 10)}}
	return all(ctx, s.c, l, func(page api.List[api.Event]) []string {
		if len(page.Items) == 0 {
			return nil
		}
		return []string{"after", strconv.FormatInt(page.Items[len(page.Items)-1].Sequence, 10)}
	})
}

// Verify proves the hash chain of an organization, or if empty those that the
// caller may see, and says how each was found.
func (s Audit) Verify(ctx context.Context, organization string) ([]api.AuditReport, error) {
	return items[api.AuditReport](ctx, s.c, get("audit", "verify").where("organization", organization))
}
