package authority

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// providerRefused is the audit event of somebody whom a provider let not in.
const providerRefused = "provider.refuse"

// limitOfRefusals bounds how many of them are recorded.
func limitOfRefusals(organization uuid.UUID) limit.Take {
	return limit.Take{Key: limit.For("provider", organization), Rate: mostTurnedAway}
}

// redeem trades the code that somebody came back with for what the provider says
// of them.
func (a *Authority) redeem(ctx context.Context, f *flow, p *store.Provider, in FlowAnswer) (map[string]string, error) {
	about, err := a.askProvider(ctx, p, in.From)
	if err != nil {
		return nil, err
	}
	switch { // RFC 9207 section 2.4
	case in.Issuer == "" && about.NamesIssuer, in.Issuer != "" && in.Issuer != p.Issuer:
		return nil, refusal{"another_issuer", "The answer is of another provider than your organization's. Begin again.", nil}
	case in.Error != "":
		return nil, providerSaid(in)
	case in.Code == "" || len(in.Code) > maxCode:
		return nil, refusal{"no_code", "The provider's answer can't be used. Begin again.", nil}
	}
	identity, access, err := a.trade(ctx, f, p, about, in.Code)
	if err != nil {
		return nil, err
	}
	claims, err := a.readIdentity(ctx, f, p, identity)
	if err != nil || about.UserInfo == "" || claims["email"] != "" && (claims["email_verified"] != "" || claims["xms_edov"] != "") {
		return claims, err
	}
	return a.addUserInfo(ctx, about, access, claims)
}

// providerSaid is a refusal by the provider itself.
func providerSaid(in FlowAnswer) error {
	code := jwt.ErrorCode(in.Error)
	text := "The provider of your organization didn't let you in."
	switch code {
	case "access_denied":
		text = "You, or your organization's provider, said no."
	case "login_required", "interaction_required", "consent_required", "account_selection_required":
		text = "Your organization's provider wants you to sign in there first."
	case "temporarily_unavailable", "server_error":
		text = "Your organization's provider has a problem of its own. Try again in a moment."
	}
	why := code
	if why == "" {
		why = "an error"
	}
	if in.Problem != "" {
		why += ": " + printable(in.Problem, maxTold)
	}
	return refusal{"provider_error", text, errors.New(why)}
}

// errProvider is a refusal of somebody who can do nothing about it.
func errProvider(why string, because error) error {
	return refusal{why, "Your organization's provider doesn't work as it is set up here. Tell an owner of your organization; they find the reason on the page Single sign-on.", because}
}

// trade gets the tokens for a code (RFC 6749 section 4.1.3, RFC 7636).
func (a *Authority) trade(ctx context.Context, f *flow, p *store.Provider, about jwt.Provider, code string) (identity, access string, err error) {
	secret, err := a.store.ProviderSecret(p)
	if err != nil {
		a.log.Error("the secret of a provider can't be opened", "organization", p.Organization, "error", err)
		return "", "", errProvider("secret_lost", errors.New("the client secret can't be read any more; set it again"))
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {a.ProviderCallback()}, "code_verifier": {f.Verifier}}
	q := Question{URL: about.Token}
	if about.Post {
		form.Set("client_id", p.ClientID)
		form.Set("client_secret", secret.Reveal())
	} else { // RFC 6749 section 2.3.1: both are encoded first
		q.Authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(p.ClientID)+":"+url.QueryEscape(secret.Reveal())))
	}
	q.Form = form.Encode()
	status, answer, err := a.issuers.rules.Ask(ctx, q, mostTokens)
	switch {
	case err != nil:
		return "", "", errProvider("token_endpoint", fmt.Errorf("the token endpoint: %w", err))
	case status != 200:
		why := jwt.ParseError(answer)
		if why == "invalid_client" || why == "unauthorized_client" {
			why += "; the client ID or the secret is not the one that the provider has"
		}
		return "", "", errProvider("token_endpoint", fmt.Errorf("the token endpoint answered %d %s", status, why))
	}
	if identity, access, err = jwt.ParseTokens(answer); err != nil {
		return "", "", errProvider("token_endpoint", fmt.Errorf("the token endpoint's answer: %w", err))
	}
	return identity, access, nil
}

// readIdentity verifies the identity token of a provider.
func (a *Authority) readIdentity(ctx context.Context, f *flow, p *store.Provider, token string) (map[string]string, error) {
	k, err := a.issuers.about(ctx, p.Issuer, token)
	if err != nil {
		return nil, errProvider("keys", err)
	}
	id, err := k.keys.VerifySignIn(token, jwt.SignIn{Issuer: p.Issuer, ClientID: p.ClientID, Nonce: f.Nonce, Now: a.now()})
	if err != nil {
		why := whyNot(err)
		if errors.Is(err, jwt.WrongAudience) {
			why = "it is for another client"
		}
		a.decided(credential.CodeUnknown)
		return nil, errProvider("identity_token", fmt.Errorf("the identity token isn't taken: %s (%w)", why, err))
	}
	return id.Claims, nil
}

// addUserInfo asks a provider for what its identity token doesn't say (OpenID
// Connect Core 1.0 section 5.3), of the same subject.
func (a *Authority) addUserInfo(ctx context.Context, about jwt.Provider, access string, claims map[string]string) (map[string]string, error) {
	if !visible(access, maxCode) {
		return claims, nil
	}
	status, answer, err := a.issuers.rules.Ask(ctx, Question{URL: about.UserInfo, Authorization: "Bearer " + access}, mostTokens)
	if err == nil && status != 200 {
		err = fmt.Errorf("it answered %d", status)
	}
	var more map[string]string
	if err == nil {
		more, err = jwt.ParseUserInfo(answer)
	}
	switch {
	case err != nil:
		return nil, errProvider("userinfo", fmt.Errorf("the userinfo endpoint: %w", err))
	case more["sub"] != claims["sub"]:
		return nil, errProvider("userinfo", errors.New("the userinfo endpoint tells of another subject"))
	}
	for _, name := range []string{"email", "email_verified", "name"} {
		claims[name] = more[name]
	}
	delete(claims, "xms_edov") // which is about the address in the identity token
	return claims, nil
}

// refusalTold is what the owners of a provider are told of a refusal.
func refusalTold(detail string) string {
	var said struct{ Because, Told string }
	if !parseDetail(detail, &said) {
		return ""
	}
	if said.Because != "" {
		return said.Because
	}
	return said.Told
}

// authTime is when a provider asked somebody for their password, as far as it
// says so.
func authTime(claims map[string]string) time.Time {
	seconds, ok := number64(claims["auth_time"])
	if !ok {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}
