package authority

import (
	"context"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/usage"
)

// The bounds of a range of days.
const (
	MostUsageDays  = 400
	MostExportDays = 92
)

// UsageRequest says which usage is wanted, and by what it is told apart.
type UsageRequest struct {
	Organization uuid.UUID // for principals above every organization; Nil: of the installation's own credentials
	From, To     time.Time // the first and the last day, in UTC
	Most         int       // days that the range may have
	Credential   uuid.UUID
	Credentials  []uuid.UUID // any of them
	Project      *store.ProjectRef
	Resource     string
	Outcome      string
	By           []store.Dimension
	After        []string // the keys of the last row of the page before
	Limit        int
}

// UsageReport is a page of usage, with the totals of all pages.
type UsageReport struct {
	Rows  []store.Usage
	Total store.Usage
}

// Usage tells what the credentials that the principal looks after were used
// for: an organization's to its managers and services, a project's to its key
// and its administrators, and one's own to everybody else.
func (a *Authority) Usage(ctx context.Context, p *credential.Principal, r UsageRequest) (*UsageReport, error) {
	f, err := a.usageFilter(ctx, p, r)
	if err != nil {
		return nil, err
	}
	report := &UsageReport{}
	if report.Rows, err = a.store.Usage(ctx, f); err != nil {
		return nil, err
	}
	report.Total, err = a.store.TotalUsage(ctx, f)
	return report, err
}

// UsageRows is Usage without the totals.
func (a *Authority) UsageRows(ctx context.Context, p *credential.Principal, r UsageRequest) ([]store.Usage, error) {
	f, err := a.usageFilter(ctx, p, r)
	if err != nil {
		return nil, err
	}
	return a.store.Usage(ctx, f)
}

// exportedUsage is what a line of an export tells apart, in its order.
var exportedUsage = []store.Dimension{store.ByDay, store.ByCredential, store.ByProject, store.ByResource, store.ByOutcome}

// UsageColumns are the names of what ExportUsage returns.
func UsageColumns() []string {
	return []string{"day", "credential", "project", "resource", "outcome", "requests", "coins"}
}

// ExportUsage returns usage as the lines of a table, part by part, and io.EOF
// behind the last: nothing of the database is held while somebody reads.
func (a *Authority) ExportUsage(p *credential.Principal, r UsageRequest) func(context.Context) ([][]string, error) {
	by, ended := *p, false
	r.By, r.Most, r.Limit = exportedUsage, MostExportDays, exportPart
	return func(ctx context.Context) (cells [][]string, err error) {
		if ended {
			return nil, io.EOF
		}
		f, err := a.usageFilter(ctx, &by, r)
		if err != nil {
			return nil, err
		}
		rows, err := a.store.Usage(ctx, f)
		ended = len(rows) < exportPart
		for i := range rows {
			r.After = rows[i].Keys
			line := append(slices.Clone(r.After), strconv.FormatInt(rows[i].Requests, 10), strconv.FormatInt(rows[i].Coins, 10))
			for j, key := range line {
				if key == uuid.Nil.String() { // nobody's in particular
					line[j] = ""
				}
			}
			cells = append(cells, line)
		}
		return cells, err
	}
}

// usageFilter confines usage to the credentials that a principal looks after.
func (a *Authority) usageFilter(ctx context.Context, p *credential.Principal, r UsageRequest) (f store.UsageFilter, err error) {
	if err := require(p, credential.UsageRead); err != nil {
		return f, err
	}
	from, to, err := days(r.From, r.To, r.Most)
	if err != nil {
		return f, err
	}
	of, err := a.filter(ctx, p, ListRequest{Organization: r.Organization, Project: r.Project})
	return store.UsageFilter{
		Organization: of.Organization, Project: of.Project, User: of.User, From: from, Until: to + 1, Credential: r.Credential, Credentials: r.Credentials,
		Resource: r.Resource, Outcome: r.Outcome, By: r.By, After: r.After, Limit: r.Limit,
	}, err
}

// CallsRequest says which requests of a credential are wanted.
type CallsRequest struct {
	Credential uuid.UUID
	Before     uuid.UUID // the last id of the page before
	Limit      int
}

// Call is one request that a credential made.
type Call = usage.Call

// Calls tells which requests to routes of ours a credential made, the latest
// first, to whoever looks after it.
func (a *Authority) Calls(ctx context.Context, p *credential.Principal, r CallsRequest) ([]Call, error) {
	if err := require(p, credential.CredentialsRead); err != nil {
		return nil, err
	}
	c, err := a.visible(ctx, p, r.Credential)
	if err != nil {
		return nil, err
	}
	return a.store.Calls(ctx, c.ID, r.Before, r.Limit)
}
