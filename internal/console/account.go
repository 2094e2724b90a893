package console

import (
	"errors"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// accountRoutes are the pages by which people get in, and look after their account.
func (c *console) accountRoutes() []edge.Route {
	const account, twoFactor, sessions = "/console/account", "/console/account/two-factor", "/console/account/sessions"
	return []edge.Route{
		shows("/console/setup", edge.Public, c.setUpPage),
		edge.Form("/console/setup", edge.Public, most, c.setUp).LimitedByAddress(),
		shows("/console/register", edge.Public, c.registerPage),
		edge.Form("/console/register", edge.Public, most, c.register).LimitedByAddress(),
		shows("/console/verify-email", edge.Public, c.confirmPage),
		edge.Form("/console/verify-email", edge.Public, most, c.confirmAddress).LimitedByAddress(),
		shows("/console/verify-email/again", edge.Public, c.confirmAgainPage),
		edge.Form("/console/verify-email/again", edge.Public, most, c.confirmAgain).LimitedByAddress(),
		shows("/console/forgot", edge.Public, c.forgotPage),
		edge.Form("/console/forgot", edge.Public, most, c.forgot).LimitedByAddress(),
		shows("/console/reset", edge.Public, c.resetPage),
		edge.Form("/console/reset", edge.Public, most, c.reset).LimitedByAddress(),
		shows("/console/invitation", edge.Public, c.invitationPage),
		edge.Form("/console/invitation", edge.Public, most, c.invitationForm).LimitedByAddress(),
		edge.Form("/console/invitation/accept", edge.Authenticated, most, c.guarded(c.accept)),

		shows("/console/organizations/new", edge.Authenticated, c.newOrganization),
		edge.Form("/console/organizations", edge.Authenticated, most, c.guarded(c.foundOrganization)),
		shows(organization+"/leave", edge.Authenticated, c.askLeave),
		edge.Form(organization+"/leave", edge.Authenticated, most, c.guarded(c.leave)),

		shows(account, edge.Authenticated, c.account),
		edge.Form(account, edge.Authenticated, most, c.sentAnd(c.saveProfile)),
		edge.Form(account+"/password", edge.Authenticated, most, c.sentAnd(c.changePassword)),
		shows(twoFactor, edge.Authenticated, c.twoFactor),
		edge.Form(twoFactor, edge.Authenticated, most, c.sentAnd(c.setUpTwoFactor)),
		edge.Form(twoFactor+"/on", edge.Authenticated, most, c.guarded(c.turnOn)),
		edge.Form(twoFactor+"/codes", edge.Authenticated, most, c.sentAnd(c.renewCodes)),
		edge.Form(twoFactor+"/off", edge.Authenticated, most, c.sentAnd(c.turnOff)),
		shows(sessions, edge.Authenticated, c.sessions),
		edge.Form(sessions+"/others", edge.Authenticated, most, c.sentAnd(c.endOthers)),
		edge.Form(sessions+"/all", edge.Authenticated, most, c.sentAnd(c.signOutEverywhere)),
		edge.Form(sessions+"/{session}/end", edge.Authenticated, most, c.sentAnd(c.endSession)),
	}
}

// accountPage is what somebody's account is, and the forms that change it.
type accountPage struct {
	Name, Email   string
	Since         time.Time
	Confirmed     bool
	Mail          bool // whether a letter can be sent
	Tokens, Soon  int
	TwoFactor     bool
	Codes         int // backup codes that are left
	HasPassword   bool
	Sessions      int
	Organizations []membership
	Advice        string // about passwords
	Problems      []trouble
}

// Problem finds what is wrong with a field.
func (p accountPage) Problem(field string) *trouble { return problemOf(p.Problems, field) }

func (c *console) account(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showAccount(r, "", nil)
}

// showAccount writes the page, with the name that a form asked for.
func (c *console) showAccount(r *edge.Request, name string, problems []trouble) (edge.Page, error) {
	user, err := c.authority.Account(r.Context(), &r.Principal)
	if err != nil {
		return edge.Page{}, err
	}
	p := accountPage{
		Name: user.Name, Email: user.Email, Since: user.CreatedAt, Confirmed: !user.VerifiedAt.IsZero(), Mail: c.authority.SendsMail(),
		TwoFactor: user.TwoFactor, HasPassword: user.HasPassword, Advice: c.advice(user), Problems: problems,
	}
	if problemOf(problems, "name") != nil {
		p.Name = name
	}
	tokens, err := c.ownTokens(r)
	if err != nil {
		return edge.Page{}, err
	}
	p.Tokens = len(tokens)
	for _, t := range tokens {
		if !t.ExpiresAt.IsZero() && t.ExpiresAt.Sub(c.authority.Now()) < soon {
			p.Soon++
		}
	}
	if user.TwoFactor {
		if p.Codes, err = c.authority.BackupCodes(r.Context(), &r.Principal); err != nil {
			return edge.Page{}, err
		}
	}
	list, err := c.authority.Sessions(r.Context(), &r.Principal)
	if err != nil {
		return edge.Page{}, err
	}
	p.Sessions = len(list)
	if p.Organizations, err = c.memberships(r); err != nil {
		return edge.Page{}, err
	}
	out, err := c.render(r, "account", page{Title: "Profile & Account", Body: p})
	if problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// advice is what a new password should be like. Where a short one would do and
// nothing else stands before the account, it says so (NIST SP 800-63B-4 section 3.1.1).
func (c *console) advice(user *store.User) string {
	const enough = 15
	least := c.authority.PasswordMinimum()
	text := "At least " + grouped(int64(least)) + " characters"
	if least < enough && (user == nil || !user.TwoFactor) {
		return text + "; take 15 or more. Without two-factor authentication the password is all that stands before the account."
	}
	return text + "."
}

func (c *console) saveProfile(r *edge.Request, in edge.Values) (edge.Page, error) {
	name := in["name"]
	_, err := c.authority.UpdateProfile(r.Context(), &r.Principal, authority.ProfileChange{Name: &name})
	if problems := troubles(err); problems != nil {
		return c.showAccount(r, name, problems)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.done(r, "/console/account", "saved")
}

func (c *console) changePassword(r *edge.Request, in edge.Values) (edge.Page, error) {
	err := c.authority.ChangePassword(r.Context(), &r.Principal, in["password-current"], in["password-new"])
	if wrong := wrongPassword(err, "password-current"); wrong != nil {
		return c.showAccount(r, "", wrong)
	}
	if problems := troubles(err); problems != nil {
		return c.showAccount(r, "", problems)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.done(r, "/console/account", "password")
}

// wrongPassword says of a field that it doesn't hold the user's password, or
// that too many were tried; nil for any other error.
func wrongPassword(err error, field string) []trouble {
	var e *credential.Error
	switch {
	case !errors.As(err, &e):
	case e.Detail == authority.WrongPassword:
		return []trouble{{field, "That isn't your password."}}
	case e.Detail == authority.Locked:
		return []trouble{{field, "Too many wrong passwords were tried. Try again in a quarter of an hour."}}
	}
	return nil
}

// askLeave asks before a membership ends.
func (c *console) askLeave(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showLeave(r, nil)
}

func (c *console) showLeave(r *edge.Request, problems []trouble) (edge.Page, error) {
	list, err := c.memberships(r)
	if err != nil {
		return edge.Page{}, err
	}
	p := confirmPage{
		Text: "You no longer see what is in it, and your API tokens there stop working right away, for good. To come back you have to be invited.",
		To:   r.URL.Path, Do: "Leave", Keep: "Stay", Back: "/console/account", BackTitle: "Profile & Account", Danger: true, Problems: problems,
	}
	for _, m := range list {
		if m.ID == r.Principal.Organization {
			p.Heading, p.Do = "Leave "+m.Name+"?", "Leave organization"
			p.Facts = []fact{{Title: "Your role", Text: titled(string(m.Role))}, {Title: "Member since", Text: day(m.JoinedAt)}}
		}
	}
	tokens, err := c.ownTokens(r)
	if err != nil {
		return edge.Page{}, err
	}
	n := 0
	for _, t := range tokens {
		if t.Organization == r.Principal.Organization {
			n++
		}
	}
	p.Facts, p.Hot = append(p.Facts, fact{Title: "API tokens that stop", Text: grouped(int64(n))}), n > 0
	out, err := c.render(r, "confirm", page{Title: "Leave organization", Body: p})
	if problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

func (c *console) leave(r *edge.Request, _ edge.Values) (edge.Page, error) {
	err := c.authority.RemoveMember(r.Context(), &r.Principal, r.Principal.Organization, authority.UserRef{ID: r.Principal.Subject})
	if problems := troubles(err); problems != nil {
		return c.showLeave(r, problems)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.done(r, "/console/", "left")
}

// ownTokens are the tokens of the user that work, in all organizations.
func (c *console) ownTokens(r *edge.Request) (list []*credential.Credential, err error) {
	found, err := c.authority.OwnTokens(r.Context(), &r.Principal, authority.ListRequest{State: credential.Active, Limit: mostRows})
	for i := range found {
		if found[i].Credential != nil {
			list = append(list, found[i].Credential)
		}
	}
	return list, err
}
