package console

import (
	"errors"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

var toSignIn = link{Title: "Back to sign in", To: "/console/sign-in"}

func forgotForm() gatePage {
	f := addressField()
	f.Focus = true
	return gatePage{
		Heading: "Choose a new password", Text: "A letter with a link comes to your address.", To: "/console/forgot", Do: "Send the letter",
		Inputs: []input{f}, Links: []link{{Title: "I have a code already", To: "/console/reset"}, toSignIn},
	}
}

func (c *console) forgotPage(r *edge.Request, _ edge.None) (edge.Page, error) {
	if !c.authority.SendsMail() {
		return c.showGate(r, gatePage{
			Heading: "Choose a new password", Text: "This server sends no mail. Whoever runs it makes you a code, which is good once and for an hour, by the command",
			Command: "gatehouse user password-code you@example.com", Links: []link{{Title: "I have a code", To: "/console/reset"}, toSignIn},
		})
	}
	return c.showGate(r, forgotForm())
}

// forgot answers the same for every address.
func (c *console) forgot(r *edge.Request, in edge.Values) (edge.Page, error) {
	if !c.authority.SendsMail() {
		return c.forgotPage(r, edge.None{})
	}
	err := c.authority.ForgotPassword(r.Context(), in["email"], r.Origin())
	if problems := troubles(err); problems != nil {
		return c.showGate(r, forgotForm().with(in, problems))
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.showGate(r, gatePage{
		Heading: "Look into your mail",
		Text: "If the address has an account, a letter is on its way to it. Its link is good for an hour. " +
			"None there after some minutes? Look among the spam, and see that you typed the address of your account.",
		Links: []link{{Title: "I have a code already", To: "/console/reset"}, {Title: "Try another address", To: "/console/forgot"}, toSignIn},
	})
}

func (c *console) resetForm() gatePage {
	return gatePage{
		Heading: "Choose a new password", Text: "All your sessions end then, everywhere.", To: "/console/reset", Do: "Save the new password",
		Inputs: []input{
			{Name: "token", Label: "Code", Kind: "text", Complete: "off", Most: 100, Mono: true, Fragment: "token", Focus: true,
				Hint: "From the letter, or from whoever runs this server."},
			c.newPasswordField(),
		},
		Links: []link{{Title: "Get another code", To: "/console/forgot"}, toSignIn},
	}
}

func (c *console) resetPage(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showGate(r, c.resetForm())
}

func (c *console) reset(r *edge.Request, in edge.Values) (edge.Page, error) {
	err := c.authority.ResetPassword(r.Context(), in["token"], in["password"], r.Origin())
	if problems := linkTroubles(err); problems != nil {
		return c.showGate(r, c.resetForm().with(in, problems))
	}
	if err != nil {
		return edge.Page{}, err
	}
	c.set(r, "")
	return c.showGate(r, gatePage{
		Heading: "Your password is changed", Text: "All sessions of before have ended. Your second factor stays as it was, if you have one.",
		Links: []link{{Title: "Sign in", To: "/console/sign-in"}},
	})
}

// linkTroubles is troubles of a form whose code may be of no use any more.
func linkTroubles(err error) []trouble {
	list := troubles(err)
	for i := range list {
		if list[i].Field == "token" {
			list[i].Text = "The code is wrong, was used before or has expired."
		}
	}
	return list
}

// confirmForm asks for a button to be pressed: mail scanners follow links.
func confirmForm() gatePage {
	return gatePage{
		Heading: "Confirm your address", Text: "Press the button, and you can sign in with it.", To: "/console/verify-email", Do: "Confirm",
		Inputs: []input{{Name: "token", Label: "Code", Kind: "text", Complete: "off", Most: 100, Mono: true, Fragment: "token", Hint: "From the letter, whose link fills it in."}},
		Links:  []link{{Title: "Send another letter", To: "/console/verify-email/again"}, toSignIn},
	}
}

func (c *console) confirmPage(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showGate(r, confirmForm())
}

func (c *console) confirmAddress(r *edge.Request, in edge.Values) (edge.Page, error) {
	err := c.authority.VerifyEmail(r.Context(), in["token"], r.Origin())
	if problems := linkTroubles(err); problems != nil {
		return c.showGate(r, confirmForm().with(in, problems))
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.showGate(r, gatePage{Heading: "Your address is confirmed", Text: "You can sign in with it now.", Links: []link{{Title: "Sign in", To: "/console/sign-in"}}})
}

func againForm() gatePage {
	f := addressField()
	f.Focus = true
	return gatePage{
		Heading: "Confirm your address", Text: "The letter comes once more.", To: "/console/verify-email/again", Do: "Send the letter",
		Inputs: []input{f}, Links: []link{toSignIn},
	}
}

func (c *console) confirmAgainPage(r *edge.Request, _ edge.None) (edge.Page, error) {
	if !c.authority.SendsMail() {
		return c.showGate(r, gatePage{Heading: "Confirm your address", Text: "This server sends no mail, and asks nobody to confirm an address.", Links: []link{toSignIn}})
	}
	return c.showGate(r, againForm())
}

// confirmAgain answers the same for every address.
func (c *console) confirmAgain(r *edge.Request, in edge.Values) (edge.Page, error) {
	if !c.authority.SendsMail() {
		return c.confirmAgainPage(r, edge.None{})
	}
	err := c.authority.ConfirmAgain(r.Context(), in["email"], r.Origin())
	if problems := troubles(err); problems != nil {
		return c.showGate(r, againForm().with(in, problems))
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.showGate(r, c.letterSent())
}

// letterSent is the answer wherever a letter confirms an address.
func (c *console) letterSent() gatePage {
	return gatePage{
		Heading: "Look into your mail",
		Text: "If the address waits to be confirmed, a letter with a link is on its way to it. The link is good for a day. " +
			"Another letter is sent once a quarter of an hour has passed.",
		Links: []link{{Title: "Send another letter", To: "/console/verify-email/again"}, toSignIn},
	}
}

func (c *console) registerForm() gatePage {
	name := nameField()
	name.Focus = true
	return gatePage{
		Heading: "Make an account", Text: "It belongs to no organization yet: make one, or be invited to one.", To: "/console/register", Do: "Make the account",
		Inputs: []input{name, addressField(), c.newPasswordField()}, Links: []link{toSignIn},
	}
}

func (c *console) registerPage(r *edge.Request, _ edge.None) (edge.Page, error) {
	switch {
	case !c.authority.Open():
		return c.showGate(r, gatePage{Heading: "Make an account", Text: "Whoever runs this installation makes the accounts. Ask them for one.", Links: []link{toSignIn}})
	case c.refused != "":
		return c.showGate(r, gatePage{Heading: "Make an account", Notice: c.refusal(), Links: []link{toSignIn}})
	}
	return c.showGate(r, c.registerForm())
}

func (c *console) register(r *edge.Request, in edge.Values) (edge.Page, error) {
	if c.refused != "" || !c.authority.Open() {
		out, err := c.registerPage(r, edge.None{})
		out.Status = unprocessable
		return out, err
	}
	_, err := c.authority.Register(r.Context(), authority.RegisterRequest{Email: in["email"], Name: in["name"], Password: in["password"], From: r.Origin()})
	if problems := troubles(err); problems != nil {
		if in["invitation"] != "" {
			return c.showInvitation(r, in, problems)
		}
		return c.showGate(r, c.registerForm().with(in, problems))
	}
	if err != nil {
		return edge.Page{}, err
	}
	if c.authority.SendsMail() { // who has an account is told so by a letter, and nobody here
		p := c.letterSent()
		p.Text = "A letter is on its way to the address. Its link is good for a day, and confirms that the address is yours."
		if in["invitation"] != "" {
			p.Text += " Then open the link of the invitation again."
		}
		return c.showGate(r, p)
	}
	s, err := c.authority.SignIn(r.Context(), authority.SignInRequest{Email: in["email"], Password: in["password"], Cookie: true, From: r.Origin()})
	if err != nil {
		var e *credential.Error
		if errors.As(err, &e) {
			return c.moveTo(r, "/console/sign-in")
		}
		return edge.Page{}, err
	}
	return c.signedIn(r, s, signInPage{Next: "/console/", Invitation: in["invitation"]})
}
