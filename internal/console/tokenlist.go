package console

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// tokenPageRows is how many tokens a page of a list has.
const tokenPageRows = 50

// tokensPage lists tokens.
type tokensPage struct {
	List         *listing
	Title, Lead  string
	Rows         []tokenRow
	Due          *tokenRow // the first whose time it is
	OtherDue     int
	Make         []link
	Personal     bool
	Filtered     bool   // whether the list is less than that of a kind
	Product      string // the id of the project, as OneTest's API has it
	Looks        bool   // whether there is nothing but to look
	Empty, Start string // what an empty list says
}

// tokenStates are the states that a list is filtered by.
var tokenStates = []choice{{Title: "Any status"}, {Value: "active", Title: "Active"}, {Value: "due", Title: "To be rotated"}, {Value: "expired", Title: "Expired"}, {Value: "suspended", Title: "Suspended"}}

// has reports whether a token is in a state.
func (t *tokenRow) in(state string) bool {
	switch state {
	case "due":
		return t.Due
	case "active":
		return t.State == credential.Active
	case "expired":
		return t.State == credential.Expired
	case "suspended":
		return t.State == credential.Suspended
	}
	return true
}

// source reads the tokens of a scheme with an id before another, newest first.
type source func(scheme string, before uuid.UUID) ([]authority.Detail, error)

// fill reads the rows of a page of a list, as its address says.
func (p *tokensPage) fill(r *edge.Request, kinds []tokenKind, from source, rowOf func(*authority.Detail) *tokenRow) error {
	kind, err := kindNamed(kinds, r.Param("scheme"))
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(tokenStates, func(c choice) bool { return c.Value == r.Param("state") }) {
		return credential.InvalidField("state", "must be active, due, expired or suspended")
	}
	after := uuid.Nil
	if text := r.Param("after"); text != "" {
		if after, err = uuid.Parse(text); err != nil {
			return credential.InvalidField("after", "must be the id of a credential")
		}
	}
	p.List.tab("All", "scheme", "", 0)
	for _, k := range kinds {
		p.List.tab(k.Title, "scheme", k.Name, 0)
	}
	p.Filtered = r.Param("q") != "" || r.Param("state") != "" || r.Param("after") != ""
	p.List.search("Search by name")
	p.List.filter("state", "Status", slices.Clone(tokenStates)...)
	asked := kinds
	if r.Param("scheme") != "" {
		asked = []tokenKind{*kind}
	}
	found, more, err := newest(asked, from, after)
	if err != nil {
		return err
	}
	p.choose(r, found, more, rowOf)
	return nil
}

// newest merges the tokens of some kinds, the newest first. What may have gaps,
// as a kind's tokens are read up to a bound, is left to the next page.
func newest(kinds []tokenKind, from source, after uuid.UUID) (all []authority.Detail, more bool, err error) {
	var floor uuid.UUID
	for _, k := range kinds {
		found, err := from(k.scheme, after)
		if err != nil {
			return nil, false, err
		}
		if len(found) >= mostRows {
			more = true
			if last := idOf(&found[len(found)-1]); strings.Compare(last.String(), floor.String()) > 0 {
				floor = last
			}
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b authority.Detail) int { return strings.Compare(idOf(&b).String(), idOf(&a).String()) })
	return slices.DeleteFunc(all, func(d authority.Detail) bool { return strings.Compare(idOf(&d).String(), floor.String()) < 0 }), more, nil
}

func idOf(d *authority.Detail) uuid.UUID {
	if d.Credential == nil {
		return d.Damaged
	}
	return d.Credential.ID
}

// choose takes the rows that a page shows.
func (p *tokensPage) choose(r *edge.Request, found []authority.Detail, more bool, rowOf func(*authority.Detail) *tokenRow) {
	q, last := strings.ToLower(r.Param("q")), uuid.Nil
	for i := range found {
		if found[i].Credential == nil {
			continue
		}
		t := rowOf(&found[i])
		if t == nil {
			continue
		}
		if t.Due {
			p.Due, p.OtherDue = earlier(p.Due, t), p.OtherDue+1
		}
		if !t.in(r.Param("state")) || !strings.Contains(strings.ToLower(t.Name), q) {
			continue
		}
		if len(p.Rows) == tokenPageRows {
			more = true
			p.List.after(true, last.String())
			break
		}
		p.Rows, last = append(p.Rows, *t), found[i].Credential.ID
	}
	p.OtherDue = max(0, p.OtherDue-1)
	if more && p.List.Next == "" && len(found) > 0 {
		p.List.after(true, idOf(&found[len(found)-1]).String())
	}
}

// earlier is whichever ends first.
func earlier(a, b *tokenRow) *tokenRow {
	if a == nil || b.Expires.Before(a.Expires) {
		return b
	}
	return a
}

// tokens is the page of all tokens of who has signed in.
func (c *console) tokens(r *edge.Request, _ edge.None) (edge.Page, error) {
	memberships, err := c.authority.Memberships(r.Context(), &r.Principal)
	if err != nil {
		return edge.Page{}, err
	}
	in := membershipsByID(memberships)
	p := tokensPage{
		List: listed(r, "API tokens", ownTokens, "scheme", "state", "q"), Title: "Manage API Tokens", Personal: true,
		Lead:  "Tokens that act as you, for scripts, integrations and pipelines: they may what you may at that moment, and end when you leave.",
		Empty: "No token yet", Start: "A token lets a program call the API as you, without your password. It is shown once, when it is made.",
	}
	read := func(scheme string, before uuid.UUID) ([]authority.Detail, error) {
		return c.authority.OwnTokens(r.Context(), &r.Principal, authority.ListRequest{Scheme: scheme, Kept: true, Before: before, Limit: mostRows})
	}
	err = p.fill(r, personal, read, func(d *authority.Detail) *tokenRow {
		m := in[d.Credential.Organization]
		if m == nil || !m.Role.Permissions().Has(credential.CredentialsRead) {
			return nil
		}
		t := c.tokenRowOf(d, baseOf(m)+"/tokens")
		t.Writes = m.Role.Permissions().Has(credential.CredentialsWrite)
		if len(memberships) > 1 {
			t.Organization = m.Name
		}
		return &t
	})
	if err != nil {
		return edge.Page{}, err
	}
	for i := range memberships {
		if memberships[i].Role.Permissions().Has(credential.CredentialsWrite) {
			p.Make = []link{{Title: "New Token", To: makes(ownTokens, r.Param("scheme")), Current: true}}
		}
	}
	p.Looks = p.Make == nil
	return c.render(r, "tokens", page{Title: p.Title, Body: p})
}

// makes is the address of the form of a new token.
func makes(at, kind string) string {
	if kind == "" {
		return at + "/new"
	}
	return at + "/new?scheme=" + kind
}

// organizationTokens is the page of the tokens that somebody has in one
// organization. It has two addresses: its own, and that of TestKase's settings.
func (c *console) organizationTokens(r *edge.Request, _ edge.None) (edge.Page, error) {
	at := base(r) + "/tokens"
	p := tokensPage{
		Title: "API tokens", Personal: true, Looks: !r.Principal.Permissions.Has(credential.CredentialsWrite),
		Lead:  "Your own tokens in this organization. They may what you may at that moment, in its projects that you see.",
		Empty: "No token yet", Start: "A token lets a program call the API as you, without your password. It is shown once, when it is made.",
	}
	generate := link{Title: "New Token", To: makes(at, r.Param("scheme")), Current: true}
	if to := base(r) + "/keys/personal"; r.URL.Path == to {
		p.Title, p.List = "API Keys", listed(r, "API keys", to, "scheme", "state", "q")
		generate = link{Title: "Generate New Token", To: makes(at, "testkase"), Current: true}
	} else {
		p.List = listed(r, "API tokens", at, "scheme", "state", "q")
	}
	if !p.Looks {
		p.Make = []link{generate}
	}
	read := func(scheme string, before uuid.UUID) ([]authority.Detail, error) {
		return c.authority.List(r.Context(), &r.Principal, authority.ListRequest{
			Organization: r.Principal.Organization, User: &authority.UserRef{ID: r.Principal.Subject}, Scheme: scheme, Kept: true, Before: before, Limit: mostRows,
		})
	}
	err := p.fill(r, personal, read, func(d *authority.Detail) *tokenRow {
		t := c.tokenRowOf(d, at)
		t.Writes = !p.Looks
		return &t
	})
	if err != nil {
		return edge.Page{}, err
	}
	return c.render(r, "tokens", page{Title: p.Title, Body: p})
}
