package console

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// pageRoutes are the pages and what their forms do.
func (c *console) pageRoutes() []edge.Route {
	return slices.Concat(c.coreRoutes(), c.accountRoutes(), c.tokenRoutes(), c.organizationRoutes(), c.operatorRoutes(), c.workRoutes(), c.federationRoutes())
}

// organization is where the pages of one begin.
const organization = "/console/organizations/{organization}"

// shows is a route to a page, which takes some parameters and done.
func shows(pattern string, access edge.Access, fn func(*edge.Request, edge.None) (edge.Page, error), params ...string) edge.Route {
	return edge.Get(pattern, access, fn).Takes(append(params, "done")...)
}

// coreRoutes are those of the frame, and of usage.
func (c *console) coreRoutes() []edge.Route {
	used := edge.Needs(credential.UsageRead) // who may change depends on the project
	return []edge.Route{
		edge.Get("/console/assets/{version}/{file}", edge.Public, c.asset).Kept(365 * 24 * time.Hour),
		edge.Get("/console/sign-in", edge.Public, c.signInPage),
		edge.Form("/console/sign-in", edge.Public, most, c.signInForm).LimitedByAddress(),
		edge.Form("/console/sign-out", edge.Authenticated, most, c.signOutForm),
		edge.Form("/console/theme", edge.Public, most, c.chooseTheme),
		edge.Get("/console/{$}", edge.Authenticated, c.home),

		shows(organization+"/usage", used, c.usage, "project", "from", "to"),
		shows(organization+"/budgets", used, c.budgets, "after"),
		shows(organization+"/budgets/{budget}", used, c.budget),
		edge.Form(organization+"/budgets/{budget}", used, most, c.guarded(c.setBudget)),
		edge.Form(organization+"/budgets/{budget}/top-up", used, most, c.guarded(c.topUpBudget)),
		edge.Form(organization+"/budgets/{budget}/remove", used, most, c.guarded(c.removeBudget)),
		shows(organization+"/usage/requests", used, c.requests, "days", "project", "measure"),
		edge.Get(organization+"/usage/requests/export.csv", used, c.exportRequests).Takes("days", "project", "measure"),
		shows(organization+"/usage/{project}", used, c.usage, "from", "to"),
		edge.Form(organization+"/usage/{project}", used, most, c.guarded(c.setUsage)),
		edge.Form(organization+"/usage/{project}/top-up", used, most, c.guarded(c.topUp)),
		edge.Get(organization+"/usage/{project}/export.csv", used, c.exportUsage).Takes("from", "to"),
	}
}

// signInPage is the page of the password, or (with Code) that of the code.
type signInPage struct {
	Email, Next     string
	Notice, Problem string
	Code            bool
	Proven          string
}

func (c *console) signInPage(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showSignIn(r, 0, signInPage{Next: "/console/", Problem: c.refusal()})
}

// refusal says why nobody can sign in; empty where they can.
func (c *console) refusal() string {
	if c.refused == "" {
		return ""
	}
	return stop(c.refused)
}

func (c *console) showSignIn(r *edge.Request, status int, p signInPage) (edge.Page, error) {
	return c.execute(r.Request, "signin", status, page{Title: "Sign in", Body: p})
}

func (c *console) signInForm(r *edge.Request, in edge.Values) (edge.Page, error) {
	p := signInPage{Email: in["email"], Next: ours(in["next"]), Proven: in["proven"], Code: in["proven"] != ""}
	if p.Problem = c.refusal(); p.Problem != "" {
		return c.showSignIn(r, http.StatusForbidden, p)
	}
	s, err := c.authority.SignIn(r.Context(), authority.SignInRequest{
		Email: in["email"], Password: in["password"], Proven: in["proven"], Code: in["code"], Cookie: true, From: r.Origin(),
	})
	var e *credential.Error
	switch {
	case err == nil:
		c.set(r, s.Token.Reveal())
		return c.moveTo(r, p.Next)
	case !errors.As(err, &e):
		return edge.Page{}, err
	case e.Kind == credential.CodeRequired && s != nil:
		p.Code, p.Proven = true, s.Proven
		return c.showSignIn(r, 0, p)
	case e.Kind == credential.CodeRequired:
		p.Problem = "Type the code that your authenticator app shows."
	case e.Kind == credential.CodeWrong:
		p.Problem = "That code doesn't match, or was used before. Codes change every 30 seconds."
	case e.Kind == credential.Invalid:
		p.Problem = "Type your e-mail address and your password."
	case e.Kind == credential.Unauthenticated:
		p.Code, p.Proven, p.Problem = false, "", stop(e.Detail)
	default:
		return edge.Page{}, err
	}
	return c.showSignIn(r, http.StatusUnprocessableEntity, p)
}

func (c *console) signOutForm(r *edge.Request, in edge.Values) (edge.Page, error) {
	if err := c.sent(r, in); err != nil {
		return edge.Page{}, err
	}
	if err := c.authority.SignOut(r.Context(), &r.Principal, false); err != nil {
		return edge.Page{}, err
	}
	c.set(r, "")
	return c.moveTo(r, "/console/sign-in")
}

// sent refuses a form that no page of this session held.
func (c *console) sent(r *edge.Request, in edge.Values) error {
	if !c.authority.CheckFormToken(&r.Principal, in["form"]) {
		return credential.Errorf(credential.Forbidden, "this form is of another session; load its page again")
	}
	return nil
}

func (c *console) chooseTheme(r *edge.Request, in edge.Values) (edge.Page, error) {
	chosen := in["theme"]
	if !slices.Contains(themes(), chosen) {
		return edge.Page{}, credential.InvalidField("theme", "must be auto, light or dark")
	}
	if chosen == "auto" {
		chosen = ""
	}
	c.keep(r, c.theme, chosen, 365*24*time.Hour)
	return c.moveTo(r, ours(in["back"]))
}

// membership is an organization of the user, with where its pages begin.
type membership struct {
	store.Membership
	To, Usage string
}

func (c *console) home(r *edge.Request, _ edge.None) (edge.Page, error) {
	memberships, err := c.authority.Memberships(r.Context(), &r.Principal)
	if err != nil {
		return edge.Page{}, err
	}
	list := make([]membership, len(memberships))
	for i := range memberships {
		base := baseOf(&memberships[i])
		list[i] = membership{memberships[i], base + "/keys", base + "/usage"}
	}
	return c.render(r, "home", page{Title: "Your organizations", Body: list})
}
