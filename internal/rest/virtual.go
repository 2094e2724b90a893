package rest

import (
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

func virtualUserOf(v store.VirtualUser) api.VirtualUser {
	return api.VirtualUser{ID: v.ID.String(), Number: v.Number, Kind: v.Kind, Value: v.Value, CreatedAt: v.CreatedAt}
}

func (h *handlers) listVirtualUsers(r *edge.Request, _ edge.None) (out api.List[api.VirtualUser], err error) {
	p, err := h.project(r)
	if err != nil {
		return out, err
	}
	page, err := h.page(r)
	if err != nil {
		return out, err
	}
	list, err := h.workspace.VirtualUsers(r.Context(), &r.Principal, store.ProjectRef{ID: p.ID}, workspace.Page{After: page.after, Limit: page.limit + 1})
	return paged(page, list, virtualUserOf, func(v api.VirtualUser) string { return v.ID }), err
}

func (h *handlers) deleteVirtualUser(r *edge.Request, _ edge.None) (api.Empty, error) {
	p, err := h.project(r)
	if err != nil {
		return api.Empty{}, err
	}
	id, err := uuid.Parse(r.PathValue("virtual"))
	if err != nil {
		return api.Empty{}, credential.Errorf(credential.NotFound, "no such virtual user")
	}
	return api.Empty{}, h.workspace.DeleteVirtualUser(r.Context(), &r.Principal, store.ProjectRef{ID: p.ID}, id)
}
