package console

import (
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// toOperator is where the pages of whoever runs the installation begin.
const toOperator = "/console/operator"

// operatorRoutes are the pages of whoever runs the installation. Those that
// aren't public take a session of the operator, and no other.
func (c *console) operatorRoutes() []edge.Route {
	const (
		one     = toOperator + "/organizations/{organization}"
		cred    = one + "/credentials/{credential}"
		signing = toOperator + "/signing-keys"
	)
	any := edge.Authenticated
	return []edge.Route{
		edge.Form(toOperator, edge.Public, most, c.operatorSignIn),
		edge.Form(toOperator+"/sign-out", any, most, c.sentAnd(c.operatorSignOut)),
		shows(toOperator, any, c.allOrganizations, "q", "state", "after"),
		shows(one, any, c.oneOrganization, "q", "scheme", "state", "after"),
		shows(cred, any, c.oneCredential),
		edge.Form(cred, any, most, c.sentAnd(c.limitCredential)),
		edge.Get(cred+"/revoke", any, c.askEnd),
		edge.Form(cred+"/revoke", any, most, c.sentAnd(c.endCredential)),
		shows(signing, any, c.operatorSigningKeys),
		edge.Get(signing+"/replace", any, c.askReplace),
		edge.Form(signing, any, most, c.sentAnd(c.rotateSigningKeys)),
	}
}

// presentOperator takes the operator's session from its cookie and from nowhere
// else.
func (c *console) presentOperator(h http.Header) (edge.Presented, error) {
	return edge.FromCookie(h, c.operator)
}

// setOperator makes the browser keep the operator's session, or (empty) forget
// it. It is sent to the operator's pages alone, and from no page of another site.
func (c *console) setOperator(r *edge.Request, value string) {
	age := int(authority.ConsoleLifetime / time.Second)
	if value == "" {
		age = -1
	}
	r.SetCookie(&http.Cookie{
		Name: c.operator, Value: value, Path: toOperator, MaxAge: age, HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteStrictMode,
	})
}

// operatorGate is the page on which the operator types a code.
func (c *console) operatorGate() gatePage {
	p := gatePage{
		Heading: "Sign in as the operator", Text: "For whoever runs this server. Where it runs, this command prints a code:", Command: "gatehouse console",
		Links: []link{{Title: "Sign in with an account", To: "/console/sign-in"}},
	}
	if c.refused != "" {
		p.Notice = c.refusal()
		return p
	}
	p.To, p.Do = toOperator, "Sign in"
	p.Inputs = []input{{Name: "code", Label: "Code", Kind: "text", Complete: "off", Most: 40, Mono: true, Focus: true, Hint: "Three groups of four. It is good once, for five minutes."}}
	return p
}

func (c *console) operatorSignIn(r *edge.Request, in edge.Values) (edge.Page, error) {
	if c.refused != "" {
		out, err := c.showGate(r, c.operatorGate())
		out.Status = http.StatusForbidden
		return out, err
	}
	s, err := c.authority.EnterConsole(r.Context(), in["code"], r.Origin())
	problems, status := troubles(err), unprocessable
	if errors.Is(err, credential.TooMany) {
		problems, status = []trouble{{"code", "Too many codes were tried from this address. Wait five minutes."}}, http.StatusTooManyRequests
	}
	if problems != nil {
		out, err := c.showGate(r, c.operatorGate().with(nil, problems))
		out.Status = status
		return out, err
	}
	if err != nil {
		return edge.Page{}, err
	}
	c.setOperator(r, s.Token.Reveal())
	return c.moveTo(r, toOperator)
}

func (c *console) operatorSignOut(r *edge.Request, _ edge.Values) (edge.Page, error) {
	if err := c.authority.LeaveConsole(r.Context(), &r.Principal); err != nil {
		return edge.Page{}, err
	}
	c.setOperator(r, "")
	return c.moveTo(r, toOperator)
}

// writeOperatorProblem answers a failure by a page: the one for a code, where
// that helps.
func (c *console) writeOperatorProblem(w http.ResponseWriter, f edge.Failure, requestID string) {
	if f.Status != http.StatusUnauthorized || f.Request == nil {
		c.writeProblem(w, f, requestID)
		return
	}
	p := c.operatorGate()
	if f.Denied != nil && f.Denied.Code != "" {
		p.Text = "Your session has ended. Where the server runs, this command prints another code:"
	}
	out, err := c.execute(f.Request, "gateform", f.Status, page{Title: p.Heading, Body: p})
	if err != nil {
		out = edge.Page{Status: http.StatusInternalServerError, HTML: edge.HTML("Something went wrong.")}
	}
	edge.WritePage(w, out)
}

// operatorFrame is what stands around the operator's pages.
type operatorFrame struct{ Until string }

// renderOperator writes a page of the operator, which no other can be taken for.
func (c *console) renderOperator(r *edge.Request, name string, p page) (edge.Page, error) {
	p.Operator, p.Base = &operatorFrame{r.EndsAt.UTC().Format("15:04 UTC")}, toOperator
	p.Form, p.Path = c.authority.FormToken(&r.Principal), r.URL.Path
	if r.Method == http.MethodGet {
		p.Done = deeds[r.Param("done")]
	} else {
		p.Path = toOperator
	}
	keys := below(r.URL.Path, toOperator+"/signing-keys")
	p.Nav = []section{
		{"Installation", []link{{"Organizations", toOperator, "grid", !keys}, {"Signing keys", toOperator + "/signing-keys", "seal", keys}}},
		{"Elsewhere", []link{{"Sign in with an account", "/console/", "person", false}, {"API docs", "/docs", "book", false}}},
	}
	return c.execute(r.Request, name, 0, p)
}

// organizationIn is the organization that the path of a page of the operator names.
func organizationIn(r *edge.Request) (uuid.UUID, error) {
	id, err := authority.ParsePublicID("org", r.PathValue("organization"))
	if err != nil {
		return id, credential.Errorf(credential.NotFound, "no such organization")
	}
	return id, nil
}

// operated is where the operator's pages about an organization begin.
func operated(organization uuid.UUID) string {
	return toOperator + "/organizations/" + authority.PublicID("org", organization)
}
