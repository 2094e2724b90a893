package bunship_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// A key is for machines: it works by itself, from anywhere, without a session
// and without an end, long after whoever made it has logged out.
func TestBS8_BS11_BS18_BS19_BS21_KeysAreForMachines(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		key, _ := ada.madeKey("read:members")
		ada.do("POST", "/auth/logout", nil).want(200)
		for _, agent := range []string{"backend/1.0", "CI", "curl/8.0", ""} {
			w.clock.advance(365 * day)
			a := w.do("GET", membersOf(w.org), nil, apiKey(key), header("User-Agent", agent), from("203.0.113.7"))
			a.want(200)
			if len(a.list("members")) != 1 {
				t.Errorf("%s: got %s", agent, a.body)
			}
		}
		w.do("GET", membersOf(w.org), nil).refused("without", 401, "Missing X-API-Key header")
		w.do("GET", membersOf(w.org), nil, header("Api-Key", key)).refused("in another header", 401, "Missing X-API-Key header")
	})
}

// The documented answer of the creation: 200, with the whole key.
func TestBSD23_BSO10_Create(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		ends := w.clock.now().Add(90 * day)
		a := ada.key([]string{"read:members", "write:projects"}, map[string]any{"name": "CI", "rateLimit": 60, "expiresAt": ends.Format(time.RFC3339)})
		a.want(200)
		a.wantMembers("", "success", "data", "message")
		a.wantMembers("data", "id", "name", "key", "prefix", "scopes", "rateLimit", "expiresAt", "createdAt")
		a.wantID("data.id", "key")
		a.wantTime("data.expiresAt", ends)
		a.wantTime("data.createdAt", w.clock.now())
		if a.get("success") != true || a.text("data.name") != "CI" || a.get("data.rateLimit") != 60.0 || len(a.list("data.scopes")) != 2 ||
			!strings.Contains(strings.ToLower(a.text("message")), "save") {
			t.Errorf("got %s", a.body)
		}
		a = ada.key([]string{"read:members"}, nil)
		a.want(200)
		if !strings.Contains(a.body, `"rateLimit":null`) || !strings.Contains(a.body, `"expiresAt":null`) {
			t.Errorf("what isn't set is null: %s", a.body)
		}
		for field, more := range map[string]map[string]any{
			"name": {"name": ""}, "rateLimit": {"rateLimit": 0}, "expiresAt": {"expiresAt": "tomorrow"}, "scopes": {"scopes": []string{"read:everything"}}, "mode": {"mode": "prod"},
		} {
			ada.key([]string{"read:members"}, more).invalid("a wrong value", field)
		}
		for what, more := range map[string]map[string]any{
			"a negative limit": {"rateLimit": -1}, "a past date": {"expiresAt": w.clock.now().Format(time.RFC3339)}, "a date without a zone": {"expiresAt": "2030-01-01T00:00:00"},
		} {
			for field := range more {
				ada.key([]string{"read:members"}, more).invalid(what, field)
			}
		}
		ada.key([]string{"read:members"}, map[string]any{"name": strings.Repeat("é", 101)}).invalid("101 characters", "name")
		ada.key([]string{"read:members"}, map[string]any{"name": strings.Repeat("é", 100)}).want(200)
	})
}

// The whole key stands in the answer that made it and nowhere else; what is
// stored readably is its prefix.
func TestBS10_BS16_BSD24_ShownOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		a := ada.key([]string{"read:members"}, map[string]any{"name": "Once"})
		a.want(200)
		key, id := a.text("data.key"), a.text("data.id")
		w.do("GET", membersOf(w.org), nil, apiKey(key)).want(200)
		for _, path := range []string{"", "/" + id, "/" + id + "/usage"} {
			b := ada.do("GET", keysOf(w.org)+path, nil)
			b.want(200)
			if strings.Contains(b.body, key) || strings.Contains(b.body, key[len(key)-6:]) || strings.Contains(b.body, `"key":`) {
				t.Errorf("%s shows it again: %s", path, b.body)
			}
		}
		list := ada.do("GET", keysOf(w.org), nil)
		list.wantMembers("", "success", "data")
		list.wantMembers("data.0", "id", "name", "prefix", "scopes", "rateLimit", "lastUsedAt", "expiresAt", "isActive", "createdAt")
		if list.text("data.0.prefix") != key[:len("bsk_live_")+4] || list.get("data.0.isActive") != true {
			t.Errorf("got %s", list.body)
		}
		list.wantTime("data.0.lastUsedAt", w.clock.now())
		stored := dump(t, w.cfg)
		if strings.Contains(stored, key) || strings.Contains(stored, key[len("bsk_live_"):]) || !strings.Contains(stored, key[:len("bsk_live_")+4]) {
			t.Error("the database holds the key, or not its prefix")
		}
	})
}

// One key is what the list says of it.
func TestBSD25_One(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		_, id := ada.madeKey("read:members")
		one, list := ada.do("GET", keysOf(w.org)+"/"+id, nil), ada.do("GET", keysOf(w.org), nil)
		one.want(200)
		one.wantMembers("", "success", "data")
		if want := strings.Replace(strings.Replace(list.body, "[", "", 1), "}]", "}", 1); one.body != want {
			t.Errorf("got %s, in the list it is %s", one.body, list.body)
		}
		for _, missing := range []string{"key_" + strings.Repeat("0", 32), "key_" + strings.Repeat("1", 32), "x", strings.Replace(id, "key_", "usr_", 1)} {
			ada.do("GET", keysOf(w.org)+"/"+missing, nil).refused(missing, 404, "API key not found")
			ada.do("DELETE", keysOf(w.org)+"/"+missing, nil).refused(missing, 404, "API key not found")
		}
	})
}

// A deleted key gets 401 at once, for good, and stays to be seen.
func TestBSD26_BSO10_Revoke(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		key, id := ada.madeKey("read:members")
		other, _ := ada.madeKey("read:members")
		w.do("GET", membersOf(w.org), nil, apiKey(key)).want(200)
		a := ada.do("DELETE", keysOf(w.org)+"/"+id, nil)
		a.want(200)
		a.wantMembers("", "success", "message")
		w.do("GET", membersOf(w.org), nil, apiKey(key)).refused("revoked", 401, "API key is inactive")
		w.do("GET", membersOf(w.org), nil, apiKey(other)).want(200)
		if a := ada.do("GET", keysOf(w.org)+"/"+id, nil); a.status != 200 || a.get("data.isActive") != false {
			t.Errorf("it isn't shown as inactive: %s", a.body)
		}
		if a := ada.do("GET", keysOf(w.org), nil); len(a.list("data")) != 2 {
			t.Errorf("it isn't in the list: %s", a.body)
		}
		ada.do("DELETE", keysOf(w.org)+"/"+id, nil).want(200) // as a repeat of a call that was lost
		w.do("GET", membersOf(w.org), nil, apiKey(key)).refused("for good", 401, "API key is inactive")
	})
}

// What is told of a key's use.
func TestBSD27_Usage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		a := ada.key([]string{"read:members"}, map[string]any{"rateLimit": 7})
		a.want(200)
		path := keysOf(w.org) + "/" + a.text("data.id") + "/usage"
		before := ada.do("GET", path, nil)
		before.want(200)
		before.wantMembers("", "keyId", "name", "prefix", "lastUsedAt", "createdAt", "usage")
		before.wantMembers("usage", "requests", "rateLimit")
		if before.get("lastUsedAt") != nil || before.text("keyId") != a.text("data.id") || before.text("prefix") != a.text("data.prefix") || before.get("usage.rateLimit") != 7.0 {
			t.Errorf("before any use: %s", before.body)
		}
		w.clock.advance(time.Minute)
		w.do("GET", membersOf(w.org), nil, apiKey(a.text("data.key"))).want(200)
		ada.do("GET", path, nil).wantTime("lastUsedAt", w.clock.now())
	})
}

// A key is bsk_live_ or bsk_test_ and 43 letters and digits with a checksum;
// shown of it are the prefix and 4 more.
func TestBS15_BSD28_BSO6_Text(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		for mode, prefix := range map[string]string{"": "bsk_live_", "live": "bsk_live_", "test": "bsk_test_"} {
			more := map[string]any{}
			if mode != "" {
				more["mode"] = mode
			}
			a := ada.key([]string{"read:members"}, more)
			a.want(200)
			key := a.text("data.key")
			format := credential.Format{Prefix: prefix, Alphabet: credential.Base62, Length: 43}
			if !format.Check(key) || a.text("data.prefix") != key[:len(prefix)+4] {
				t.Errorf("mode %q: got %s", mode, a.body)
			}
			for _, wrong := range []string{key[:len(key)-1], key + "0", flipped(key), strings.ToUpper(key), " " + key + "x", strings.Replace(key, prefix, "bunship_live_", 1)} {
				w.do("GET", membersOf(w.org), nil, apiKey(wrong)).refused(wrong, 401, "Invalid API key")
			}
		}
	})
}

// flipped is a key with another last character.
func flipped(key string) string {
	last := byte('0')
	if key[len(key)-1] == last {
		last = '1'
	}
	return key[:len(key)-1] + string(last)
}

// Live or test is chosen when a key is made, and part of every decision. A
// setting says which an installation takes; a key of another gets 401.
func TestBSO7_Modes(t *testing.T) {
	for _, accepted := range []string{"live", "test"} {
		t.Run(accepted, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, cfg store.Config) {
				w := newWorld(t, cfg, func(c *authority.Config) { c.Modes = []string{accepted} })
				ada := w.member("ada", credential.Owner)
				for _, mode := range []string{"live", "test"} {
					a := ada.key([]string{"read:members"}, map[string]any{"mode": mode})
					a.want(200)
					key := a.text("data.key")
					d, err := w.Verify(background, key, authority.Verification{})
					w.ok(err)
					a = w.do("GET", membersOf(w.org), nil, apiKey(key))
					if mode == accepted {
						a.want(200)
						if got := d.Standing.Credential.Scheme.Mode; got != mode {
							t.Errorf("a decision about a %s key says %q", mode, got)
						}
					} else {
						a.refused("a mode that is off", 401, "Invalid API key")
					}
				}
			})
		})
	}
}

// The properties of a key: scopes, a limit, an end that is optional, and one
// organization. An expired one is refused, to the second.
func TestBS12_BS14_Properties(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		a := ada.key([]string{"read:members"}, map[string]any{"rateLimit": 5000, "expiresAt": w.clock.now().Add(time.Hour).Format(time.RFC3339)})
		a.want(200)
		key := apiKey(a.text("data.key"))
		one := ada.do("GET", keysOf(w.org)+"/"+a.text("data.id"), nil)
		if one.get("data.rateLimit") != 5000.0 || one.get("data.isActive") != true || one.text("data.scopes.0") != "read:members" {
			t.Errorf("got %s", one.body)
		}
		w.do("GET", membersOf(w.org), nil, key).want(200)
		w.do("GET", "/probe/projects/read", nil, key).want(403)
		w.clock.advance(time.Hour - time.Millisecond)
		w.do("GET", membersOf(w.org), nil, key).want(200)
		w.clock.advance(time.Millisecond)
		w.do("GET", membersOf(w.org), nil, key).refused("expired", 401, "API key has expired")
		ada.signIn()
		if one := ada.do("GET", keysOf(w.org)+"/"+a.text("data.id"), nil); one.get("data.isActive") != false {
			t.Errorf("it is shown as active: %s", one.body)
		}
	})
}

// A key reaches nothing outside its organization, however that is named; nor
// does a session reach an organization that its user is no member of.
func TestBS13_OneOrganization(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, far := w.member("ada", credential.Owner), w.personOf(w.other, "far", credential.Owner)
		far.signIn()
		key, id := ada.madeKey("*")
		for _, path := range []string{orgID(w.org), w.org.ID.String(), strconv.Itoa(int(w.org.Number))} {
			w.do("GET", "/organizations/"+path+"/members", nil, apiKey(key)).want(200)
		}
		for _, named := range []string{orgID(w.other), w.other.ID.String(), strconv.Itoa(int(w.other.Number)), "99999999", "org_" + strings.Repeat("0", 32), "org_" + strings.Repeat("1", 32), "x"} {
			path := "/organizations/" + named + "/"
			for _, p := range []func() answer{
				func() answer { return w.do("GET", path+"members", nil, apiKey(key)) },
				func() answer { return ada.do("GET", path+"members", nil) },
				func() answer { return ada.do("GET", path+"api-keys", nil) },
				func() answer { return ada.do("GET", path+"api-keys/"+id, nil) },
				func() answer { return ada.do("DELETE", path+"api-keys/"+id, nil) },
				func() answer {
					return ada.do("POST", path+"api-keys", map[string]any{"name": "x", "scopes": []string{"*"}})
				},
			} {
				if a := p(); a.status != 404 {
					t.Errorf("%s: got %d %s, want 404", a.call, a.status, a.body)
				}
			}
		}
		for _, path := range []string{"", "/usage"} {
			far.do("GET", keysOf(w.other)+"/"+id+path, nil).refused("a key of another organization", 404, "API key not found")
		}
		far.do("DELETE", keysOf(w.other)+"/"+id, nil).refused("a key of another organization", 404, "API key not found")
		if a := far.do("GET", keysOf(w.other), nil); a.status != 200 || len(a.list("data")) != 0 {
			t.Errorf("its list: %s", a.body)
		}
		w.do("GET", membersOf(w.org), nil, apiKey(key)).want(200)
	})
}

// Rotating: a new key works beside the old one, which is revoked afterwards.
func TestBS25_RotateKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		before, id := ada.madeKey("read:members")
		after, _ := ada.madeKey("read:members")
		for range 2 {
			w.do("GET", membersOf(w.org), nil, apiKey(before)).want(200)
			w.do("GET", membersOf(w.org), nil, apiKey(after)).want(200)
		}
		ada.do("DELETE", keysOf(w.org)+"/"+id, nil).want(200)
		w.do("GET", membersOf(w.org), nil, apiKey(before)).refused("the old one", 401, "API key is inactive")
		w.do("GET", membersOf(w.org), nil, apiKey(after)).want(200)
	})
}

// An organization has at most 10 keys, live and test together; the next one is
// a conflict, until one is revoked.
func TestBSD31_BSO9_TenKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, far := w.member("ada", credential.Owner), w.personOf(w.other, "far", credential.Owner)
		var last string
		for i := range 10 {
			a := ada.key([]string{"read:members"}, map[string]any{"mode": []string{"live", "test"}[i%2]})
			a.want(200)
			last = a.text("data.id")
		}
		for _, mode := range []string{"live", "test"} {
			a := ada.key([]string{"read:members"}, map[string]any{"mode": mode})
			a.refused("the eleventh", 409, "")
			if a.text("error.code") != "CONFLICT" {
				t.Errorf("got %s", a.body)
			}
		}
		far.signIn()
		far.do("POST", keysOf(w.other), map[string]any{"name": "x", "scopes": []string{"*"}}).want(200)
		ada.do("DELETE", keysOf(w.org)+"/"+last, nil).want(200)
		ada.madeKey("read:members")
		ada.key([]string{"read:members"}, nil).refused("the eleventh again", 409, "")
	})
}

// A repeat with the same Idempotency-Key makes no second key: it returns the
// same one with a new text, since nobody may have seen the first.
func TestRepeatedCreation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		create := func(path string, body map[string]any, id string) answer {
			return w.do("POST", path, body, bearer(ada.access), header("Idempotency-Key", id))
		}
		body := map[string]any{"name": "x", "scopes": []string{"read:members"}}
		first, again := create(keysOf(w.org), body, "one"), create(keysOf(w.org), body, "one")
		again.want(200)
		if first.text("data.id") != again.text("data.id") || first.text("data.key") == again.text("data.key") {
			t.Errorf("got %s and %s", first.body, again.body)
		}
		w.do("GET", membersOf(w.org), nil, apiKey(first.text("data.key"))).refused("the key that was lost", 401, "API key is inactive")
		w.do("GET", membersOf(w.org), nil, apiKey(again.text("data.key"))).want(200)
		create(keysOf(w.org), body, "one").refused("once it is used", 409, "")
		create(keysOf(w.org), map[string]any{"name": "y", "scopes": []string{"*"}}, "one").invalid("another body", "Idempotency-Key")
		if a := create(keysOf(w.org), body, "two"); a.text("data.id") == first.text("data.id") {
			t.Errorf("another key: got %s", a.body)
		}
		_, err := w.CreateUser(background, w.op, w.other.ID, authority.UserRequest{Email: ada.email, Name: "Ada", Role: credential.Owner})
		w.ok(err)
		create(keysOf(w.other), body, "one").want(200) // in another organization it is another call
		if a := ada.do("GET", keysOf(w.org), nil); len(a.list("data")) != 2 {
			t.Errorf("there are %s", a.body)
		}
	})
}
