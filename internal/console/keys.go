package console

import (
	"slices"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// keysPage lists API keys.
type keysPage struct {
	Tabs       []tab
	Rows       []row
	Any        bool
	Used, Most int
	Soon       *ending // the first that ends soon
}

type tab struct {
	Title, To string
	Count     int
	Current   bool
}

// ending is a banner about what ends soon.
type ending struct {
	Text, To string
	At       time.Time
}

// keyStates are the tabs of the list of keys, with who is in them.
var keyStates = []struct {
	name, title string
	has         func(*row) bool
}{
	{"", "All", func(*row) bool { return true }},
	{"active", "Active", func(r *row) bool { return !r.Inactive }},
	{"attention", "Needs attention", func(r *row) bool { return r.Attention }},
	{"inactive", "Inactive", func(r *row) bool { return r.Inactive }},
}

func (c *console) keys(r *edge.Request, _ edge.None) (edge.Page, error) {
	found, err := c.list(r, "bunship_live", "bunship_test")
	if err != nil {
		return edge.Page{}, err
	}
	slices.SortStableFunc(found, func(a, b authority.Detail) int { return b.Credential.CreatedAt.Compare(a.Credential.CreatedAt) })
	found = found[:min(len(found), mostRows)]
	p := keysPage{Any: len(found) > 0, Used: inUse(found), Most: c.most("bunship_live")}
	rows := make([]row, len(found))
	for i := range found {
		rows[i] = c.rowOf(&found[i], base(r)+"/keys")
		if e := rows[i].Expires; rows[i].Attention && (p.Soon == nil || e.Before(p.Soon.At)) {
			p.Soon = &ending{rows[i].Name + " expires " + within(c.authority.Now(), e) + ".", rows[i].To, e}
		}
	}
	chosen := false
	for _, s := range keyStates {
		t := tab{Title: s.title, To: base(r) + "/keys", Current: s.name == r.Param("state")}
		if s.name != "" {
			t.To += "?state=" + s.name
		}
		for i := range rows {
			if s.has(&rows[i]) {
				t.Count++
				if t.Current {
					p.Rows = append(p.Rows, rows[i])
				}
			}
		}
		chosen = chosen || t.Current
		p.Tabs = append(p.Tabs, t)
	}
	if !chosen {
		return edge.Page{}, credential.InvalidField("state", "must be active, attention or inactive")
	}
	return c.render(r, "keys", page{Title: "API keys", Body: p})
}

// keyPage shows one API key.
type keyPage struct {
	Row       row
	ID        string
	Requests  string
	Scopes    []credential.Scope
	Addresses []string
	Secrets   []credential.SecretInfo
	Calls     []authority.Call
}

// mostCalls is how many of the latest requests a page shows.
const mostCalls = 20

func (c *console) key(r *edge.Request, _ edge.None) (edge.Page, error) {
	d, f, err := c.find(r)
	if err != nil {
		return edge.Page{}, err
	}
	p := keyPage{Row: c.rowOf(d, f.Base), ID: d.Credential.ID.String(), Requests: grouped(d.Use.Requests), Scopes: d.Credential.Scopes}
	for _, a := range d.Credential.AllowedAddresses {
		p.Addresses = append(p.Addresses, a.String())
	}
	if !p.Row.Inactive {
		p.Secrets = d.Secrets
	}
	p.Calls, err = c.authority.Calls(r.Context(), &r.Principal, authority.CallsRequest{Credential: d.Credential.ID, Limit: mostCalls})
	if err != nil {
		return edge.Page{}, err
	}
	return c.render(r, "key", page{Title: p.Row.Name, Body: p})
}
