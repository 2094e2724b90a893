package authority

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

const (
	// IdentityLifetime is how long a token works that was got for an identity
	// token.
	IdentityLifetime = 15 * time.Minute

	// mostTrusting bounds how many rules are compared with a token.
	mostTrusting = 500
	// maxTold bounds a claim as it is repeated, in characters.
	maxTold = 200
)

// mostTurnedAway is how many refused exchanges of a rule are recorded one by
// one.
var mostTurnedAway = limit.Rate{Limit: 6, Window: time.Minute}

// TakesIdentity reports whether a subject token is not one of ours, and so may
// be an identity token.
func (a *Authority) TakesIdentity(subject string) bool {
	issuer, err := jwt.PeekIssuer(subject)
	return err == nil && issuer != a.Issuer()
}

// identified is an identity token that is genuine, and the call that showed it.
type identified struct {
	*jwt.Identity
	issuer string
	ExchangeRequest
}

func (i *identified) verification() Verification {
	return Verification{Address: i.Address, UserAgent: i.Agent, RequestID: i.RequestID}
}

// ExchangeIdentity trades an identity token that a CI issued for an access token
// (RFC 8693), which stands on the trust rule that lets it in.
func (a *Authority) ExchangeIdentity(ctx context.Context, r ExchangeRequest) (*AccessToken, error) {
	id, err := a.identify(ctx, r)
	if err != nil {
		return nil, err
	}
	rules, err := a.store.TrustRulesFor(ctx, store.TrustSearch{
		Issuer: id.issuer, Repositories: [2]string{id.Claims["repository_id"], id.Claims["project_id"]}, Project: r.Project, Limit: mostTrusting + 1,
	})
	if err != nil {
		return nil, undecided(err)
	}
	if len(rules) > mostTrusting {
		return nil, credential.Errorf(credential.InvalidTarget, "too many projects trust this issuer to look through; name yours: project=, its UUID")
	}
	rule, scopes, err := a.choose(ctx, id, rules)
	if err != nil {
		return nil, err
	}
	return a.admitWorkload(ctx, id, rule, scopes)
}

// identify verifies an identity token by the keys of its issuer, which is asked
// for them only where a rule names it.
func (a *Authority) identify(ctx context.Context, r ExchangeRequest) (*identified, error) {
	issuer, err := jwt.PeekIssuer(r.Subject)
	if err != nil || len(issuer) > maxIssuer {
		return nil, credential.Errorf(credential.BadRequest, "the subject_token is no identity token: a signed JWT with an issuer")
	}
	trusts, err := a.store.Trusts(ctx, issuer)
	if err != nil {
		return nil, undecided(err)
	}
	if !trusts {
		return nil, credential.Errorf(credential.BadRequest, "no trust rule names the issuer of the subject_token")
	}
	keys, err := a.issuers.keys(ctx, issuer, r.Subject)
	if err != nil {
		return nil, undecided(credential.Errorf(credential.Unavailable, "the keys of the token's issuer can't be read at present; try again in a minute"))
	}
	found, err := keys.VerifyIdentity(r.Subject, issuer, a.now())
	if err != nil {
		a.decided(credential.CodeUnknown)
		return nil, credential.Errorf(credential.BadRequest, "the subject_token isn't taken: %s", whyNot(err))
	}
	return &identified{found, issuer, r}, nil
}

// whyNot says what is wrong with a token to whoever has it.
func whyNot(err error) string {
	for reason, text := range map[jwt.Reason]string{
		jwt.Expired:        "it has expired, or was issued more than an hour ago",
		jwt.NotYetValid:    "its time has not come",
		jwt.WrongAlgorithm: "it is signed by another algorithm than the issuer's key has",
		jwt.UnknownKey:     "the issuer has no such key",
		jwt.BadSignature:   "it is not signed by its issuer",
		jwt.WrongIssuer:    "it is another issuer's",
		jwt.WrongType:      "it is another kind of token",
		jwt.TooLarge:       "it is too large",
	} {
		if errors.Is(err, reason) {
			return text
		}
	}
	return "a claim is missing or has the wrong form"
}

// choose finds the one rule that lets a token in: the oldest of the project that
// grants what is asked for.
func (a *Authority) choose(ctx context.Context, id *identified, rules []store.TrustRule) (*store.TrustRule, []credential.Scope, error) {
	var fitting []*store.TrustRule
	turned := turnedAway{why: "repository"}
	for i := range rules {
		rule := &rules[i]
		why := a.mismatch(id, rule)
		if why == "" {
			fitting = append(fitting, rule)
		} else if turned.rule == nil && why != "repository" && rule.Trust.Repository != "" {
			turned = turnedAway{rule, why}
		}
	}
	if len(fitting) == 0 {
		return nil, nil, a.turnAway(ctx, id, turned)
	}
	var refused error
	for _, rule := range fitting {
		if rule.Credential.Project != fitting[0].Credential.Project {
			return nil, nil, credential.Errorf(credential.InvalidTarget, "rules of several projects let this token in; name yours: project=, its UUID")
		}
	}
	for _, rule := range fitting {
		scopes, err := narrow(rule.Credential, id.Scopes)
		if err == nil {
			return rule, scopes, nil
		}
		refused = cmp.Or(refused, err)
	}
	return nil, nil, refused
}

// mismatch is the condition of a rule that a token doesn't meet, or empty.
func (a *Authority) mismatch(id *identified, rule *store.TrustRule) string {
	if why := rule.Trust.Mismatch(id.Claims); why != "" {
		return why
	}
	audience := cmp.Or(rule.Trust.Audience, a.Issuer())
	if !slices.Contains(id.Audience, audience) || len(id.Audience) > 1 && id.Party != audience {
		return "audience"
	}
	if state := rule.Credential.State(a.now()); state != credential.Active {
		return string(state)
	}
	return ""
}

// turnedAway is the rule of a repository that doesn't let a token in, and why.
type turnedAway struct {
	rule *store.TrustRule // nil: there is none of the repository
	why  string
}

// turnAway refuses a token. Those who look after a rule of its repository learn
// why from the audit; whoever has the token learns what it says, and nothing of
// any rule.
func (a *Authority) turnAway(ctx context.Context, id *identified, t turnedAway) error {
	a.decided(credential.CodeForbidden)
	if t.rule != nil {
		a.recordTurnedAway(ctx, id, t)
	}
	said := []string{"aud=" + told(strings.Join(id.Audience, ","))}
	for _, name := range []string{"repository_id", "project_id", "ref", "ref_type", "environment", "event_name", "pipeline_source", "sub"} {
		if text := id.Claims[name]; text != "" {
			said = append(said, name+"="+told(text))
		}
	}
	return credential.Errorf(credential.BadRequest, "no trust rule lets this token in, or not now. It says: %s", strings.Join(said, ", "))
}

// identityToken is who shows one that no rule lets in.
const identityToken = "identity_token"

// recordTurnedAway notes a refusal where those see it who look after the rule, a
// few in a minute. That it can't be noted changes nothing for the caller.
func (a *Authority) recordTurnedAway(ctx context.Context, id *identified, t turnedAway) {
	c := t.rule.Credential
	if !a.refused.Take(a.now(), limit.Take{Key: limit.For("trust", c.ID), Rate: mostTurnedAway}).Allowed {
		return
	}
	by := credential.Principal{SubjectType: identityToken, Address: id.Address, RequestID: id.RequestID}
	err := a.store.Change(ctx, c.Organization, func(tx *store.Tx) error {
		detail := id.details()
		detail["reason"] = t.why
		tx.Record(act{&by, a.clock()}.event("trust_rule.turn_away", targetOf(c), object(detail)))
		return nil
	})
	if err != nil {
		a.log.Warn("a refused identity token can't be recorded", "credential", c.ID, "error", err)
	}
}

// told is a claim as it may be repeated.
func told(text string) string {
	if runes := []rune(text); len(runes) > maxTold {
		return string(runes[:maxTold]) + "…"
	}
	return text
}

// details are the claims that say where a token comes from.
func (i *identified) details() map[string]string {
	out := map[string]string{"issuer": i.issuer}
	for name, claims := range map[string][]string{
		"repository": {"repository", "project_path"}, "repository_id": {"repository_id", "project_id"}, "ref": {"ref"}, "sha": {"sha"},
		"run": {"run_id", "pipeline_id"}, "attempt": {"run_attempt"}, "job": {"job_id"}, "actor": {"actor", "user_login"},
		"event": {"event_name", "pipeline_source"}, "environment": {"environment"}, "workflow": {"workflow_ref", "ci_config_ref_uri"}, "subject": {"sub"},
	} {
		for _, claim := range claims {
			if text := i.Claims[claim]; text != "" && out[name] == "" {
				out[name] = told(text)
			}
		}
	}
	return out
}

// errReplayed means that an identity token was traded before.
var errReplayed = errors.New("the identity token was traded before")

// admitWorkload issues the access token of a rule. In one transaction it is asked
// whether the rule stands as it was found, the identity token is used up, and
// that is recorded.
func (a *Authority) admitWorkload(ctx context.Context, id *identified, rule *store.TrustRule, scopes []credential.Scope) (*AccessToken, error) {
	c := rule.Credential
	if _, err := a.keys(ctx); err != nil { // before the token is used up
		return nil, err
	}
	var d credential.Decision
	err := a.store.Change(ctx, c.Organization, func(tx *store.Tx) error {
		standing, err := tx.Standing(ctx, c.ID, c.Generation)
		if err != nil && !errors.Is(err, credential.NotFound) {
			return err
		}
		if err != nil {
			return errUnchanged
		}
		d = credential.Evaluate(standing, credential.Request{Address: id.Address, Modes: a.modes, Now: a.now()})
		if d.Code != credential.OK {
			return errUnchanged
		}
		first, err := tx.Once(ctx, id.Once, id.ExpiresAt.Add(2*time.Minute)) // of which one is leeway
		if err != nil {
			return err
		}
		if !first {
			return errReplayed
		}
		by := d.Principal
		by.Address, by.RequestID = id.Address, id.RequestID
		detail := id.details()
		detail["scopes"] = strings.Join(words(scopes), " ")
		tx.Record(act{&by, a.clock()}.event("trust_rule.admit", targetOf(c), object(detail)))
		return nil
	})
	switch {
	case errors.Is(err, errReplayed):
		a.recordTurnedAway(ctx, id, turnedAway{rule, "replayed"})
		return nil, credential.Errorf(credential.BadRequest, "the subject_token was traded before; let the CI issue another")
	case errors.Is(err, errUnchanged):
		if d.Standing != nil {
			a.count(ctx, &d, id.verification())
		}
		return nil, a.turnAway(ctx, id, turnedAway{rule, cmp.Or(string(d.Code), "changed")})
	case err != nil:
		return nil, undecided(err)
	}
	a.count(ctx, &d, id.verification())
	lifetime := IdentityLifetime
	if id.Lifetime > 0 {
		lifetime = min(id.Lifetime, lifetime)
	}
	return a.sign(ctx, grant{standing: d.Standing, scopes: scopes, project: uuid.Nil, lifetime: lifetime})
}
