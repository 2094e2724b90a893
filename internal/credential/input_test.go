package credential

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// refused checks that each text is an invalid value of the field.
func refused[T any](t *testing.T, parse func(string) (T, error), texts ...string) {
	t.Helper()
	for _, text := range texts {
		got, err := parse(text)
		if !errors.Is(err, Invalid) {
			t.Errorf("%q: got %v, %v, want it refused", text, got, err)
		}
	}
}

func name(text string) (string, error) { return CheckName("name", text) }

func TestCheckName(t *testing.T) {
	refused(t, name, "", " ", "\t\n", "a\x00b", "a\nb", "a\x1b[31m", "a\u202eb", "a\u200fb", "a\u2066b", "a\u200bb", "a\ufeffb", "a\u2028b", "\xff",
		strings.Repeat("é", 101))
	for text, want := range map[string]string{
		" GitHub Actions — Production ": "GitHub Actions — Production", strings.Repeat("é", 100): strings.Repeat("é", 100),
		"شبكة": "شبكة", "👩‍💻": "👩‍💻", "می\u200cخواهم": "می\u200cخواهم",
	} {
		if got, err := name(text); err != nil || got != want {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

// TestNaughtyNames: every string of the list is refused or kept as it is, and
// what is kept shows nothing hidden.
func TestNaughtyNames(t *testing.T) {
	text, err := os.ReadFile("testdata/blns.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		got, err := name(line)
		if err == nil && (got != strings.TrimSpace(line) || utf8.RuneCountInString(got) > 100 || strings.ContainsFunc(got, hidden)) {
			t.Errorf("%q became %q", line, got)
		}
	}
}

func TestI2_ParseAddresses(t *testing.T) {
	one := func(text string) ([]netip.Prefix, error) { return ParseAddresses("a", []string{text}) }
	refused(t, one, "", "x", "10.0.0.0/99", "10.0.0.0/-1", "::ffff:10.0.0.0/8", "010.0.0.1", "10.0.0", "0x0a000001", "167772161", "fe80::1%eth0",
		"10.0.0.0/8/8", " 10.0.0.1", "10.0.0.1 ", "10.0.0.0/08", "[::1]", "10.0.0.1:80")
	for text, want := range map[string]string{
		"10.0.0.5/8": "10.0.0.0/8", "::ffff:10.0.0.0/104": "10.0.0.0/8", "::ffff:203.0.113.7": "203.0.113.7/32", "2001:DB8::1": "2001:db8::1/128",
	} {
		got, err := one(text)
		if err != nil || got[0].String() != want {
			t.Errorf("%s: got %v, %v, want %s", text, got, err, want)
		}
	}
	if _, err := ParseAddresses("a", slices.Repeat([]string{"10.0.0.1"}, 65)); !errors.Is(err, Invalid) {
		t.Errorf("65 entries: got %v, want them refused", err)
	}
	if got, err := ParseAddresses("a", []string{"10.0.0.1", "10.0.0.1/32"}); err != nil || len(got) != 1 {
		t.Errorf("a repeat: got %v, %v, want one", got, err)
	}
}

func TestParseSpanAndTime(t *testing.T) {
	span := func(text string) (time.Duration, error) { return ParseSpan("s", text, MaxLifetime) }
	refused(t, span, "", "90", "d", "-1d", "+1d", "1.5d", "1 d", "99999999999d", "99999999999999999999999d", "36501d", "1w", "１d", "1d1h")
	for text, want := range map[string]time.Duration{"0": 0, "0d": 0, "90d": 2160 * time.Hour, "24h": 24 * time.Hour, "30m": 30 * time.Minute, "60s": time.Minute} {
		if got, err := span(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	instant := func(text string) (time.Time, error) { return ParseTime("t", text) }
	refused(t, instant, "", "2030-01-01", "2030-01-01T00:00:00", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2030-02-30T00:00:00Z", "never", "10000-01-01T00:00:00Z")
	for _, text := range []string{"2030-01-31T12:00:00Z", "2038-01-19T03:14:08+02:00", "2262-04-12T00:00:00Z", "9999-12-31T23:59:59Z"} {
		if got, err := instant(text); err != nil || got.IsZero() {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
}

func TestL13_CheckEmail(t *testing.T) {
	mail := func(text string) (string, error) { return CheckEmail("email", text) }
	refused(t, mail, "", "a", "@b", "a@", "a@b@c", "a＠b.test", "mıke@b.test", "miſe@b.test", "mi\u212ae@b.test", `"a b"@c.test`, "a b@c.test", "a@b.", "a@.b",
		"a,b@c.test", "<a@b.test>", strings.Repeat("a", 250)+"@b.test")
	if got, err := mail(" Ada+CI@Example.COM "); err != nil || got != "ada+ci@example.com" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestS2_Scopes: whatever isn't a known scope, chosen once, is refused.
func TestS2_Scopes(t *testing.T) {
	set := builtins(t)
	for _, row := range []struct {
		scheme string
		asked  []Scope
		ok     bool
	}{
		{"gatehouse_key", nil, false}, {"gatehouse_key", []Scope{}, false}, {"gatehouse_key", []Scope{"*"}, false}, {"gatehouse_key", []Scope{"Issues:read"}, false},
		{"gatehouse_key", []Scope{"issues:read "}, false}, {"gatehouse_key", []Scope{""}, false}, {"gatehouse_key", []Scope{"issues:read", "issues:read"}, false},
		{"gatehouse_key", []Scope{"issues:read"}, true}, {"bunship_live", []Scope{"*"}, true}, {"bunship_live", []Scope{"*", "read:members"}, false},
		{"bunship_live", []Scope{"read:members", "members:read"}, false}, {"bunship_live", []Scope{"members:read"}, true},
		{"betahub_pat", nil, true}, {"betahub_pat", []Scope{}, false}, {"betahub_pat", []Scope{"*"}, false}, {"betahub_pat", []Scope{"issues:read"}, false},
		{"betatesting_static", []Scope{"api:read"}, false}, {"betatesting_client", []Scope{"api:read"}, true}, {"onetest_key", nil, true},
		{"onetest_key", []Scope{"activity:read"}, true}, {"gatehouse_key", slices.Repeat([]Scope{"issues:read"}, 65), false},
	} {
		got, err := set.ByName(row.scheme).Scopes.Choose(row.asked)
		if (err == nil) != row.ok || (err == nil && len(got) == 0) {
			t.Errorf("%s %q: got %q, %v", row.scheme, row.asked, got, err)
		}
	}
}

// In any scheme "*" stands for what all the others stand for together, native
// permissions included.
func TestS2_AllScope(t *testing.T) {
	set, err := NewSchemes(&Scheme{
		Name: "orders", Kind: APIKey, Owner: OwnedByOrganization, Expiry: ExpiryOptional, Text: Format{"ord_", Base62, 40},
		Scopes:    ScopeRule{Known: map[Scope]PermissionSet{AllScope: 0, "orders:read": 0, "issues:read": PermissionsOf(IssuesRead)}},
		Presented: []Presentation{AsBearer},
	})
	if err != nil {
		t.Fatal(err)
	}
	rule := set.ByName("orders").Scopes
	all := []Scope{AllScope}
	held := rule.Permissions(all)
	for p, want := range map[Permission]bool{"issues:read": true, "orders:read": true, "issues:write": false, "orders:write": false} {
		if got := rule.Grants(all, held, p); got != want {
			t.Errorf("%s: granted %v, want %v", p, got, want)
		}
	}
}

// TestDeclaredSchemes refuses what would be weak or ambiguous.
func TestDeclaredSchemes(t *testing.T) {
	good := func() *Scheme {
		return &Scheme{
			Name: "acme", Kind: APIKey, Text: Format{"acme_", Base62, 40}, Owner: OwnedByOrganization, Expiry: ExpiryOptional,
			Scopes: ScopeRule{Known: map[Scope]PermissionSet{"orders:read": 0}}, Presented: []Presentation{AsBearer}, HintLast: 4,
		}
	}
	if _, err := NewSchemes(good()); err != nil {
		t.Fatal(err)
	}
	for why, change := range map[string]func(*Scheme){
		"name taken": func(s *Scheme) { s.Name = "gatehouse_key" }, "no name": func(s *Scheme) { s.Name = "" }, "prefix within another": func(s *Scheme) { s.Text.Prefix = "gate_x_" },
		"prefix around another": func(s *Scheme) { s.Text.Prefix = "bsk" }, "prefix of a client id": func(s *Scheme) { s.Text.Prefix = "btci_" }, "weak": func(s *Scheme) { s.Text.Length = 26 },
		"hint too wide": func(s *Scheme) { s.HintFirst = 20 }, "no scopes": func(s *Scheme) { s.Scopes.Known = nil }, "unknown default": func(s *Scheme) { s.Scopes.Default = []Scope{"x"} },
		"owner": func(s *Scheme) { s.Owner = "User" }, "expiry": func(s *Scheme) { s.Expiry = "Required" }, "kind": func(s *Scheme) { s.Kind = "key" },
		"presented":       func(s *Scheme) { s.Presented = []Presentation{"cookie"} },
		"never presented": func(s *Scheme) { s.Presented = nil }, "alphabet": func(s *Scheme) { s.Text.Alphabet = "base64" }, "lifetime": func(s *Scheme) { s.LifetimeDays = []int{0} },
		"lifetimes without an end": func(s *Scheme) { s.Expiry, s.LifetimeDays = ExpiryNever, []int{7} },
		"the scope for all alone":  func(s *Scheme) { s.Scopes.Known = map[Scope]PermissionSet{AllScope: 0} },
		"a client without an id":   func(s *Scheme) { s.Kind = OAuthClient },
		"an id of no client":       func(s *Scheme) { s.ClientID = &Format{"acmeid_", Base62, 20} },
		"for a built-in surface":   func(s *Scheme) { s.Presented = []Presentation{AsBearer, AsBare} },
		"for a token endpoint":     func(s *Scheme) { s.Presented = []Presentation{AsTokenEndpoint} },
	} {
		s := good()
		change(s)
		if _, err := NewSchemes(s); err == nil {
			t.Errorf("%s: accepted", why)
		}
	}
	client := func() *Scheme {
		s := good()
		s.Kind, s.ClientID, s.HintLast, s.HintPublic = OAuthClient, &Format{"acmeid_", Base62, 20}, 0, HintClientID
		s.Presented = []Presentation{AsTokenEndpoint}
		return s
	}
	if _, err := NewSchemes(client()); err != nil {
		t.Fatal(err)
	}
	for why, change := range map[string]func(*Scheme){
		"a client of a user": func(s *Scheme) { s.Owner = OwnedByUser }, "a client that is shown by its secret": func(s *Scheme) { s.HintLast = 4 },
		"a client as Bearer": func(s *Scheme) { s.Presented = []Presentation{AsBearer} }, "a client in two places": func(s *Scheme) { s.Presented = append(s.Presented, AsBearer) },
		"an id like the secret": func(s *Scheme) { s.ClientID.Prefix = "acme_id_" }, "an id like another scheme": func(s *Scheme) { s.ClientID.Prefix = "gate_id_" },
		"an id like another's": func(s *Scheme) { s.ClientID.Prefix = "btci_" }, "a short id": func(s *Scheme) { s.ClientID.Prefix = "a_" }, "an id in upper case": func(s *Scheme) { s.ClientID.Prefix = "ACME_" },
	} {
		s := client()
		change(s)
		if _, err := NewSchemes(s); err == nil {
			t.Errorf("%s: accepted", why)
		}
	}
	s := good()
	s.Owner = "team"
	if _, err := NewSchemes(s); err == nil || err.Error() != `scheme "acme": owner "team": must be one of organization, project, user` {
		t.Errorf("an unknown owner: %v", err)
	}
	for _, s := range builtins(t).All() {
		if hidden := s.hiddenBits(); hidden < 75 && s.HintPublic == HintNone {
			t.Errorf("%s: hint and fingerprint leave %d bits, want 75 (K-12)", s.Name, hidden)
		}
	}
}

func FuzzInput(f *testing.F) {
	for _, text := range []string{"a", "10.0.0.0/8", "::ffff:1.2.3.4/104", "90d", "2030-01-01T00:00:00Z", "a@b.test", "\u202e", "99999999999d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := name(text); err == nil {
			if again, err := name(got); err != nil || again != got {
				t.Errorf("name %q is not stable: %q, %v", got, again, err)
			}
		}
		if got, err := ParseAddresses("a", []string{text}); err == nil {
			if again, err := ParseAddresses("a", []string{got[0].String()}); err != nil || again[0] != got[0] {
				t.Errorf("prefix %v is not stable: %v, %v", got, again, err)
			}
		}
		if got, err := CheckEmail("e", text); err == nil {
			if again, err := CheckEmail("e", got); err != nil || again != got {
				t.Errorf("address %q is not stable: %q, %v", got, again, err)
			}
		}
		if d, err := ParseSpan("s", text, MaxLifetime); err == nil && (d < 0 || d > MaxLifetime) {
			t.Errorf("span %q is %v", text, d)
		}
		if at, err := ParseTime("t", text); err == nil && (at.Year() < 1970 || at.Year() > 9999) {
			t.Errorf("time %q is %v", text, at)
		}
	})
}
