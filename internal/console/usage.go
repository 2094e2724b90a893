package console

import (
	"crypto/rand"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// usagePage is what a project may spend, and has spent.
type usagePage struct {
	Tabs     []tab    // the pages about usage
	Projects []choice // all that the user sees
	To       string   // the address of the one that is shown
	Writes   bool
	Notice   *notice
	Spending spending
	Log      logPart
	Settings settingsForm
	TopUp    topUpForm
	Problems []trouble
}

// spending is what a budget is, and what it was used for.
type spending struct {
	Name       string // what it is of; empty where there is nothing
	Bounded    bool   // whether there is a budget
	Meter      meter
	Pace       pace
	Calls      string
	ToppedUp   string // empty for none
	Start, End time.Time
	Shares     []share
	Weeks      chart
}

// spendingOf is that of a budget with its cycles, the present one first.
func spendingOf(name string, b *store.Budget, cycles []authority.BudgetCycle, now time.Time) spending {
	s := spending{Name: name, Bounded: b.Active, Start: b.Start(b.Cycle), End: b.ResetsAt(), Calls: grouped(b.Events)}
	if b.ToppedUp > 0 {
		s.ToppedUp = grouped(b.ToppedUp)
	}
	s.Meter, s.Pace, s.Shares, s.Weeks = meterOf(b, now), paceOf(b, now), sharesOf(&cycles[0]), chartOf(cycles)
	return s
}

// notice is a banner about what is left.
type notice struct{ Look, Icon, Strong, Text string }

// meter is how much of a budget is used.
type meter struct {
	Used, Limit, Left, Percent string
	Look                       string // empty, warn or bad
	Fill, Passed               int    // of a thousand: of the coins, and of the week
	Elapsed                    string // the latter in percent
}

// pace is where a week leads to, once a day of it is over.
type pace struct{ Coins, Note string }

// share is what one sort of calls used.
type share struct {
	Operation, Coins, Calls, Percent string
	Bar                              int // of a thousand
}

// logPart are the latest calls of some days.
type logPart struct {
	From, To string
	Rows     []logRow
	Total    string
	More     bool
}

type logRow struct {
	At                             time.Time
	User, Type, Service, Operation string
	Coins                          string
}

// latest is how many calls the page shows.
const latest = 20

// usual is how many days of calls the page shows unless others are chosen.
const usual = 28

func (c *console) usage(r *edge.Request, _ edge.None) (edge.Page, error) {
	named := r.PathValue("project")
	if named == "" {
		named = r.Param("project")
	}
	p := &usagePage{}
	if named == "" {
		if err := c.listProjects(r, p, uuid.Nil); err != nil {
			return edge.Page{}, err
		}
		if len(p.Projects) == 0 {
			p.Tabs = usageTabs(r)
			return c.render(r, "usage", page{Title: "Usage & Billing", Body: p})
		}
		named = p.Projects[0].Value
	}
	id, err := authority.ParseID(named)
	if err != nil {
		return edge.Page{}, credential.Errorf(credential.NotFound, "no such project")
	}
	return c.showUsage(r, id, p)
}

// listProjects lists the projects to choose from, one of which is shown.
func (c *console) listProjects(r *edge.Request, p *usagePage, shown uuid.UUID) error {
	list, err := c.authority.Projects(r.Context(), &r.Principal, r.Principal.Organization, uuid.Nil, mostRows)
	p.Projects = make([]choice, len(list))
	for i := range list {
		p.Projects[i] = choice{Value: list[i].ID.String(), Title: list[i].Name, Checked: list[i].ID == shown}
	}
	return err
}

// showUsage fills a page in, but for what a form has filled in already.
func (c *console) showUsage(r *edge.Request, project uuid.UUID, p *usagePage) (edge.Page, error) {
	u, err := c.authority.ProjectUsage(r.Context(), &r.Principal, r.Principal.Organization, project, limit.ShownCycles)
	if err == nil {
		err = c.listProjects(r, p, project)
	}
	if err != nil {
		return edge.Page{}, err
	}
	now := c.authority.Now()
	p.Tabs, p.To, p.Writes = usageTabs(r), base(r)+"/usage/"+project.String(), u.Writes
	p.Spending = spendingOf(u.Project.Name, u.Budget, u.Cycles, now)
	if p.Problems == nil { // of two, the more important
		p.Notice = noticeOf(u, now)
	}
	p.Settings.fill(u)
	p.TopUp.Once = rand.Text()
	if p.Log, err = c.log(r, u.Project); err != nil {
		return edge.Page{}, err
	}
	out, err := c.render(r, "usage", page{Title: "Usage & Billing", Body: p})
	if p.Problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// elapsed is how much of a week is over, from 0 to 1.
func elapsed(b *store.Budget, now time.Time) float64 {
	return min(1, max(0, now.Sub(b.Start(b.Cycle)).Seconds()/limit.Cycle.Seconds()))
}

func meterOf(b *store.Budget, now time.Time) meter {
	m := meter{Used: grouped(b.Used), Limit: grouped(b.Limit()), Left: grouped(b.Remaining()), Percent: "0"}
	if b.Limit() > 0 || b.Used > 0 {
		part := min(1, float64(b.Used)/float64(max(1, b.Limit())))
		m.Fill, m.Percent = int(part*1000), strconv.Itoa(int(part*100))
	}
	switch {
	case b.Remaining() == 0:
		m.Fill, m.Percent, m.Look = 1000, "100", "bad"
	case m.Fill >= 750:
		m.Look = "warn"
	}
	passed := elapsed(b, now)
	m.Passed, m.Elapsed = min(991, int(passed*1000)), strconv.Itoa(int(passed*100))
	return m
}

// forecast is how many coins a week comes to at its pace so far; 0 where that
// can't be told yet.
func forecast(b *store.Budget, now time.Time) int64 {
	if passed := now.Sub(b.Start(b.Cycle)); passed >= 24*time.Hour {
		return int64(math.Round(float64(b.Used) / elapsed(b, now)))
	}
	return 0
}

func paceOf(b *store.Budget, now time.Time) pace {
	if now.Sub(b.Start(b.Cycle)) < 24*time.Hour {
		return pace{"–", "Told once a day of the week is over."}
	}
	return pace{grouped(forecast(b, now)), "coins this week, if it goes on so."}
}

// noticeOf says what somebody should know about a budget; nil for nothing.
func noticeOf(u *authority.ProjectUsage, now time.Time) *notice {
	b := u.Budget
	renewed, coming, then := when(b.ResetsAt()), forecast(b, now), "Whoever administers the project can top it up."
	if u.Writes {
		then = "A top-up lets them go on now."
	}
	switch {
	case !b.Active:
		return &notice{"info", "coin", "No budget.", "Nothing is counted, and nothing bounds what keys of this project do."}
	case b.Remaining() == 0 && b.Overage:
		return &notice{"warn", "warn", "The budget is used up.", "Requests of keys go on beyond it. It is renewed " + renewed + "."}
	case b.Remaining() == 0:
		return &notice{"bad", "pause", "The budget is used up.", "Requests of keys get 429 until it is renewed, " + renewed + ". " + then}
	case b.Used*100 >= b.Limit()*80:
		return &notice{"warn", "warn", "The budget is nearly used up.", grouped(b.Remaining()) + " coins are left until " + renewed + "."}
	case coming > b.Limit():
		return &notice{"warn", "clock", "More than the budget at this pace.", fmt.Sprintf("The week comes to %s coins, %s too many.", grouped(coming), grouped(coming-b.Limit()))}
	}
	return nil
}

func sharesOf(c *authority.BudgetCycle) []share {
	list := make([]share, len(c.Operations))
	for i, t := range c.Operations {
		percent := c.Percent(t)
		list[i] = share{t.Operation, grouped(t.Used), grouped(t.Events), strconv.FormatFloat(percent, 'f', 1, 64) + " %", int(percent * 10)}
	}
	return list
}

// log reads the latest calls of the days that are asked for.
func (c *console) log(r *edge.Request, project *store.Project) (out logPart, err error) {
	req, from, to, err := c.days(r, usual)
	if err != nil {
		return out, err
	}
	req.Organization, req.Project, req.Limit = project.Organization, project.ID, latest
	events, total, err := c.authority.ProjectEvents(r.Context(), &r.Principal, req)
	if err != nil {
		return out, err
	}
	out = logPart{From: from, To: to, Total: grouped(total), More: total > latest}
	if total == store.MostCounted {
		out.Total += " or more"
	}
	for i := range events {
		e := &events[i]
		out.Rows = append(out.Rows, logRow{e.At, e.User, e.Type, e.Service, e.Operation, grouped(e.Coins)})
	}
	return out, nil
}

// days reads which days are asked for, whole ones; else they are so many up to
// today.
func (c *console) days(r *edge.Request, many int) (req authority.EventsRequest, from, to string, err error) {
	today := c.authority.Now().UTC().Truncate(24 * time.Hour)
	req.From, req.Until = today.AddDate(0, 0, 1-many), today
	for name, at := range map[string]*time.Time{"from": &req.From, "to": &req.Until} {
		if text := r.Param(name); text != "" {
			if *at, err = time.Parse(time.DateOnly, text); err != nil || at.Year() < 1970 {
				return req, "", "", credential.InvalidField(name, "choose a day, such as 2030-01-31")
			}
		}
	}
	from, to = req.From.Format(time.DateOnly), req.Until.Format(time.DateOnly)
	req.Until = req.Until.AddDate(0, 0, 1)
	return req, from, to, nil
}

func (c *console) exportUsage(r *edge.Request, _ edge.None) (out edge.Stream, err error) {
	project, err := authority.ParseID(r.PathValue("project"))
	if err != nil {
		return out, credential.Errorf(credential.NotFound, "no such project")
	}
	req, from, to, err := c.days(r, int(authority.MostExported/(24*time.Hour)))
	if err != nil {
		return out, err
	}
	req.Organization, req.Project = r.Principal.Organization, project
	next, err := c.authority.ExportEvents(r.Context(), &r.Principal, req)
	if err != nil {
		return out, err
	}
	return edge.Table("usage-"+from+"-"+to+".csv", authority.EventColumns(), authority.EventLines(next)), nil
}
