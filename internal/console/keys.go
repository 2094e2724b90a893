package console

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// keyRows is how many API keys a page lists.
const keyRows = 100

// keysPage lists API keys.
type keysPage struct {
	Tabs       []tab // of the organization's pages of keys
	List       *listing
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

func (c *console) keys(r *edge.Request, _ edge.None) (edge.Page, error) {
	if err := manages(r); err != nil {
		return edge.Page{}, err
	}
	req := authority.ListRequest{Organization: r.Principal.Organization, Schemes: bunshipSchemes(), Text: r.Param("q"), Soon: soon, Limit: keyRows + 1}
	switch mode := r.Param("mode"); mode {
	case "":
	case "live", "test":
		req.Schemes = []string{"bunship_" + mode}
	default:
		return edge.Page{}, credential.InvalidField("mode", "must be live or test")
	}
	parts, err := c.authority.Parts(r.Context(), &r.Principal, req)
	if err != nil {
		return edge.Page{}, err
	}
	p := keysPage{Tabs: keyTabs(r), Used: parts.Kept, Most: c.most("bunship_live"), List: listed(r, "API keys", base(r)+"/keys", "state", "mode", "q")}
	if len(req.Schemes) == 1 || req.Text != "" {
		if p.Used, err = c.keysInUse(r); err != nil {
			return edge.Page{}, err
		}
	}
	p.List.search("Name or shown characters")
	states := []struct {
		name, title string
		part        store.Part
		count       int
	}{{"", "All", "", parts.All}, {"active", "Active", store.Working, parts.Working}, {"attention", "Needs attention", store.Ending, parts.Ending}, {"inactive", "Inactive", store.Ended, parts.Ended}}
	known := false
	for _, s := range states {
		p.List.tab(s.title, "state", s.name, s.count)
		if s.name == r.Param("state") {
			req.Part, known = s.part, true
		}
	}
	if !known {
		return edge.Page{}, credential.InvalidField("state", "must be active, attention or inactive")
	}
	p.List.filter("mode", "Mode", choice{Title: "Any mode"}, choice{Value: "live", Title: "Live"}, choice{Value: "test", Title: "Test"})
	if err := afterOf(r, &req); err != nil {
		return edge.Page{}, err
	}
	if err := c.fillKeys(r, &p, req); err != nil {
		return edge.Page{}, err
	}
	p.Any = p.List.Asked || p.List.First != "" || len(p.Rows) > 0
	return c.render(r, "keys", page{Title: "API keys", Body: p})
}

// keysInUse counts the keys that count towards the limit.
func (c *console) keysInUse(r *edge.Request) (int, error) {
	parts, err := c.authority.Parts(r.Context(), &r.Principal, authority.ListRequest{Organization: r.Principal.Organization, Schemes: bunshipSchemes()})
	return parts.Kept, err
}

// fillKeys reads a page of keys, and the first that ends soon.
func (c *console) fillKeys(r *edge.Request, p *keysPage, req authority.ListRequest) error {
	f, err := c.familyOf(r)
	if err != nil {
		return err
	}
	found, err := c.authority.List(r.Context(), &r.Principal, req)
	if err != nil {
		return err
	}
	p.List.page(found, keyRows)
	for i := range found[:min(len(found), keyRows)] {
		if found[i].Credential != nil {
			p.Rows = append(p.Rows, c.rowIn(r, &found[i], &f))
		}
	}
	ends, err := c.authority.List(r.Context(), &r.Principal, authority.ListRequest{
		Organization: r.Principal.Organization, Schemes: bunshipSchemes(), Part: store.Ending, Soon: soon, Limit: mostRows,
	})
	if err != nil {
		return err
	}
	for i := range ends {
		if e := ends[i].Credential; e != nil && (p.Soon == nil || e.ExpiresAt.Before(p.Soon.At)) {
			p.Soon = &ending{e.Name + " expires " + within(c.authority.Now(), e.ExpiresAt) + ".", f.Acts + "/" + e.ID.String(), e.ExpiresAt}
		}
	}
	return c.sparks(r, p.Rows)
}

// keyPage shows one credential.
type keyPage struct {
	Row          row
	Family       family
	ID, Requests string
	Scopes       []credential.Scope
	Addresses    []string
	Secrets      []credential.SecretInfo
	Calls        []authority.Call
	Older        string // the address of the calls before these; empty for none
	Newest       string
	Notice       *notice
	Writes       bool // whether it may be changed
	ClientID     string
	Limit        string // what its own budget has, and where that is set
	LimitTo      string
	Operator     string // the command by which the operator sets its end; empty where others may
	Due          string // the day from which on a successor is due
	Belongs      string // whose it is
}

// mostCalls is how many of the latest requests a page shows.
const mostCalls = 20

func (c *console) key(r *edge.Request, _ edge.None) (edge.Page, error) {
	d, f, err := c.find(r)
	if err != nil {
		return edge.Page{}, err
	}
	p := keyPage{Row: c.rowIn(r, d, &f), Family: f, ID: d.Credential.ID.String(), Requests: grouped(d.Use.Requests), Scopes: d.Credential.Scopes,
		ClientID: d.Credential.ClientID, Writes: r.Principal.Permissions.Has(credential.CredentialsWrite), Addresses: texts(d.Credential.AllowedAddresses)}
	if !p.Row.Inactive {
		p.Secrets = d.Secrets
	}
	if d.Credential.Scheme.Expiry == credential.ExpiryOperator {
		p.Operator = "gatehouse credential update " + p.ID + " --expires-at 2030-01-31T00:00:00Z"
	}
	if p.Belongs, err = c.belongs(r, d.Credential, &f); err != nil {
		return edge.Page{}, err
	}
	if err := c.calls(r, d.Credential.ID, &p); err != nil {
		return edge.Page{}, err
	}
	if err := c.keyNotice(r, d, &p); err != nil {
		return edge.Page{}, err
	}
	return c.render(r, "key", page{Title: p.Row.Name, Project: f.place, Body: p})
}

// texts are addresses as people type them.
func texts(list []netip.Prefix) (out []string) {
	for _, a := range list {
		out = append(out, a.String())
	}
	return out
}

// belongs says whose a credential is.
func (c *console) belongs(r *edge.Request, cred *credential.Credential, f *family) (string, error) {
	switch {
	case f.project != nil:
		return f.project.Name, nil
	case cred.User == uuid.Nil:
		return "The organization", nil
	case cred.User == r.Principal.Subject:
		return "You", nil
	}
	member, err := c.authority.Member(r.Context(), &r.Principal, r.Principal.Organization, authority.UserRef{ID: cred.User})
	if err != nil {
		return "", err
	}
	return member.Name + ", " + member.Email, nil
}

// calls reads the latest requests, or those before one.
func (c *console) calls(r *edge.Request, id uuid.UUID, p *keyPage) (err error) {
	req := authority.CallsRequest{Credential: id, Limit: mostCalls + 1}
	if text := r.Param("before"); text != "" {
		if req.Before, err = uuid.Parse(text); err != nil {
			return credential.InvalidField("before", "must be the id of a request")
		}
		p.Newest = r.URL.Path
	}
	if p.Calls, err = c.authority.Calls(r.Context(), &r.Principal, req); err != nil {
		return err
	}
	if len(p.Calls) > mostCalls {
		p.Calls = p.Calls[:mostCalls]
		p.Older = r.URL.Path + "?before=" + p.Calls[mostCalls-1].ID.String()
	}
	return nil
}

// keyNotice says what is the matter with a credential, the gravest thing first.
func (c *console) keyNotice(r *edge.Request, d *authority.Detail, p *keyPage) error {
	now, cred, word := c.authority.Now(), d.Credential, p.Family.Word
	switch {
	case d.State == credential.Revoked:
		p.Notice = &notice{Look: "", Icon: "ban", Strong: p.Row.Chip.Word + " " + when(cred.RevokedAt) + ".", Text: "Requests with it get 401, and nothing brings it back."}
	case d.State == credential.Expired:
		p.Notice = &notice{Look: "", Icon: "clock", Strong: "Expired " + when(cred.ExpiresAt) + ".", Text: "Requests with it get 401. Make another one in its place, and change over what used it."}
	case d.State == credential.Suspended:
		p.Notice = &notice{Look: "warn", Icon: "pause", Strong: "Suspended since " + when(cred.SuspendedAt) + ".", Text: "Requests with it get 401 until somebody resumes it."}
	}
	if cred.User != uuid.Nil {
		if due := rotateFrom(cred); p.Notice == nil && !due.IsZero() {
			if p.Due = day(due); !now.Before(due) {
				p.Notice = &notice{Look: "warn", Icon: "clock", Strong: "It ends " + when(cred.ExpiresAt) + ".", Text: "Make its successor now, change everything over, and delete this one then."}
			}
		}
	} else if err := c.keyBudget(r, cred.ID, p); err != nil {
		return err
	}
	if p.Notice == nil && p.Row.Attention {
		p.Notice = &notice{Look: "warn", Icon: "clock", Strong: "It expires " + within(now, cred.ExpiresAt) + ".", Text: "Requests get 401 from " + when(cred.ExpiresAt) + " on. Using the " + word + " doesn’t extend it."}
	}
	return nil
}

// keyBudget tells of the budget of a credential's own, which has none mostly.
func (c *console) keyBudget(r *edge.Request, id uuid.UUID, p *keyPage) error {
	p.LimitTo = base(r) + "/budgets/" + id.String()
	if !r.Principal.Role.Manages() {
		p.LimitTo = ""
	}
	b, err := c.authority.Budget(r.Context(), &r.Principal, r.Principal.Organization, id)
	if errors.Is(err, credential.NotFound) {
		p.Limit = "None of its own"
		return nil
	}
	if err != nil {
		return err
	}
	used := meterOf(b, c.authority.Now())
	p.Limit = used.Used + " of " + used.Limit + " coins used this week"
	if p.Notice == nil && !b.Overage && b.Remaining() == 0 {
		p.Notice = &notice{Look: "bad", Icon: "pause", Strong: "Its budget is used up.", Text: "Requests that cost a coin get 429 until " + when(b.ResetsAt()) + "."}
	}
	return nil
}

// scopesOf reads a list of scopes, with commas or blanks between them.
func scopesOf(text string) []string {
	return slices.DeleteFunc(strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' }), func(s string) bool { return s == "" })
}
