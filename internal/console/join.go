package console

import (
	"errors"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

func codeForm() gatePage {
	return gatePage{
		Heading: "Accept an invitation", Text: "The code stands in the letter, whose link fills it in.", To: "/console/invitation", Do: "Go on",
		Inputs: []input{{Name: "code", Label: "Code", Kind: "text", Complete: "off", Most: 100, Mono: true, Focus: true, Fragment: "code", Hint: "It begins with invite-."}},
		Links:  []link{{Title: "To the start", To: "/console/"}},
	}
}

func (c *console) invitationPage(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showGate(r, codeForm())
}

// invitationForm shows what a code invites to, to whoever holds it.
func (c *console) invitationForm(r *edge.Request, in edge.Values) (edge.Page, error) {
	return c.showInvitation(r, edge.Values{"invitation": in["code"]}, nil)
}

// joinPage is an invitation, and the ways to accept it.
type joinPage struct {
	Organization, Role, Email string
	Code                      string
	User                      *joiner // who has signed in; nil for nobody
	Name                      string  // that was typed for a new account
	Register                  bool    // whether people make accounts
	Refused                   string
	Advice                    string
	Problems                  []trouble
}

// joiner is who has signed in, and whether the invitation is theirs.
type joiner struct {
	Email  string
	Theirs bool
}

// Problem finds what is wrong with a field.
func (p joinPage) Problem(field string) *trouble { return problemOf(p.Problems, field) }

// showInvitation writes the page of an invitation, with what a form on it asked
// for and what is wrong with that.
func (c *console) showInvitation(r *edge.Request, in edge.Values, problems []trouble) (edge.Page, error) {
	found, o, err := c.authority.Invitation(r.Context(), in["invitation"])
	if wrong := troubles(err); wrong != nil {
		return c.showGate(r, codeForm().with(edge.Values{"code": in["invitation"]}, wrong))
	}
	if err != nil {
		return edge.Page{}, err
	}
	p := joinPage{
		Organization: o.Name, Role: string(found.Role), Email: found.Email, Code: in["invitation"], Name: in["name"],
		Register: c.authority.Open(), Refused: c.refusal(), Advice: c.advice(nil), Problems: problems,
	}
	token := ""
	if known, err := c.recognise(r); err != nil {
		return edge.Page{}, err
	} else if known {
		user, err := c.authority.Account(r.Context(), &r.Principal)
		if err != nil {
			return edge.Page{}, err
		}
		p.User, token = &joiner{user.Email, user.Email == found.Email}, c.authority.FormToken(&r.Principal)
	}
	status := 0
	if problems != nil {
		status = unprocessable
	}
	return c.execute(r.Request, "invitation", status, page{Title: "Join " + o.Name, Form: token, Body: p})
}

// recognise finds out who has signed in, on a page that takes everybody.
func (c *console) recognise(r *edge.Request) (bool, error) {
	presented, err := c.present(r.Header)
	if err != nil || presented.As == "" || !c.authority.Accepts(presented.Text, presented.As) {
		return false, nil
	}
	d, err := c.authority.Verify(r.Context(), presented.Text, authority.Verification{Address: r.Address, UserAgent: r.UserAgent(), RequestID: r.ID})
	if err != nil || d.Code != credential.OK {
		return false, err
	}
	r.Principal = d.Principal
	r.Principal.Address, r.Principal.RequestID = r.Address, r.ID
	return true, nil
}

// accept makes who has signed in a member.
func (c *console) accept(r *edge.Request, in edge.Values) (edge.Page, error) {
	_, err := c.authority.AcceptInvitation(r.Context(), &r.Principal, in["invitation"])
	switch {
	case errors.Is(err, authority.ErrNoInvitation):
		return c.showInvitation(r, in, nil)
	case err == nil:
		return c.done(r, "/console/", "joined")
	}
	if problems := troubles(err); problems != nil {
		return c.showInvitation(r, in, []trouble{{"", problems[0].Text}})
	}
	return edge.Page{}, err
}
