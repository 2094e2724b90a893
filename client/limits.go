package client

import (
	"context"
	"net/http"

	"github.com/gatehouse-dev/gatehouse/api"
)

// Limits returns how many requests may be made in an organization.
func (s Organizations) Limits(ctx context.Context, id string) (api.OrganizationLimits, error) {
	return ask[api.OrganizationLimits](ctx, s.c, get("organizations", id, "limits"))
}

// SetLimits says how many requests may be made in an organization.
func (s Organizations) SetLimits(ctx context.Context, id string, in api.OrganizationLimits) (api.OrganizationLimits, error) {
	return ask[api.OrganizationLimits](ctx, s.c, to(http.MethodPut, "organizations", id, "limits").with(in, ""))
}

// Limits returns how many requests the credentials of a project make.
func (s Projects) Limits(ctx context.Context, project string) (api.ProjectLimits, error) {
	return ask[api.ProjectLimits](ctx, s.c, get("organizations", s.organization, "projects", project, "limits"))
}

// SetLimits says how many requests the credentials of a project make.
func (s Projects) SetLimits(ctx context.Context, project string, in api.ProjectLimits) (api.ProjectLimits, error) {
	return ask[api.ProjectLimits](ctx, s.c, to(http.MethodPut, "organizations", s.organization, "projects", project, "limits").with(in, ""))
}
