package rest

import (
	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// setClientKeys takes the key set as it was sent: its keys may have members
// that mean something to others.
func (h *handlers) setClientKeys(r *edge.Request, _ api.ClientKeys) (api.Credential, error) {
	id, err := credentialID(r)
	if err != nil {
		return api.Credential{}, err
	}
	jwks := r.Body()
	if len(jwks) == 0 { // which would take them away
		jwks = []byte("{}")
	}
	return shown(h.authority.SetClientKeys(r.Context(), &r.Principal, id, jwks))
}

func (h *handlers) removeClientKeys(r *edge.Request, _ edge.None) (api.Credential, error) {
	id, err := credentialID(r)
	if err != nil {
		return api.Credential{}, err
	}
	return shown(h.authority.SetClientKeys(r.Context(), &r.Principal, id, nil))
}

func (h *handlers) listSigningKeys(r *edge.Request, _ edge.None) (api.List[api.SigningKey], error) {
	return signingKeys(h.authority.SigningKeys(r.Context(), &r.Principal))
}

func (h *handlers) rotateSigningKeys(r *edge.Request, in api.RotateSigningKeys) (api.List[api.SigningKey], error) {
	return signingKeys(h.authority.RotateSigningKeys(r.Context(), &r.Principal, in.Now))
}

func signingKeys(list []authority.SigningKey, err error) (api.List[api.SigningKey], error) {
	out := api.List[api.SigningKey]{Items: []api.SigningKey{}}
	for _, k := range list {
		out.Items = append(out.Items, api.SigningKey{
			ID: k.ID, Algorithm: k.Algorithm, State: k.State, CreatedAt: k.CreatedAt, SignsFrom: k.SignsFrom, VerifiesUntil: instant(k.VerifiesUntil),
		})
	}
	return out, err
}
