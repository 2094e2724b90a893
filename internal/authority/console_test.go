package authority_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// The operator's session in the console is over once another root key is the
// present one, or it was signed out: also for what it had begun before. It makes
// no code for another, and who isn't the operator makes none at all.
func TestL15_ConsoleSessionEnds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		enter := func() (string, credential.Principal) {
			made, err := w.NewConsoleCode(background, w.op)
			in, err := w.EnterConsole(background, must(w, made, err).Code.Reveal(), authority.Origin{})
			token := must(w, in, err).Token.Reveal()
			p, ends, err := w.InConsole(background, token)
			w.ok(err)
			if !p.IsOperator() || !ends.Equal(w.clock.now().Add(authority.ConsoleLifetime)) {
				t.Errorf("the session is %v until %s", p, ends)
			}
			return token, p
		}
		over := func(what, token string) {
			t.Helper()
			if p, ends, err := w.InConsole(background, token); err != nil || p.IsOperator() || !ends.IsZero() {
				t.Errorf("%s: the session goes on: %v, %v", what, p, err)
			}
		}
		c, _ := w.made("gatehouse_key")
		token, p := enter()
		name := "renamed"
		_, err := w.Update(background, &p, c.ID, authority.UpdateRequest{Name: &name})
		w.ok(err)
		if _, err := w.NewConsoleCode(background, &p); !errors.Is(err, credential.Forbidden) {
			t.Errorf("from the console another code is made: %v", err)
		}
		wide := credential.Principal{SubjectType: credential.SubjectInstallation, Permissions: w.op.Permissions}
		if _, err := w.NewConsoleCode(background, &wide); !errors.Is(err, credential.Forbidden) {
			t.Errorf("a credential of the installation makes a code: %v", err)
		}
		w.ok(w.LeaveConsole(background, &p))
		over("signed out", token)
		for what, err := range map[string]error{
			"a change": justError(w.Update(background, &p, c.ID, authority.UpdateRequest{Name: &name})), "signing out twice": w.LeaveConsole(background, &p),
			"new signing keys": justError(w.RotateSigningKeys(background, &p, false)),
		} {
			if !errors.Is(err, credential.Unauthenticated) {
				t.Errorf("%s after signing out: %v", what, err)
			}
		}
		if err := w.LeaveConsole(background, w.op); !errors.Is(err, credential.Forbidden) {
			t.Errorf("the operator leaves without a session: %v", err)
		}

		unknown, err := credential.ConsoleText.Generate(rand.Reader)
		over("never made", must(w, unknown, err).Reveal())

		token, _ = enter()
		made, err := w.NewConsoleCode(background, w.op)
		code := must(w, made, err).Code.Reveal()
		old := w.store.Root()
		w.keyed(w.newRoot(), old)
		over("another root key", token)
		if _, err := w.EnterConsole(background, code, authority.Origin{}); !errors.Is(err, credential.Invalid) {
			t.Errorf("a code of before another root key: %v", err)
		}
		enter()

		made, err = w.NewConsoleCode(background, w.op)
		once, entered := must(w, made, err).Code.Reveal(), atomic.Int32{}
		var together sync.WaitGroup
		for range 8 {
			together.Go(func() {
				if _, err := w.EnterConsole(background, once, authority.Origin{}); err == nil {
					entered.Add(1)
				}
			})
		}
		if together.Wait(); entered.Load() != 1 {
			t.Errorf("%d came in by one code", entered.Load())
		}

		events, err := w.Events(background, w.op, uuid.Nil, 0, 200)
		w.ok(err)
		for _, e := range events {
			if strings.Contains(e.Detail+e.Target, strings.ReplaceAll(code, "-", "")) || strings.Contains(e.Detail, code) {
				t.Errorf("the event %s has the code", e.Action)
			}
		}
	})
}

func justError[T any](_ T, err error) error { return err }
