package console

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// mostProse bounds a form that holds what people write, in bytes.
const mostProse = 2 << 20

// perPage is how many rows a page of a list has.
const perPage = 50

// workRoutes are the pages of the workspace. Who may do what in a project is
// for the workspace to say.
func (c *console) workRoutes() []edge.Route {
	const project = organization + "/projects/{project}"
	const issue, test, cycle, run = project + "/issues/{issue}", project + "/test-cases/{case}", project + "/cycles/{cycle}", project + "/runs/{run}"
	any := edge.Authenticated
	return []edge.Route{
		shows(project, any, c.overview, "branch"),

		shows(project+"/issues", any, c.issues, append([]string{"after"}, issueFilters...)...),
		shows(project+"/issues/new", any, c.newIssue, "category"),
		edge.Form(project+"/issues", any, mostProse, c.sentAnd(c.createIssue)),
		shows(issue, any, c.issue),
		edge.Form(issue, any, most, c.sentAnd(c.changeIssue)),
		edge.Form(issue+"/comments", any, mostProse, c.sentAnd(c.comment)),
		edge.Get(issue+"/media/{file}", any, c.issueFile),

		shows(project+"/test-cases", any, c.testCases, append([]string{"after"}, caseFilters...)...),
		shows(project+"/test-cases/new", any, c.newCase),
		edge.Form(project+"/test-cases/new", any, mostProse, c.sentAnd(c.createCase)),
		shows(test, any, c.testCase),
		shows(test+"/edit", any, c.editCase),
		edge.Form(test+"/edit", any, mostProse, c.sentAnd(c.changeCase)),
		shows(test+"/versions/{version}", any, c.caseVersion),

		shows(project+"/cycles", any, c.cycles, "status", "after"),
		shows(cycle, any, c.cycle, "status", "after"),
		edge.Form(cycle+"/results", any, most, c.sentAnd(c.setExecution)),

		shows(project+"/runs", any, c.runs, append([]string{"after"}, runFilters...)...),
		shows(run, any, c.run, append([]string{"after"}, resultFilters...)...),
		shows(run+"/results/{position}", any, c.result),
		edge.Get(run+"/files/{file}", any, c.runFile),

		shows(project+"/tests", any, c.tests, append([]string{"after"}, testFilters...)...),
		shows(project+"/tests/{test}", any, c.test),
	}
}

// workplace is the project that a page is about, and what its reader may do.
type workplace struct {
	*store.Project
	ref store.ProjectRef
	at  *place
	may credential.PermissionSet
}

// work finds the project in the path, if the user sees it.
func (c *console) work(r *edge.Request) (*workplace, error) {
	id, err := authority.ParseID(r.PathValue("project"))
	if err != nil {
		return nil, credential.Errorf(credential.NotFound, "no such project")
	}
	p, may, err := c.workspace.Access(r.Context(), &r.Principal, r.Principal.Organization, id)
	if err != nil {
		return nil, err
	}
	return &workplace{p, store.ProjectRef{ID: id}, placeOf(r, p), may}, nil
}

// to is where a page of the project is.
func (w *workplace) to(path string) string { return w.at.Base + path }

// writes reports whether the page shows a form for what takes a permission.
func (w *workplace) writes(p credential.Permission) bool {
	return w.ArchivedAt.IsZero() && w.may.Has(p)
}

// base is what all pages about a project hold.
func (w *workplace) base() workBase { return workBase{To: w.at.Base, Archived: !w.ArchivedAt.IsZero()} }

type workBase struct {
	To       string // where the pages of the project begin
	Archived bool
}

// showWork writes a page about a project.
func (c *console) showWork(r *edge.Request, w *workplace, name string, p page) (edge.Page, error) {
	p.Project = w.at
	return c.render(r, name, p)
}

// repeat makes a form one that is done once, however often it is sent.
func (c *console) repeat(r *edge.Request, in edge.Values) (*workspace.Repeat, error) {
	once, err := sentOnce(in)
	if err != nil {
		return nil, err
	}
	return &workspace.Repeat{Key: once.Key, Body: once.Body}, nil
}

// numberIn reads the number of something in the path, behind a prefix.
func numberIn(r *edge.Request, name, prefix string) (int64, error) {
	n, ok := authority.ParseNumber(r.PathValue(name), prefix)
	if !ok {
		return 0, credential.Errorf(credential.NotFound, "no such %s", name)
	}
	return n, nil
}

// afterNumber reads which item the page of a list comes behind; 0 is the first page.
func afterNumber(r *edge.Request) (int64, error) {
	text := r.Param("after")
	if text == "" {
		return 0, nil
	}
	n, ok := authority.ParseNumber(text, "")
	if !ok {
		return 0, credential.InvalidField("after", "must be a number that a link to the next page has")
	}
	return n, nil
}

// cut returns the items of a page, one more of which was asked for, and whether
// there are more.
func cut[T any](list []T) ([]T, bool) {
	return list[:min(len(list), perPage)], len(list) > perPage
}

// moment is when something was, for people and for programs.
type moment struct{ Ago, At, ISO string }

func (c *console) momentOf(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	m := moment{Ago: ago(c.authority.Now(), t), At: t.UTC().Format("2 Jan 2006, 15:04"), ISO: t.UTC().Format(time.RFC3339)}
	if m.Ago == day(t) { // no news in the line below it
		m.At = t.UTC().Format("15:04 UTC")
	}
	return m
}

// spent says how long something took.
func spent(d time.Duration) string {
	switch {
	case d <= 0:
		return "–"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// counted writes how many there are of something that has a plural in s.
func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}

// worded makes words of a value of the API, as in in_progress.
func worded(value string) string {
	if value == "wont_fix" {
		return "Won’t fix"
	}
	return titled(strings.ReplaceAll(value, "_", " "))
}

// choicesOf are values to choose from, behind one that stands for any.
func choicesOf(any string, values []string) []choice {
	list := []choice{{Title: any}}
	for _, value := range values {
		list = append(list, choice{Value: value, Title: worded(value)})
	}
	return list
}

// namesFor are names to choose from, behind one that stands for any. One that is
// chosen is among them, whatever else there is.
func namesFor(any string, names []string, chosen string) []choice {
	list, there := []choice{{Title: any}}, chosen == ""
	for _, name := range names {
		list, there = append(list, choice{Value: name, Title: clipped(name, 60)}), there || name == chosen
	}
	if !there {
		list = append(list, choice{Value: chosen, Title: clipped(chosen, 60)})
	}
	return list
}

// clipped is the beginning of a text, in characters.
func clipped(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// outside returns an address that a page may link to: of the web, and nothing
// that runs.
func outside(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return u.String()
}

// plainLines ends the lines of what was typed into a form as everybody else does.
func plainLines(in edge.Values) {
	for name, value := range in {
		in[name] = strings.ReplaceAll(value, "\r\n", "\n")
	}
}
