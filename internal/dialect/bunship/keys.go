package bunship

import (
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// mostKeys bounds a list of keys, revoked ones included.
const mostKeys = 200

// newKey asks for an API key.
type newKey struct {
	Name      string   `json:"name"`
	Scopes    []string `json:"scopes"`
	RateLimit *int     `json:"rateLimit"` // requests per minute
	ExpiresAt string   `json:"expiresAt"`
	Mode      string   `json:"mode"` // live (the default) or test
}

// key is an API key as it is shown.
type key struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Prefix     string     `json:"prefix"`
	Scopes     []string   `json:"scopes"`
	RateLimit  *int       `json:"rateLimit"`
	LastUsedAt *time.Time `json:"lastUsedAt"`
	ExpiresAt  *time.Time `json:"expiresAt"`
	IsActive   bool       `json:"isActive"`
	CreatedAt  time.Time  `json:"createdAt"`
}

// createdKey is a key with its secret, which is shown once.
type createdKey struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Key       string     `json:"key"`
	Prefix    string     `json:"prefix"`
	Scopes    []string   `json:"scopes"`
	RateLimit *int       `json:"rateLimit"`
	ExpiresAt *time.Time `json:"expiresAt"`
	CreatedAt time.Time  `json:"createdAt"`
}

type created struct {
	Success bool       `json:"success"`
	Data    createdKey `json:"data"`
	Message string     `json:"message"`
}

const notManaging = "API keys are managed by an owner or admin who has signed in"

// manages lets nobody see to keys but an owner or administrator who has signed
// in: a key never makes another.
func manages(r *edge.Request) error {
	if !r.Principal.SignedIn() || !r.Principal.Role.Manages() {
		return credential.Errorf(credential.Forbidden, "%s", notManaging)
	}
	return nil
}

func (h *handlers) createKey(r *edge.Request, in newKey) (created, error) {
	if err := manages(r); err != nil {
		return created{}, err
	}
	req := authority.IssueRequest{Scheme: "bunship_live", Name: in.Name, Idempotency: r.Idempotency()}
	switch in.Mode {
	case "", "live":
	case "test":
		req.Scheme = "bunship_test"
	default:
		return created{}, credential.InvalidField("mode", "must be live or test")
	}
	for _, s := range in.Scopes {
		req.Scopes = append(req.Scopes, credential.Scope(s))
	}
	if in.RateLimit != nil {
		if req.RateLimit = *in.RateLimit; req.RateLimit < 1 {
			return created{}, credential.InvalidField("rateLimit", "must be at least 1 request per minute; leave it out for the default")
		}
	}
	if in.ExpiresAt != "" {
		at, err := credential.ParseTime("expiresAt", in.ExpiresAt)
		if err != nil {
			return created{}, err
		}
		req.Expiry.At = at
	}
	made, err := h.authority.Issue(r.Context(), &r.Principal, req)
	if err != nil {
		return created{}, keyFields(err)
	}
	k := keyOf(&made.Detail)
	return created{true, createdKey{k.ID, k.Name, made.Secret.Reveal(), k.Prefix, k.Scopes, k.RateLimit, k.ExpiresAt, k.CreatedAt},
		"API key created. Save it now: it will not be shown again."}, nil
}

// keyFields renames the fields of an error, where a name is a name.
func keyFields(err error) error {
	if e := detailed(err); e != nil && e.Field == "name" {
		return err
	}
	return fieldNames(err)
}

func keyOf(d *authority.Detail) key {
	c := d.Credential
	k := key{
		ID: keyID(c.ID), Name: c.Name, Scopes: []string{}, LastUsedAt: instant(d.Use.At), ExpiresAt: instant(c.ExpiresAt),
		IsActive: d.State == credential.Active, CreatedAt: c.CreatedAt,
	}
	for _, s := range c.Scopes {
		k.Scopes = append(k.Scopes, string(s))
	}
	if c.RateLimit > 0 {
		k.RateLimit = &c.RateLimit
	}
	for _, s := range d.Secrets {
		if s.Generation == c.Generation {
			k.Prefix = strings.TrimSuffix(s.Hint, "…")
		}
	}
	return k
}

type keyList struct {
	Success bool  `json:"success"`
	Data    []key `json:"data"`
}

func (h *handlers) listKeys(r *edge.Request, _ edge.None) (keyList, error) {
	if err := manages(r); err != nil {
		return keyList{}, err
	}
	out := keyList{Success: true, Data: []key{}}
	for _, scheme := range []string{"bunship_live", "bunship_test"} {
		list, err := h.authority.List(r.Context(), &r.Principal, authority.ListRequest{Organization: r.Principal.Organization, Scheme: scheme, Limit: mostKeys})
		if err != nil {
			return keyList{}, err
		}
		for i := range list {
			if list[i].Credential != nil { // whose record can be read
				out.Data = append(out.Data, keyOf(&list[i]))
			}
		}
	}
	slices.SortStableFunc(out.Data, func(a, b key) int { return b.CreatedAt.Compare(a.CreatedAt) })
	out.Data = out.Data[:min(len(out.Data), mostKeys)]
	return out, nil
}

// find finds the key in the path.
func (h *handlers) find(r *edge.Request) (*authority.Detail, error) {
	if err := manages(r); err != nil {
		return nil, err
	}
	missing := credential.Errorf(credential.NotFound, "API key not found")
	id, err := authority.ParsePublicID("key", r.PathValue("key"))
	if err != nil {
		return nil, missing
	}
	d, err := h.authority.Get(r.Context(), &r.Principal, id)
	if e := detailed(err); e != nil && e.Kind == credential.NotFound {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	if d.Credential == nil || d.Credential.Scheme.Group() != "bunship" || d.Credential.Organization != r.Principal.Organization {
		return nil, missing
	}
	return d, nil
}

type oneKey struct {
	Success bool `json:"success"`
	Data    key  `json:"data"`
}

func (h *handlers) getKey(r *edge.Request, _ edge.None) (oneKey, error) {
	d, err := h.find(r)
	if err != nil {
		return oneKey{}, err
	}
	return oneKey{true, keyOf(d)}, nil
}

func (h *handlers) revokeKey(r *edge.Request, _ edge.None) (done, error) {
	d, err := h.find(r)
	if err != nil {
		return done{}, err
	}
	_, err = h.authority.Revoke(r.Context(), &r.Principal, d.Credential.ID)
	return done{true, "API key revoked"}, err
}

type keyUsage struct {
	KeyID      string     `json:"keyId"`
	Name       string     `json:"name"`
	Prefix     string     `json:"prefix"`
	LastUsedAt *time.Time `json:"lastUsedAt"`
	CreatedAt  time.Time  `json:"createdAt"`
	Usage      usage      `json:"usage"`
}

type usage struct {
	Requests  int64 `json:"requests"`
	RateLimit *int  `json:"rateLimit"`
}

func (h *handlers) keyUsage(r *edge.Request, _ edge.None) (keyUsage, error) {
	d, err := h.find(r)
	if err != nil {
		return keyUsage{}, err
	}
	k := keyOf(d)
	return keyUsage{k.ID, k.Name, k.Prefix, k.LastUsedAt, k.CreatedAt, usage{d.Use.Requests, k.RateLimit}}, nil
}
