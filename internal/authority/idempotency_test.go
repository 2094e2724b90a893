package authority_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// call is one that takes an Idempotency-Key: it says what it made.
type call func(p *credential.Principal, id *authority.Idempotency) (uuid.UUID, string, error)

func answered(out *authority.Issued, err error) (uuid.UUID, string, error) {
	if err != nil {
		return uuid.Nil, "", err
	}
	return out.Credential.ID, out.Secret.Reveal(), nil
}

// eachCall runs a test for Issue and for Rotate.
func eachCall(t *testing.T, test func(t *testing.T, w *world, do call)) {
	each(t, func(t *testing.T, w *world) {
		test(t, w, func(p *credential.Principal, id *authority.Idempotency) (uuid.UUID, string, error) {
			r := w.ask("gatehouse_key")
			r.Idempotency = id
			return answered(w.Issue(background, p, r))
		})
		c, _ := w.made("gatehouse_key")
		test(t, w, func(p *credential.Principal, id *authority.Idempotency) (uuid.UUID, string, error) {
			return answered(w.Rotate(background, p, c.ID, authority.RotateRequest{Grace: day, Idempotency: id}))
		})
	})
}

// a repeat makes the lost answer good; once its secret was used it doesn't.
func TestX7_RepeatAfterLostAnswer(t *testing.T) {
	eachCall(t, func(t *testing.T, w *world, do call) {
		id, lost, err := do(w.op, key("k"))
		w.ok(err)
		again, fresh, err := do(w.op, key("k"))
		w.ok(err)
		if again != id || fresh == lost {
			t.Errorf("a repeat made %s with the same secret: %v; want %s and a new one", again, fresh == lost, id)
		}
		w.wantCode("the secret nobody saw", lost, credential.CodeRevoked)
		w.wantCode("the repeat's", fresh, credential.OK)
		_, _, err = do(w.op, key("k"))
		wantKind(t, "a repeat after its secret was used", err, credential.Conflict)
		w.wantCode("the repeat's, still", fresh, credential.OK)
	})
}

// even a use that was refused for its rights shows that the secret arrived.
func TestX7_RefusedUseConfirmsToo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.ask("bunship_live")
		r.Idempotency = key("k")
		secret := w.issue(w.op, r).Secret.Reveal()
		d := w.verify(secret, authority.Verification{Permission: credential.OrganizationWrite})
		if d.Code != credential.CodeScope {
			t.Fatalf("got %s, want insufficient_scope", d.Code)
		}
		_, err := w.Issue(background, w.op, r)
		wantKind(t, "a repeat after that", err, credential.Conflict)
	})
}

// the same key with something else, from somebody else, or for another call.
func TestX7_KeyBelongsToPrincipalAndBody(t *testing.T) {
	eachCall(t, func(t *testing.T, w *world, do call) {
		first, secret, err := do(w.op, key("k"))
		w.ok(err)
		other := key("k")
		other.Body = []byte(`{"grace":"25h"}`)
		_, _, err = do(w.op, other)
		wantField(t, "another body", err, "Idempotency-Key")
		w.wantCode("after another body", secret, credential.OK)

		_, _, err = do(w.op, key("of its own"))
		w.ok(err)
		admin := w.as("admin")
		id, theirs, err := do(admin, key("k"))
		if err != nil || theirs == secret {
			t.Fatalf("another principal with the same key: %v", err)
		}
		_, _, err = do(admin, key("k"))
		w.ok(err)
		if id != first { // two credentials of Issue: the first one's is untouched
			w.wantCode("the first principal's", secret, credential.OK)
		}
	})
}

// a key is remembered for 24 hours, to the millisecond, and forgetting
// the record makes what it made final.
func TestX7_KeyIsForgottenAfterADay(t *testing.T) {
	eachCall(t, func(t *testing.T, w *world, do call) {
		start := w.clock.now()
		id, lost, err := do(w.op, key("k"))
		w.ok(err)
		w.clock.advance(day - time.Millisecond)
		again, fresh, err := do(w.op, key("k"))
		if err != nil || again != id {
			t.Errorf("a millisecond before a day: %v %v, want %v", again, err, id)
		}
		w.wantCode("replaced", lost, credential.CodeRevoked)
		w.clock.advance(time.Millisecond)
		w.ok(w.store.ForgetIdempotencyRecords(background, w.clock.now().Add(-day)))
		_, third, err := do(w.op, key("k"))
		w.ok(err)
		w.wantCode("the day before's", fresh, credential.OK) // another credential, or its predecessor
		w.wantCode("the new one", third, credential.OK)
		w.clock.set(start)
	})
}

// The text of a key is bounded.
func TestX7_KeyText(t *testing.T) {
	eachCall(t, func(t *testing.T, w *world, do call) {
		for what, text := range map[string]string{"empty": "", "256": strings.Repeat("k", 256), "control": "a\x00b", "not ASCII": "ü", "newline": "a\n"} {
			_, _, err := do(w.op, key(text))
			wantField(t, what, err, "Idempotency-Key")
		}
		_, _, err := do(w.op, key(strings.Repeat("k", 255)))
		w.ok(err)
	})
}

// many at once make one credential, and one secret of theirs works.
func TestX7_ManyAtOnce(t *testing.T) {
	eachCall(t, func(t *testing.T, w *world, do call) {
		var mu sync.Mutex
		ids, secrets := map[uuid.UUID]bool{}, []string{}
		race(16, func(int) {
			id, secret, err := do(w.op, key("k"))
			if err != nil {
				if !errors.Is(err, credential.InProgress) && !errors.Is(err, credential.Conflict) {
					t.Errorf("got %v, want InProgress or Conflict", err)
				}
				return
			}
			mu.Lock()
			defer mu.Unlock()
			ids[id], secrets = true, append(secrets, secret)
		})
		working := 0
		for _, secret := range secrets {
			if w.code(secret) == credential.OK {
				working++
			}
		}
		if len(ids) != 1 || working != 1 {
			t.Errorf("%d credentials and %d working secrets of %d answers, want one each", len(ids), working, len(secrets))
		}
	})
}

// gate is a source of randomness that holds its readers up once it is shut.
type gate struct {
	mu      sync.Mutex
	entered chan struct{}
	open    chan struct{}
}

func (g *gate) shut() (entered <-chan struct{}, open func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.entered, g.open = make(chan struct{}, 16), make(chan struct{})
	return g.entered, sync.OnceFunc(func() { close(g.open) })
}

func (g *gate) Read(b []byte) (int, error) {
	g.mu.Lock()
	entered, open := g.entered, g.open
	g.mu.Unlock()
	if open != nil {
		entered <- struct{}{}
		<-open
	}
	return rand.Read(b)
}

// while the first call runs, every other with its key is told so, and
// calls with other keys aren't.
func TestX7_WhileTheFirstRuns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		g := &gate{}
		w := newAuthority(t, cfg, g)
		w.org = w.organization("Acme")
		c, _ := w.made("gatehouse_key")
		rotate := func() (uuid.UUID, string, error) {
			return answered(w.Rotate(background, w.op, c.ID, authority.RotateRequest{Idempotency: key("k")}))
		}
		entered, open := g.shut()
		defer open()
		done := make(chan string)
		go func() {
			_, secret, err := rotate()
			if err != nil {
				t.Error(err)
			}
			done <- secret
		}()
		<-entered // the first call is in the middle of its transaction
		race(8, func(int) {
			_, _, err := rotate()
			wantKind(t, "while the first call runs", err, credential.InProgress)
		})
		open()
		w.wantCode("the first call's secret", <-done, credential.OK)
		_, _, err := rotate()
		wantKind(t, "after its secret was used", err, credential.Conflict)
	})
}

// A randomness that fails stores nothing (K-1), and the key stays free.
func TestK1_NoRandomnessNoCredential(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		source := &dry{}
		w := newAuthority(t, cfg, source)
		w.org = w.organization("Acme")
		c, secret := w.made("gatehouse_key")
		before := storetest.Dump(t, w.raw())
		source.off = true
		r := w.ask("gatehouse_key")
		r.Idempotency = key("k")
		if _, err := w.Issue(background, w.op, r); err == nil {
			t.Error("a credential without randomness was issued")
		}
		if _, err := w.Rotate(background, w.op, c.ID, authority.RotateRequest{Idempotency: key("k")}); err == nil {
			t.Error("a secret without randomness was made")
		}
		if after := storetest.Dump(t, w.raw()); after != before {
			t.Error("something was stored")
		}
		source.off = false
		w.wantCode("the credential", secret, credential.OK)
		w.issue(w.op, r)
		w.rotate(c.ID, authority.RotateRequest{Idempotency: key("k")})
	})
}

// dry is a source of randomness that can be turned off.
type dry struct{ off bool }

func (d *dry) Read(b []byte) (int, error) {
	if d.off {
		return 0, errors.New("no randomness")
	}
	return rand.Read(b)
}
