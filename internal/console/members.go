package console

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// memberRoutes are the pages about who is in an organization.
func (c *console) memberRoutes() []edge.Route {
	const members = organization + "/members"
	read, write := edge.Needs(credential.MembersRead), edge.Needs(credential.MembersWrite)
	return []edge.Route{
		shows(members, read, c.members, "q", "role", "after"),
		shows(members+"/invite", write, c.newInvitation),
		edge.Form(members+"/invite", write, most, c.guarded(c.inviteMembers)),
		shows(members+"/invitations", write, c.invitations, "after"),
		edge.Form(members+"/invitations/{invitation}/resend", write, most, c.guarded(c.inviteAgain)),
		edge.Form(members+"/invitations/{invitation}/withdraw", write, most, c.sentAnd(c.withdraw)),
		shows(members+"/service-users/new", write, c.newServiceUser),
		edge.Form(members+"/service-users", write, most, c.guarded(c.createServiceUser)),
		edge.Form(members+"/{member}/role", write, most, c.guarded(c.setRole)),
		shows(members+"/{member}/remove", read, c.askRemoval),
		edge.Form(members+"/{member}/remove", read, most, c.guarded(c.removeMember)),
	}
}

// membersPage lists who is in an organization.
type membersPage struct {
	List     *listing
	Rows     []memberRow
	Manages  bool
	Tabs     []tab
	Problems []trouble
}

// memberRow is a member in the list.
type memberRow struct {
	ID, Name, Email, Role string
	Joined                time.Time
	Chips                 []chip
	Held                  string // how many credentials, for who sees them
	You, Last             bool   // who looks; the only owner
	Roles                 []choice
	Removable             bool
}

func (c *console) members(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showMembers(r, nil)
}

// memberTabs are the pages about people, for those who look after them.
func memberTabs(r *edge.Request) []tab {
	at, pending := base(r)+"/members", base(r)+"/members/invitations"
	return []tab{{Title: "Members", To: at, Current: r.URL.Path != pending}, {Title: "Invitations", To: pending, Current: r.URL.Path == pending}}
}

func (c *console) showMembers(r *edge.Request, problems []trouble) (edge.Page, error) {
	f := store.MemberFilter{Role: credential.Role(r.Param("role")), Text: r.Param("q"), Limit: pageRows + 1}
	if f.Role != "" && !f.Role.Valid() {
		return edge.Page{}, credential.InvalidField("role", "must be owner, admin, member or guest")
	}
	var err error
	if f.After, err = afterID(r); err != nil {
		return edge.Page{}, err
	}
	found, err := c.authority.Roster(r.Context(), &r.Principal, r.Principal.Organization, f)
	if err != nil {
		return edge.Page{}, err
	}
	p := membersPage{List: listed(r, "Members", base(r)+"/members", "q", "role"), Manages: authority.ManagesMembers(&r.Principal, r.Principal.Organization), Problems: problems}
	p.List.search("Name or e-mail")
	p.List.filter("role", "Role", append([]choice{{Title: "Every role"}}, titlesOf(roles)...)...)
	if p.Manages {
		p.Tabs = memberTabs(r)
	}
	for i := range found.Members[:min(len(found.Members), pageRows)] {
		p.Rows = append(p.Rows, memberRowOf(r, &found.Members[i], &found, p.Manages))
	}
	if len(found.Members) > pageRows {
		p.List.after(true, found.Members[pageRows-1].ID.String())
	}
	out, err := c.render(r, "members", page{Title: "Members", Body: p})
	if problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

// titlesOf are choices without their notes.
func titlesOf(list []choice) (out []choice) {
	for _, one := range list {
		out = append(out, choice{Value: one.Value, Title: one.Title})
	}
	return out
}

// afterID reads behind which item a list goes on.
func afterID(r *edge.Request) (uuid.UUID, error) {
	text := r.Param("after")
	if text == "" {
		return uuid.Nil, nil
	}
	id, err := authority.ParseID(text)
	if err != nil {
		return uuid.Nil, credential.InvalidField("after", "must be the id of the last item of a page")
	}
	return id, nil
}

func memberRowOf(r *edge.Request, m *store.Member, all *authority.Roster, manages bool) memberRow {
	row := memberRow{
		ID: m.ID.String(), Name: m.Name, Email: m.Email, Role: string(m.Role), Joined: m.JoinedAt, You: m.ID == r.Principal.Subject,
		Last: m.Role == credential.Owner && m.DeactivatedAt.IsZero() && all.Owners == 1,
	}
	switch {
	case m.Service:
		row.Email, row.Chips = "Nobody signs in as it", []chip{{"", "plug", "Service user"}}
	case !m.DeactivatedAt.IsZero():
		row.Chips = []chip{{"", "ban", "Deactivated"}}
	case manages && m.TwoFactor:
		row.Chips = []chip{{"ok", "lock", "On"}}
	case manages:
		row.Chips = []chip{{"warn", "warn", "Off"}}
	}
	if all.Held != nil {
		row.Held = countOf(all.Held[m.ID], "credential")
	}
	touches := manages && !row.Last && (m.Role != credential.Owner || r.Principal.Role == credential.Owner)
	if touches {
		row.Roles = rolesFor(&r.Principal, m.Service, row.Role)
	}
	row.Removable = touches || row.You && !row.Last
	return row
}

// countOf says how many there are of something.
func countOf(n int, noun string) string {
	switch n {
	case 0:
		return "No " + noun + "s"
	case 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%s %ss", grouped(int64(n)), noun)
}

func (c *console) setRole(r *edge.Request, in edge.Values) (edge.Page, error) {
	id, err := pathID(r, "member")
	if err != nil {
		return edge.Page{}, err
	}
	err = c.authority.SetRole(r.Context(), &r.Principal, r.Principal.Organization, authority.UserRef{ID: id}, credential.Role(in["role"]))
	problems, err := mend(err, nil)
	if err != nil {
		return edge.Page{}, err
	}
	if problems != nil {
		return c.showMembers(r, problems)
	}
	return c.done(r, base(r)+"/members", "role")
}

// member finds the member in the path, with how many owners there are.
func (c *console) member(r *edge.Request) (*store.Member, authority.Roster, error) {
	id, err := pathID(r, "member")
	if err != nil {
		return nil, authority.Roster{}, err
	}
	m, err := c.authority.Member(r.Context(), &r.Principal, r.Principal.Organization, authority.UserRef{ID: id})
	if err != nil {
		return nil, authority.Roster{}, err
	}
	if m.ID != r.Principal.Subject && !authority.ManagesMembers(&r.Principal, r.Principal.Organization) {
		return nil, authority.Roster{}, credential.Errorf(credential.Forbidden, "owners and admins remove members; ask one of yours")
	}
	all, err := c.authority.Roster(r.Context(), &r.Principal, r.Principal.Organization, store.MemberFilter{ID: m.ID, Limit: 1})
	return m, all, err
}

func (c *console) askRemoval(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showRemoval(r, nil)
}

func (c *console) showRemoval(r *edge.Request, problems []trouble) (edge.Page, error) {
	m, all, err := c.member(r)
	if err != nil {
		return edge.Page{}, err
	}
	p := surePage{
		Heading: "Remove " + m.Name + "?", To: r.URL.Path, Do: "Remove member", Keep: "Keep member", Back: base(r) + "/members", BackTitle: "Members", Danger: true,
		Facts: []fact{{Title: "Address", Text: m.Email}, {Title: "Role", Text: titled(string(m.Role))}}, Problems: problems,
		Texts: []string{
			"They see nothing of this organization from now on, and lose their roles in its projects.",
			"Their personal tokens in this organization stop working at once, for good. What they made for the organization stays: its API keys and clients, and what they wrote.",
		},
		Hint: "Who is invited again starts without tokens.",
	}
	if all.Held != nil {
		p.Facts = append(p.Facts, fact{Title: "Personal tokens that stop", Text: countOf(all.Held[m.ID], "credential")})
	}
	switch {
	case m.ID == r.Principal.Subject:
		p.Heading, p.Do, p.Keep, p.Hint = "Leave this organization?", "Leave organization", "Stay", "Somebody else must invite you before you can come back."
		p.Texts[0] = "You see nothing of this organization from now on, and lose your roles in its projects."
		p.Texts[1] = strings.Replace(strings.Replace(p.Texts[1], "Their", "Your", 1), "they", "you", 2)
	case m.Service:
		p.Heading, p.Do, p.Keep, p.Hint = "Delete "+m.Name+"?", "Delete service user", "Keep service user", ""
		p.Texts = []string{"Its tokens stop working at once, for good. What was made with them stays."}
		p.Facts[0] = fact{Title: "Kind", Text: "Service user"}
	}
	return c.sure(r, p)
}

func (c *console) removeMember(r *edge.Request, _ edge.Values) (edge.Page, error) {
	m, _, err := c.member(r)
	if err != nil {
		return edge.Page{}, err
	}
	err = c.authority.RemoveMember(r.Context(), &r.Principal, r.Principal.Organization, authority.UserRef{ID: m.ID})
	problems, err := mend(err, nil)
	if err != nil {
		return edge.Page{}, err
	}
	if problems != nil {
		return c.showRemoval(r, problems)
	}
	if m.ID == r.Principal.Subject {
		return c.moveTo(r, "/console/")
	}
	return c.done(r, base(r)+"/members", "removed")
}

func (c *console) newServiceUser(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showServiceUser(r, edge.Values{"role": "member", "once": rand.Text()}, nil)
}

func (c *console) showServiceUser(r *edge.Request, in edge.Values, problems []trouble) (edge.Page, error) {
	return c.ask(r, formPage{
		Title: "New service user", Text: "A member that nobody signs in as. Shared tokens belong to it, and go on when people leave.",
		Back: base(r) + "/members", BackTitle: "Members", To: base(r) + "/members/service-users", Do: "Create service user", Once: in["once"], Problems: problems,
		Sections: []formSection{{Controls: []control{
			text("name", "Name", in["name"], "The system that its tokens are for, such as “Nightly build”."),
			{Kind: "cards", Name: "role", Label: "Role", Choices: rolesFor(&r.Principal, true, in["role"])},
		}}},
		Asides: []aside{{"Its tokens", "Owners and admins make and rotate them, as far as their own rights reach."}, {"It owns nothing", "A service user is never an owner, and no letter is sent to it."}},
	})
}

func (c *console) createServiceUser(r *edge.Request, in edge.Values) (edge.Page, error) {
	once, err := sentOnce(in)
	if err != nil {
		return edge.Page{}, err
	}
	_, err = c.authority.CreateServiceUser(r.Context(), &r.Principal, r.Principal.Organization, authority.ServiceRequest{Name: in["name"], Role: credential.Role(in["role"]), Idempotency: once})
	if errors.Is(err, authority.ErrDone) {
		return c.moveTo(r, base(r)+"/members")
	}
	problems, err := mend(err, map[string]string{"name": "The name"})
	if err != nil {
		return edge.Page{}, err
	}
	if problems != nil {
		return c.showServiceUser(r, in, problems)
	}
	return c.done(r, base(r)+"/members", "service-user")
}
