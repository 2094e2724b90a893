package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/gatehouse-dev/gatehouse/api"
)

// TrustRules are the calls about the rules by which the CI jobs of a repository
// are let into a project without a secret.
type TrustRules struct {
	c                     *Client
	organization, project string
}

// TrustRules returns the calls about the trust rules of a project, which is named
// by its UUID, its pr-… or its PRJ-….
func (c *Client) TrustRules(organization, project string) TrustRules {
	return TrustRules{c, organization, project}
}

func (s TrustRules) path(segments ...string) []string {
	return append([]string{"organizations", s.organization, "projects", s.project, "trust-rules"}, segments...)
}

// Create makes a rule. key makes the call repeatable; it may be empty.
func (s TrustRules) Create(ctx context.Context, in api.CreateTrustRule, key string) (api.TrustRule, error) {
	return ask[api.TrustRule](ctx, s.c, post(s.path()...).with(in, key))
}

// All goes through the rules.
func (s TrustRules) All(ctx context.Context) iter.Seq2[api.TrustRule, error] {
	return all(ctx, s.c, listing{path: s.path()}, byCursor[api.TrustRule])
}

// Get returns a rule.
func (s TrustRules) Get(ctx context.Context, rule string) (api.TrustRule, error) {
	return ask[api.TrustRule](ctx, s.c, get(s.path(rule)...))
}

// Update changes what a rule asks for; nil stays. The access tokens of before end.
func (s TrustRules) Update(ctx context.Context, rule string, in api.UpdateTrustRule) (api.TrustRule, error) {
	return ask[api.TrustRule](ctx, s.c, to(http.MethodPatch, s.path(rule)...).with(in, ""))
}

// Delete takes a rule away, and the access tokens that stand on it.
func (s TrustRules) Delete(ctx context.Context, rule string) error {
	return s.c.Do(ctx, to(http.MethodDelete, s.path(rule)...))
}
