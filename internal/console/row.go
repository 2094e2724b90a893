package console

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

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
	Spark                    *spark // nil where it isn't drawn
	Note                     string
	State                    credential.State
	Inactive, Attention      bool
}

// used is the last use of a credential.
type used struct {
	Ago, From, Agent string
	At               time.Time
}

// chip is a state, as a word with a picture.
type chip struct{ Look, Icon, Word string }

// Rotatable reports whether the credential can get another secret.
func (r row) Rotatable() bool { return !r.Inactive }

// Revocable reports whether there is anything to end.
func (r row) Revocable() bool { return r.State != credential.Revoked }

func (c *console) rowOf(d *authority.Detail, base string) row {
	now, cred := c.authority.Now(), d.Credential
	r := row{
		ID: cred.ID.String(), Name: cred.Name, Mode: cred.Scheme.Mode, To: base + "/" + cred.ID.String(), Scopes: cred.Scopes, Rate: rate(cred.PerMinute()),
		Created: cred.CreatedAt, Expires: cred.ExpiresAt, State: d.State, Addresses: fromWhere(cred.AllowedAddresses),
	}
	r.Access = access(cred.Scopes)
	if !d.Use.At.IsZero() {
		r.Used = &used{ago(now, d.Use.At), address(d.Use.Address), d.Use.UserAgent, d.Use.At}
	}
	for _, s := range d.Secrets {
		if s.Generation == cred.Generation {
			r.Hint = s.Hint
		}
	}
	r.Inactive = d.State == credential.Revoked || d.State == credential.Expired
	r.Chip, r.Note = standing(now, d)
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
	return c.listOf(r, mostRows, schemes...)
}

// listOf is list of so many of each scheme at most, the newest.
func (c *console) listOf(r *edge.Request, most int, schemes ...string) (out []authority.Detail, err error) {
	if err := manages(r); err != nil {
		return nil, err
	}
	for _, scheme := range schemes {
		found, err := c.authority.List(r.Context(), &r.Principal, authority.ListRequest{Organization: r.Principal.Organization, Scheme: scheme, Limit: most})
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

// find finds the credential in the path, which must be of the page's family.
func (c *console) find(r *edge.Request) (*authority.Detail, family, error) {
	if err := looksAfter(r); err != nil {
		return nil, family{}, err
	}
	f := familyOf(r)
	missing := credential.Errorf(credential.NotFound, "no such credential")
	id, err := uuid.Parse(r.PathValue("credential"))
	if err != nil || id.String() != r.PathValue("credential") {
		return nil, f, missing
	}
	d, err := c.authority.Get(r.Context(), &r.Principal, id)
	if err != nil {
		return nil, f, err
	}
	if d.Credential == nil || !f.has(d.Credential.Scheme.Name) || d.Credential.Organization != r.Principal.Organization || !belongs(r, d.Credential) {
		return nil, f, missing
	}
	if k := kindOf(d.Credential.Scheme.Name); k != nil {
		f.Word = k.Word
	}
	return d, f, nil
}

// family is a kind of credential that has pages of its own.
type family struct {
	Title, Base string // of the page that lists it
	Word        string // for one of them
	End         string // what ending one is called there
	schemes     []string
}

func (f family) has(scheme string) bool {
	return slices.Contains(f.schemes, scheme)
}

// familyOf tells by the path which pages a request is of.
func familyOf(r *edge.Request) family {
	if f, ok := tokenFamily(r); ok {
		return f
	}
	if strings.Contains(r.URL.Path, "/integrations") {
		return family{"Integrations", base(r) + "/integrations", "client", "delete", []string{"betatesting_client", "betatesting_static"}}
	}
	return family{"API keys", base(r) + "/keys", "key", "revoke", []string{"bunship_live", "bunship_test"}}
}
