package bunship_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// What is wrong with a key is said in the documented words.
func TestBSD29_Messages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		key, id := ada.madeKey("read:projects")
		members := func(change ...func(*http.Request)) answer { return w.do("GET", membersOf(w.org), nil, change...) }
		members().refused("none", 401, "Missing X-API-Key header")
		members(apiKey("bsk_live_x")).refused("garbage", 401, "Invalid API key")
		members(apiKey("")).refused("an empty one", 401, "Invalid API key")
		members(apiKey(flipped(key))).refused("with another checksum", 401, "Invalid API key")
		forgotten, err := credential.Format{Prefix: "bsk_live_", Alphabet: credential.Base62, Length: 43}.Generate(w.random)
		w.ok(err)
		members(apiKey(forgotten.Reveal())).refused("one that nobody made", 401, "Invalid API key")
		a := members(apiKey(key))
		a.refused("without the scope", 403, "Missing required scope: read:members")
		if a.text("error.code") != "AUTHORIZATION_ERROR" {
			t.Errorf("got %s", a.body)
		}
		one, err := authority.ParsePublicID("key", id)
		w.ok(err)
		_, err = w.Suspend(background, w.op, one)
		w.ok(err)
		members(apiKey(key)).refused("suspended", 401, "API key is inactive")
		_, err = w.Resume(background, w.op, one)
		w.ok(err)
		members(apiKey(key)).refused("resumed", 403, "Missing required scope: read:members")
	})
}

// Each scope opens what it is for, and nothing else.
func TestBS27_BSD30_Scopes(t *testing.T) {
	projects := []credential.Permission{credential.ProjectsRead, credential.IssuesRead, credential.TestsRead, credential.ResultsRead, credential.ArtifactsRead}
	opens := map[string][]credential.Permission{
		"read:projects": projects,
		"write:projects": {credential.ProjectsWrite, credential.IssuesWrite, credential.TestsWrite, credential.ResultsWrite, credential.ArtifactsWrite,
			credential.BugReportsCreate, credential.FeatureRequestsCreate, credential.SupportTicketsCreate},
		"read:members": {credential.OrganizationRead, credential.MembersRead}, "write:members": {credential.MembersWrite},
		"read:webhooks": {credential.WebhooksRead}, "write:webhooks": {credential.WebhooksWrite},
		"read:billing": {credential.UsageRead}, "read:audit-logs": {credential.AuditRead},
	}
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		var all []credential.Permission
		for scope, want := range opens {
			key, _ := ada.madeKey(scope)
			w.wantOpen(key, scope, want)
			all = append(all, want...)
		}
		everything, _ := ada.madeKey("*")
		w.wantOpen(everything, "*", all)
	})
}

// wantOpen fails unless a key opens exactly the routes of some permissions.
func (w *world) wantOpen(key, what string, want []credential.Permission) {
	w.t.Helper()
	for _, p := range credential.Permissions() {
		status := 403
		if slices.Contains(want, p) {
			status = 200
		}
		path := "/probe/" + strings.ReplaceAll(string(p), ":", "/")
		if a := w.do("GET", path, nil, apiKey(key)); a.status != status {
			w.t.Errorf("%s: %s: got %d, want %d", what, p, a.status, status)
		}
	}
}

// Both spellings of a scope are equal and are returned as they were sent;
// unknown ones are refused.
func TestBSO3_Spellings(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		for _, scopes := range [][]string{
			{"read:members"}, {"members:read"}, {"members:read", "write:projects"}, {"projects:read", "projects:write", "members:read", "members:write", "webhooks:read", "webhooks:write", "billing:read", "audit-logs:read"},
		} {
			a := ada.key(scopes, nil)
			a.want(200)
			one := ada.do("GET", keysOf(w.org)+"/"+a.text("data.id"), nil)
			for i, s := range scopes {
				if a.list("data.scopes")[i] != s || one.list("data.scopes")[i] != s {
					t.Errorf("%v: got %s and %s", scopes, a.body, one.body)
				}
			}
			if slices.Contains(scopes, "members:read") {
				w.do("GET", membersOf(w.org), nil, apiKey(a.text("data.key"))).want(200)
			}
			ada.do("DELETE", keysOf(w.org)+"/"+a.text("data.id"), nil).want(200)
		}
		for _, scopes := range [][]string{
			{"read:everything"}, {"write:billing"}, {"write:audit-logs"}, {"read:members", "x"}, {"Read:Members"}, {"read:members "}, {""},
			{"read:api-keys"}, {"credentials:write"}, {"members:read", "read:members"}, {"read:members", "read:members"},
		} {
			ada.key(scopes, nil).invalid(strings.Join(scopes, ","), "scopes")
		}
	})
}

// A key is made with at least one scope, or with "*" alone for everything.
func TestBSO2_ScopesAreChosen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		ada.do("POST", keysOf(w.org), map[string]any{"name": "x"}).invalid("missing", "scopes")
		ada.key([]string{}, nil).invalid("empty", "scopes")
		ada.key([]string{"*", "read:members"}, nil).invalid("beside others", "scopes")
		ada.key([]string{"read:members", "*"}, nil).invalid("beside others", "scopes")
		a := ada.key([]string{"*"}, nil)
		a.want(200)
		if a.text("data.scopes.0") != "*" {
			t.Errorf("got %s", a.body)
		}
	})
}

// A key without scopes, as another version may have left it, can do nothing.
func TestBSO1_NoScopesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		key, _ := ada.madeKey("*")
		if _, err := storetest.Raw(t, w.cfg).Exec(`UPDATE credentials SET scopes = ''`); err != nil {
			t.Fatal(err)
		}
		w.wantOpen(key, "no scopes", nil)
		w.do("GET", membersOf(w.org), nil, apiKey(key)).refused("members", 403, "Missing required scope: read:members")
		w.do("GET", keysOf(w.org), nil, apiKey(key)).refused("keys", 403, "API keys are managed by")
		w.do("GET", "/users/me", nil, apiKey(key)).refused("a user", 403, "")
	})
}

// Owners and administrators make keys, which may do what they may; the keys
// outlive their membership. No key looks after keys, not even one with "*".
func TestBSO4_BSD48_WhoMakesKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		owner := w.member("owner", credential.Owner)
		var kept string
		var gone []*person
		for name, role := range map[string]credential.Role{"boss": credential.Owner, "admin": credential.Admin, "member": credential.Member, "guest": credential.Guest} {
			p := w.member(name, role)
			a := p.key([]string{"*"}, nil)
			list := p.do("GET", keysOf(w.org), nil)
			members := p.do("GET", membersOf(w.org), nil)
			members.want(200) // which all may read
			if role.Manages() {
				a.want(200)
				list.want(200)
				kept, gone = a.text("data.key"), append(gone, p)
				continue
			}
			a.refused(name+" makes a key", 403, "")
			list.refused(name+" lists keys", 403, "")
		}
		for _, p := range gone {
			w.ok(w.RemoveMember(background, w.op, w.org.ID, p.ref()))
			p.do("GET", keysOf(w.org), nil).refused("who has left", 404, "")
		}
		w.do("GET", membersOf(w.org), nil, apiKey(kept)).want(200)

		key, id := owner.madeKey("*")
		for _, call := range [][2]string{{"POST", ""}, {"GET", ""}, {"GET", "/" + id}, {"GET", "/" + id + "/usage"}, {"DELETE", "/" + id}} {
			var body any
			if call[0] == "POST" {
				body = map[string]any{"name": "x", "scopes": []string{"read:members"}}
			}
			for _, present := range []func(*http.Request){apiKey(key), bearer(key)} {
				w.do(call[0], keysOf(w.org)+call[1], body, present).refused("a key", 403, "API keys are managed by an owner or admin who has signed in")
			}
		}
	})
}

// The prefix is that of the seed; the one that another page has is not taken.
func TestBSO5_Prefix(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		key, _ := ada.madeKey("read:members")
		for _, prefix := range []string{"bunship_live_", "bunship_test_", "bsk_", "bsk_prod_", "BSK_LIVE_", ""} {
			w.do("GET", membersOf(w.org), nil, apiKey(prefix+strings.TrimPrefix(key, "bsk_live_"))).refused(prefix, 401, "Invalid API key")
		}
	})
}

// A key also goes as Bearer. In both headers it must be the same one.
func TestBSD32_BSO8_Bearer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		key, _ := ada.madeKey("read:members")
		other, _ := ada.madeKey("read:members")
		members := func(change ...func(*http.Request)) answer { return w.do("GET", membersOf(w.org), nil, change...) }
		members(bearer(key)).want(200)
		members(header("Authorization", "BEARER  "+key)).want(200)
		members(bearer(key), apiKey(key)).want(200)
		members(bearer(key), apiKey(other)).refused("another", 401, "Invalid API key")
		members(bearer(ada.access), apiKey(key)).refused("a session beside it", 401, "Invalid API key")
		members(bearer(key), apiKey(flipped(key))).refused("a bad one beside it", 401, "Invalid API key")
		members(header("Authorization", key)).refused("bare", 401, "Invalid API key")
		members(header("Authorization", "Basic "+key), apiKey(key)).refused("as Basic", 401, "Invalid API key")
		for _, name := range []string{"Authorization", "X-Api-Key"} {
			value := map[string]string{"Authorization": "Bearer " + key, "X-Api-Key": key}[name]
			if a := members(func(r *http.Request) { r.Header[name] = []string{value, value} }); a.status < 400 || a.status > 401 {
				t.Errorf("%s twice: got %d %s", name, a.status, a.body)
			}
		}
	})
}

// Neither key nor token is taken from a URL: it is refused, and named.
func TestBS26_NeverInURLs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		key, _ := ada.madeKey("read:members")
		for _, secret := range []string{key, ada.access, ada.refresh} {
			for _, name := range []string{"access_token", "token", "api_key", "key", "credential", "Token", "apiKey", "x"} {
				for _, path := range []string{membersOf(w.org), "/users/me"} {
					for _, change := range []func(*http.Request){func(*http.Request) {}, bearer(ada.access)} {
						a := w.do("GET", path+"?"+url.Values{name: {secret}}.Encode(), nil, change)
						if a.status != 400 || !strings.EqualFold(a.text("error.details.field"), name) || strings.Contains(a.body, secret) {
							t.Errorf("%s in %s: got %d %s", name, path, a.status, a.body)
						}
					}
				}
			}
		}
		for _, path := range []string{"/auth/login?email=a@acme.test&password=" + good, "/auth/refresh?refreshToken=" + ada.refresh} {
			if a := w.do("POST", path, "{}"); a.status != 400 {
				t.Errorf("%s: got %d %s", path, a.status, a.body)
			}
		}
		w.do("GET", membersOf(w.org)+"?x="+key, nil, apiKey(key)).refused("although it is in the header as well", 400, "x: ")
	})
}

// The members, as documented. A guest is what BunShip calls a viewer.
func TestBSD46_Members(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		w.person("admin", credential.Admin)
		w.person("member", credential.Member)
		guest := w.member("guest", credential.Guest)
		key, _ := ada.madeKey("read:members")
		a := w.do("GET", membersOf(w.org), nil, apiKey(key))
		a.want(200)
		a.wantMembers("", "members", "total", "page", "pageSize", "hasMore")
		a.wantMembers("members.0", "id", "userId", "organizationId", "role", "user", "joinedAt")
		a.wantMembers("members.0.user", "id", "email", "fullName", "avatarUrl")
		a.wantTime("members.0.joinedAt", w.clock.now())
		roles := map[string]string{}
		for i := range a.list("members") {
			at := "members." + string(rune('0'+i)) + "."
			a.wantID(at+"id", "mbr")
			if a.text(at+"userId") != a.text(at+"user.id") || a.text(at+"organizationId") != orgID(w.org) {
				t.Errorf("got %s", a.body)
			}
			roles[a.text(at+"user.email")] = a.text(at + "role")
		}
		if len(roles) != 4 || a.get("total") != 4.0 || roles["ada@acme.test"] != "owner" || roles["admin@acme.test"] != "admin" || roles["member@acme.test"] != "member" || roles["guest@acme.test"] != "viewer" {
			t.Errorf("got %v of %v", roles, a.get("total"))
		}
		if b := guest.do("GET", membersOf(w.org), nil); b.body != a.body {
			t.Errorf("a session sees %s, a key %s", b.body, a.body)
		}
	})
}
