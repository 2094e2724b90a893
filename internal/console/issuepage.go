package console

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// newOnce tells a form from all others.
func newOnce() string { return rand.Text() }

// workTroubles are what somebody can mend in a form of the workspace; nil for
// any other error. Who may not do it can't mend it.
func workTroubles(err error) []trouble {
	if errors.Is(err, credential.Forbidden) {
		return nil
	}
	list := troubles(err)
	var e *credential.Error
	if list == nil || !errors.As(err, &e) {
		return nil
	}
	switch {
	case strings.HasPrefix(e.Field, "custom."), strings.HasPrefix(e.Field, "steps."):
		list[0].Field = e.Field
	case e.Field == "assigned_to_id":
		list[0].Field = "assignee"
	}
	return list
}

// issuePage shows an issue.
type issuePage struct {
	workBase
	Issue       issueRow
	Description string
	Steps       []string
	Facts       []fact
	Media       []fileRow
	Comments    []commentRow
	More        bool // comments that aren't shown
	Writes      bool
	Once        string
	Comment     string // as it is typed
	Statuses    []choice
	Priorities  []choice
	People      []choice
	Problems    []trouble
}

// Problem finds what is wrong with a field.
func (p issuePage) Problem(field string) *trouble { return problemOf(p.Problems, field) }

type commentRow struct {
	Author, Body string
	At           moment
}

// mostComments bounds how many comments the page of an issue shows.
const mostComments = 200

func (c *console) issue(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showIssue(r, edge.Values{}, nil)
}

// issueIn reads which issue the path names.
func (c *console) issueIn(r *edge.Request) (w *workplace, ref workspace.IssueRef, err error) {
	if w, err = c.work(r); err != nil {
		return nil, ref, err
	}
	ref.Project = w.ref
	ref.Number, err = numberIn(r, "issue", "")
	return w, ref, err
}

// showIssue shows an issue, with what was typed into its forms.
func (c *console) showIssue(r *edge.Request, in edge.Values, problems []trouble) (edge.Page, error) {
	w, ref, err := c.issueIn(r)
	if err != nil {
		return edge.Page{}, err
	}
	i, err := c.workspace.Issue(r.Context(), &r.Principal, ref)
	if err != nil {
		return edge.Page{}, err
	}
	comments, err := c.workspace.Comments(r.Context(), &r.Principal, ref)
	if err != nil {
		return edge.Page{}, err
	}
	media, err := c.workspace.Media(r.Context(), &r.Principal, ref, "")
	if err != nil {
		return edge.Page{}, err
	}
	p := issuePage{workBase: w.base(), Issue: c.issueRow(w, i), Description: i.Description, Facts: c.issueFacts(i), Writes: w.writes(credential.IssuesWrite), Once: newOnce(),
		Comment: in["body"], More: len(comments) > mostComments, Problems: problems}
	for line := range strings.Lines(i.Steps) {
		if line = strings.TrimSpace(line); line != "" {
			p.Steps = append(p.Steps, line)
		}
	}
	for k := range comments[:min(len(comments), mostComments)] {
		p.Comments = append(p.Comments, commentRow{comments[k].Author.Name, comments[k].Body, c.momentOf(comments[k].CreatedAt)})
	}
	for k := range media {
		m := &media[k]
		p.Media = append(p.Media, fileRow{Name: m.Name, To: p.Issue.To + "/media/" + itoa(m.Number), Size: bytesText(m.Size), Kind: worded(m.Kind),
			Picture: strings.HasPrefix(m.Type, "image/")})
	}
	if p.Writes {
		people, err := c.workspace.Assignable(r.Context(), &r.Principal, w.ref)
		if err != nil {
			return edge.Page{}, err
		}
		p.offer(people, i, in)
	}
	out, err := c.showWork(r, w, "issue", page{Title: i.Title, Body: p})
	if problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// offer fills in what may be chosen for an issue.
func (p *issuePage) offer(people []store.Person, i *store.Issue, in edge.Values) {
	status, statuses := statusOf(i)
	assignee := ""
	if i.Assignee.Number != 0 {
		assignee = itoa(i.Assignee.Number)
		if !slices.ContainsFunc(people, func(p store.Person) bool { return p.ID == i.Assignee.ID }) {
			people = append(people, i.Assignee)
		}
	}
	if _, sent := in["status"]; sent {
		assignee = in["assignee"]
	}
	p.Statuses = chosen(or(in["status"], status), choicesOf("", statuses)[1:])
	p.Priorities = chosen(or(in["priority"], i.Priority), choicesOf("", mostFirst(workspace.Priorities()))[1:])
	p.People = chosen(assignee, peopleToChoose(people))
}

// statusOf is what an issue is chosen by to be, and among what.
func statusOf(i *store.Issue) (is string, of []string) {
	if i.Category == workspace.FeatureRequest {
		return i.Stage, workspace.Stages()
	}
	return i.Status, workspace.Statuses()
}

// issueFacts are what else there is to say of an issue.
func (c *console) issueFacts(i *store.Issue) []fact {
	list := []fact{{Title: "Reported", Text: when(i.CreatedAt) + ", by " + reporter(i)}}
	add := func(title, text string) {
		if text != "" {
			list = append(list, fact{Title: title, Text: text})
		}
	}
	if !i.UpdatedAt.Equal(i.CreatedAt) {
		add("Changed", when(i.UpdatedAt))
	}
	if !i.ResolvedAt.IsZero() {
		add("Resolved", when(i.ResolvedAt))
	}
	add("Release", i.Release.Label)
	add("Source", i.Source)
	var custom map[string]string
	_ = json.Unmarshal([]byte(i.Custom), &custom) // of a damaged row nothing is shown
	for _, name := range slices.Sorted(maps.Keys(custom)) {
		add(name, custom[name])
	}
	return list
}

func (c *console) changeIssue(r *edge.Request, in edge.Values) (edge.Page, error) {
	w, ref, err := c.issueIn(r)
	if err != nil {
		return edge.Page{}, err
	}
	i, err := c.workspace.Issue(r.Context(), &r.Principal, ref)
	if err != nil {
		return edge.Page{}, err
	}
	var change workspace.IssueChange
	status, _ := statusOf(i)
	if in["status"] != status {
		value := in["status"]
		change.Status = &value
	}
	if in["priority"] != i.Priority {
		value := in["priority"]
		change.Priority = &value
	}
	assignee, err := strconv.ParseInt(or(in["assignee"], "0"), 10, 64)
	if err != nil {
		return edge.Page{}, credential.InvalidField("assignee", "no such member of the project")
	}
	if assignee != i.Assignee.Number {
		change.Assignee = &assignee
	}
	to := w.to("/issues/" + itoa(i.Number))
	if change.Status == nil && change.Priority == nil && change.Assignee == nil && w.writes(credential.IssuesWrite) {
		return c.moveTo(r, to) // nothing to do
	}
	_, err = c.workspace.UpdateIssue(r.Context(), &r.Principal, ref, change)
	if problems := workTroubles(err); problems != nil {
		return c.showIssue(r, in, problems)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.done(r, to, "saved")
}

func (c *console) comment(r *edge.Request, in edge.Values) (edge.Page, error) {
	repeat, err := c.repeat(r, in)
	if err != nil {
		return edge.Page{}, err
	}
	plainLines(in)
	w, ref, err := c.issueIn(r)
	if err != nil {
		return edge.Page{}, err
	}
	_, err = c.workspace.Comment(r.Context(), &r.Principal, ref, workspace.CommentRequest{Body: in["body"], Repeat: repeat})
	if problems := workTroubles(err); problems != nil {
		return c.showIssue(r, edge.Values{"body": in["body"]}, problems)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.done(r, w.to("/issues/"+itoa(ref.Number)), "commented")
}

func (c *console) issueFile(r *edge.Request, _ edge.None) (out edge.File, err error) {
	_, ref, err := c.issueIn(r)
	if err != nil {
		return out, err
	}
	number, err := numberIn(r, "file", "")
	if err != nil {
		return out, err
	}
	a, content, err := c.workspace.OpenMedia(r.Context(), &r.Principal, workspace.Medium{Issue: ref, Number: number})
	if err != nil {
		return out, err
	}
	return edge.FileOf(a, content), nil
}
