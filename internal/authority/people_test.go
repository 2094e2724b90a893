package authority_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// One owner is deactivated while the other steps down.
func TestS9_DeactivatedOwnerUnderRace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for round := range 20 {
			name := fmt.Sprintf("owner%d", round)
			w.user(w.org, name, credential.Owner)
			w.issue(w.op, w.forUser("testkase_pat", name))
			race(2, func(i int) {
				var err error
				if i == 0 {
					_, err = w.Deactivate(background, w.op, w.ref(name))
				} else {
					err = w.setRole("owner", credential.Admin)
				}
				if err != nil && !errors.Is(err, credential.Conflict) {
					t.Errorf("round %d, %d: %v", round, i, err)
				}
			})
			owners := 0
			for _, m := range w.members() {
				if m.Role == credential.Owner && m.DeactivatedAt.IsZero() {
					owners++
				}
			}
			if owners != 1 {
				t.Fatalf("round %d: %d active owners are left, want 1", round, owners)
			}
			w.ok(second(w.Reactivate(background, w.op, w.ref(name))))
			w.ok(w.setRole("owner", credential.Owner))
			w.ok(w.setRole(name, credential.Member))
		}
	})
}

// A user is deactivated while they and the operator make tokens for them:
// nobody waits for ever, and what was made is revoked.
func TestR13_DeactivatedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for round := range 20 {
			name := fmt.Sprintf("busy%d", round)
			w.person(name, credential.Member)
			w.issue(w.op, w.forUser("testkase_pat", name))
			callers := []*credential.Principal{w.session(name), w.op}
			made := make([]*authority.Issued, len(callers))
			race(3, func(i int) {
				var err error
				if i == len(callers) {
					_, err = w.Deactivate(background, w.op, w.ref(name))
				} else {
					made[i], err = w.Issue(background, callers[i], w.forUser("testkase_pat", name))
				}
				if err != nil && (i == len(callers) || !errors.Is(err, credential.Unauthenticated) && !errors.Is(err, credential.Conflict)) {
					t.Errorf("round %d, %d: %v", round, i, err)
				}
			})
			for i, issued := range made {
				if issued != nil {
					w.wantCode(fmt.Sprintf("round %d, %d", round, i), issued.Secret.Reveal(), credential.CodeRevoked)
				}
			}
		}
	})
}
