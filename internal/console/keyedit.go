package console

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// keyEdit is the form by which a key is changed, as it is filled in.
type keyEdit struct {
	Row                          row
	Word, ID                     string
	ByOperator                   bool   // whether its end is set by the operator alone
	Free                         bool   // whether its end moves either way
	Fixed                        string // why its end stays what it is
	Named                        bool   // whether the form has a name: the operator's hasn't
	Name, Rate, Addresses, Until string
	DefaultRate                  int
	Shut                         []string // addresses of its latest requests that would be refused
	Problems                     []trouble
}

// Back is where the form leads.
func (f keyEdit) Back() string {
	if f.Word == "client" { // which has no page of its own
		return strings.TrimSuffix(f.Row.To, "/"+f.ID)
	}
	return f.Row.To
}

// Problem finds what is wrong with a field.
func (f keyEdit) Problem(field string) *trouble { return problemOf(f.Problems, field) }

func (c *console) editKey(r *edge.Request, _ edge.None) (edge.Page, error) {
	d, f, err := c.find(r)
	if err != nil {
		return edge.Page{}, err
	}
	e := filledEdit(d.Credential)
	e.Row, e.Name, e.Named = c.rowOf(d, f.Base), d.Credential.Name, true
	return c.showKeyEdit(r, &e, d)
}

// filledEdit is the form with what holds for a credential.
func filledEdit(cred *credential.Credential) (e keyEdit) {
	if cred.RateLimit > 0 {
		e.Rate = strconv.Itoa(cred.RateLimit)
	}
	for _, a := range cred.AllowedAddresses {
		e.Addresses += a.String() + "\n"
	}
	if !cred.ExpiresAt.IsZero() {
		e.Until = cred.ExpiresAt.UTC().Format(time.DateOnly)
	}
	return e
}

// describe says what somebody may change of a credential.
func (e *keyEdit) describe(p *credential.Principal, cred *credential.Credential) {
	s := cred.Scheme
	sets := s.SetsExpiry(p)
	e.DefaultRate, e.ID, e.ByOperator, e.Free = s.PerMinute, cred.ID.String(), !sets, sets && s.Expiry.Reserved()
	switch {
	case s.Expiry == credential.ExpiryNever:
		e.Fixed = "Credentials of this kind never do."
	case s.ExpiryFixed:
		e.Fixed = "It was set when it was made, and stays."
	}
}

func (c *console) showKeyEdit(r *edge.Request, e *keyEdit, d *authority.Detail) (edge.Page, error) {
	e.describe(&r.Principal, d.Credential)
	e.Word = familyOf(r).Word
	out, err := c.render(r, "editkey", page{Title: "Edit " + d.Credential.Name, Body: e})
	if e.Problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

func (c *console) changeKey(r *edge.Request, in edge.Values) (edge.Page, error) {
	d, f, err := c.find(r)
	if err != nil {
		return edge.Page{}, err
	}
	e := keyEdit{Row: c.rowOf(d, f.Base), Named: true, Name: in["name"], Rate: in["rate"], Addresses: in["addresses"], Until: in["until"]}
	e.describe(&r.Principal, d.Credential)
	if err := c.saveEdit(r, &e, d, in["anyway"] != ""); err != nil {
		return edge.Page{}, err
	}
	if e.Problems != nil {
		return c.showKeyEdit(r, &e, d)
	}
	e.Word = f.Word
	return c.done(r, e.Back(), "saved")
}

// saveEdit does what the form says, unless it has problems. anyway refuses
// requests that came lately from elsewhere than is allowed now.
func (c *console) saveEdit(r *edge.Request, e *keyEdit, d *authority.Detail, anyway bool) (err error) {
	req := e.request(d.Credential)
	if e.Problems == nil && !anyway {
		if e.Shut, err = c.shutOut(r, d, strings.Fields(e.Addresses)); err != nil {
			return err
		}
		if e.Shut != nil {
			e.Problems = []trouble{{"addresses", "Some of its latest requests came from elsewhere, and would be refused: " + strings.Join(e.Shut, ", ") + "."}}
		}
	}
	if e.Problems != nil {
		return nil
	}
	_, err = c.authority.Update(r.Context(), &r.Principal, d.Credential.ID, req)
	if e.Problems = troubles(err); e.Problems != nil {
		return nil
	}
	return err
}

// request is what the form changes.
func (e *keyEdit) request(cred *credential.Credential) authority.UpdateRequest {
	addresses := strings.Fields(e.Addresses)
	req := authority.UpdateRequest{Addresses: &addresses}
	if e.Named {
		req.Name = &e.Name
	}
	rate := 0
	if e.Rate != "" {
		var err error
		if rate, err = strconv.Atoi(e.Rate); err != nil || rate < 1 {
			e.Problems = append(e.Problems, trouble{"rate", "Type a whole number of requests, at least 1, or leave it empty for the usual limit."})
		}
	}
	if rate != cred.RateLimit {
		req.RateLimit = &rate
	}
	was := ""
	if !cred.ExpiresAt.IsZero() {
		was = cred.ExpiresAt.UTC().Format(time.DateOnly)
	}
	if e.Until != was && !e.ByOperator && e.Fixed == "" {
		at, err := time.Parse(time.DateOnly, e.Until)
		switch {
		case err == nil:
		case e.Free && e.Until == "": // it has no end any more
		case e.Free:
			e.Problems = append(e.Problems, trouble{"expires", "Choose the day on which it stops working, or leave the field empty for never."})
		default:
			e.Problems = append(e.Problems, trouble{"expires", "Choose the day on which the key stops working. One that has an end keeps one."})
		}
		req.Expiry = &credential.ExpiryChoice{At: at}
	}
	return req
}

// shutOut lists the addresses of a credential's latest requests that an
// allowlist would refuse; nil for none.
func (c *console) shutOut(r *edge.Request, d *authority.Detail, list []string) (shut []string, err error) {
	allowed, err := credential.ParseAddresses("allowed_addresses", list)
	if err != nil || len(allowed) == 0 {
		return nil, nil // what is wrong with it is said when it is stored
	}
	calls, err := c.authority.Calls(r.Context(), &r.Principal, authority.CallsRequest{Credential: d.Credential.ID, Limit: mostCalls})
	if err != nil {
		return nil, err
	}
	from := []netip.Addr{d.Use.Address}
	for i := range calls {
		from = append(from, calls[i].Address)
	}
	for _, a := range from {
		in := slices.ContainsFunc(allowed, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
		if a.IsValid() && !in && !slices.Contains(shut, a.String()) {
			shut = append(shut, a.String())
		}
	}
	return shut, nil
}

func (c *console) suspendKey(r *edge.Request, _ edge.Values) (edge.Page, error) {
	d, f, err := c.find(r)
	if err == nil {
		_, err = c.authority.Suspend(r.Context(), &r.Principal, d.Credential.ID)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.done(r, f.Base+"/"+d.Credential.ID.String(), "suspended")
}

func (c *console) resumeKey(r *edge.Request, _ edge.Values) (edge.Page, error) {
	d, f, err := c.find(r)
	if err == nil {
		_, err = c.authority.Resume(r.Context(), &r.Principal, d.Credential.ID)
	}
	if err != nil {
		return edge.Page{}, err
	}
	return c.done(r, f.Base+"/"+d.Credential.ID.String(), "resumed")
}
