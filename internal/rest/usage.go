package rest

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// usageFilters choose usage, spendFilters lines of the ledger.
var (
	usageFilters = []string{"organization", "from", "to", "credential_id", "project", "resource", "outcome"}
	spendFilters = []string{"organization", "from", "to", "credential_id", "project", "operation"}
)

// usageRoutes are those of what credentials were used for.
func (h *handlers) usageRoutes() []edge.Route {
	read := edge.Needs(credential.UsageRead)
	return []edge.Route{
		edge.Get("/v1/usage", read, h.usage).Takes(append([]string{"by", "limit", "cursor"}, usageFilters...)...).CostsNothing().
			Named("getUsage", "Show how many requests there were and what was paid for them, by day (UTC), credential, project, resource or outcome, or by two of these. Members see that of their own credentials. It is some seconds behind."),
		edge.Get("/v1/usage/export", read, h.exportUsage).Takes(usageFilters...).Streams(api.UsageRow{}, "text/csv").CostsNothing().
			Named("exportUsage", "Export usage as CSV, by all of day, credential, project, resource and outcome, of 92 days at most."),
		edge.Get("/v1/usage/spends", read, h.listSpends).Takes(append([]string{"limit", "cursor"}, spendFilters...)...).CostsNothing().
			Named("listSpends", "List the ledger: what was paid from budgets, the latest first. Members see what their own credentials paid."),
		edge.Get("/v1/usage/spends/export", read, h.exportSpends).Takes(spendFilters...).Streams(api.LedgerLine{}, "text/csv").CostsNothing().
			Named("exportSpends", "Export the ledger as CSV, the latest first, of 92 days at most."),
	}
}

// chosen is what usage and the ledger are both chosen by.
type chosen struct {
	organization, credential uuid.UUID
	project                  *store.ProjectRef
	from, to                 time.Time
}

// chosen reads the last 30 days unless others are said.
func (h *handlers) chosen(r *edge.Request) (c chosen, err error) {
	if c.to, err = day(r, "to", h.authority.Now()); err != nil {
		return c, err
	}
	if c.from, err = day(r, "from", c.to.AddDate(0, 0, -29)); err != nil {
		return c, err
	}
	if text := r.Param("credential_id"); text != "" {
		if c.credential, err = authority.ParseID(text); err != nil {
			return c, credential.InvalidField("credential_id", "must be the id of a credential")
		}
	}
	if text := r.Param("project"); text != "" {
		ref, err := parseProject("project", text)
		if err != nil {
			return c, err
		}
		c.project = &ref
	}
	c.organization, err = h.organizationID(r, "organization", r.Param("organization"))
	return c, err
}

// usageRequest reads which usage a query asks for.
func (h *handlers) usageRequest(r *edge.Request) (u authority.UsageRequest, err error) {
	c, err := h.chosen(r)
	return authority.UsageRequest{
		Organization: c.organization, From: c.from, To: c.to, Credential: c.credential, Project: c.project,
		Resource: r.Param("resource"), Outcome: r.Param("outcome"),
	}, err
}

// day reads a date of the query.
func day(r *edge.Request, name string, otherwise time.Time) (time.Time, error) {
	text := r.Param(name)
	if text == "" {
		return otherwise, nil
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil || at.Year() < 1970 || at.Year() > 9999 {
		return at, credential.InvalidField(name, "must be a date such as 2026-11-27")
	}
	return at, nil
}

// date writes a day.
func date(at time.Time) string { return at.Format(time.DateOnly) }

// exportedBy is what an export tells apart, in its order.
var exportedBy = []store.Dimension{store.ByDay, store.ByCredential, store.ByProject, store.ByResource, store.ByOutcome}

// dimensions reads by what usage is told apart: one thing or two.
func dimensions(text string) (by []store.Dimension, err error) {
	if text == "" {
		return []store.Dimension{store.ByDay}, nil
	}
	for name := range strings.SplitSeq(text, ",") {
		d := store.Dimension(name)
		if !slices.Contains(exportedBy, d) || slices.Contains(by, d) || len(by) == 2 {
			return nil, credential.InvalidField("by", "must be one or two of day, credential, project, resource and outcome, with a comma between them")
		}
		by = append(by, d)
	}
	return by, nil
}

func (h *handlers) usage(r *edge.Request, _ edge.None) (out api.Usage, err error) {
	req, err := h.usageRequest(r)
	if err != nil {
		return out, err
	}
	if req.By, err = dimensions(r.Param("by")); err != nil {
		return out, err
	}
	most, err := limit(r)
	if err != nil {
		return out, err
	}
	c := h.cursors(r, append([]string{"by"}, usageFilters...))
	if text := r.Param("cursor"); text != "" {
		raw, err := c.read(text)
		if err != nil || json.Unmarshal(raw, &req.After) != nil || len(req.After) != len(req.By) {
			return out, wrongCursor()
		}
	}
	req.Most, req.Limit = authority.MostUsageDays, most+1
	report, err := h.authority.Usage(r.Context(), &r.Principal, req)
	if err != nil {
		return out, err
	}
	out = api.Usage{From: date(req.From), To: date(req.To), Items: []api.UsageRow{}, Requests: report.Total.Requests, Coins: report.Total.Coins}
	for i := range report.Rows[:min(len(report.Rows), most)] {
		out.Items = append(out.Items, usageRow(&report.Rows[i], req.By))
	}
	if len(report.Rows) > most {
		raw, err := json.Marshal(report.Rows[most-1].Keys)
		if err != nil {
			return out, err
		}
		out.NextCursor = c.write(raw)
	}
	return out, nil
}

// usageRow shows a row. Ids of zeros are nobody's in particular.
func usageRow(u *store.Usage, by []store.Dimension) api.UsageRow {
	row := api.UsageRow{Requests: u.Requests, Coins: u.Coins}
	for i, d := range by {
		key := u.Keys[i]
		switch d {
		case store.ByDay:
			row.Day = key
		case store.ByCredential:
			row.Credential = orNobody(key)
		case store.ByProject:
			row.Project = orNobody(key)
		case store.ByResource:
			row.Resource = key
		case store.ByOutcome:
			row.Outcome = key
		}
	}
	return row
}

func orNobody(id string) string {
	if id == uuid.Nil.String() {
		return ""
	}
	return id
}

// pages reads a table page by page, so that nothing of the database is held
// while the caller reads. page returns the rows of the next page, and none
// behind the last.
func pages(page func(context.Context) ([][]string, error)) func(context.Context) ([][]string, error) {
	ended := false
	return func(ctx context.Context) ([][]string, error) {
		if ended {
			return nil, io.EOF
		}
		rows, err := page(ctx)
		ended = len(rows) == 0
		return rows, err
	}
}

func (h *handlers) exportUsage(r *edge.Request, _ edge.None) (out edge.Stream, err error) {
	req, err := h.usageRequest(r)
	if err != nil {
		return out, err
	}
	return edge.Table("usage-"+date(req.From)+"-"+date(req.To)+".csv", authority.UsageColumns(), h.authority.ExportUsage(&r.Principal, req)), nil
}

func (h *handlers) listCalls(r *edge.Request, _ edge.None) (out api.List[api.Request], err error) {
	id, err := credentialID(r)
	if err != nil {
		return out, err
	}
	page, err := h.page(r)
	if err != nil {
		return out, err
	}
	list, err := h.authority.Calls(r.Context(), &r.Principal, authority.CallsRequest{Credential: id, Before: page.after, Limit: page.limit + 1})
	if err != nil {
		return out, err
	}
	return paged(page, list, callOf, func(c api.Request) string { return c.ID }), nil
}

func callOf(c authority.Call) api.Request {
	out := api.Request{ID: c.ID.String(), At: c.At, Method: c.Method, Path: c.Path, Status: c.Status, UserAgent: c.UserAgent}
	if c.Address.IsValid() {
		out.Address = c.Address.String()
	}
	return out
}
