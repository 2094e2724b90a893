package console

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// mostRows bounds a list.
const mostRows = 200

// soon is how long before its end a credential counts as one that ends soon.
const soon = 14 * 24 * time.Hour

// row is a credential in a list.
type row struct {
	ID, Name, Hint, Mode, To string
	Access, Rate             string
	Scopes                   []credential.Scope
	Addresses                string
	Used                     *used // nil for never
	Created, Expires         time.Time
	Chip                     chip
	Note                     string
	State                    credential.State
	Inactive, Attention      bool
	Scheme, Print, Owner     string // what the pages call the scheme; the fingerprint; whose it is, where that isn't plain
	Rotate                   string // the day from which on a successor is due; empty for none
	Again                    string // where one like it is made; empty for nowhere
	Own                      bool   // whether its secret may be shown to who looks at it
	Spark                    *spark
}

// used is the last use of a credential.
type used struct {
	Ago, From, Agent string
	At               time.Time
}

// chip is a state, as a word with a picture.
type chip struct{ Look, Icon, Word string }

// Rotatable reports whether the credential can get another secret.
func (r row) Rotatable() bool { return !r.Inactive && r.Own }

// Revocable reports whether there is anything to end.
func (r row) Revocable() bool { return r.State != credential.Revoked }

func (c *console) rowOf(d *authority.Detail, base string) row {
	now, cred := c.authority.Now(), d.Credential
	r := row{
		ID: cred.ID.String(), Name: cred.Name, Mode: cred.Scheme.Mode, To: base + "/" + cred.ID.String(), Scopes: cred.Scopes, Rate: rate(cred.PerMinute()),
		Created: cred.CreatedAt, Expires: cred.ExpiresAt, State: d.State, Addresses: fromWhere(cred.AllowedAddresses),
	}
	r.Access, r.Scheme, r.Own = access(cred.Scopes), schemeTitle(cred.Scheme.Name), true
	if !d.Use.At.IsZero() {
		r.Used = &used{ago(now, d.Use.At), address(d.Use.Address), d.Use.UserAgent, d.Use.At}
	}
	for _, s := range d.Secrets {
		if s.Generation == cred.Generation {
			r.Hint, r.Print = s.Hint, s.Fingerprint
		}
	}
	r.Inactive = d.State == credential.Revoked || d.State == credential.Expired
	r.Chip, r.Note = standing(now, d)
	if due := rotateFrom(cred); !due.IsZero() && d.State == credential.Active {
		r.remind(now, due, cred.ExpiresAt)
	}
	r.Attention = r.Chip.Look == "warn"
	return r
}

// standing says how a credential is, and until when.
func standing(now time.Time, d *authority.Detail) (chip, string) {
	c := d.Credential
	until := "Never expires"
	if !c.ExpiresAt.IsZero() {
		until = "Until " + day(c.ExpiresAt)
	}
	switch {
	case d.State == credential.Revoked:
		return chip{"", "ban", "Revoked"}, day(c.RevokedAt)
	case d.State == credential.Expired:
		return chip{"", "clock", "Expired"}, day(c.ExpiresAt)
	case d.State == credential.Suspended:
		return chip{"", "pause", "Suspended"}, "Since " + day(c.SuspendedAt)
	case now.Before(c.NotBefore):
		return chip{"", "clock", "Not yet"}, "From " + day(c.NotBefore)
	case !c.ExpiresAt.IsZero() && c.ExpiresAt.Sub(now) < soon:
		return chip{"warn", "clock", "Expires soon"}, titled(within(now, c.ExpiresAt)) + ", " + day(c.ExpiresAt)
	}
	return chip{"ok", "dot", "Active"}, until
}

func rate(perMinute int) string {
	if perMinute == 0 {
		return "No rate limit"
	}
	return grouped(int64(perMinute)) + " a minute"
}

// access says what scopes come to.
func access(scopes []credential.Scope) string {
	switch {
	case len(scopes) == 1 && scopes[0] == credential.AllScope:
		return "Everything"
	case len(scopes) == 1:
		return "1 scope"
	}
	return fmt.Sprintf("%d scopes", len(scopes))
}

func fromWhere(list []netip.Prefix) string {
	switch len(list) {
	case 0:
		return ""
	case 1:
		return "1 address range"
	}
	return fmt.Sprintf("%d address ranges", len(list))
}

func address(a netip.Addr) string {
	if !a.IsValid() {
		return "Address unknown"
	}
	return a.String()
}

// manages lets nobody see to keys and clients but an owner or administrator.
func manages(r *edge.Request) error {
	if !r.Principal.SignedIn() || !r.Principal.Role.Manages() {
		return credential.Errorf(credential.Forbidden, "owners and admins look after the keys and clients of an organization; ask one of yours")
	}
	return nil
}

// base is where the pages about the organization of a request begin.
func base(r *edge.Request) string {
	return "/console/organizations/" + authority.PublicID("org", r.Principal.Organization)
}

// list returns the credentials of some schemes, those whose record can be read.
func (c *console) list(r *edge.Request, schemes ...string) (out []authority.Detail, err error) {
	if err := manages(r); err != nil {
		return nil, err
	}
	for _, scheme := range schemes {
		found, err := c.authority.List(r.Context(), &r.Principal, authority.ListRequest{Organization: r.Principal.Organization, Scheme: scheme, Limit: mostRows})
		if err != nil {
			return nil, err
		}
		for i := range found {
			if found[i].Credential != nil {
				out = append(out, found[i])
			}
		}
	}
	return out, nil
}

// inUse counts the credentials that count towards a limit.
func inUse(list []authority.Detail) (n int) {
	for i := range list {
		if list[i].State != credential.Revoked {
			n++
		}
	}
	return n
}

// most returns how many there may be of what a scheme counts.
func (c *console) most(scheme string) int {
	return c.authority.Schemes().ByName(scheme).MaxActive
}
