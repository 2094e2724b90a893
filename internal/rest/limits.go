package rest

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// limitRoutes are those of how many requests may be made.
func (h *handlers) limitRoutes() []edge.Route {
	const organization, project = "/v1/organizations/{organization}/limits", "/v1/organizations/{organization}/projects/{project}/limits"
	return []edge.Route{
		edge.Get(organization, edge.Needs(credential.OrganizationRead), h.getOrganizationLimits).
			Shown(nil, api.OrganizationLimits{}).Named("getOrganizationLimits", "Show how many requests may be made in an organization."),
		edge.Put(organization, edge.Needs(credential.OrganizationWrite), small, h.setOrganizationLimits).
			Shown(nil, api.OrganizationLimits{}).Named("setOrganizationLimits", "Say how many requests may be made in an organization, from the next one on; what is left out has no limit.", credential.PreconditionFailed),
		edge.Get(project, edge.Needs(credential.ProjectsRead), h.getProjectLimits).
			Shown(nil, api.ProjectLimits{}).Named("getProjectLimits", "Show how many requests the credentials of a project make."),
		edge.Put(project, edge.Needs(credential.ProjectsWrite), small, h.setProjectLimits).
			Shown(nil, api.ProjectLimits{}).Named("setProjectLimits", "Say how many requests the credentials of a project make, all of them together, from the next one on; what is left out has no limit. They don't say so themselves.", credential.PreconditionFailed),
	}
}

// shownLimits are limits in an answer, whose tag isn't one of its members.
type shownLimits struct {
	api.OrganizationLimits
	tag string
}

// ETag is what If-Match takes.
func (l shownLimits) ETag() string { return l.tag }

type shownProjectLimits struct {
	api.ProjectLimits
	tag string
}

// ETag is what If-Match takes.
func (l shownProjectLimits) ETag() string { return l.tag }

func shownLimitsOf(l credential.Limits) shownLimits {
	return shownLimits{api.OrganizationLimits{Requests: l.Requests, Window: spelled(l.Window), AddressRequests: l.AddressRate}, authority.LimitsVersion(l)}
}

func shownRateOf(r credential.Rate) shownProjectLimits {
	return shownProjectLimits{api.ProjectLimits{Requests: r.Requests, Window: spelled(r.Window)}, authority.LimitsVersion(credential.Limits{Rate: r})}
}

// rate reads so many requests in a window: both, or neither.
func rate(requests int, window string) (r credential.Rate, err error) {
	switch {
	case requests == 0 && window != "":
		return r, credential.InvalidField("requests", "must be there, from 1 on, where a window is")
	case requests != 0 && window == "":
		return r, credential.InvalidField("window", "must be there where requests are, such as 1h")
	}
	r.Requests = requests
	r.Window, err = span("window", window)
	return r, err
}

func (h *handlers) getOrganizationLimits(r *edge.Request, _ edge.None) (out shownLimits, err error) {
	id, err := h.organization(r)
	if err != nil {
		return out, err
	}
	l, err := h.authority.OrganizationLimits(r.Context(), &r.Principal, id)
	if err != nil {
		return out, err
	}
	return shownLimitsOf(l), nil
}

func (h *handlers) setOrganizationLimits(r *edge.Request, in api.OrganizationLimits) (out shownLimits, err error) {
	id, err := h.organization(r)
	if err != nil {
		return out, err
	}
	l := credential.Limits{AddressRate: in.AddressRequests}
	if l.Rate, err = rate(in.Requests, in.Window); err != nil {
		return out, err
	}
	if err := h.authority.SetOrganizationLimits(r.Context(), &r.Principal, id, l); err != nil {
		return out, err
	}
	return shownLimitsOf(l), nil
}

func (h *handlers) getProjectLimits(r *edge.Request, _ edge.None) (out shownProjectLimits, err error) {
	project, err := h.project(r)
	if err != nil {
		return out, err
	}
	l, err := h.authority.ProjectRate(r.Context(), &r.Principal, project)
	if err != nil {
		return out, err
	}
	return shownRateOf(l), nil
}

func (h *handlers) setProjectLimits(r *edge.Request, in api.ProjectLimits) (out shownProjectLimits, err error) {
	project, err := h.project(r)
	if err != nil {
		return out, err
	}
	l, err := rate(in.Requests, in.Window)
	if err != nil {
		return out, err
	}
	if err := h.authority.SetProjectRate(r.Context(), &r.Principal, project, l); err != nil {
		return out, err
	}
	return shownRateOf(l), nil
}

// limitState tells what a limit has left, where one applies.
func limitState(l credential.Limit) *api.LimitState {
	if l.Limit == 0 {
		return nil
	}
	return &api.LimitState{
		Limit: l.Limit, Remaining: l.Remaining, ResetAt: l.Reset.UTC().Truncate(time.Millisecond), Window: credential.SpellSpan(l.Window), Of: string(l.Of),
		RetryAfter: int(l.RetryAfter / time.Second), Degraded: l.Degraded,
	}
}
