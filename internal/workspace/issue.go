package workspace

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// What an issue can be, in which state, and how much it matters.
const (
	Bug            = "bug"
	FeatureRequest = "feature_request"
	Question       = "question"

	Open     = "open"
	Resolved = "resolved"
)

// Categories, Statuses and Priorities list the values that there are.
func Categories() []string { return []string{Bug, FeatureRequest, Question} }

// Statuses are the states of an issue. Any may follow any other.
func Statuses() []string {
	return []string{Open, inProgress, "needs_more_info", Resolved, "closed", "wont_fix"}
}

// Priorities go from least to most.
func Priorities() []string { return []string{"low", "medium", "high", "critical"} }

// Bounds of what people write.
const (
	mostTitle       = 200
	mostDescription = 20_000
	mostSteps       = 10_000
	mostCustom      = 50 // fields
	mostValue       = 300
)

// IssueDraft is a new issue. Only Title or Description is needed.
type IssueDraft struct {
	Category, Priority, Status string
	Title, Description         string
	Steps                      string // one a line
	Source                     string
	Custom                     map[string]string
	Release                    int64  // its number; 0 for none
	ReleaseLabel               string // made if it isn't there
	Assignee                   int64  // a user's number; 0 for nobody
	Tags                       []int64
	Draft                      bool // is reported once it is published
	// From says for whom a project's credential vouches; see ParseClaim.
	From   Claim
	Files  []Upload
	Repeat *Repeat
}

// MayCreateIssue refuses who may report nothing at all in a project.
func (w *Workspace) MayCreateIssue(ctx context.Context, p *credential.Principal, project store.ProjectRef) (refused error) {
	for _, category := range Categories() {
		_, err := w.Project(ctx, p, project, creates(category))
		if !errors.Is(err, credential.Forbidden) {
			return err
		}
		refused = cmp.Or(refused, err)
	}
	return refused
}

// creates is the permission to create in a category, and what is counted.
func creates(category string) credential.Permission {
	switch category {
	case FeatureRequest:
		return credential.FeatureRequestsCreate
	case Question:
		return credential.SupportTicketsCreate
	}
	return credential.BugReportsCreate
}

// CreateIssue reports an issue in a project.
func (w *Workspace) CreateIssue(ctx context.Context, p *credential.Principal, project store.ProjectRef, d IssueDraft) (*store.Issue, error) {
	issue := &store.Issue{Category: or(d.Category, Bug)}
	var err error
	if issue.Category, err = oneOf("category", issue.Category, Categories()); err != nil {
		return nil, err
	}
	if _, err := w.Project(ctx, p, project, creates(issue.Category)); err != nil { // before it is told what is wrong with the rest
		return nil, err
	}
	if err := d.check(issue); err != nil {
		return nil, err
	}
	if issue.ID, err = w.newID(); err != nil {
		return nil, err
	}
	call := Numbered{Project: project}.making("create "+issue.Category+" "+d.From.Kind+" "+d.From.Value, d.Repeat)
	id, err := w.make(ctx, p, want{project, creates(issue.Category)}, call, func(c *change) (uuid.UUID, error) {
		return issue.ID, w.report(ctx, c, issue, d)
	})
	if err != nil {
		return nil, err
	}
	made, err := w.store.IssueByID(ctx, id) // of the first call, where this one repeats it
	if d.Draft && errors.Is(err, credential.NotFound) {
		return w.store.DraftByID(ctx, id)
	}
	return made, err
}

// report stores a new issue with what a draft says of others.
func (w *Workspace) report(ctx context.Context, c *change, issue *store.Issue, d IssueDraft) (err error) {
	if err := w.countDaily(ctx, c, issue.Category); err != nil {
		return err
	}
	issue.Project, issue.MadeBy, issue.CreatedAt, issue.UpdatedAt = c.project.ID, c.madeBy(), c.at, c.at
	if issue.Status == Resolved {
		issue.ResolvedAt = c.at
	}
	if issue.Reporter, err = w.reporter(ctx, c, d.From); err != nil {
		return err
	}
	if issue.Assignee, err = assignee(ctx, c, d.Assignee); err != nil {
		return err
	}
	if issue.Release, err = w.release(ctx, c, d.Release, d.ReleaseLabel); err != nil {
		return err
	}
	if issue.Tags, err = tags(ctx, c, d.Tags); err != nil {
		return err
	}
	if err := checkCustom(ctx, c, issue.Category, d.Custom); err != nil {
		return err
	}
	action, insert := "issue.create", c.InsertIssue
	if d.Draft {
		action, insert = "issue.draft", c.InsertDraft
	}
	if err := insert(ctx, issue); err != nil {
		return err
	}
	c.record(action, targetOf(issue), aboutIssue(issue))
	for _, u := range d.Files {
		if _, err := w.attach(ctx, c, ownedBy(issue), u); err != nil {
			return err
		}
	}
	return nil
}

// targetOf names an issue in audit events.
func targetOf(i *store.Issue) string { return "issue:" + i.ID.String() }

// about is what audit events and webhooks tell of an issue: nothing that
// somebody wrote.
type about struct {
	Project  uuid.UUID `json:"project"`
	Number   int64     `json:"number"`
	Category string    `json:"category"`
	Status   string    `json:"status"`
	Priority string    `json:"priority"`
}

func aboutIssue(i *store.Issue) about {
	return about{i.Project, i.Number, i.Category, i.Status, i.Priority}
}

// check takes the texts of a draft over into an issue.
func (d *IssueDraft) check(i *store.Issue) (err error) {
	if err = setStatus(i, or(d.Status, Open)); err != nil {
		return err
	}
	if i.Priority, err = oneOf("priority", or(d.Priority, "medium"), Priorities()); err != nil {
		return err
	}
	if i.Description, err = credential.CheckProse("description", d.Description, mostDescription); err != nil {
		return err
	}
	if i.Steps, err = credential.CheckProse("steps_to_reproduce", d.Steps, mostSteps); err != nil {
		return err
	}
	if i.Source, err = credential.CheckProse("source", d.Source, 100); err != nil {
		return err
	}
	if i.Title = strings.TrimSpace(d.Title); i.Title == "" {
		i.Title = headOf(i.Description)
	}
	if i.Title == "" {
		return credential.InvalidField("title", "a title or a description is needed")
	}
	if i.Title, err = checkTitle(i.Title); err != nil {
		return err
	}
	i.Custom, err = custom(d.Custom)
	return err
}

// checkTitle is for one line.
func checkTitle(title string) (string, error) {
	title, err := credential.CheckProse("title", title, mostTitle)
	if err == nil && title == "" {
		err = credential.InvalidField("title", "must not be empty")
	}
	return strings.Join(strings.Fields(title), " "), err
}

// headOf makes a title of the first line of a description.
func headOf(description string) string {
	const most = 80
	line, _, _ := strings.Cut(description, "\n")
	runes := []rune(strings.TrimSpace(line))
	if len(runes) <= most {
		return string(runes)
	}
	return strings.TrimSpace(string(runes[:most-1])) + "…"
}

// custom writes fields that the reporter added as one JSON object.
func custom(fields map[string]string) (string, error) {
	if err := checkFields("custom", fields); err != nil {
		return "", err
	}
	if fields == nil {
		fields = map[string]string{}
	}
	text, err := json.Marshal(fields)
	return string(text), err
}

// checkFields checks fields that people add, and their names.
func checkFields(field string, fields map[string]string) error {
	if len(fields) > mostCustom {
		return credential.InvalidField(field, "at most %d fields", mostCustom)
	}
	for name, value := range fields {
		if _, err := credential.CheckText(field, name, 100); err != nil {
			return err
		}
		if _, err := credential.CheckProse(field, value, mostValue); err != nil {
			return err
		}
	}
	return nil
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func oneOf(field, text string, values []string) (string, error) {
	return credential.CheckChoice(field, text, values)
}

// status reads a state; older callers say new for open.
func status(field, text string) (string, error) {
	if text == "new" {
		text = Open
	}
	return oneOf(field, text, Statuses())
}

// assignee finds the user who sees to an issue: one who sees the project.
func assignee(ctx context.Context, c *change, number int64) (store.Person, error) {
	if number == 0 {
		return store.Person{}, nil
	}
	member, err := c.MemberByNumber(ctx, c.project.Organization, number)
	if err := c.works(ctx, "assigned_to_id", member, err); err != nil {
		return store.Person{}, err
	}
	return store.Person{ID: member.ID, Number: member.Number, Name: member.Name}, nil
}

// works refuses, as the value of a field, a member of the organization who was
// not found or who doesn't see the project.
func (c *change) works(ctx context.Context, field string, m *store.Member, err error) error {
	missing := credential.InvalidField(field, "no such member of the project")
	if errors.Is(err, credential.NotFound) {
		return missing
	}
	if err != nil {
		return err
	}
	access, err := c.ProjectAccess(ctx, c.project.Organization, store.ProjectRef{ID: c.project.ID}, m.ID)
	switch {
	case err != nil:
		return err
	case !m.Role.Manages() && !access.Role.Valid(), !m.DeactivatedAt.IsZero():
		return missing
	}
	return nil
}

// release finds the release that an issue is about, by number or by label. An
// unknown label is a new release.
func (w *Workspace) release(ctx context.Context, c *change, number int64, label string) (store.Release, error) {
	if number != 0 {
		r, err := c.Tx.Release(ctx, c.project.ID, number)
		if errors.Is(err, credential.NotFound) {
			return store.Release{}, credential.InvalidField("release_id", "no such release of the project")
		}
		if err != nil {
			return store.Release{}, err
		}
		return *r, nil
	}
	if label == "" {
		return store.Release{}, nil
	}
	label, err := credential.CheckName("release_label", label)
	if err != nil {
		return store.Release{}, err
	}
	r, _, err := w.releaseLabelled(ctx, c, label)
	return r, err
}

// releaseLabelled finds a release by its label, or makes it.
func (w *Workspace) releaseLabelled(ctx context.Context, c *change, label string) (r store.Release, made bool, err error) {
	found, err := c.ReleaseLabelled(ctx, c.project.ID, label)
	if err == nil {
		return *found, false, nil
	}
	if !errors.Is(err, credential.NotFound) {
		return r, false, err
	}
	r = store.Release{Project: c.project.ID, Label: label, Status: "released", MadeBy: c.madeBy(), CreatedAt: c.at}
	if r.ID, err = w.newID(); err != nil {
		return r, false, err
	}
	return r, true, c.InsertRelease(ctx, &r)
}
