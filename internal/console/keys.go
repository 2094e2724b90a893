package console

import (
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// keysPage lists API keys.
type keysPage struct {
	List       *listing
	Rows       []row
	Any        bool
	Shown, Of  int // of those that the filters choose
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

// keyState is a tab of the list of keys.
type keyState struct {
	name, title string
	has         func(*row) bool
}

// keyStates are the tabs of the list of keys, with who is in them.
var keyStates = []keyState{
	{"", "All", func(*row) bool { return true }},
	{"active", "Active", func(r *row) bool { return !r.Inactive }},
	{"attention", "Needs attention", func(r *row) bool { return r.Attention }},
	{"inactive", "Inactive", func(r *row) bool { return r.Inactive }},
}

// keyRows is how many keys a page shows, mostKeys how many of each mode are read.
const (
	keyRows  = 100
	mostKeys = 1000
)

func (c *console) keys(r *edge.Request, _ edge.None) (edge.Page, error) {
	found, err := c.listOf(r, mostKeys, "bunship_live", "bunship_test")
	if err != nil {
		return edge.Page{}, err
	}
	slices.SortStableFunc(found, func(a, b authority.Detail) int { return b.Credential.CreatedAt.Compare(a.Credential.CreatedAt) })
	rows := make([]row, len(found))
	for i := range found {
		rows[i] = c.rowOf(&found[i], base(r)+"/keys")
	}
	p, err := chooseKeys(r, rows)
	if err != nil {
		return edge.Page{}, err
	}
	if err := c.sparks(r, p.Rows); err != nil {
		return edge.Page{}, err
	}
	p.Used, p.Most, p.Soon = inUse(found), c.most("bunship_live"), soonest(rows, c.authority.Now())
	return c.render(r, "keys", page{Title: "API keys", Body: p})
}

// soonest is what is said of the first key that ends soon; nil for nothing.
func soonest(rows []row, now time.Time) (first *ending) {
	for i := range rows {
		if e := rows[i].Expires; rows[i].Attention && !e.IsZero() && (first == nil || e.Before(first.At)) {
			first = &ending{rows[i].Name + " expires " + within(now, e) + ".", rows[i].To, e}
		}
	}
	return first
}

// chooseKeys finds the rows that are asked for, and what stands around them.
func chooseKeys(r *edge.Request, rows []row) (p keysPage, err error) {
	p.List, p.Any = listed(r, "API keys", base(r)+"/keys", "state", "mode", "q"), len(rows) > 0
	p.List.search("Name, or 4 characters")
	p.List.filter("mode", "Mode", choice{Title: "Live and test"}, choice{Value: "live", Title: "Live"}, choice{Value: "test", Title: "Test"})
	rows = slices.DeleteFunc(rows, func(k row) bool {
		return !k.matches(r.Param("q")) || r.Param("mode") != "" && k.Mode != r.Param("mode")
	})
	state := slices.IndexFunc(keyStates, func(s keyState) bool { return s.name == r.Param("state") })
	if state < 0 {
		return p, credential.InvalidField("state", "must be active, attention or inactive")
	}
	for i, s := range keyStates {
		in := slices.DeleteFunc(slices.Clone(rows), func(k row) bool { return !s.has(&k) })
		p.List.tab(s.title, "state", s.name, len(in))
		if i == state {
			p.Rows = in
		}
	}
	p.Of = len(p.Rows)
	if after := r.Param("after"); after != "" {
		p.Rows = p.Rows[1+slices.IndexFunc(p.Rows, func(k row) bool { return k.ID == after }):]
	}
	more := len(p.Rows) > keyRows
	p.Rows = p.Rows[:min(len(p.Rows), keyRows)]
	if p.Shown = len(p.Rows); more {
		p.List.after(true, p.Rows[p.Shown-1].ID)
	}
	return p, nil
}

// matches reports whether the name or the hint of a credential has a text. That
// is no beginning of a secret with its prefix: an address with one is refused.
func (r row) matches(text string) bool {
	text = strings.ToLower(strings.TrimSpace(text))
	return strings.Contains(strings.ToLower(r.Name), text) || strings.Contains(strings.ToLower(r.Hint), strings.TrimRight(text, ".…"))
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
	Notice    *notice
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
	p.Notice = stateOf(&p.Row)
	return c.render(r, "key", page{Title: p.Row.Name, Body: p})
}

// stateOf says what somebody should know of a key that doesn't just work; nil for
// nothing.
func stateOf(r *row) *notice {
	switch r.State {
	case credential.Revoked:
		return &notice{"", "ban", "Revoked.", "Requests with it get 401, for good. Recreate it from the list to make one like it."}
	case credential.Expired:
		return &notice{"", "clock", "Expired.", "Requests with it get 401 since " + when(r.Expires) + ". Make a new key, from the list."}
	case credential.Suspended:
		return &notice{"warn", "pause", "Suspended.", "Requests with it are refused until somebody resumes it."}
	}
	if r.Attention {
		return &notice{"warn", "clock", "It expires soon.", "Requests get 401 from " + when(r.Expires) + " on. Using it doesn't extend it: rotate it."}
	}
	return nil
}
