package rest

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"mime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// chain finds the audit chain that a query names: an organization's, or
// without one the caller's own.
func (h *handlers) chain(r *edge.Request, organization string) (uuid.UUID, error) {
	if organization == "" {
		return r.Principal.Organization, nil
	}
	return h.organizationID(r, "organization", organization)
}

// eventFilter reads which audit events a query asks for.
func eventFilter(r *edge.Request) (f store.EventFilter, err error) {
	f = store.EventFilter{Action: r.Param("action"), Actor: r.Param("actor"), Subject: r.Param("subject"), Target: r.Param("target")}
	if f.Limit, err = limit(r); err != nil {
		return f, err
	}
	if f.After, err = sequence(r, "after"); err != nil {
		return f, err
	}
	for name, at := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		if text := r.Param(name); text != "" {
			if *at, err = credential.ParseTime(name, text); err != nil {
				return f, err
			}
		}
	}
	return f, nil
}

// sequence reads a place in an audit chain; 0 where none is named.
func sequence(r *edge.Request, name string) (int64, error) {
	text := r.Param(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, credential.InvalidField(name, "must be a sequence number")
	}
	return n, nil
}

func (h *handlers) listEvents(r *edge.Request, _ edge.None) (out api.List[api.Event], err error) {
	chain, err := h.chain(r, r.Param("organization"))
	if err != nil {
		return out, err
	}
	f, err := eventFilter(r)
	if err != nil {
		return out, err
	}
	events, err := h.authority.FindEvents(r.Context(), &r.Principal, chain, f)
	out.Items = make([]api.Event, 0, len(events))
	for i := range events {
		out.Items = append(out.Items, eventOf(&events[i]))
	}
	return out, err
}

func (h *handlers) activity(r *edge.Request, _ edge.None) (out api.Activity, err error) {
	req := authority.ActivityRequest{}
	if req.Credential, err = credentialID(r); err != nil {
		return out, err
	}
	if req.Organization, err = h.organizationID(r, "organization", r.Param("organization")); err != nil {
		return out, err
	}
	most, err := limit(r)
	if err != nil {
		return out, err
	}
	if req.Before, err = sequence(r, "before"); err != nil {
		return out, err
	}
	req.Limit = most + 1
	found, err := h.authority.Activity(r.Context(), &r.Principal, req)
	if err != nil {
		return out, err
	}
	out = api.Activity{Requests: found.Use.Requests, LastUsedAt: instant(found.Use.At), LastUsedAgent: found.Use.UserAgent, Events: []api.Event{}}
	if found.Use.Address.IsValid() {
		out.LastUsedAddress = found.Use.Address.String()
	}
	for i := range found.Events[:min(len(found.Events), most)] {
		out.Events = append(out.Events, eventOf(&found.Events[i]))
	}
	if len(found.Events) > most {
		out.NextBefore = out.Events[most-1].Sequence
	}
	return out, nil
}

func (h *handlers) verifyAudit(r *edge.Request, _ edge.None) (out api.List[api.AuditReport], err error) {
	chain, err := h.chain(r, r.Param("organization"))
	if err != nil {
		return out, err
	}
	reports, err := h.authority.VerifyAudit(r.Context(), &r.Principal, chain)
	for _, report := range reports {
		out.Items = append(out.Items, auditReportOf(report))
	}
	return out, err
}

func auditReportOf(report authority.ChainReport) api.AuditReport {
	out := api.AuditReport{Chain: report.Chain.String(), Events: report.Events, OK: report.Break == nil}
	if b := (*audit.Break)(report.Break); b != nil {
		out.Broken, out.Reason = b.Sequence, b.Reason
	}
	return out
}

// What an export may look like, by the names of the formats.
var (
	exportFormats = []string{"jsonl", "csv"}
	exportMedia   = []string{"application/jsonl", "text/csv"}
)

// exportFormat reads which of the formats is asked for: by name, or else by
// the first of them that the header Accept has.
func exportFormat(r *edge.Request) (int, error) {
	if name := r.Param("format"); name != "" {
		if i := slices.Index(exportFormats, name); i >= 0 {
			return i, nil
		}
		return 0, credential.InvalidField("format", "must be %s", strings.Join(exportFormats, " or "))
	}
	for _, accepted := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(accepted, ",") {
			media, _, _ := mime.ParseMediaType(part)
			if i := slices.Index(exportMedia, media); i >= 0 {
				return i, nil
			}
		}
	}
	return 0, nil
}

// exportPage is how many events an export reads at once.
const exportPage = 200

// export is an audit chain on its way to a file, page by page: nothing of the
// database is held while the caller reads.
type export struct {
	authority *authority.Authority
	principal credential.Principal
	chain     uuid.UUID
	filter    store.EventFilter
	ended     bool
	buffer    bytes.Buffer
	write     func(*export, *api.Event) error
}

func (h *handlers) exportEvents(r *edge.Request, _ edge.None) (out edge.Stream, err error) {
	e := &export{authority: h.authority, principal: r.Principal}
	if e.chain, err = h.chain(r, r.Param("organization")); err != nil {
		return out, err
	}
	if e.filter, err = eventFilter(r); err != nil {
		return out, err
	}
	format, err := exportFormat(r)
	if err != nil {
		return out, err
	}
	e.filter.Limit, e.write = exportPage, (*export).line
	if exportFormats[format] == "csv" {
		e.write = (*export).row
		if err := e.record(eventNames); err != nil {
			return out, err
		}
	}
	media := exportMedia[format]
	if strings.HasPrefix(media, "text/") {
		media += "; charset=utf-8; header=present" // RFC 4180 section 3
	}
	return edge.Stream{Media: media, Name: "audit-" + e.chain.String() + "." + exportFormats[format], Next: e.next}, nil
}

// next reads a page and returns it as it is sent.
func (e *export) next(ctx context.Context) ([]byte, error) {
	if e.ended {
		return nil, io.EOF
	}
	events, err := e.authority.FindEvents(ctx, &e.principal, e.chain, e.filter)
	if err != nil {
		return nil, err
	}
	for i := range events {
		shown := eventOf(&events[i])
		if err := e.write(e, &shown); err != nil {
			return nil, err
		}
		e.filter.After = events[i].Sequence
	}
	e.ended = len(events) < e.filter.Limit
	part := bytes.Clone(e.buffer.Bytes())
	e.buffer.Reset()
	return part, nil
}

// line writes an event as JSON.
func (e *export) line(event *api.Event) error {
	if err := json.MarshalWrite(&e.buffer, event); err != nil {
		return err
	}
	return e.buffer.WriteByte('\n')
}

// eventNames are the columns of an export as CSV.
var eventNames = []string{"chain", "sequence", "at", "actor", "subject", "action", "target", "address", "request", "detail", "previous", "hash"}

// row writes an event as CSV.
func (e *export) row(event *api.Event) error {
	return e.record([]string{
		event.Chain, strconv.FormatInt(event.Sequence, 10), event.At.Format(time.RFC3339Nano), event.Actor, event.Subject, event.Action,
		event.Target, event.Address, event.Request, event.Detail, event.Previous, event.Hash,
	})
}

// record writes cells (RFC 4180), each as it is: a line ends by LF, since csv
// takes every CR away where it ends by CRLF.
func (e *export) record(cells []string) error {
	quoted := make([]string, len(cells))
	for i, cell := range cells {
		quoted[i] = edge.Inert(cell)
	}
	w := csv.NewWriter(&e.buffer)
	if err := w.Write(quoted); err != nil {
		return err
	}
	w.Flush()
	return w.Error()
}
