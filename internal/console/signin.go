package console

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// pageRoutes are the pages and what their forms do.
func (c *console) pageRoutes() []edge.Route {
	return slices.Concat(c.coreRoutes(), c.accountRoutes(), c.tokenRoutes(), c.organizationRoutes(), c.workRoutes(), c.federationRoutes(), c.deviceRoutes())
}

// organization is where the pages of one begin.
const organization = "/console/organizations/{organization}"

// shows is a route to a page, which takes some parameters and done.
func shows(pattern string, access edge.Access, fn func(*edge.Request, edge.None) (edge.Page, error), params ...string) edge.Route {
	return edge.Get(pattern, access, fn).Takes(append(params, "done")...)
}

// coreRoutes are those of the frame, of keys, clients and usage.
func (c *console) coreRoutes() []edge.Route {
	read, write := edge.Needs(credential.CredentialsRead), edge.Needs(credential.CredentialsWrite)
	used := edge.Needs(credential.UsageRead) // who may change depends on the project
	return []edge.Route{
		edge.Get("/console/assets/{version}/{file}", edge.Public, c.asset).Kept(365 * 24 * time.Hour),
		edge.Get("/console/sign-in", edge.Public, c.signInPage),
		edge.Form("/console/sign-in", edge.Public, most, c.signInForm).LimitedByAddress(),
		edge.Form("/console/sign-out", edge.Authenticated, most, c.sentAnd(c.signOutForm)),
		edge.Form("/console/theme", edge.Public, most, c.chooseTheme),
		shows("/console/{$}", edge.Authenticated, c.home),

		shows(organization+"/keys", read, c.keys, "state", "mode", "q", "after"),
		edge.Get(organization+"/keys/new", write, c.newKey).Takes("from", "name", "mode", "scopes", "expires"),
		edge.Form(organization+"/keys/several", write, most, c.sentAnd(c.several)),
		edge.Form(organization+"/keys/several/revoke", write, most, c.sentAnd(c.revokeSeveral)),
		edge.Form(organization+"/keys/several/rotate", write, most, c.guarded(c.rotateSeveral)),
		edge.Form(organization+"/keys", write, most, c.guarded(c.createKey)),
		shows(organization+"/keys/{credential}", read, c.key),
		edge.Get(organization+"/keys/{credential}/edit", write, c.editKey),
		edge.Form(organization+"/keys/{credential}/edit", write, most, c.guarded(c.changeKey)),
		edge.Form(organization+"/keys/{credential}/suspend", write, most, c.sentAnd(c.suspendKey)),
		edge.Form(organization+"/keys/{credential}/resume", write, most, c.guarded(c.resumeKey)),
		shows(organization+"/find", read, c.findSecret, "fingerprint"),
		edge.Get(organization+"/keys/{credential}/rotate", write, c.askRotate),
		edge.Form(organization+"/keys/{credential}/rotate", write, most, c.guarded(c.rotate)),
		edge.Get(organization+"/keys/{credential}/revoke", write, c.askRevoke),
		edge.Form(organization+"/keys/{credential}/revoke", write, most, c.sentAnd(c.revoke)),

		shows(organization+"/integrations", read, c.clients),
		edge.Get(organization+"/integrations/new", write, c.newClient).Takes("kind"),
		edge.Form(organization+"/integrations", write, most, c.guarded(c.createClient)),
		edge.Get(organization+"/integrations/{credential}/edit", write, c.editKey),
		edge.Form(organization+"/integrations/{credential}/edit", write, most, c.guarded(c.changeKey)),
		edge.Get(organization+"/integrations/{credential}/rotate", write, c.askRotate),
		edge.Form(organization+"/integrations/{credential}/rotate", write, most, c.guarded(c.rotate)),
		edge.Get(organization+"/integrations/{credential}/delete", write, c.askRevoke),
		edge.Form(organization+"/integrations/{credential}/delete", write, most, c.sentAnd(c.revoke)),

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
	Refused         string // why nobody can sign in; empty where they can
	Code            bool
	Proven          string
	Invitation      string // that is accepted then
	SetUp           string // where the installation is set up; empty where that was done
	Locked          bool
	Unconfirmed     bool
	Register, Mail  bool
}

func (c *console) signInPage(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showSignIn(r, 0, signInPage{Next: "/console/"})
}

func (c *console) showSignIn(r *edge.Request, status int, p signInPage) (edge.Page, error) {
	return c.execute(r.Request, "signin", status, c.signInAs(r.Request, p))
}

// signInAs is the page to sign in.
func (c *console) signInAs(r *http.Request, p signInPage) page {
	p.Refused, p.SetUp = c.refusal(), c.toSetUp(r.Context())
	p.Register, p.Mail = c.authority.Open() && p.SetUp == "", c.authority.SendsMail()
	return page{Title: "Sign in", Body: p}
}

func (c *console) signInForm(r *edge.Request, in edge.Values) (edge.Page, error) {
	p := signInPage{Email: in["email"], Next: ours(in["next"]), Proven: in["proven"], Code: in["proven"] != "", Invitation: in["invitation"]}
	if c.refused != "" {
		return c.showSignIn(r, http.StatusForbidden, p)
	}
	s, err := c.authority.SignIn(r.Context(), authority.SignInRequest{
		Email: in["email"], Password: in["password"], Proven: in["proven"], Code: in["code"], Cookie: true, From: r.Origin(),
	})
	var e *credential.Error
	switch {
	case err == nil:
		return c.signedIn(r, s, p)
	case !errors.As(err, &e):
		return edge.Page{}, err
	case e.Kind == credential.CodeRequired && s != nil:
		p.Code, p.Proven = true, s.Proven
		return c.showSignIn(r, 0, p)
	case !signInProblem(&p, e):
		return edge.Page{}, err
	}
	return c.showSignIn(r, http.StatusUnprocessableEntity, p)
}

// signedIn begins a session in the browser, and does what it was begun for.
func (c *console) signedIn(r *edge.Request, s *authority.SignedIn, p signInPage) (edge.Page, error) {
	c.set(r, s.Token.Reveal())
	if p.Invitation == "" {
		return c.moveTo(r, p.Next)
	}
	d, err := c.authority.Verify(r.Context(), s.Token.Reveal(), authority.Verification{Address: r.Address, UserAgent: r.UserAgent(), RequestID: r.ID})
	if err != nil || d.Code != credential.OK {
		return c.moveTo(r, p.Next)
	}
	r.Principal = d.Principal
	r.Principal.Address, r.Principal.RequestID = r.Address, r.ID
	return c.accept(r, edge.Values{"invitation": p.Invitation})
}

func (c *console) signOutForm(r *edge.Request, in edge.Values) (edge.Page, error) {
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
