package betahub

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// issue is an issue as it is shown.
type issue struct {
	ID           int64          `json:"id"`
	ScopedID     string         `json:"scoped_id"`
	ProjectID    string         `json:"project_id"`
	Category     string         `json:"category"`
	Title        string         `json:"title"`
	Description  string         `json:"description"`
	Status       string         `json:"status"`
	Priority     string         `json:"priority"`
	Score        *float64       `json:"score"`
	Steps        []step         `json:"steps_to_reproduce"`
	Custom       jsontext.Value `json:"custom"`
	Source       *string        `json:"source"`
	Release      *releaseRef    `json:"release"`
	AssignedToID *int64         `json:"assigned_to_id"`
	AssignedTo   person         `json:"assigned_to"`
	ReportedBy   reporter       `json:"reported_by"`
	Duplicate    *struct{}      `json:"potential_duplicate"`
	Tags         []tagRef       `json:"tags"`
	CreatedAt    time.Time      `json:"created_at"`
	UpdatedAt    time.Time      `json:"updated_at"`
	ResolvedAt   *time.Time     `json:"resolved_at"`
	URL          string         `json:"url"`
	Token        string         `json:"token,omitempty"` // to who reported it by a project's credential
}

// report is a new issue as a request tells of it.
type report struct {
	*issueBody
	from  workspace.Claim
	files []edge.UploadedFile
}

// person is a user; nobody has null for both.
type person struct {
	ID   *int64  `json:"id"`
	Name *string `json:"name"`
}

type reporter struct {
	person
	Virtual bool `json:"virtual"`
}

type releaseRef struct {
	ID    int64  `json:"id"`
	Label string `json:"label"`
}

func personOf(p store.Person) person {
	if p.Number == 0 {
		return person{}
	}
	if p.Name == "" {
		p.Name = "deleted"
	}
	return person{&p.Number, &p.Name}
}

func (h *handlers) issueOf(project int64, i *store.Issue) issue {
	out := issue{
		ID: i.Number, ScopedID: fmt.Sprintf("g-%d", i.Number), ProjectID: projectID(project), Category: i.Category, Title: i.Title,
		Description: i.Description, Status: i.Status, Priority: i.Priority, Steps: []step{}, Custom: jsontext.Value(i.Custom),
		AssignedTo: personOf(i.Assignee), ReportedBy: reporter{personOf(i.Reporter), i.Reporter.Virtual},
		Tags: tagsOf(i.Tags), CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt, URL: fmt.Sprintf("%s/issues/%d", h.address(project), i.Number),
	}
	out.AssignedToID = out.AssignedTo.ID
	if !out.Custom.IsValid() { // which only a damaged row isn't
		out.Custom = jsontext.Value("{}")
	}
	if i.Category == workspace.FeatureRequest {
		out.ScopedID = fmt.Sprintf("fr-%d", i.Number)
	}
	for line := range strings.SplitSeq(i.Steps, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out.Steps = append(out.Steps, step{line})
		}
	}
	if i.Source != "" {
		out.Source = &i.Source
	}
	if i.Release.Number != 0 {
		out.Release = &releaseRef{i.Release.Number, i.Release.Label}
	}
	if !i.ResolvedAt.IsZero() {
		out.ResolvedAt = &i.ResolvedAt
	}
	return out
}

// shown is an issue as the address shows it that was called: one of feature
// requests has their stages for the status.
func (h *handlers) shown(r *edge.Request, project store.ProjectRef, i *store.Issue) issue {
	out := h.issueOf(project.Number, i)
	if i.Category == workspace.FeatureRequest && strings.Contains(r.Pattern, wishes) {
		out.Status = i.Stage
	}
	return out
}

func (h *handlers) issuesOf(project int64, list []store.Issue) []issue {
	out := make([]issue, len(list))
	for i := range list {
		out[i] = h.issueOf(project, &list[i])
	}
	return out
}

// pagination says which part of a list an answer has.
type pagination struct {
	CurrentPage int `json:"current_page"`
	TotalPages  int `json:"total_pages"`
	TotalCount  int `json:"total_count"`
	PerPage     int `json:"per_page"`
}

func paginated(number, size, total int) pagination {
	return pagination{number, (total + size - 1) / size, total, size}
}

type issueList struct {
	Issues     []issue    `json:"issues"`
	Pagination pagination `json:"pagination"`
}

// The parameters of the queries.
var (
	timeFilters    = []string{"created_after", "created_before", "updated_after", "updated_before"}
	issueFilters   = append([]string{"page", "per_page", "status", "priority", "category", "tag_ids"}, timeFilters...)
	requestFilters = append([]string{"page", "per_page", "status", "sort", "tag_ids"}, timeFilters...)
	searchParams   = []string{"query", "skip_ids", "scoped_id", "page", "per_page"}
)

// listIssues answers an array, or an object where the request asks for a page.
func (h *handlers) listIssues(r *edge.Request) (any, error) {
	ref, err := projectIn(r)
	if err != nil {
		return nil, err
	}
	number, size, asked, err := page(r, 20)
	if err != nil {
		return nil, err
	}
	object := asked && h.lists != Arrays || h.lists == Objects
	if !object && !asked {
		size = mostListed
	}
	f, err := filter(r)
	if err != nil {
		return nil, err
	}
	f.Category, f.Skip, f.Limit = r.Param("category"), (number-1)*size, size
	if f.Category != "" && !slices.Contains(workspace.Categories(), f.Category) {
		return nil, credential.InvalidField("category", "must be one of: %s", strings.Join(workspace.Categories(), ", "))
	}
	list, err := h.workspace.Issues(r.Context(), &r.Principal, ref, f)
	if err != nil {
		return nil, err
	}
	shown := h.issuesOf(list.Project.Number, list.Issues)
	if object {
		return issueList{shown, paginated(number, size, list.Total)}, nil
	}
	const next = 100 // a page of the object, which goes on behind the array
	h.tellMore(r, list.Total, number*size, url.Values{"page": {strconv.Itoa(number*size/min(size, next) + 1)}, "per_page": {strconv.Itoa(min(size, next))}})
	return shown, nil
}

// filter reads what lists of all kinds are filtered by.
func filter(r *edge.Request) (f store.IssueFilter, err error) {
	f = store.IssueFilter{Status: r.Param("status"), Priority: r.Param("priority")}
	for i, to := range []*time.Time{&f.CreatedAfter, &f.CreatedBefore, &f.UpdatedAfter, &f.UpdatedBefore} {
		text := r.Param(timeFilters[i])
		if text == "" {
			continue
		}
		if len(text) == len(time.DateOnly) {
			text += "T00:00:00Z"
		}
		if *to, err = credential.ParseTime(timeFilters[i], text); err != nil {
			return f, credential.InvalidField(timeFilters[i], "must be a date such as 2030-01-31, or a time such as 2030-01-31T12:00:00Z")
		}
	}
	f.Tags, err = numbers("tag_ids", r.Param("tag_ids"), "")
	return f, err
}

// numbers reads numbers with commas between them.
func numbers(field, text, prefix string) (list []int64, err error) {
	for part := range strings.SplitSeq(text, ",") {
		n, ok := number(part, prefix)
		if !ok && part != "" {
			return nil, credential.InvalidField(field, "must be numbers with commas between them")
		}
		if ok {
			list = append(list, n)
		}
	}
	return list, nil
}

// searchIssues answers a list, or the one issue of a scoped_id.
func (h *handlers) searchIssues(r *edge.Request) (any, error) {
	if r.Param("scoped_id") != "" {
		return h.scoped(r, "g-", "")
	}
	list, s, err := h.find(r, "", 20)
	if err != nil {
		return nil, err
	}
	return issueList{h.issuesOf(list.Project.Number, list.Issues), paginated(s.Skip/s.Limit+1, s.Limit, list.Total)}, nil
}

// scoped finds the issue that scoped_id names.
func (h *handlers) scoped(r *edge.Request, prefix, category string) (any, error) {
	ref, err := projectIn(r)
	if err != nil {
		return nil, err
	}
	n, ok := number(r.Param("scoped_id"), prefix)
	if !ok {
		return nil, credential.Errorf(credential.NotFound, "no such issue")
	}
	found, err := h.workspace.Issue(r.Context(), &r.Principal, workspace.IssueRef{Project: ref, Number: n, Category: category})
	if err != nil {
		return nil, err
	}
	return h.shown(r, ref, found), nil
}

// find searches for the words of query.
func (h *handlers) find(r *edge.Request, category string, usual int) (list workspace.IssueList, s workspace.IssueSearch, err error) {
	ref, err := projectIn(r)
	if err != nil {
		return list, s, err
	}
	number, size, _, err := page(r, usual)
	if err != nil {
		return list, s, err
	}
	s = workspace.IssueSearch{Text: r.Param("query"), Category: category, Skip: (number - 1) * size, Limit: size}
	if s.Text == "" {
		return list, s, credential.InvalidField("query", "say what to search for, or name one by scoped_id")
	}
	if s.Without, err = numbers("skip_ids", r.Param("skip_ids"), "g-"); err != nil {
		return list, s, err
	}
	list, err = h.workspace.FindIssues(r.Context(), &r.Principal, ref, s)
	return list, s, err
}

// issueIn reads the issue in the path. Below feature_requests and tickets only
// those of the category are found.
func issueIn(r *edge.Request) (ref workspace.IssueRef, err error) {
	if ref.Project, err = projectIn(r); err != nil {
		return ref, err
	}
	prefix, name := "g-", "issue"
	switch {
	case strings.Contains(r.Pattern, wishes+"/"):
		prefix, name, ref.Category = "fr-", "request", workspace.FeatureRequest
	case strings.Contains(r.Pattern, tickets+"/"):
		name, ref.Category = "ticket", workspace.Question
	}
	var ok bool
	text := last(r, name)
	if ref.Number, ok = number(text, prefix); !ok {
		if ref.Number, ok = number(text, "fr-"); !ok {
			return ref, credential.Errorf(credential.NotFound, "no such issue")
		}
	}
	return ref, nil
}

func (h *handlers) getIssue(r *edge.Request) (out issue, err error) {
	ref, err := issueIn(r)
	if err != nil {
		return out, err
	}
	found, err := h.workspace.Issue(r.Context(), &r.Principal, ref)
	if err != nil {
		return out, err
	}
	return h.shown(r, ref.Project, found), nil
}

func (h *handlers) createIssue(r *edge.Request, u *edge.Upload) (out issue, err error) {
	in, err := readIssue(u.Payload, "issue")
	if err != nil {
		return out, err
	}
	return h.create(r, report{in, claim(r), u.Files})
}

// create reports an issue. Who does so by a project's credential gets a token
// to complete it with.
func (h *handlers) create(r *edge.Request, in report) (out issue, err error) {
	ref, err := projectIn(r)
	if err != nil {
		return out, err
	}
	d, err := in.draft()
	if err != nil {
		return out, err
	}
	d.From, d.Repeat = in.from, repeat(r)
	for _, f := range in.files {
		d.Files = append(d.Files, workspace.Upload{Kind: workspace.KindOf(f.Type), Name: f.Name, File: f.Staged})
	}
	made, err := h.workspace.CreateIssue(r.Context(), &r.Principal, ref, d)
	if err != nil {
		return out, err
	}
	out = h.shown(r, ref, made)
	if p := &r.Principal; p.SubjectType == credential.SubjectProject && p.Token == nil {
		token, err := h.authority.ReportToken(p, made.ID, made.CreatedAt)
		if err != nil {
			return out, err
		}
		out.Token = token.Reveal()
	}
	return out, nil
}

// repeat reads the Idempotency-Key of a request.
func repeat(r *edge.Request) *workspace.Repeat {
	if id := r.Idempotency(); id != nil {
		return &workspace.Repeat{Key: id.Key, Body: id.Body}
	}
	return nil
}

func (h *handlers) updateIssue(r *edge.Request, body edge.Payload) (out issue, err error) {
	ref, err := issueIn(r)
	if err != nil {
		return out, err
	}
	noun := "issue"
	if ref.Category == workspace.FeatureRequest {
		noun = ref.Category
	}
	in, err := readIssue(body, noun)
	if err != nil {
		return out, err
	}
	ch, err := in.change()
	if err != nil {
		return out, err
	}
	changed, err := h.workspace.UpdateIssue(r.Context(), &r.Principal, ref, ch)
	if err != nil {
		return out, err
	}
	return h.shown(r, ref.Project, changed), nil
}
