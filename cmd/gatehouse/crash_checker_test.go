package main

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
)

// TestCrashChecker feeds the checker what a server that loses, revives or
// doubles something would answer, and wants it to notice.
func TestCrashChecker(t *testing.T) {
	rotate, revoke := &attempt{kind: "rotate", grace: true}, &attempt{kind: "revoke"}
	type answers = map[string]string
	for _, test := range []struct {
		name    string
		account account
		answers answers
		wrong   bool
	}{
		{"an issue stands", account{current: "a"}, answers{"a": "ok"}, false},
		{"an issue was lost", account{current: "a"}, answers{"a": "unknown"}, true},
		{"a revocation stands", account{current: "a", revoked: true}, answers{"a": "revoked"}, false},
		{"a revocation was lost", account{current: "a", revoked: true}, answers{"a": "ok"}, true},
		{"a revocation spared the predecessor", account{current: "b", predecessor: "a", revoked: true}, answers{"b": "revoked", "a": "ok"}, true},
		{"a rotation stands", account{current: "c", predecessor: "b", dead: []string{"a"}}, answers{"a": "revoked", "b": "ok", "c": "ok"}, false},
		{"a rotation was lost", account{current: "c", predecessor: "b", dead: []string{"a"}}, answers{"a": "ok", "b": "ok", "c": "unknown"}, true},
		{"a rotation ended its predecessor", account{current: "b", predecessor: "a"}, answers{"a": "revoked", "b": "ok"}, true},
		{"a replaced secret came back", account{current: "b", dead: []string{"a"}}, answers{"a": "ok", "b": "ok"}, true},
		{"a rotation in doubt didn't happen", account{current: "b", predecessor: "a", doubt: rotate}, answers{"a": "ok", "b": "ok"}, false},
		{"a rotation in doubt happened", account{current: "b", predecessor: "a", doubt: rotate}, answers{"a": "revoked", "b": "ok"}, false},
		{"a rotation in doubt happened by half", account{current: "b", predecessor: "a", doubt: rotate}, answers{"a": "ok", "b": "revoked"}, true},
		{"a revocation in doubt happened", account{current: "b", predecessor: "a", doubt: revoke}, answers{"a": "revoked", "b": "revoked"}, false},
		{"a revocation in doubt happened by half", account{current: "b", predecessor: "a", doubt: revoke}, answers{"a": "ok", "b": "revoked"}, true},
		{"an answer is missing", account{current: "a"}, answers{}, true},
	} {
		if err := test.account.contradiction(test.answers); (err != nil) != test.wrong {
			t.Errorf("%s: got %v, want an error: %t", test.name, err, test.wrong)
		}
	}
}

// TestCrashCheckerRotates walks an account through rotations.
func TestCrashCheckerRotates(t *testing.T) {
	a := account{current: "a"}
	a.rotated("b", "", true)
	a.rotated("", "", true) // its answer was lost
	if err := a.contradiction(map[string]string{"a": "revoked", "b": "ok"}); err != nil {
		t.Error(err)
	}
	a.rotated("d", "", true) // the lost one is the predecessor now
	if err := a.contradiction(map[string]string{"a": "revoked", "b": "revoked", "d": "ok"}); err != nil {
		t.Error(err)
	}
	a = account{current: "a", predecessor: "x"}
	a.rotated("b", "", false)
	if err := a.contradiction(map[string]string{"x": "revoked", "a": "revoked", "b": "ok"}); err != nil {
		t.Error(err)
	}
}

// TestCrashCheckerOfLists feeds the checker lists with a mistake.
func TestCrashCheckerOfLists(t *testing.T) {
	known := func() *ledger {
		return &ledger{
			accounts: map[string]*account{"1": {id: "1", name: "one", scheme: "bunship_live", organization: "o", print: "p"}},
			names:    map[string]bool{"one": true, "maybe": true},
		}
	}
	one := api.Credential{ID: "1", Name: "one", Scheme: "bunship_live", Organization: "o", State: "active", Fingerprint: "p"}
	with := func(change func(*api.Credential)) api.Credential { c := one; change(&c); return c }
	maybe := with(func(c *api.Credential) { c.ID, c.Name = "2", "maybe" })
	for _, test := range []struct {
		name string
		list []api.Credential
		want string
	}{
		{"as acknowledged", []api.Credential{one}, ""},
		{"with one in doubt", []api.Credential{one, maybe}, ""},
		{"lost", []api.Credential{maybe}, "was acknowledged and is lost"},
		{"empty", nil, "was acknowledged and is lost"},
		{"doubled", []api.Credential{one, maybe, with(func(c *api.Credential) { c.ID, c.Name = "3", "maybe" })}, "was issued twice"},
		{"from nowhere", []api.Credential{one, with(func(c *api.Credential) { c.ID, c.Name = "3", "three" })}, "nothing that could have made it"},
		{"revoked by nobody", []api.Credential{with(func(c *api.Credential) { c.State = "revoked" })}, "acknowledged was"},
		{"with another secret", []api.Credential{with(func(c *api.Credential) { c.Fingerprint = "q" })}, "acknowledged was"},
	} {
		err := known().contradictions(test.list)
		if (err == nil) != (test.want == "") || (err != nil && !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	var many []api.Credential
	l := known()
	for _, name := range strings.Fields("one b c d e f g h i j k") {
		l.names[name] = true
		many = append(many, with(func(c *api.Credential) {
			if c.Name = name; name != "one" {
				c.ID = name
			}
		}))
	}
	if err := l.contradictions(many[:10]); err != nil {
		t.Error(err)
	}
	if err := l.contradictions(many); err == nil || !strings.Contains(err.Error(), "at most 10") {
		t.Errorf("one too many: got %v", err)
	}
}
