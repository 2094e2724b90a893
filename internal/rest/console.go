package rest

import (
	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// consolePath is where the operator types the code.
const consolePath = "/console/operator"

func (h *handlers) createConsoleCode(r *edge.Request, _ edge.None) (api.ConsoleCode, error) {
	made, err := h.authority.NewConsoleCode(r.Context(), &r.Principal)
	if err != nil {
		return api.ConsoleCode{}, err
	}
	return api.ConsoleCode{Code: made.Code.Reveal(), URL: h.authority.Issuer() + consolePath, ExpiresAt: made.ExpiresAt}, nil
}
