package console

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// editForm is the form that changes a credential, as it is filled in.
type editForm struct {
	To, Back, Title       string
	Word                  string
	Name, Rate, Addresses string
	Date                  string // the last day; empty leaves the end as it is
	Sure                  bool
	Least, Last           string   // the days that a date may be
	End                   string   // as it is
	Fixed                 string   // why the end can't be changed here; empty where it can
	DefaultRate           int      // of the scheme; 0 for none
	Blocked               []string // addresses of late requests that would be refused
	Problems              []trouble
}

// Problem finds what is wrong with a field.
func (f editForm) Problem(field string) *trouble { return problemOf(f.Problems, field) }

func (c *console) editKey(r *edge.Request, _ edge.None) (edge.Page, error) {
	d, f, err := c.find(r)
	if err != nil {
		return edge.Page{}, err
	}
	form := editForm{Name: d.Credential.Name, Addresses: strings.Join(texts(d.Credential.AllowedAddresses), "\n")}
	if d.Credential.RateLimit > 0 {
		form.Rate = strconv.Itoa(d.Credential.RateLimit)
	}
	return c.showEdit(r, d, &f, form)
}

func (c *console) showEdit(r *edge.Request, d *authority.Detail, f *family, form editForm) (edge.Page, error) {
	cred, now := d.Credential, c.authority.Now()
	if d.State == credential.Revoked || d.State == credential.Expired {
		return edge.Page{}, credential.Errorf(credential.Conflict, "what has ended can't be changed; make another one in its place")
	}
	form.To, form.Back, form.Title, form.Word = r.URL.Path, f.Acts+"/"+cred.ID.String(), cred.Name, f.Word
	form.DefaultRate, form.Least, form.End = cred.Scheme.PerMinute, now.UTC().Format(time.DateOnly), "It never ends."
	if !cred.ExpiresAt.IsZero() {
		form.End = "It ends " + when(cred.ExpiresAt) + "."
		form.Last = cred.ExpiresAt.UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	}
	switch {
	case cred.Scheme.ExpiryFixed:
		form.Fixed = "The end of such a token can't be changed. Make another one, and delete this one then."
	case cred.Scheme.Expiry == credential.ExpiryOperator:
		form.Fixed = "Whoever runs this installation sets the end: gatehouse credential update " + cred.ID.String() + " --expires-at 2030-01-31T00:00:00Z"
	case cred.Scheme.Expiry == credential.ExpiryNever:
		form.Fixed = "Such a credential has no end."
	case form.Last != "" && form.Last < form.Least:
		form.Fixed = "It ends today."
	}
	out, err := c.render(r, "editkey", page{Title: "Edit " + cred.Name, Project: f.place, Body: form})
	if form.Problems != nil || form.Blocked != nil {
		out.Status = unprocessable
	}
	return out, err
}

// request is what a form asks for.
func (f *editForm) request() authority.UpdateRequest {
	addresses, rate := strings.Fields(f.Addresses), 0
	if f.Rate != "" {
		var err error
		if rate, err = strconv.Atoi(f.Rate); err != nil || rate < 1 {
			f.Problems = append(f.Problems, trouble{"rate", "Type a whole number of requests, at least 1, or leave it empty for the usual limit."})
		}
	}
	req := authority.UpdateRequest{Name: &f.Name, Addresses: &addresses, RateLimit: &rate}
	if e := lastDay(f.Date, &f.Problems); !e.At.IsZero() {
		req.Expiry = &e
	}
	return req
}

func (c *console) saveKey(r *edge.Request, in edge.Values) (edge.Page, error) {
	d, f, err := c.find(r)
	if err != nil {
		return edge.Page{}, err
	}
	form := editForm{Name: in["name"], Rate: in["rate"], Addresses: in["addresses"], Date: in["date"], Sure: in["sure"] != ""}
	req := form.request()
	if form.Problems == nil && !form.Sure {
		if form.Blocked, err = c.lockedOut(r, d, &form); err != nil {
			return edge.Page{}, err
		}
	}
	if form.Problems == nil && form.Blocked == nil {
		_, err = c.authority.Update(r.Context(), &r.Principal, d.Credential.ID, req)
		form.Problems = troubles(err)
		for i := range form.Problems {
			if form.Problems[i].Field == "expires" {
				form.Problems[i].Field = "date"
			}
		}
	}
	switch {
	case form.Problems != nil || form.Blocked != nil:
		return c.showEdit(r, d, &f, form)
	case err != nil:
		return edge.Page{}, err
	}
	return c.done(r, f.Acts+"/"+d.Credential.ID.String(), "saved")
}

// lookedAt is how many of the latest requests are held against a new allowlist,
// and how old they may be.
const (
	lookedAt  = 200
	lookedFor = day24
)

// lockedOut are the addresses from which the credential was used of late, and
// that a new allowlist would refuse.
func (c *console) lockedOut(r *edge.Request, d *authority.Detail, form *editForm) (blocked []string, err error) {
	list, err := credential.ParseAddresses("allowed_addresses", strings.Fields(form.Addresses))
	if err != nil || len(list) == 0 {
		form.Problems = troubles(err)
		return nil, nil
	}
	calls, err := c.authority.Calls(r.Context(), &r.Principal, authority.CallsRequest{Credential: d.Credential.ID, Limit: lookedAt})
	if err != nil {
		return nil, err
	}
	since, count := c.authority.Now().Add(-lookedFor), map[netip.Addr]int{}
	var order []netip.Addr
	note := func(a netip.Addr, at time.Time, n int) {
		if !a.IsValid() || at.Before(since) || within1(list, a) {
			return
		}
		if _, seen := count[a]; !seen {
			order = append(order, a)
		}
		count[a] += n
	}
	note(d.Use.Address, d.Use.At, 0)
	for i := range calls {
		note(calls[i].Address, calls[i].At, 1)
	}
	for _, a := range order {
		switch n := count[a]; n {
		case 0:
			blocked = append(blocked, a.String()+", the latest use")
		case 1:
			blocked = append(blocked, a.String()+", 1 request")
		default:
			blocked = append(blocked, fmt.Sprintf("%s, %s requests", a, grouped(int64(n))))
		}
	}
	return blocked, nil
}

// within1 reports whether one of some networks has an address.
func within1(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

func (c *console) suspendKey(r *edge.Request, in edge.Values) (edge.Page, error) {
	if err := c.sent(r, in); err != nil {
		return edge.Page{}, err
	}
	return c.turnKey(r, "suspended")
}

func (c *console) resumeKey(r *edge.Request, _ edge.Values) (edge.Page, error) {
	return c.turnKey(r, "resumed")
}

// turnKey stops a credential, or lets it work again.
func (c *console) turnKey(r *edge.Request, deed string) (edge.Page, error) {
	d, f, err := c.find(r)
	if err != nil {
		return edge.Page{}, err
	}
	act := c.authority.Resume
	if deed == "suspended" {
		act = c.authority.Suspend
	}
	if _, err := act(r.Context(), &r.Principal, d.Credential.ID); err != nil {
		return edge.Page{}, err
	}
	return c.done(r, f.Acts+"/"+d.Credential.ID.String(), deed)
}

// idsOf are the ids that the boxes of a list chose.
func idsOf(in edge.Values, limit int) (ids []uuid.UUID, err error) {
	for name := range in {
		text, picked := strings.CutPrefix(name, "pick:")
		if !picked {
			continue
		}
		id, err := uuid.Parse(text)
		if err != nil || id.String() != text {
			return nil, credential.Errorf(credential.BadRequest, "the form names something that is no id; load its page again")
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, credential.Errorf(credential.BadRequest, "choose at least one")
	}
	if len(ids) > limit {
		return nil, credential.Errorf(credential.BadRequest, "choose at most %d at once", limit)
	}
	return ids, nil
}
