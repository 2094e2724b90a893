package client

import (
	"context"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Usage are the calls about what credentials were used for.
type Usage struct{ c *Client }

// Usage returns the calls about what credentials were used for.
func (c *Client) Usage() Usage { return Usage{c} }

// UsageFilter chooses usage: of days from one to another, both included, and
// that which fits all that is set. Without days it is that of the last 30.
type UsageFilter struct {
	Organization                           string // for callers above every organization
	From, To                               time.Time
	Credential, Project, Resource, Outcome string
}

func (f *UsageFilter) query() []string {
	pairs := []string{
		"organization", f.Organization, "credential_id", f.Credential, "project", f.Project, "resource", f.Resource, "outcome", f.Outcome,
	}
	for name, at := range map[string]time.Time{"from": f.From, "to": f.To} {
		if !at.IsZero() {
			pairs = append(pairs, name, at.UTC().Format(time.DateOnly))
		}
	}
	return pairs
}

// UsagePage says by what usage is told apart, one thing or two of day (which it
// is where nothing is said), credential, project, resource and outcome; and
// which page of it is wanted, by the NextCursor of the one before.
type UsagePage struct {
	By     []string
	Limit  int
	Cursor string
}

// Report returns a page of usage, with the totals of all pages.
func (s Usage) Report(ctx context.Context, f UsageFilter, p UsagePage) (api.Usage, error) {
	return ask[api.Usage](ctx, s.c, get("usage").where(append(f.query(),
		"by", strings.Join(p.By, ","), "limit", number(int64(p.Limit)), "cursor", p.Cursor)...))
}

// Export returns usage as CSV, of 92 days at most. It is read as it comes;
// whoever reads it closes it. An error while it is read means that it ended too
// early.
func (s Usage) Export(ctx context.Context, f UsageFilter) (io.ReadCloser, error) {
	return s.c.Open(ctx, get("usage", "export").where(f.query()...))
}

// Requests goes through the requests that a credential made, the latest first.
// It ends after an error.
func (s Credentials) Requests(ctx context.Context, id string) iter.Seq2[api.Request, error] {
	return all(ctx, s.c, listing{[]string{"credentials", id, "requests"}, nil}, byCursor[api.Request])
}

// SpendFilter chooses lines of the ledger, as UsageFilter does usage.
type SpendFilter struct {
	Organization                   string // for callers above every organization
	From, To                       time.Time
	Credential, Project, Operation string
}

func (f *SpendFilter) query() []string {
	of := UsageFilter{Organization: f.Organization, From: f.From, To: f.To, Credential: f.Credential, Project: f.Project}
	return append(of.query(), "operation", f.Operation)
}

// Spends goes through the ledger, the latest first. It ends after an error.
func (s Usage) Spends(ctx context.Context, f SpendFilter) iter.Seq2[api.LedgerLine, error] {
	return all(ctx, s.c, listing{[]string{"usage", "spends"}, f.query()}, byCursor[api.LedgerLine])
}

// ExportSpends returns the ledger as CSV, like Export.
func (s Usage) ExportSpends(ctx context.Context, f SpendFilter) (io.ReadCloser, error) {
	return s.c.Open(ctx, get("usage", "spends", "export").where(f.query()...))
}
