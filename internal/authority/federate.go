package authority

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/jwt"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

const (
	// FlowLasts is how long somebody may stay at a provider.
	FlowLasts = 10 * time.Minute
	// ProviderCallback is the path to which a provider leads people back.
	ProviderCallback = "/console/sign-in/callback"

	flowRow       = "sign-in flow" // what a flow is sealed for
	mostFlow      = 3 << 10        // bytes of a sealed flow
	maxCode       = 4 << 10        // bytes of a code of a provider
	mostTokens    = 64 << 10       // bytes of what a token endpoint answers
	flowSkew      = time.Minute    // how far the clock of a provider may differ
	providerScope = "openid email profile"
)

// FlowPurpose is what somebody goes to a provider for.
type FlowPurpose string

// The purposes.
const (
	ToSignIn FlowPurpose = "sign in"
	ToProve  FlowPurpose = "prove" // once more who they are
	ToTry    FlowPurpose = "try"   // what the provider says
)

// FlowRequest asks for the way to the provider of an organization.
type FlowRequest struct {
	Organization uuid.UUID
	Purpose      FlowPurpose
	Session      uuid.UUID // whose user proves who they are
	Next         string    // where to go on to
	Hint         string    // whom the provider should ask
	From         Origin
}

// Flow is the way to a provider. Text is kept by the browser, in a cookie, and
// binds what comes back to it.
type Flow struct {
	Organization    *store.Organization
	URL, Host, Text string
}

// flow is what the browser keeps, sealed, while somebody is at a provider.
type flow struct {
	Organization uuid.UUID   `json:"organization"`
	Changed      time.Time   `json:"changed"` // which state of the provider's record it is
	Purpose      FlowPurpose `json:"purpose"`
	Session      uuid.UUID   `json:"session"`
	State        string      `json:"state"`
	Nonce        string      `json:"nonce"`
	Verifier     string      `json:"verifier"`
	Next         string      `json:"next"`
	Begun        time.Time   `json:"begun"`
}

// ProviderNamed finds the organization whose provider somebody means: by the
// domain of an e-mail address, by the slug or the name of the organization. It
// doesn't look whether there is an account.
func (a *Authority) ProviderNamed(ctx context.Context, text string) (uuid.UUID, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > 254 {
		return uuid.Nil, credential.Errorf(credential.NotFound, "the organization has no provider")
	}
	if strings.Contains(text, "@") {
		email, err := credential.CheckEmail("email", text)
		if err != nil {
			return uuid.Nil, err
		}
		_, domain, _ := strings.Cut(email, "@")
		return a.store.ProviderOf(ctx, domain, "")
	}
	return a.store.ProviderOf(ctx, "", text)
}

// errFlow is the answer to what no flow of this browser is.
func errFlow() error {
	return credential.Errorf(credential.Unauthenticated, "That took too long, was done before, or was begun in another browser. Begin again.")
}

// BeginFlow makes the way to a provider.
func (a *Authority) BeginFlow(ctx context.Context, r FlowRequest) (*Flow, error) {
	o, err := a.store.Organization(ctx, r.Organization)
	if err != nil {
		return nil, err
	}
	p, err := a.store.Provider(ctx, r.Organization)
	if err != nil {
		return nil, err
	}
	if r.Purpose != ToTry && !p.Active || !o.SuspendedAt.IsZero() {
		return nil, credential.Errorf(credential.NotFound, "the organization has no provider")
	}
	k, err := a.askProvider(ctx, p, r.From)
	if err != nil {
		return nil, err
	}
	f := flow{Organization: o.ID, Changed: p.UpdatedAt, Purpose: r.Purpose, Session: r.Session, Next: r.Next, Begun: a.clock()}
	for _, text := range []*string{&f.State, &f.Nonce, &f.Verifier} {
		var raw [32]byte
		if _, err := io.ReadFull(a.rand, raw[:]); err != nil {
			return nil, fmt.Errorf("begin to sign in by a provider: %w", err)
		}
		*text = hex.EncodeToString(raw[:]) // which begins like no secret of ours
	}
	address, err := a.authorization(&f, p, k.Authorization, r.Hint)
	if err != nil {
		return nil, a.refuseFlow(ctx, &f, r.From, err)
	}
	text, err := a.sealFor(flowRow, f)
	return &Flow{o, address.String(), address.Host, text}, err
}

// askProvider is what is known of a provider by which people may sign in.
func (a *Authority) askProvider(ctx context.Context, p *store.Provider, from Origin) (jwt.Provider, error) {
	if a.issuers.rules.Ask == nil {
		return jwt.Provider{}, credential.Errorf(credential.NotFound, "the organization has no provider")
	}
	k, err := a.issuers.about(ctx, p.Issuer, "")
	if err == nil && k.unfit == nil {
		return k.provider, nil
	}
	return k.provider, a.refuseFlow(ctx, &flow{Organization: p.Organization}, from, refusal{"provider_unfit",
		"The provider of your organization can't be used at present. Try again in a minute, or sign in by password.", cmp.Or(err, k.unfit)})
}

// authorization is the address at which a provider asks who somebody is (OpenID
// Connect Core 1.0 section 3.1.2.1, RFC 7636).
func (a *Authority) authorization(f *flow, p *store.Provider, endpoint, hint string) (*url.URL, error) {
	checked, err := a.issuers.rules.CheckURL("authorization_endpoint", endpoint)
	if err != nil {
		return nil, refusal{"provider_unfit", "The provider of your organization can't be used: it sends people to an address that isn't allowed.", err}
	}
	u, err := url.Parse(checked)
	if err != nil {
		return nil, err
	}
	challenge := sha256.Sum256([]byte(f.Verifier))
	query := u.Query()
	for name, value := range map[string]string{
		"response_type": "code", "client_id": p.ClientID, "redirect_uri": a.ProviderCallback(), "scope": providerScope, "state": f.State, "nonce": f.Nonce,
		"code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]), "code_challenge_method": "S256",
	} {
		query.Set(name, value)
	}
	if f.Purpose == ToProve {
		query.Set("prompt", "login")
		query.Set("max_age", "0")
	}
	if hint != "" {
		query.Set("login_hint", hint)
	}
	u.RawQuery = query.Encode()
	return u, nil
}

// ProviderCallback is the address to which providers lead people back.
func (a *Authority) ProviderCallback() string { return trimSlash(a.Issuer()) + ProviderCallback }

// sealFor writes what a browser keeps.
func (a *Authority) sealFor(row string, v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("seal a %s: %w", row, err)
	}
	sealed, err := a.store.Root().Seal(a.rand, row, text)
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// openFor reads what a browser kept, and reports whether it is what was sealed.
func (a *Authority) openFor(row, text string, v any) bool {
	if len(text) > mostFlow {
		return false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		sealed, err = a.store.Root().Open(row, sealed)
	}
	return err == nil && json.Unmarshal(sealed, v) == nil
}

// refusal is why a provider lets somebody not in: a word of ours, what they are
// told, and what its owners are told besides.
type refusal struct {
	why, text string
	because   error
}

// Error implements error.
func (r refusal) Error() string { return r.text }

// refuseFlow makes an error that may be shown of a refusal, and notes it where
// those see it who look after the provider, a few in a minute.
func (a *Authority) refuseFlow(ctx context.Context, f *flow, from Origin, err error) error {
	var r refusal
	if !errors.As(err, &r) {
		return err
	}
	a.noteRefusal(ctx, f, from, r)
	return credential.Errorf(credential.Unauthenticated, "%s", r.text)
}

func (a *Authority) noteRefusal(ctx context.Context, f *flow, from Origin, r refusal) {
	if !a.refused.Take(a.now(), limitOfRefusals(f.Organization)).Allowed {
		return
	}
	detail := map[string]string{"reason": r.why, "told": r.text}
	if r.because != nil {
		detail["because"] = told(r.because.Error())
	}
	err := a.store.Change(ctx, f.Organization, func(tx *store.Tx) error {
		tx.Record(act{from.somebody(uuid.Nil), a.clock()}.event(providerRefused, "organization:"+f.Organization.String(), object(detail)))
		return nil
	})
	if err != nil {
		a.log.Warn("that a provider let nobody in can't be recorded", "organization", f.Organization, "error", err)
	}
}

// FlowAnswer is what came back from a provider, with what the browser kept.
type FlowAnswer struct {
	Text                       string
	State, Code, Issuer, Error string
	Problem                    string // in the provider's words
	From                       Origin
}

// Finished is what came of a flow.
type Finished struct {
	*SignedIn    // nil unless somebody signed in
	Purpose      FlowPurpose
	Organization uuid.UUID
	Next         string
	Claims       map[string]string // what the provider said, of a try
	Verdict      string            // what would come of it
}

// FinishFlow goes on with somebody who comes back from a provider. With an error
// comes what is known of the flow, unless it is none.
func (a *Authority) FinishFlow(ctx context.Context, in FlowAnswer) (*Finished, error) {
	var f flow
	if !a.openFor(flowRow, in.Text, &f) || !a.clock().Before(f.Begun.Add(FlowLasts)) || !hmac.Equal([]byte(f.State), []byte(in.State)) {
		return nil, errFlow()
	}
	out := &Finished{Purpose: f.Purpose, Organization: f.Organization, Next: f.Next}
	first, err := a.store.Once(ctx, sha256.Sum256([]byte("sign-in flow\x00"+f.State)), f.Begun.Add(FlowLasts+time.Minute))
	if err != nil {
		return out, undecided(err)
	}
	p, err := a.store.Provider(ctx, f.Organization)
	switch {
	case errors.Is(err, credential.NotFound), err == nil && (!first || !p.UpdatedAt.Equal(f.Changed)):
		return out, errFlow()
	case err != nil:
		return out, undecided(err)
	}
	claims, err := a.redeem(ctx, &f, p, in)
	if err == nil {
		err = a.conclude(ctx, out, flown{&f, p, claims, in.From})
	}
	if err != nil && out.SignedIn == nil {
		err = a.refuseFlow(ctx, &f, in.From, err)
	}
	return out, err
}

// flown is what somebody came back with.
type flown struct {
	*flow
	provider *store.Provider
	claims   map[string]string
	from     Origin
}

// conclude does what a flow was for.
func (a *Authority) conclude(ctx context.Context, out *Finished, f flown) (err error) {
	if f.Purpose == ToTry {
		out.Claims = shownClaims(f.claims)
		out.Verdict, err = a.verdict(ctx, f)
		return err
	}
	v, err := vouch(f)
	if err != nil {
		return err
	}
	v.Until = a.clock().Add(provenFor)
	if f.Purpose == ToProve {
		return a.proveByProvider(ctx, f)
	}
	out.SignedIn, err = a.enter(ctx, v, SignInRequest{Cookie: true, From: f.from})
	return err
}

// shownClaims are what a provider said, but for what means nothing to people.
func shownClaims(claims map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range claims {
		switch name {
		case "nonce", "at_hash", "c_hash", "sid", "exp", "iat", "nbf", "jti":
		default:
			out[told(name)] = told(value)
		}
	}
	return out
}
