package console

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// answerRoutes is where a provider leads people back to. What else stands in its
// answer is passed over.
func (c *console) answerRoutes() []edge.Route {
	return []edge.Route{
		edge.Get(authority.ProviderCallback, edge.Public, c.comeBack).Takes("code", "state", "iss", "error", "error_description").TakesAnswers().LimitedByAddress(),
	}
}

// federationRoutes are the pages of signing in by a provider.
func (c *console) federationRoutes() []edge.Route {
	read, write := edge.Needs(credential.OrganizationRead), edge.Needs(credential.OrganizationWrite)
	return []edge.Route{
		edge.Get("/console/sign-in/organization", edge.Public, c.askOrganization).Takes("next"),
		edge.Form("/console/sign-in/organization", edge.Public, most, c.findOrganization).LimitedByAddress(),
		edge.Get("/console/sign-in/by/{provider}", edge.Public, c.leaveFor).LimitedByAddress(),
		edge.Form("/console/prove", edge.Authenticated, most, c.sentAnd(c.proveBy)),

		shows(organization+"/sign-in", read, c.provider, "after"),
		edge.Form(organization+"/sign-in", write, most, c.guarded(c.setProvider)),
		edge.Form(organization+"/sign-in/try", write, most, c.sentAnd(c.tryProvider)),
		edge.Get(organization+"/sign-in/delete", write, c.askDeleteProvider),
		edge.Form(organization+"/sign-in/delete", write, most, c.guarded(c.deleteProvider)),
		edge.Form(organization+"/sign-in/forget", write, most, c.guarded(c.forgetLink)),
	}
}

// leavingPage leads on to a provider.
type leavingPage struct {
	Organization, Host, URL, Back string
	Again                         bool // somebody proves who they are
}

// backPage says what came of it, where that is no session.
type backPage struct {
	Problem, Text   string
	Claims          []fact
	Again           string // where to try again; empty for nowhere
	Next, NextTitle string
}

// namePage asks for whose provider it is.
type namePage struct{ Named, Problem, Next string }

func (c *console) askOrganization(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showName(r, 0, namePage{Problem: c.refusal(), Next: ours(r.Param("next"))})
}

func (c *console) showName(r *edge.Request, status int, p namePage) (edge.Page, error) {
	return c.execute(r.Request, "provider", status, page{Title: "Sign in with your organization", Body: p})
}

// noProvider is the one answer to what no provider is found by.
const noProvider = "There is no single sign-on for that. Check the spelling, or sign in by password."

func (c *console) findOrganization(r *edge.Request, in edge.Values) (edge.Page, error) {
	p := namePage{Named: in["named"], Problem: c.refusal(), Next: ours(in["next"])}
	if p.Problem != "" {
		return c.showName(r, http.StatusForbidden, p)
	}
	id, err := c.authority.ProviderNamed(r.Context(), p.Named)
	if err != nil {
		return c.lostProvider(r, p, err)
	}
	return c.goToProvider(r, id, p)
}

// lostProvider says why nobody is led on.
func (c *console) lostProvider(r *edge.Request, p namePage, err error) (edge.Page, error) {
	var e *credential.Error
	switch {
	case errors.Is(err, credential.NotFound), errors.Is(err, credential.Invalid):
		p.Problem = noProvider
	case errors.As(err, &e) && e.Kind == credential.Unauthenticated:
		p.Problem = stop(e.Detail)
	default:
		return edge.Page{}, err
	}
	return c.showName(r, unprocessable, p)
}

func (c *console) leaveFor(r *edge.Request, _ edge.None) (edge.Page, error) {
	if problem := c.refusal(); problem != "" {
		return c.showName(r, http.StatusForbidden, namePage{Problem: problem})
	}
	id, err := authority.ParsePublicID("org", r.PathValue("provider"))
	if err != nil {
		return c.showName(r, unprocessable, namePage{Problem: noProvider})
	}
	return c.goToProvider(r, id, namePage{})
}

// goToProvider leads on to the provider of an organization.
func (c *console) goToProvider(r *edge.Request, id uuid.UUID, p namePage) (edge.Page, error) {
	hint, _ := credential.CheckEmail("named", p.Named)
	f, err := c.authority.BeginFlow(r.Context(), authority.FlowRequest{Organization: id, Purpose: authority.ToSignIn, Next: ours(p.Next), Hint: hint, From: r.Origin()})
	if err != nil {
		return c.lostProvider(r, p, err)
	}
	return c.showLeaving(r, f, leavingPage{Back: "/console/sign-in"})
}

// showLeaving writes the page that leads on to a provider. It names whose it is and
// where, before anybody types a password there.
func (c *console) showLeaving(r *edge.Request, f *authority.Flow, p leavingPage) (edge.Page, error) {
	c.keep(r, c.flow, f.Text, authority.FlowLasts)
	p.Organization, p.Host, p.URL = f.Organization.Name, f.Host, f.URL
	return c.execute(r.Request, "leave", 0, page{Title: "Sign in with " + f.Organization.Name, Body: p})
}

// comeBack goes on with who comes back from a provider.
func (c *console) comeBack(r *edge.Request, _ edge.None) (edge.Page, error) {
	in := authority.FlowAnswer{State: r.Param("state"), Code: r.Param("code"), Issuer: r.Param("iss"), Error: r.Param("error"), Problem: r.Param("error_description"), From: r.Origin()}
	if kept := r.CookiesNamed(c.flow); len(kept) == 1 {
		in.Text = kept[0].Value
	}
	done, err := c.authority.FinishFlow(r.Context(), in)
	if done != nil {
		c.keep(r, c.flow, "", 0)
	}
	var e *credential.Error
	switch {
	case errors.Is(err, credential.CodeRequired) && done != nil && done.SignedIn != nil:
		return c.showSignIn(r, 0, signInPage{Code: true, Proven: done.Proven, Next: ours(done.Next)})
	case errors.As(err, &e) && (e.Kind == credential.Unauthenticated || e.Kind == credential.TooMany):
		return c.notBack(r, done, stop(e.Detail))
	case err != nil:
		return edge.Page{}, err
	case done.Purpose == authority.ToProve:
		return c.showBack(r, 0, "It’s you", backPage{Text: "Close this tab, go back to the one before, and press Confirm there."})
	case done.Purpose == authority.ToTry:
		return c.tried(r, done)
	}
	c.set(r, done.Token.Reveal())
	return c.moveTo(r, ours(done.Next))
}

func (c *console) showBack(r *edge.Request, status int, title string, p backPage) (edge.Page, error) {
	return c.execute(r.Request, "back", status, page{Title: title, Body: p})
}

// notBack says why somebody wasn't let in, and how to try again.
func (c *console) notBack(r *edge.Request, f *authority.Finished, problem string) (edge.Page, error) {
	p := backPage{Problem: problem, Again: "/console/sign-in/organization", Next: "/console/sign-in", NextTitle: "Sign in by password"}
	if f == nil {
		return c.showBack(r, unprocessable, "You aren’t signed in", p)
	}
	switch f.Purpose {
	case authority.ToTry:
		p.Again, p.Next, p.NextTitle = "", settingsOf(f), "Back to Single sign-on"
		return c.showBack(r, unprocessable, "It doesn’t work yet", p)
	case authority.ToProve:
		p.Again, p.Next, p.Text = "", "", "Close this tab and go back to the one before."
		return c.showBack(r, unprocessable, "That didn’t prove who you are", p)
	}
	p.Again = "/console/sign-in/by/" + authority.PublicID("org", f.Organization)
	return c.showBack(r, unprocessable, "You aren’t signed in", p)
}

func settingsOf(f *authority.Finished) string {
	return "/console/organizations/" + authority.PublicID("org", f.Organization) + "/sign-in"
}

// tried shows what a provider said to who looks after it.
func (c *console) tried(r *edge.Request, f *authority.Finished) (edge.Page, error) {
	p := backPage{Text: f.Verdict, Next: settingsOf(f), NextTitle: "Back to Single sign-on"}
	for _, name := range []string{"iss", "sub", "email", "email_verified", "name"} {
		p.Claims = append(p.Claims, fact{Title: name, Text: cmp.Or(f.Claims[name], "not said")})
	}
	return c.showBack(r, 0, "The provider answered", p)
}

// proveBy leads on to the provider that says once more who somebody is.
func (c *console) proveBy(r *edge.Request, in edge.Values) (edge.Page, error) {
	f, err := c.authority.BeginProof(r.Context(), &r.Principal, r.Origin())
	if err != nil {
		return c.flowProblem(r, &authority.Finished{Purpose: authority.ToProve}, err)
	}
	return c.showLeaving(r, f, leavingPage{Again: true})
}

// flowProblem is why nobody can be led on.
func (c *console) flowProblem(r *edge.Request, f *authority.Finished, err error) (edge.Page, error) {
	var e *credential.Error
	if errors.As(err, &e) && (e.Kind == credential.Unauthenticated || e.Kind == credential.NotFound) {
		return c.notBack(r, f, stop(e.Detail))
	}
	return edge.Page{}, err
}

func (c *console) tryProvider(r *edge.Request, in edge.Values) (edge.Page, error) {
	f, err := c.authority.BeginTry(r.Context(), &r.Principal, r.Principal.Organization, r.Origin())
	if err != nil {
		return c.flowProblem(r, &authority.Finished{Purpose: authority.ToTry, Organization: r.Principal.Organization}, err)
	}
	return c.showLeaving(r, f, leavingPage{Back: base(r) + "/sign-in"})
}

// mayProvide reports whether somebody decides by whom people sign in.
func mayProvide(r *edge.Request) bool {
	return r.Principal.SignedIn() && r.Principal.Role == credential.Owner
}

// knownRow is somebody whom a provider knows.
type knownRow struct {
	store.ProviderLink
	Used string
}
