package betahub

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// request is a feature request as lists of them show it. Nobody votes here.
type request struct {
	ID          int64     `json:"id"`
	ScopedID    string    `json:"scoped_id"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	Status      string    `json:"status"`
	Votes       int       `json:"votes"`
	Voted       bool      `json:"voted"`
	IsDuplicate bool      `json:"is_duplicate"`
	Duplicates  int       `json:"duplicates_count"`
	User        reporter  `json:"user"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	URL         string    `json:"url"`
}

type requestList struct {
	Requests   []request  `json:"feature_requests"`
	Pagination pagination `json:"pagination"`
	Sort       string     `json:"sort"`
	ProjectID  string     `json:"project_id"`
}

func (h *handlers) requestOf(project int64, i *store.Issue) request {
	return request{
		ID: i.Number, ScopedID: fmt.Sprintf("fr-%d", i.Number), Title: i.Title, Description: i.Description, Status: i.Stage,
		IsDuplicate: i.Stage == workspace.StageDuplicate,
		User:        reporter{personOf(i.Reporter), i.Reporter.Virtual}, CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt,
		URL: fmt.Sprintf("%s/issues/%d", h.address(project), i.Number),
	}
}

func (h *handlers) requestsOf(list workspace.IssueList, sort string, p pagination) requestList {
	out := requestList{Requests: make([]request, len(list.Issues)), Pagination: p, Sort: sort, ProjectID: projectID(list.Project.Number)}
	for i := range list.Issues {
		out.Requests[i] = h.requestOf(list.Project.Number, &list.Issues[i])
	}
	return out
}

// requestsAPage is how many feature requests a page has.
const requestsAPage = 25

// sorts are the orders of the list, and of which stage what it shows is; none
// for all of them. Nothing here is muted.
var sorts = map[string]string{"top": "", "new": "", "all": "", "moderation": workspace.StagePending, "rejected": workspace.StageRejected,
	"muted": "muted", "duplicates": workspace.StageDuplicate}

// listRequests lists feature requests, the newest first in every order: none
// has more votes than another.
func (h *handlers) listRequests(r *edge.Request) (out requestList, err error) {
	ref, err := projectIn(r)
	if err != nil {
		return out, err
	}
	sort := cmp.Or(r.Param("sort"), "top")
	stage, known := sorts[sort]
	if !known {
		return out, credential.InvalidField("sort", "must be one of: %s", strings.Join(slices.Sorted(maps.Keys(sorts)), ", "))
	}
	number, size, _, err := page(r, requestsAPage)
	if err != nil {
		return out, err
	}
	f, err := filter(r)
	if err != nil {
		return out, err
	}
	f.Category, f.Skip, f.Limit = workspace.FeatureRequest, (number-1)*size, size
	if stage != "" {
		f.Stages = []string{stage}
	}
	list, err := h.workspace.Issues(r.Context(), &r.Principal, ref, f)
	if err != nil {
		return out, err
	}
	return h.requestsOf(list, sort, paginated(number, size, list.Total)), nil
}

// searchRequests answers a list, or the one of a scoped_id.
func (h *handlers) searchRequests(r *edge.Request) (any, error) {
	if r.Param("scoped_id") != "" {
		return h.scoped(r, "fr-", workspace.FeatureRequest)
	}
	list, s, err := h.find(r, workspace.FeatureRequest, requestsAPage)
	if err != nil {
		return nil, err
	}
	return h.requestsOf(list, "top", paginated(s.Skip/s.Limit+1, s.Limit, list.Total)), nil
}

func (h *handlers) createRequest(r *edge.Request, u *edge.Upload) (out issue, err error) {
	in, err := readIssue(u.Payload, "feature_request")
	if err != nil {
		return out, err
	}
	category := workspace.FeatureRequest
	in.Category = &category
	return h.create(r, report{in, claim(r), u.Files})
}

// createTicket needs to know where to answer.
func (h *handlers) createTicket(r *edge.Request, u *edge.Upload) (out issue, err error) {
	in, err := readIssue(u.Payload, "ticket")
	if err != nil {
		return out, err
	}
	email, err := credential.CheckEmail("reporter_email", textOf(in.Email))
	if err != nil {
		return out, err
	}
	category := workspace.Question
	in.Category = &category
	return h.create(r, report{in, workspace.Claim{Kind: "email", Value: email}, u.Files})
}

// comment is what somebody wrote below an issue.
type comment struct {
	ID        int64     `json:"id"`
	Body      string    `json:"body"`
	User      person    `json:"user"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func commentOf(c *store.Comment) comment {
	return comment{c.Number, c.Body, personOf(c.Author), c.CreatedAt, c.CreatedAt}
}

func (h *handlers) listComments(r *edge.Request) ([]comment, error) {
	ref, err := issueIn(r)
	if err != nil {
		return nil, err
	}
	list, err := h.workspace.Comments(r.Context(), &r.Principal, ref)
	if err != nil {
		return nil, err
	}
	out := make([]comment, len(list))
	for i := range list {
		out[i] = commentOf(&list[i])
	}
	return out, nil
}

// newComment is a comment, flat or one level down.
type newComment struct {
	Body    string `json:"body"`
	Comment *struct {
		Body string `json:"body"`
	} `json:"comment"`
}

func (h *handlers) comment(r *edge.Request, body edge.Payload) (out comment, err error) {
	ref, err := issueIn(r)
	if err != nil {
		return out, err
	}
	in := newComment{}
	if body.IsJSON() {
		if err := body.Decode(&in); err != nil {
			return out, err
		}
		if in.Comment != nil {
			in.Body = in.Comment.Body
		}
	} else {
		in.Body = fields{body.Form, "comment"}.text("body")
	}
	made, err := h.workspace.Comment(r.Context(), &r.Principal, ref, workspace.CommentRequest{Body: in.Body, Repeat: repeat(r)})
	if err != nil {
		return out, err
	}
	return commentOf(made), nil
}
