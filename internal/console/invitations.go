package console

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// mostInvited bounds the addresses of one form.
const mostInvited = 20

// invitationPage is where a code is entered.
const invitationPage = "/console/invitation"

func (c *console) newInvitation(r *edge.Request, _ edge.None) (edge.Page, error) {
	if !authority.ManagesMembers(&r.Principal, r.Principal.Organization) {
		return edge.Page{}, credential.Errorf(credential.Forbidden, "owners and admins invite people; ask one of yours")
	}
	return c.showInvite(r, edge.Values{"role": "member", "once": rand.Text()}, nil)
}

func (c *console) showInvite(r *edge.Request, in edge.Values, problems []trouble) (edge.Page, error) {
	how := "The next page shows a link for each of them, once. Hand it over yourself: this installation sends no mail."
	if c.authority.SendsMail() {
		how = "Each gets a letter with a link."
	}
	return c.ask(r, formPage{
		Title: "Invite people", Text: how, Back: base(r) + "/members", BackTitle: "Members", To: base(r) + "/members/invite", Do: "Invite", Once: in["once"], Problems: problems,
		Sections: []formSection{{Controls: []control{
			{Kind: "area", Name: "email", Label: "E-mail addresses", Value: in["email"], Most: 6000, Mono: true, Place: "ada@example.com",
				Hint: fmt.Sprintf("One a line, or with commas between them. At most %d at a time.", mostInvited)},
			{Kind: "cards", Name: "role", Label: "Role", Choices: rolesFor(&r.Principal, false, in["role"])},
		}}},
		Asides: []aside{
			{"Good for 7 days", "An invitation is for that one address, and is accepted once. Another to the same address takes its place."},
			{"Projects", "Members and guests see the projects that they are added to, on the page of each project’s settings."},
		},
	})
}

// addressesIn are the addresses of a form, none twice.
func addressesIn(text string) (list []string) {
	for _, one := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;", r) }) {
		if !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	return list
}

// invitedPage shows the links of invitations, once.
type invitedPage struct {
	Heading, Label, Back string
	Secret               string
	Rows, Lines          int
	Failed               []trouble
}

func (c *console) inviteMembers(r *edge.Request, in edge.Values) (edge.Page, error) {
	once, err := sentOnce(in)
	if err != nil {
		return edge.Page{}, err
	}
	addresses, problems := addressesIn(in["email"]), []trouble(nil)
	if n := len(addresses); n == 0 || n > mostInvited {
		problems = []trouble{{"email", fmt.Sprintf("Type one to %d addresses.", mostInvited)}}
	}
	for _, one := range addresses {
		if _, err := credential.CheckEmail("email", one); err != nil && len(problems) < mostInvited {
			problems = append(problems, trouble{"email", "“" + one + "” is no e-mail address."})
		}
	}
	if problems != nil {
		return c.showInvite(r, in, problems)
	}
	var made []*authority.Invited
	for i, one := range addresses {
		own := *once
		own.Key = fmt.Sprintf("%s %d", once.Key, i)
		invited, err := c.authority.Invite(r.Context(), &r.Principal, r.Principal.Organization, authority.InviteRequest{Email: one, Role: credential.Role(in["role"]), Idempotency: &own})
		if errors.Is(err, authority.ErrDone) {
			return c.moveTo(r, base(r)+"/members/invitations")
		}
		failed, err := mend(err, nil)
		if err != nil {
			return edge.Page{}, err
		}
		for _, f := range failed {
			if f.Field == "email" {
				f.Text = one + ": " + strings.ToLower(f.Text[:1]) + f.Text[1:]
			}
			problems = append(problems, f)
		}
		if failed == nil {
			made = append(made, invited)
		}
	}
	if len(made) == 0 {
		in["once"] = rand.Text()
		return c.showInvite(r, in, problems)
	}
	return c.invited(r, made, problems)
}

// invited shows what was made of a form: the links where no letter brings them.
func (c *console) invited(r *edge.Request, made []*authority.Invited, problems []trouble) (edge.Page, error) {
	p := invitedPage{Heading: "Hand over the invitation", Label: "Link for " + made[0].Email, Back: base(r) + "/members/invitations", Rows: len(made), Lines: min(16, 2*len(made)+1), Failed: problems}
	if c.authority.SendsMail() {
		if problems == nil {
			return c.done(r, p.Back, "invited")
		}
		return c.render(r, "invited", page{Title: "Invited", Body: p})
	}
	for _, one := range made {
		link := c.url + invitationPage + "#code=" + one.Code.Reveal()
		if len(made) > 1 {
			link = one.Email + "  " + link + "\n"
		}
		p.Secret += link
	}
	if len(made) > 1 {
		p.Heading, p.Label = "Hand over the invitations", fmt.Sprintf("%d links, one a line", len(made))
	}
	return c.render(r, "invited", page{Title: p.Heading, Body: p})
}

// invitationsPage lists the invitations that nobody accepted.
type invitationsPage struct {
	List *listing
	Rows []invitationRow
	Tabs []tab
	Once string
	Mail bool
}

type invitationRow struct {
	ID, Email, Role string
	Made, Expires   time.Time
	Chip            chip
	Note            string
	Givable         bool // whether who looks may give that role
}

func (c *console) invitations(r *edge.Request, _ edge.None) (edge.Page, error) {
	before, err := afterID(r)
	if err != nil {
		return edge.Page{}, err
	}
	found, err := c.authority.PendingInvitations(r.Context(), &r.Principal, r.Principal.Organization, before, pageRows+1)
	if err != nil {
		return edge.Page{}, err
	}
	p := invitationsPage{List: listed(r, "Invitations", base(r)+"/members/invitations"), Tabs: memberTabs(r), Once: rand.Text(), Mail: c.authority.SendsMail()}
	for i := range found[:min(len(found), pageRows)] {
		p.Rows = append(p.Rows, c.invitationRow(r, &found[i]))
	}
	if len(found) > pageRows {
		p.List.after(true, p.Rows[pageRows-1].ID)
	}
	return c.render(r, "invitations", page{Title: "Invitations", Body: p})
}

func (c *console) invitationRow(r *edge.Request, i *store.Invitation) invitationRow {
	row := invitationRow{ID: i.ID.String(), Email: i.Email, Role: string(i.Role), Made: i.CreatedAt, Expires: i.ExpiresAt,
		Givable: i.Role != credential.Owner || r.Principal.Role == credential.Owner}
	now := c.authority.Now()
	row.Chip, row.Note = chip{"info", "mail", "Pending"}, "Expires "+within(now, i.ExpiresAt)
	if !now.Before(i.ExpiresAt) {
		row.Chip, row.Note = chip{"", "clock", "Expired"}, day(i.ExpiresAt)
	}
	return row
}

// pendingInvitation finds the pending invitation in the path.
func (c *console) pendingInvitation(r *edge.Request) (*store.Invitation, error) {
	id, err := pathID(r, "invitation")
	if err != nil {
		return nil, err
	}
	return c.authority.PendingInvitation(r.Context(), &r.Principal, r.Principal.Organization, id)
}

func (c *console) inviteAgain(r *edge.Request, in edge.Values) (edge.Page, error) {
	once, err := sentOnce(in)
	if err != nil {
		return edge.Page{}, err
	}
	i, err := c.pendingInvitation(r)
	if errors.Is(err, credential.NotFound) { // as when the form is sent again
		return c.moveTo(r, base(r)+"/members/invitations")
	}
	if err != nil {
		return edge.Page{}, err
	}
	made, err := c.authority.Invite(r.Context(), &r.Principal, r.Principal.Organization, authority.InviteRequest{Email: i.Email, Role: i.Role, Idempotency: once})
	if errors.Is(err, authority.ErrDone) {
		return c.moveTo(r, base(r)+"/members/invitations")
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.invited(r, []*authority.Invited{made}, nil)
}

func (c *console) withdraw(r *edge.Request, in edge.Values) (edge.Page, error) {
	id, err := pathID(r, "invitation")
	if err != nil {
		return edge.Page{}, err
	}
	err = c.authority.WithdrawInvitation(r.Context(), &r.Principal, r.Principal.Organization, id)
	if err != nil && !errors.Is(err, credential.NotFound) {
		return edge.Page{}, err
	}
	return c.done(r, base(r)+"/members/invitations", "withdrawn")
}
