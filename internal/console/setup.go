package console

import (
	"context"
	"errors"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// isSetUp reports whether the installation has an owner. Once it has, nothing
// is asked any more.
func (c *console) isSetUp(ctx context.Context) (bool, error) {
	if c.settled.Load() {
		return true, nil
	}
	done, err := c.authority.IsSetUp(ctx)
	if err == nil && done {
		c.settled.Store(true)
	}
	return done, err
}

// toSetUp is where the installation is set up; empty where that was done.
func (c *console) toSetUp(ctx context.Context) string {
	if done, err := c.isSetUp(ctx); err != nil || done {
		return ""
	}
	return "/console/setup"
}

func (c *console) setUpForm() gatePage {
	return gatePage{
		Heading: "Set up Gatehouse", Text: "This makes the first organization, and you its owner. It happens once.", To: "/console/setup", Do: "Set up",
		Inputs: []input{
			{Name: "code", Label: "Set-up code", Kind: "text", Complete: "off", Most: 100, Mono: true, Focus: true,
				Hint: "The server prints it when it starts. It begins with setup-."},
			{Name: "organization", Label: "Organization", Kind: "text", Complete: "organization", Most: 100},
			nameField(), addressField(), c.newPasswordField(),
		},
	}
}

func (c *console) setUpPage(r *edge.Request, _ edge.None) (edge.Page, error) {
	done, err := c.isSetUp(r.Context())
	if err != nil {
		return edge.Page{}, err
	}
	switch {
	case done:
		return c.showGate(r, gatePage{
			Heading: "Gatehouse is set up", Text: "It has an owner. Nobody can set it up a second time.", Links: []link{{Title: "Sign in", To: "/console/sign-in"}},
		})
	case c.refused != "":
		return c.showGate(r, gatePage{
			Heading: "Set up Gatehouse", Text: "Or set it up where the server runs, by a command:", Notice: c.refusal(),
			Command: "gatehouse setup --organization Acme --name Ada --email ada@example.com",
		})
	}
	return c.showGate(r, c.setUpForm())
}

// setUp makes the first owner, signs them in, and shows the first key, once.
func (c *console) setUp(r *edge.Request, in edge.Values) (edge.Page, error) {
	if done, err := c.isSetUp(r.Context()); err != nil || done || c.refused != "" {
		if err != nil {
			return edge.Page{}, err
		}
		out, err := c.setUpPage(r, edge.None{})
		out.Status = unprocessable
		return out, err
	}
	p := r.Principal
	p.SubjectType, p.Address, p.RequestID = "setup", r.Address, r.ID
	_, member, key, err := c.authority.Setup(r.Context(), &p, authority.SetupRequest{
		Code: in["code"], Organization: in["organization"],
		UserRequest: authority.UserRequest{Email: in["email"], Name: in["name"], Role: credential.Owner, Password: in["password"]},
	})
	if problems := troubles(err); problems != nil {
		for i := range problems {
			if problems[i].Field == "code" {
				problems[i].Text = "That isn't the code that the server printed."
			}
		}
		return c.showGate(r, c.setUpForm().with(in, problems))
	}
	if err != nil {
		return edge.Page{}, err
	}
	back := "/console/sign-in"
	s, err := c.authority.SignIn(r.Context(), authority.SignInRequest{Email: member.Email, Password: in["password"], Cookie: true, From: r.Origin()})
	if err == nil {
		c.set(r, s.Token.Reveal())
		back = "/console/"
	}
	return c.execute(r.Request, "firstkey", 0, page{Title: "Set up", Body: secretPage{
		Heading: "Copy your first key now", Name: key.Credential.Name, What: "Key", Short: "key", Secret: key.Secret.Reveal(), Back: back,
		Facts: []fact{{Title: "Access", Text: "Everything"}, {Title: "Expires", Text: "Never"}},
	}})
}

// refusal says why nobody can sign in; empty where they can.
func (c *console) refusal() string {
	if c.refused == "" {
		return ""
	}
	return stop(c.refused)
}

// signInProblem says what somebody can do about a failure to sign in.
func signInProblem(p *signInPage, e *credential.Error) bool {
	switch {
	case e.Detail == authority.Locked:
		p.Code, p.Proven, p.Locked = false, "", true
		p.Problem = "Too many wrong passwords were tried for this address. Wait a quarter of an hour, or choose a new password: that lifts the lock at once."
	case e.Detail == authority.Unverified:
		p.Unconfirmed, p.Problem = true, "Confirm your address first, by the link in the letter that was sent to it."
	case errors.Is(e, credential.CodeRequired):
		p.Problem = "Type the code that your authenticator app shows, or a backup code."
	case errors.Is(e, credential.CodeWrong):
		p.Problem = "That code doesn't match, or was used before. Codes change every 30 seconds."
	case errors.Is(e, credential.TooMany):
		p.Problem = stop(e.Detail)
	case errors.Is(e, credential.Invalid):
		p.Problem = "Type your e-mail address and your password."
	case errors.Is(e, credential.Unauthenticated):
		p.Code, p.Proven, p.Problem = false, "", stop(e.Detail)
	default:
		return false
	}
	return true
}
