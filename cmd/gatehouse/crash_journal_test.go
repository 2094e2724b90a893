package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/gatehouse-dev/gatehouse/api"
)

// account is what acknowledged answers say of one credential.
type account struct {
	name, id, scheme, organization string

	current     string   // its secret; empty when the answer that held it was lost
	print       string   // the fingerprint of its secret, also of a lost one
	predecessor string   // what the current one replaced, while it has its grace
	dead        []string // what was replaced before
	revoked     bool
	doubt       *attempt // a call on it whose answer was lost
}

// attempt is a call that may have happened or not.
type attempt struct {
	kind  string // issue, rotate or revoke
	key   string // its Idempotency-Key; empty for none
	grace bool   // a rotation that lets the predecessor work on
}

// rotated replaces the secret; an empty one is known to exist, but not what it is.
func (a *account) rotated(secret, print string, grace bool) {
	a.dead = appendKnown(a.dead, a.predecessor)
	a.predecessor = ""
	if grace {
		a.predecessor = a.current
	} else {
		a.dead = appendKnown(a.dead, a.current)
	}
	a.current, a.print = secret, print
}

func appendKnown(list []string, secret string) []string {
	if secret == "" {
		return list
	}
	return append(slices.Clone(list), secret)
}

// world says what every known secret answers, by what was acknowledged.
func (a *account) world() map[string]string {
	w := map[string]string{}
	for _, secret := range a.dead {
		w[secret] = "revoked"
	}
	for _, secret := range appendKnown(appendKnown(nil, a.current), a.predecessor) {
		w[secret] = "ok"
		if a.revoked {
			w[secret] = "revoked"
		}
	}
	return w
}

// worlds are the ways things may stand: one, or two while a call is in doubt.
func (a *account) worlds() []map[string]string {
	list := []map[string]string{a.world()}
	if a.doubt == nil {
		return list
	}
	after := *a
	switch a.doubt.kind {
	case "rotate":
		after.rotated("", "", a.doubt.grace)
	case "revoke":
		after.revoked = true
	}
	return append(list, after.world())
}

// contradiction compares what the secrets answer with what was acknowledged.
// All of them together must be as in one of the worlds.
func (a *account) contradiction(answers map[string]string) error {
	worlds := a.worlds()
	if slices.ContainsFunc(worlds, func(w map[string]string) bool { return maps.Equal(w, answers) }) {
		return nil
	}
	kind := "nothing"
	if a.doubt != nil {
		kind = a.doubt.kind
	}
	return fmt.Errorf("credential %s (%s) contradicts what was acknowledged: its secrets %s; in doubt was %s, revoked is %t",
		a.id, a.scheme, a.describe(answers, worlds[0]), kind, a.revoked)
}

// describe names the secrets by what they are, never by what they say.
func (a *account) describe(answers, want map[string]string) string {
	text := ""
	for i, secret := range a.dead {
		text += fmt.Sprintf("replaced[%d] %s want %s, ", i, answers[secret], want[secret])
	}
	return text + fmt.Sprintf("predecessor %s want %s, current %s want %s",
		answers[a.predecessor], want[a.predecessor], answers[a.current], want[a.current])
}

// limits are how many of a group an organization may have, by scheme.
var limits = map[string]struct {
	group string
	most  int
}{
	"bunship_live": {"bunship", 10}, "bunship_test": {"bunship", 10}, "betatesting_client": {"betatesting_client", 5},
}

// ledger is everything that was attempted and acknowledged.
type ledger struct {
	accounts map[string]*account // by id: acknowledged
	names    map[string]bool     // of every issue that may have happened
}

// contradictions compares the list of all credentials with the ledger.
func (l *ledger) contradictions(list []api.Credential) error {
	var errs []error
	seen, active := map[string]bool{}, map[string]int{}
	for _, c := range list {
		if seen[c.Name] {
			errs = append(errs, fmt.Errorf("%s was issued twice", c.Name))
		}
		seen[c.Name] = true
		if !l.names[c.Name] {
			errs = append(errs, fmt.Errorf("credential %s (%s) exists, and nothing that could have made it", c.ID, c.Name))
		}
		if limit, ok := limits[c.Scheme]; ok && c.State != "revoked" {
			active[c.Organization+" "+limit.group]++
			if n := active[c.Organization+" "+limit.group]; n > limit.most {
				errs = append(errs, fmt.Errorf("organization %s has %d of %s, and at most %d are allowed", c.Organization, n, limit.group, limit.most))
			}
		}
		if a := l.accounts[c.ID]; a != nil {
			errs = append(errs, a.compare(&c))
		}
	}
	for _, a := range l.accounts {
		if !seen[a.name] {
			errs = append(errs, fmt.Errorf("credential %s (%s) was acknowledged and is lost", a.id, a.name))
		}
	}
	return errors.Join(errs...)
}

// compare checks the record of a credential that nothing is in doubt about.
func (a *account) compare(c *api.Credential) error {
	state := "active"
	if a.revoked {
		state = "revoked"
	}
	if a.doubt != nil || (c.Name == a.name && c.Scheme == a.scheme && c.State == state && c.Fingerprint == a.print) {
		return nil
	}
	return fmt.Errorf("credential %s is %q, %s, %s, fingerprint %s; acknowledged was %q, %s, %s, fingerprint %s",
		a.id, c.Name, c.Scheme, c.State, c.Fingerprint, a.name, a.scheme, state, a.print)
}
