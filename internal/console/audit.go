package console

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// auditRoutes are the pages about who did what.
func (c *console) auditRoutes() []edge.Route {
	const log = organization + "/audit"
	read := edge.Needs(credential.AuditRead)
	return []edge.Route{
		shows(log, read, c.auditLog, append([]string{"after"}, auditParams...)...),
		shows(log+"/verify", read, c.verifyAudit),
		edge.Get(log+"/export.csv", read, c.exportAudit).Takes(auditParams...),
		edge.Get(log+"/export.jsonl", read, c.exportAudit).Takes(auditParams...),
	}
}

// auditParams choose events.
var auditParams = []string{"who", "what", "target", "since", "until"}

// auditPage lists audit events, the latest first.
type auditPage struct {
	List         *listing
	Days         []auditDay
	Who, Target  string
	Since, Until string
	Actions      []choice
	CSV, Lines   string
	Count        int
	Problem      string
}

// auditDay is the events of one day.
type auditDay struct {
	Day  string
	Rows []auditRow
}

// auditRow is an event in the list.
type auditRow struct {
	Sequence           int64
	Time, Who, WhoNote string
	WhoTo              string // the list of what they did
	What, Action       string
	Target, TargetNote string
	TargetTo           string
	Address, Request   string
	Detail, Hash       string
}

// auditFamilies are the actions to choose from, by what they begin with.
var auditFamilies = []choice{
	{Title: "Everything"}, {Value: "credential.", Title: "Credentials"}, {Value: "member.", Title: "Members"}, {Value: "invitation.", Title: "Invitations"},
	{Value: "project.", Title: "Projects"}, {Value: "policy.", Title: "Policies"}, {Value: "organization.", Title: "Organization"}, {Value: "budget.", Title: "Budgets"},
	{Value: "trust_rule.", Title: "CI jobs"}, {Value: "webhook.", Title: "Webhooks"}, {Value: "session.", Title: "Sessions"}, {Value: "issue.", Title: "Issues"},
	{Value: "test_case.", Title: "Test cases"}, {Value: "test_cycle.", Title: "Test cycles"}, {Value: "test_result.", Title: "Test results"}, {Value: "campaign.", Title: "Beta tests"},
}

// auditFilter reads which events a page asks for.
func (c *console) auditFilter(r *edge.Request) (f store.EventFilter, err error) {
	f.Action, f.Target = strings.TrimSpace(r.Param("what")), strings.TrimSpace(r.Param("target"))
	who := strings.TrimSpace(r.Param("who"))
	switch kind, _, _ := strings.Cut(who, ":"); {
	case strings.Contains(who, "@"): // an address
		f.Subject = "user:none"
		email, err := credential.CheckEmail("who", who)
		if err != nil {
			break // nobody's
		}
		if m, err := c.authority.Member(r.Context(), &r.Principal, r.Principal.Organization, authority.UserRef{Email: email}); err == nil {
			f.Subject = "user:" + m.ID.String()
		}
	case kind == "user", kind == "project", kind == "organization":
		f.Subject = who
	default:
		f.Actor = who
	}
	for name, at := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		text := r.Param(name)
		if text == "" {
			continue
		}
		if *at, err = time.Parse(time.DateOnly, text); err != nil || at.Year() < 1970 {
			return f, credential.InvalidField(name, "must be a day such as 2026-11-27")
		}
	}
	if !f.Until.IsZero() {
		f.Until = f.Until.AddDate(0, 0, 1) // the whole of it
	}
	return f, nil
}

func (c *console) auditLog(r *edge.Request, _ edge.None) (edge.Page, error) {
	f, err := c.auditFilter(r)
	if err != nil {
		return edge.Page{}, err
	}
	if text := r.Param("after"); text != "" {
		if f.Before, err = strconv.ParseInt(text, 10, 64); err != nil || f.Before < 1 {
			return edge.Page{}, credential.InvalidField("after", "must be a sequence number")
		}
	}
	f.Limit = pageRows + 1
	found, err := c.authority.RecentEvents(r.Context(), &r.Principal, r.Principal.Organization, f)
	if err != nil {
		return edge.Page{}, err
	}
	l := listed(r, "Audit log", base(r)+"/audit", auditParams...)
	p := auditPage{List: l, Who: r.Param("who"), Target: r.Param("target"), Since: r.Param("since"), Until: r.Param("until"), Actions: auditActions(r.Param("what"))}
	p.CSV, p.Lines = exportOf(l, "csv"), exportOf(l, "jsonl")
	events := found.Events[:min(len(found.Events), pageRows)]
	for i := range events {
		e := &events[i]
		name := e.At.UTC().Format("Monday, 2 January 2006")
		if n := len(p.Days); n == 0 || p.Days[n-1].Day != name {
			p.Days = append(p.Days, auditDay{Day: name})
		}
		last := &p.Days[len(p.Days)-1]
		last.Rows = append(last.Rows, auditRowOf(l, e, found.Names))
	}
	if p.Count = len(events); len(found.Events) > pageRows {
		l.after(true, strconv.FormatInt(events[pageRows-1].Sequence, 10))
	}
	return c.render(r, "audit", page{Title: "Audit log", Body: p})
}

// exportOf is where what a list shows is exported.
func exportOf(l *listing, format string) string {
	return strings.Replace(l.with(), "/audit", "/audit/export."+format, 1)
}

// auditActions are the choices of what was done, with one that isn't among the
// families as it is.
func auditActions(action string) []choice {
	list := chosen(action, append([]choice(nil), auditFamilies...))
	for _, one := range list {
		if one.Checked {
			return list
		}
	}
	return append(list, choice{Value: action, Title: action, Checked: true})
}

func auditRowOf(l *listing, e *authority.Event, names map[string]string) auditRow {
	row := auditRow{
		Sequence: e.Sequence, Time: e.At.UTC().Format("15:04:05"), Action: e.Action, Address: e.Address, Request: e.Request, Hash: fmt.Sprintf("%x", e.Hash), Detail: pretty(e.Detail),
	}
	who := e.Actor
	if strings.HasPrefix(e.Subject, "user:") {
		who = e.Subject
	}
	row.Who, row.WhoTo = cmp.Or(names[who], nameless(who)), l.with("who", who)
	if before(e.Actor) == "credential" && who == e.Subject {
		row.WhoNote = "By the credential " + cmp.Or(quoted(names[e.Actor]), shortly(e.Actor))
	}
	if before(e.Subject) == "console" {
		row.WhoNote = "In the console"
	}
	row.What = sentenceOf(e.Action, e.Detail)
	row.Target, row.TargetTo = cmp.Or(names[e.Target], strings.TrimPrefix(shortly(e.Target), before(e.Target)+" ")), l.with("target", e.Target)
	row.TargetNote = titled(strings.ReplaceAll(before(e.Target), "_", " "))
	return row
}

func quoted(name string) string {
	if name == "" {
		return ""
	}
	return "“" + name + "”"
}

// nameless is what somebody is called whose name isn't known.
func nameless(who string) string {
	switch kind, _, _ := strings.Cut(who, ":"); kind {
	case "operator":
		return "Whoever runs the installation"
	case "server":
		return "The server, by its schedule"
	case "possession":
		return "Whoever found the secret"
	case "identity_token":
		return "A CI job"
	case "user":
		return "Somebody who has left"
	}
	return shortly(who)
}

// before is what stands before an id.
func before(text string) string {
	kind, _, _ := strings.Cut(text, ":")
	return kind
}

// shortly is a kind and the beginning of an id.
func shortly(text string) string {
	kind, id, found := strings.Cut(text, ":")
	if !found || len(id) <= 13 {
		return text
	}
	return kind + " " + id[:8] + "…" + id[len(id)-4:]
}

// pretty writes a detail for people to read.
func pretty(detail string) string {
	var all any
	if json.Unmarshal([]byte(detail), &all) != nil {
		return detail
	}
	out, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return detail
	}
	return string(out)
}

// verifyPage says how the chain was found.
type verifyPage struct {
	Events, Sequence string
	Hash             copyable
	Broken           string
	At               time.Time
	Latest           time.Time
}

func (c *console) verifyAudit(r *edge.Request, _ edge.None) (edge.Page, error) {
	reports, err := c.authority.VerifyAudit(r.Context(), &r.Principal, r.Principal.Organization)
	if err != nil {
		return edge.Page{}, err
	}
	head, err := c.authority.RecentEvents(r.Context(), &r.Principal, r.Principal.Organization, store.EventFilter{Limit: 1})
	if err != nil {
		return edge.Page{}, err
	}
	p := verifyPage{Events: grouped(reports[0].Events), At: c.authority.Now()}
	if b := reports[0].Break; b != nil {
		p.Broken = fmt.Sprintf("Event %s: %s.", grouped(b.Sequence), b.Reason)
	}
	for i := range head.Events {
		e := &head.Events[i]
		p.Sequence, p.Hash, p.Latest = grouped(e.Sequence), copyable{"head", fmt.Sprintf("%x", e.Hash), "Hash", ""}, e.At
	}
	return c.render(r, "auditverify", page{Title: "Audit chain", Body: p})
}

// auditColumns are those of an export as CSV.
var auditColumns = []string{"chain", "sequence", "at", "actor", "subject", "action", "target", "address", "request", "detail", "previous", "hash"}

// exportPage is how many events an export reads at once.
const exportPage = 200

func (c *console) exportAudit(r *edge.Request, _ edge.None) (out edge.Stream, err error) {
	f, err := c.auditFilter(r)
	if err != nil {
		return out, err
	}
	f.Limit = exportPage
	principal, organization, ended := r.Principal, r.Principal.Organization, false
	next := func(ctx context.Context) ([]api.Event, error) {
		if ended {
			return nil, io.EOF
		}
		events, err := c.authority.FindEvents(ctx, &principal, organization, f)
		if err != nil {
			return nil, err
		}
		ended = len(events) < exportPage
		list := make([]api.Event, len(events))
		for i := range events {
			list[i], f.After = shownEvent(&events[i]), events[i].Sequence
		}
		return list, nil
	}
	name := "audit-" + authority.PublicID("org", organization)
	if strings.HasSuffix(r.URL.Path, ".csv") {
		return edge.Table(name+".csv", auditColumns, func(ctx context.Context) (rows [][]string, err error) {
			events, err := next(ctx)
			for i := range events {
				rows = append(rows, cells(&events[i]))
			}
			return rows, err
		}), nil
	}
	return edge.Stream{Media: "application/jsonl", Name: name + ".jsonl", Next: func(ctx context.Context) (part []byte, err error) {
		events, err := next(ctx)
		for i := range events {
			line, err := json.Marshal(&events[i])
			if err != nil {
				return nil, err
			}
			part = append(append(part, line...), '\n')
		}
		return part, err
	}}, nil
}

// shownEvent is an event as the API writes it.
func shownEvent(e *authority.Event) api.Event {
	return api.Event{
		Chain: e.Chain.String(), Sequence: e.Sequence, At: e.At.UTC(), Actor: e.Actor, Subject: e.Subject, Action: e.Action, Target: e.Target, Address: e.Address,
		Request: e.Request, Detail: e.Detail, Previous: fmt.Sprintf("%x", e.Previous), Hash: fmt.Sprintf("%x", e.Hash),
	}
}

func cells(e *api.Event) []string {
	return []string{e.Chain, strconv.FormatInt(e.Sequence, 10), e.At.Format(time.RFC3339Nano), e.Actor, e.Subject, e.Action, e.Target, e.Address, e.Request, e.Detail, e.Previous, e.Hash}
}
