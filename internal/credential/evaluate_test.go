package credential

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// standing is a credential of a scheme that works.
func standing(s *Scheme) *Standing {
	c := &Credential{
		ID: uuid.UUID{1}, Name: "n", Scheme: s, Organization: uuid.UUID{2}, Generation: 1, Scopes: s.Scopes.Default, CreatedAt: noon.Add(-time.Hour),
	}
	switch {
	case s.Name == "gatehouse_key":
		c.Scopes = []Scope{"issues:read", "issues:write"}
	case s.Mode != "":
		c.Scopes = []Scope{AllScope}
	}
	out := &Standing{Credential: c, Secret: SecretInfo{Generation: 1}, OrganizationActive: true, ProjectActive: true}
	switch s.Owner {
	case OwnedByUser:
		c.User, out.Role = uuid.UUID{3}, Member
	case OwnedByProject:
		c.Project = uuid.UUID{4}
	}
	c.Resolve()
	return out
}

// TestEvaluate has a row for each code, and for pairs of reasons the one that wins.
func TestEvaluate(t *testing.T) {
	set := builtins(t)
	past, future := noon.Add(-time.Millisecond), noon.Add(time.Millisecond)
	here := &ProjectAccess{ID: uuid.UUID{4}, Active: true}
	as := func(r ProjectRole) *ProjectAccess { return &ProjectAccess{ID: uuid.UUID{4}, Active: true, Role: r} }
	for _, row := range []struct {
		name, scheme string
		change       func(s *Standing, r *Request)
		want         Code
	}{
		{"works", "gatehouse_key", func(*Standing, *Request) {}, OK},
		{"revoked", "gatehouse_key", func(s *Standing, _ *Request) { s.Credential.RevokedAt = past }, CodeRevoked},
		{"revoked before expired", "gatehouse_key", func(s *Standing, _ *Request) { s.Credential.RevokedAt, s.Credential.ExpiresAt = past, past }, CodeRevoked},
		{"end of the grace", "gatehouse_key", func(s *Standing, _ *Request) { s.Secret.EndsAt = noon }, CodeRevoked},
		{"last millisecond of the grace", "gatehouse_key", func(s *Standing, _ *Request) { s.Secret.EndsAt = future }, OK},
		{"expires now", "gatehouse_key", func(s *Standing, _ *Request) { s.Credential.ExpiresAt = noon }, CodeExpired},
		{"expires in a millisecond", "gatehouse_key", func(s *Standing, _ *Request) { s.Credential.ExpiresAt = future }, OK},
		{"expired before suspended", "gatehouse_key", func(s *Standing, _ *Request) { s.Credential.ExpiresAt, s.Credential.SuspendedAt = past, past }, CodeExpired},
		{"suspended", "gatehouse_key", func(s *Standing, _ *Request) { s.Credential.SuspendedAt = future }, CodeSuspended},
		{"not yet", "gatehouse_key", func(s *Standing, _ *Request) { s.Credential.NotBefore = future }, CodeNotYetValid},
		{"begins now", "gatehouse_key", func(s *Standing, _ *Request) { s.Credential.NotBefore = noon }, OK},
		{"organization suspended", "gatehouse_key", func(s *Standing, _ *Request) { s.OrganizationActive = false }, CodeOwnerInactive},
		{"project archived", "onetest_key", func(s *Standing, _ *Request) { s.ProjectActive = false }, CodeOwnerInactive},
		{"no member any more", "betahub_pat", func(s *Standing, _ *Request) { s.Role = "" }, CodeOwnerInactive},
		{"role nobody knows", "betahub_pat", func(s *Standing, _ *Request) { s.Role = "king" }, CodeOwnerInactive},
		{"mode off", "bunship_test", func(_ *Standing, r *Request) { r.Modes = []string{"live"} }, CodeAudience},
		{"mode on", "bunship_live", func(_ *Standing, r *Request) { r.Modes = []string{"live"} }, OK},
		{"every mode off", "bunship_live", func(_ *Standing, r *Request) { r.Modes = []string{} }, CodeAudience},
		{"scope lacks it", "gatehouse_key", func(_ *Standing, r *Request) { r.Permission = TestsRead }, CodeScope},
		{"scope has it", "gatehouse_key", func(_ *Standing, r *Request) { r.Permission = IssuesWrite }, OK},
		{"no scopes at all", "gatehouse_key", func(s *Standing, r *Request) {
			s.Credential.Scopes = nil
			s.Credential.Resolve()
			r.Permission = IssuesRead
		}, CodeScope},
		{"permission of nobody", "gatehouse_key", func(_ *Standing, r *Request) { r.Permission = "orders:read" }, CodeScope},
		{"scope by its own name", "betatesting_static", func(_ *Standing, r *Request) { r.Permission = "api:read" }, OK},
		{"guest writes", "betahub_pat", func(s *Standing, r *Request) { s.Role = Guest; r.Permission = IssuesWrite }, CodeForbidden},
		{"guest reads", "betahub_pat", func(s *Standing, r *Request) { s.Role = Guest; r.Permission = IssuesRead }, OK},
		{"member writes nowhere in particular", "betahub_pat", func(_ *Standing, r *Request) { r.Permission = IssuesWrite }, CodeForbidden},
		{"member writes as user of the project", "betahub_pat", func(_ *Standing, r *Request) { r.Permission, r.Project = IssuesWrite, as(ProjectUser) }, OK},
		{"member writes as guest of the project", "betahub_pat", func(_ *Standing, r *Request) { r.Permission, r.Project = IssuesWrite, as(ProjectGuest) }, CodeForbidden},
		{"guest made project admin", "betahub_pat", func(s *Standing, r *Request) {
			s.Role, r.Permission, r.Project = Guest, IssuesWrite, as(ProjectAdmin)
		}, CodeForbidden},
		{"member reads a project that isn't theirs", "betahub_pat", func(_ *Standing, r *Request) { r.Project = here }, CodeForbidden},
		{"admin anywhere", "betahub_pat", func(s *Standing, r *Request) { s.Role, r.Permission, r.Project = Admin, IssuesWrite, here }, OK},
		{"a token never verifies", "betahub_pat", func(s *Standing, r *Request) { s.Role, r.Permission = Owner, CredentialsVerify }, CodeScope},
		{"project unknown", "gatehouse_key", func(_ *Standing, r *Request) { r.Project = &ProjectAccess{} }, CodeForbidden},
		{"another project's key", "onetest_key", func(_ *Standing, r *Request) { r.Project = &ProjectAccess{ID: uuid.UUID{5}, Active: true} }, CodeForbidden},
		{"own project's key", "onetest_key", func(_ *Standing, r *Request) { r.Project, r.Permission = here, TestsWrite }, OK},
		{"asked project archived", "gatehouse_key", func(_ *Standing, r *Request) { r.Project = &ProjectAccess{ID: uuid.UUID{5}} }, CodeOwnerInactive},
	} {
		s := standing(set.ByName(row.scheme))
		r := Request{Now: noon}
		row.change(s, &r)
		if got := Evaluate(s, r).Code; got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
}

// TestI3_Allowlist tries the edges of prefixes, and an address nobody knows.
func TestI3_Allowlist(t *testing.T) {
	set := builtins(t)
	for _, row := range []struct {
		list, address string
		want          Code
	}{
		{"10.1.0.0/16", "10.1.0.0", OK}, {"10.1.0.0/16", "10.1.255.255", OK}, {"10.1.0.0/16", "10.0.255.255", CodeAddress},
		{"10.1.0.0/16", "10.2.0.0", CodeAddress}, {"10.1.0.0/16", "::ffff:10.1.2.3", OK}, {"10.1.0.0/16", "", CodeAddress},
		{"2001:db8::/32", "2001:db8:ffff::1", OK}, {"2001:db8::/32", "2001:db9::", CodeAddress}, {"203.0.113.7", "203.0.113.7", OK},
		{"203.0.113.7", "203.0.113.8", CodeAddress}, {"0.0.0.0/0", "2001:db8::1", CodeAddress}, {"", "203.0.113.8", OK},
	} {
		s := standing(set.ByName("gatehouse_key"))
		r := Request{Now: noon}
		if row.list != "" {
			list, err := ParseAddresses("f", []string{row.list})
			if err != nil {
				t.Fatal(err)
			}
			s.Credential.AllowedAddresses = list
		}
		if row.address != "" {
			r.Address = netip.MustParseAddr(row.address)
		}
		if got := Evaluate(s, r).Code; got != row.want {
			t.Errorf("%s from %q: got %s, want %s", row.list, row.address, got, row.want)
		}
	}
}
