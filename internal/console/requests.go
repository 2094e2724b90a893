package console

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// requestsPage is what the credentials of an organization, or of one of its
// projects, were used for.
type requestsPage struct {
	Tabs            []tab // the pages about usage
	Export          string
	Ranges          []tab
	Projects        []choice
	Kept            []pair // of the query, by the form that chooses a project
	Days            string // that are shown
	Measures        []tab
	Coins           bool // whether coins are shown, and not requests
	Total, Before   string
	Paid            string
	Refused, Reason string
	Plot            stack
	Credentials     []part
	Routes          []part
	Outcomes        []part
	Cut             bool // whether there was more than is read
}

// part is what one credential, route or outcome comes to.
type part struct {
	Name, To                 string
	Requests, Coins, Percent string
	Bar                      int // of a thousand
}

// stack is a chart of days, each a pile of what its largest parts come to.
type stack struct {
	Ticks  []string
	Legend []string // at most five, the last being all others
	Days   []pile
}

// pile is one day.
type pile struct {
	Label, Day string
	Cells      []string // of the table: one for each of the legend, and the sum
	Pieces     []piece
}

// piece is a part of a pile, in a hundred thousandths of the chart's height.
type piece struct{ Series, Top, Height int }

const (
	mostParts   = 1000 // that are read of credentials and routes
	shownParts  = 15
	mostSeries  = 4 // that a chart tells apart, beside all others
	usageRange  = 28
	gapOfPieces = scale / 200
)

// usageRanges are how many days there are to choose from.
var usageRanges = []int{7, 28, 90}

// measured is what a page of requests is asked for.
type measured struct {
	authority.UsageRequest
	coins bool
	days  int
}

// of is the number that is shown.
func (m *measured) of(u *store.Usage) int64 {
	if m.coins {
		return u.Coins
	}
	return u.Requests
}

// measured reads what is asked for.
func (c *console) measured(r *edge.Request) (m measured, err error) {
	m.days = usageRange
	if text := r.Param("days"); text != "" {
		if m.days, err = strconv.Atoi(text); err != nil || !slices.Contains(usageRanges, m.days) {
			return m, credential.InvalidField("days", "must be 7, 28 or 90")
		}
	}
	m.Organization, m.Most = r.Principal.Organization, authority.MostUsageDays
	m.To = c.authority.Now().UTC().Truncate(24 * time.Hour)
	m.From = m.To.AddDate(0, 0, 1-m.days)
	if text := r.Param("project"); text != "" {
		id, err := authority.ParseID(text)
		if err != nil {
			return m, credential.Errorf(credential.NotFound, "no such project")
		}
		m.Project = &store.ProjectRef{ID: id}
	}
	switch r.Param("measure") {
	case "", "requests":
	case "coins":
		m.coins = true
	default:
		return m, credential.InvalidField("measure", "must be requests or coins")
	}
	return m, nil
}

func (c *console) requests(r *edge.Request, _ edge.None) (edge.Page, error) {
	m, err := c.measured(r)
	if err != nil {
		return edge.Page{}, err
	}
	l := listed(r, "Requests", base(r)+"/usage/requests", "days", "project", "measure")
	p := requestsPage{Coins: m.coins, Days: day(m.From) + " to " + day(m.To), Export: l.with("measure", ""), Tabs: usageTabs(r)}
	p.Export = strings.Replace(p.Export, "/usage/requests", "/usage/requests/export.csv", 1)
	for _, days := range usageRanges {
		p.Ranges = append(p.Ranges, tab{Title: strconv.Itoa(days) + " days", To: l.with("days", strconv.Itoa(days)), Current: days == m.days})
	}
	p.Measures = []tab{{Title: "Requests", To: l.with("measure", ""), Current: !m.coins}, {Title: "Coins", To: l.with("measure", "coins"), Current: m.coins}}
	for _, name := range []string{"days", "measure"} {
		if value := r.Param(name); value != "" {
			p.Kept = append(p.Kept, pair{name, value})
		}
	}
	if err := c.usedProjects(r, &p); err != nil {
		return edge.Page{}, err
	}
	if err := c.fillRequests(r, &m, &p); err != nil {
		return edge.Page{}, err
	}
	return c.render(r, "requests", page{Title: "Requests", Body: p})
}

// usageTabs are the pages about usage.
func usageTabs(r *edge.Request) []tab {
	to, path := base(r)+"/usage", r.URL.Path
	requests, budgets := below(path, to+"/requests"), below(path, base(r)+"/budgets")
	list := []tab{{Title: "Coins of a project", To: to, Current: !requests && !budgets}, {Title: "Requests", To: to + "/requests", Current: requests}}
	if r.Principal.Role.Manages() {
		list = append(list, tab{Title: "Budgets", To: base(r) + "/budgets", Current: budgets})
	}
	return list
}

// usedProjects lists the projects to choose from.
func (c *console) usedProjects(r *edge.Request, p *requestsPage) error {
	list, err := c.authority.Projects(r.Context(), &r.Principal, r.Principal.Organization, uuid.Nil, mostRows)
	p.Projects = []choice{{Title: "All that you see"}}
	for i := range list {
		p.Projects = append(p.Projects, choice{Value: list[i].ID.String(), Title: list[i].Name})
	}
	chosen(r.Param("project"), p.Projects)
	return err
}

// fillRequests reads what there was.
func (c *console) fillRequests(r *edge.Request, m *measured, p *requestsPage) error {
	var credentials, routes, outcomes []store.Usage
	for _, want := range []struct {
		by   store.Dimension
		into *[]store.Usage
	}{{store.ByCredential, &credentials}, {store.ByResource, &routes}, {store.ByOutcome, &outcomes}} {
		req := m.UsageRequest
		req.By, req.Limit = []store.Dimension{want.by}, mostParts
		rows, err := c.authority.UsageRows(r.Context(), &r.Principal, req)
		if err != nil {
			return err
		}
		p.Cut = p.Cut || len(rows) == mostParts
		slices.SortStableFunc(rows, func(a, b store.Usage) int { return cmp.Compare(m.of(&b), m.of(&a)) })
		*want.into = rows
	}
	total := totalOf(outcomes)
	p.Total, p.Paid = grouped(total.Requests), grouped(total.Coins)
	p.Routes, p.Outcomes = partsOf(m, routes), partsOf(m, outcomes)
	p.refusals(outcomes, total.Requests)
	names, err := c.namesOf(r, credentials)
	if err != nil {
		return err
	}
	p.Credentials = partsOf(m, credentials)
	for i := range p.Credentials {
		p.Credentials[i].Name, p.Credentials[i].To = names[i].Title, names[i].To
	}
	if p.Before, err = c.compared(r, m, total.Requests); err != nil {
		return err
	}
	p.Plot, err = c.stackOf(r, m, credentials, names)
	return err
}

func totalOf(rows []store.Usage) (total store.Usage) {
	for i := range rows {
		total.Requests += rows[i].Requests
		total.Coins += rows[i].Coins
	}
	return total
}

// partsOf are the largest rows.
func partsOf(m *measured, rows []store.Usage) (list []part) {
	total := totalOf(rows)
	all := max(1, m.of(&total))
	for i := range rows[:min(len(rows), shownParts)] {
		u := &rows[i]
		percent := strconv.FormatFloat(float64(m.of(u))*100/float64(all), 'f', 1, 64) + " %"
		list = append(list, part{Name: u.Keys[0], Requests: grouped(u.Requests), Coins: grouped(u.Coins), Percent: percent, Bar: int(m.of(u) * 1000 / all)})
	}
	return list
}

// refusals says how much of all was refused, and mostly why.
func (p *requestsPage) refusals(outcomes []store.Usage, all int64) {
	refused, why := int64(0), store.Usage{}
	for _, o := range outcomes {
		if name := o.Keys[0]; name == "ok" || name == "2xx" || name == "3xx" {
			continue
		}
		refused += o.Requests
		if o.Requests > why.Requests {
			why = o
		}
	}
	p.Refused, p.Reason = "0 %", "Nothing was refused."
	if refused > 0 {
		p.Refused = strconv.FormatFloat(float64(refused)*100/float64(all), 'f', 1, 64) + " %"
		p.Reason = grouped(refused) + " in all, " + grouped(why.Requests) + " of them " + outcomeWord(why.Keys[0]) + "."
	}
}

// outcomeWord says what became of a request.
func outcomeWord(outcome string) string {
	switch outcome {
	case "4xx":
		return "answered with an error of the caller (4xx)"
	case "5xx":
		return "answered with an error of ours (5xx)"
	}
	return strings.ReplaceAll(outcome, "_", " ")
}

// compared says how many requests there were before the days that are shown, in
// as many.
func (c *console) compared(r *edge.Request, m *measured, now int64) (string, error) {
	req := m.UsageRequest
	req.From, req.To, req.By, req.Limit = req.From.AddDate(0, 0, -m.days), req.From.AddDate(0, 0, -1), []store.Dimension{store.ByOutcome}, mostParts
	rows, err := c.authority.UsageRows(r.Context(), &r.Principal, req)
	before := totalOf(rows).Requests
	switch {
	case err != nil:
		return "", err
	case before == 0:
		return "There was none in the " + strconv.Itoa(m.days) + " days before.", nil
	case now >= before:
		return grouped((now-before)*100/before) + " % more than in the " + strconv.Itoa(m.days) + " days before.", nil
	}
	return grouped((before-now)*100/before) + " % fewer than in the " + strconv.Itoa(m.days) + " days before.", nil
}

// namesOf are the names of the largest, with their pages.
func (c *console) namesOf(r *edge.Request, rows []store.Usage) ([]link, error) {
	names := make([]link, min(len(rows), shownParts))
	for i := range names {
		id, err := uuid.Parse(rows[i].Keys[0])
		if err != nil {
			return nil, err
		}
		names[i] = link{Title: id.String()}
		if id == uuid.Nil {
			names[i].Title = "Without a credential"
			continue
		}
		d, err := c.authority.Get(r.Context(), &r.Principal, id)
		if err != nil || d.Credential == nil {
			continue // it is counted, and can't be looked at any more
		}
		names[i].Title = d.Credential.Name
		if d.Credential.Scheme.Group() == "bunship" && r.Principal.Role.Manages() {
			names[i].To = base(r) + "/keys/" + id.String()
		}
	}
	return names, nil
}

func (c *console) exportRequests(r *edge.Request, _ edge.None) (out edge.Stream, err error) {
	m, err := c.measured(r)
	if err != nil {
		return out, err
	}
	name := "requests-" + m.From.Format(time.DateOnly) + "-" + m.To.Format(time.DateOnly) + ".csv"
	return edge.Table(name, authority.UsageColumns(), c.authority.ExportUsage(&r.Principal, m.UsageRequest)), nil
}
