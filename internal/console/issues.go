package console

import (
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// issueFilters are the parameters of the list of issues.
var issueFilters = []string{"category", "q", "status", "priority", "assignee", "tag"}

// undone is the status by which a page lists what somebody has yet to see to.
const undone = "not_done"

// issuesPage lists issues.
type issuesPage struct {
	workBase
	Listing *listing
	Rows    []issueRow
	Empty   bool // there is none at all
	Reports bool
}

// issueRow is an issue in a list.
type issueRow struct {
	Number          int64
	Title, To       string
	Kind            string
	Status          chip
	Priority        chip
	Tags            []store.TagHead
	Assignee        string
	Reporter        string
	Created, Change moment
}

// kinds are what categories are called.
var kinds = map[string]string{workspace.Bug: "Bug", workspace.FeatureRequest: "Feature request", workspace.Question: "Question"}

// state says how an issue is.
func state(i *store.Issue) chip {
	word := worded(i.Status)
	if i.Stage != "" {
		word = worded(i.Stage)
	}
	switch i.Status {
	case workspace.Open:
		return chip{"info", "dot", word}
	case "in_progress":
		return chip{"info", "play", word}
	case "needs_more_info":
		return chip{"warn", "info", word}
	case workspace.Resolved:
		return chip{"ok", "check", word}
	}
	return chip{"", "ban", word}
}

// urgency says how much something matters.
func urgency(priority string) chip {
	switch priority {
	case "critical":
		return chip{"bad", "urgent", "Critical"}
	case "high":
		return chip{"warn", "up", "High"}
	case "medium":
		return chip{"", "level", "Medium"}
	}
	return chip{"", "below", worded(priority)}
}

func (c *console) issueRow(w *workplace, i *store.Issue) issueRow {
	return issueRow{Number: i.Number, Title: i.Title, To: w.to("/issues/" + itoa(i.Number)), Kind: kinds[i.Category], Status: state(i), Priority: urgency(i.Priority), Tags: i.Tags,
		Assignee: i.Assignee.Name, Reporter: reporter(i), Created: c.momentOf(i.CreatedAt), Change: c.momentOf(i.UpdatedAt)}
}

// reporter names who reported an issue.
func reporter(i *store.Issue) string {
	switch {
	case i.Reporter.Name != "":
		return i.Reporter.Name
	case i.Reporter.Virtual:
		return "a person who was forgotten"
	}
	return "a program"
}

// writesIssues reports whether the reader may report at least one kind of issue.
func (w *workplace) writesIssues() bool {
	return w.writes(credential.BugReportsCreate) || w.writes(credential.FeatureRequestsCreate) || w.writes(credential.SupportTicketsCreate)
}

func (c *console) issues(r *edge.Request, _ edge.None) (edge.Page, error) {
	w, err := c.work(r)
	if err != nil {
		return edge.Page{}, err
	}
	people, err := c.workspace.Assignable(r.Context(), &r.Principal, w.ref)
	if err != nil {
		return edge.Page{}, err
	}
	tags, err := c.workspace.Tags(r.Context(), &r.Principal, w.ref)
	if err != nil {
		return edge.Page{}, err
	}
	f := store.IssueFilter{Category: r.Param("category"), Status: r.Param("status"), Priority: r.Param("priority"), Limit: perPage + 1}
	if f.Category != "" && kinds[f.Category] == "" {
		return edge.Page{}, credential.InvalidField("category", "must be bug, feature_request or question")
	}
	if f.Status == undone {
		f.Status, f.Undone = "", true
	}
	if f.Before, err = afterNumber(r); err != nil {
		return edge.Page{}, err
	}
	if f.Assignee, err = personNumbered(people, r.Param("assignee")); err != nil {
		return edge.Page{}, err
	}
	if tag := r.Param("tag"); tag != "" {
		n, err := strconv.ParseInt(tag, 10, 64)
		if err != nil {
			return edge.Page{}, credential.InvalidField("tag", "must be the number of a tag")
		}
		f.Tags = []int64{n}
	}
	found, err := c.workspace.SearchIssues(r.Context(), &r.Principal, w.ref, r.Param("q"), f)
	if err != nil {
		return edge.Page{}, err
	}
	p := issuesPage{workBase: w.base(), Listing: issueListing(r, w, people, tags), Reports: w.writesIssues()}
	found, more := cut(found)
	for i := range found {
		p.Rows = append(p.Rows, c.issueRow(w, &found[i]))
	}
	if more {
		p.Listing.after(true, itoa(found[len(found)-1].Number))
	}
	p.Empty = len(found) == 0 && !p.Listing.Asked && f.Before == 0
	return c.showWork(r, w, "issues", page{Title: "Issues", Body: p})
}

// issueListing is what stands around the list of issues.
func issueListing(r *edge.Request, w *workplace, people []store.Person, tags []store.Tag) *listing {
	l := listed(r, "Issues", w.to("/issues"), issueFilters...)
	l.tab("All", "category", "", 0)
	l.tab("Bugs", "category", workspace.Bug, 0)
	l.tab("Feature requests", "category", workspace.FeatureRequest, 0)
	l.tab("Questions", "category", workspace.Question, 0)
	l.search("Search issues")
	l.filter("status", "Status", choicesOf("Any status", append([]string{undone}, workspace.Statuses()...))...)
	l.filter("priority", "Priority", choicesOf("Any priority", mostFirst(workspace.Priorities()))...)
	who := []choice{{Title: "Anybody"}}
	for _, p := range people {
		who = append(who, choice{Value: itoa(p.Number), Title: clipped(p.Name, 40)})
	}
	l.filter("assignee", "Assigned to", who...)
	if len(tags) > 0 {
		list := []choice{{Title: "Any tag"}}
		for i := range tags {
			list = append(list, choice{Value: itoa(tags[i].Number), Title: clipped(tags[i].Name, 40)})
		}
		l.filter("tag", "Tag", list...)
	}
	return l
}

// personNumbered finds somebody among those to choose from, by the number; Nil
// for nobody.
func personNumbered(people []store.Person, number string) (uuid.UUID, error) {
	if number == "" {
		return uuid.Nil, nil
	}
	i := slices.IndexFunc(people, func(p store.Person) bool { return itoa(p.Number) == number })
	if i < 0 {
		return uuid.Nil, credential.InvalidField("assignee", "no such member of the project")
	}
	return people[i].ID, nil
}

// issueForm is the form of a new issue, as it is filled in.
type issueForm struct {
	workBase
	Once, Title, Description, Steps string
	Category                        string
	Kinds                           []tab
	Priorities, People              []choice
	Fields                          []fieldRow
	Problems                        []trouble
}

// fieldRow is a field of the project's own.
type fieldRow struct {
	Ident, Name, Type, Value string
	Required                 bool
	Choices                  []choice
}

// Problem finds what is wrong with a field.
func (f issueForm) Problem(field string) *trouble { return problemOf(f.Problems, field) }

func (c *console) newIssue(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showIssueForm(r, issueForm{Category: r.Param("category")}, edge.Values{"priority": "medium"})
}

// showIssueForm shows the form of a new issue, with what was typed into it.
func (c *console) showIssueForm(r *edge.Request, f issueForm, in edge.Values) (edge.Page, error) {
	w, err := c.work(r)
	if err == nil {
		err = c.workspace.MayCreateIssue(r.Context(), &r.Principal, w.ref)
	}
	if err == nil && !w.ArchivedAt.IsZero() {
		err = credential.Errorf(credential.Conflict, "the project is archived; restore it first")
	}
	if err != nil {
		return edge.Page{}, err
	}
	if kinds[f.Category] == "" {
		f.Category = workspace.Bug
	}
	people, err := c.workspace.Assignable(r.Context(), &r.Principal, w.ref)
	if err != nil {
		return edge.Page{}, err
	}
	fields, err := c.workspace.CustomFields(r.Context(), &r.Principal, w.ref, workspace.AppliesTo(f.Category))
	if err != nil {
		return edge.Page{}, err
	}
	f.workBase, f.Once = w.base(), or(in["once"], newOnce())
	f.Title, f.Description, f.Steps = in["title"], in["description"], in["steps"]
	for _, category := range workspace.Categories() {
		f.Kinds = append(f.Kinds, tab{Title: kinds[category], To: w.to("/issues/new?category=" + category), Current: category == f.Category})
	}
	f.Priorities = chosen(or(in["priority"], "medium"), choicesOf("", mostFirst(workspace.Priorities()))[1:])
	f.People = chosen(in["assignee"], peopleToChoose(people))
	for i := range fields {
		f.Fields = append(f.Fields, fieldOf(&fields[i], in))
	}
	out, err := c.showWork(r, w, "newissue", page{Title: "New issue", Body: f})
	if f.Problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

func peopleToChoose(people []store.Person) []choice {
	list := []choice{{Title: "Nobody"}}
	for _, p := range people {
		list = append(list, choice{Value: itoa(p.Number), Title: clipped(p.Name, 60)})
	}
	return list
}

// fieldOf shows a field of the project's own, with what was typed into it.
func fieldOf(f *store.CustomField, in edge.Values) fieldRow {
	row := fieldRow{Ident: "custom." + f.Ident, Name: f.Name, Type: f.Type, Required: f.Required, Value: in["custom."+f.Ident]}
	switch f.Type {
	case "select":
		row.Choices = chosen(row.Value, namesFor("Choose", f.Options, ""))
	case "boolean":
		row.Choices = chosen(row.Value, []choice{{Title: "Choose"}, {Value: "true", Title: "Yes"}, {Value: "false", Title: "No"}})
	}
	return row
}

func (c *console) createIssue(r *edge.Request, in edge.Values) (edge.Page, error) {
	repeat, err := c.repeat(r, in)
	if err != nil {
		return edge.Page{}, err
	}
	w, err := c.work(r)
	if err != nil {
		return edge.Page{}, err
	}
	plainLines(in)
	draft := workspace.IssueDraft{Category: in["category"], Title: in["title"], Description: in["description"], Steps: in["steps"], Priority: in["priority"], Source: "console", Repeat: repeat}
	for name, value := range in {
		if ident, is := strings.CutPrefix(name, "custom."); is {
			if draft.Custom == nil {
				draft.Custom = map[string]string{}
			}
			draft.Custom[ident] = value
		}
	}
	if in["assignee"] != "" {
		if draft.Assignee, err = strconv.ParseInt(in["assignee"], 10, 64); err != nil {
			return edge.Page{}, credential.InvalidField("assignee", "no such member of the project")
		}
	}
	made, err := c.workspace.CreateIssue(r.Context(), &r.Principal, w.ref, draft)
	if problems := workTroubles(err); problems != nil {
		in["once"] = "" // another try is another form
		return c.showIssueForm(r, issueForm{Category: in["category"], Problems: problems}, in)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.done(r, w.to("/issues/"+itoa(made.Number)), "reported")
}
