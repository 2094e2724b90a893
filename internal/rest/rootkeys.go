package rest

import (
	"maps"
	"slices"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

func (h *handlers) listRootKeys(r *edge.Request, _ edge.None) (api.List[api.RootKey], error) {
	out := api.List[api.RootKey]{Items: []api.RootKey{}}
	list, err := h.authority.RootKeys(r.Context(), &r.Principal)
	for _, k := range list {
		item := api.RootKey{Version: k.Version, Identity: k.Identity, State: "understood", Needs: []api.RootKeyNeed{}}
		switch {
		case k.Current:
			item.State = "current"
		case k.Retired:
			item.State = "retired"
		}
		for _, what := range slices.Sorted(maps.Keys(k.Needs)) {
			item.Needs = append(item.Needs, api.RootKeyNeed{What: what, Count: k.Needs[what]})
		}
		out.Items = append(out.Items, item)
	}
	return out, err
}

func (h *handlers) retireRootKey(r *edge.Request, in api.RetireRootKey) (api.List[api.RootKey], error) {
	if err := h.authority.RetireRootKey(r.Context(), &r.Principal, in.Version, in.Force); err != nil {
		return api.List[api.RootKey]{}, err
	}
	return h.listRootKeys(r, edge.None{})
}
