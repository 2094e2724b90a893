package betatesting

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

func (h *handlers) issueRoutes(test string) []edge.Route {
	read, write := edge.Needs(apiRead), edge.Needs(apiWrite)
	return []edge.Route{
		edge.Get(test+"/issues", read, h.listIssues).Takes("filterStatuses", "page", "limit").
			Named("listIssues", "List the issues of a test, the newest first."),
		edge.Post(test+"/issues", write, most, h.createIssue).Creates().
			Named("createIssue", "Report an issue of a test.", credential.InProgress).
			Example(`{"title":"It stops at the second moon","description":"With a full tank.","priority":"high"}`),
		edge.Get(test+"/issues/{issue}", read, h.getIssue).
			Named("getIssue", "Show an issue of a test."),
		edge.Patch(test+"/issues/{issue}", write, most, h.updateIssue).
			Named("updateIssue", "Change an issue of a test: what the body names, and nothing else.").
			Example(`{"status":"in_progress","notes":"We have seen it too."}`),
		edge.Delete(test+"/issues/{issue}", write, h.deleteIssue).
			Named("deleteIssue", "Delete an issue of a test for good."),
	}
}

// issue is an issue as it is shown.
type issue struct {
	ID          int64     `json:"id"`
	TestID      int64     `json:"testId"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	Status      string    `json:"status" doc:"draft, to_do, in_progress, needs_more_info, complete or closed"`
	Priority    string    `json:"priority" doc:"low, medium, high or critical"`
	Notes       string    `json:"notes"`
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
}

func issueOf(test int64) func(*store.CampaignIssue) issue {
	return func(i *store.CampaignIssue) issue {
		return issue{i.Number, test, i.Title, i.Description, i.Status, i.Priority, i.Notes, i.CreatedAt, i.UpdatedAt}
	}
}

// issueFields is what may be said of an issue.
type issueFields struct {
	Title       *string `json:"title"`
	Description *string `json:"description"`
	Status      *string `json:"status"`
	Priority    *string `json:"priority"`
	Notes       *string `json:"notes"`
}

func (f *issueFields) request(r *edge.Request) workspace.CampaignIssueRequest {
	return workspace.CampaignIssueRequest{Title: f.Title, Description: f.Description, Notes: f.Notes, Status: f.Status, Priority: f.Priority, Repeat: r.Repeat()}
}

// ofTest reads which test and which of its issues the path names.
func ofTest(r *edge.Request) (test, issue int64, err error) {
	if test, err = testID(r); err != nil {
		return 0, 0, err
	}
	issue, err = id(r, "issue", "no such issue of the test")
	return test, issue, err
}

// shownIssue is the answer that shows an issue.
func shownIssue(test int64, i *store.CampaignIssue, err error) (one[issue], error) {
	if err != nil {
		return one[issue]{}, err
	}
	return one[issue]{issueOf(test)(i)}, nil
}

func (h *handlers) listIssues(r *edge.Request, _ edge.None) (many[issue], error) {
	of, err := testID(r)
	if err != nil {
		return many[issue]{}, err
	}
	p, err := page(r)
	if err != nil {
		return many[issue]{}, err
	}
	p.Status = r.Param("filterStatuses")
	list, total, err := h.workspace.CampaignIssues(r.Context(), &r.Principal, of, p)
	return listed(p, list, total, issueOf(of)), err
}

func (h *handlers) createIssue(r *edge.Request, in issueFields) (one[issue], error) {
	of, err := testID(r)
	if err != nil {
		return one[issue]{}, err
	}
	i, err := h.workspace.CreateCampaignIssue(r.Context(), &r.Principal, of, in.request(r))
	return shownIssue(of, i, err)
}

func (h *handlers) getIssue(r *edge.Request, _ edge.None) (one[issue], error) {
	of, number, err := ofTest(r)
	if err != nil {
		return one[issue]{}, err
	}
	i, err := h.workspace.CampaignIssue(r.Context(), &r.Principal, of, number)
	return shownIssue(of, i, err)
}

func (h *handlers) updateIssue(r *edge.Request, in issueFields) (one[issue], error) {
	of, number, err := ofTest(r)
	if err != nil {
		return one[issue]{}, err
	}
	i, err := h.workspace.UpdateCampaignIssue(r.Context(), &r.Principal, of, number, in.request(r))
	return shownIssue(of, i, err)
}

func (h *handlers) deleteIssue(r *edge.Request, _ edge.None) (edge.Nothing, error) {
	of, number, err := ofTest(r)
	if err != nil {
		return edge.Nothing{}, err
	}
	return edge.Nothing{}, h.workspace.DeleteCampaignIssue(r.Context(), &r.Principal, of, number)
}
