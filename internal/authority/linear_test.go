package authority_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// step is one call of a history: what was asked, of which secret.
type step struct{ what, secret string }

// outcome is its answer: a decision code, "ok" or "conflict", and the secret
// that a rotation made.
type outcome struct{ answer, secret string }

// life is what the model knows of the one credential.
type life struct {
	current, predecessor string
	suspended, revoked   bool
}

// lives is the sequential truth that every concurrent history must agree with.
var lives = porcupine.Model{
	Init: func() any { return life{} },
	Step: func(state, in, out any) (bool, any) {
		s, i, o := state.(life), in.(step), out.(outcome)
		want := outcome{answer: "ok", secret: o.secret}
		switch i.what {
		case "issue":
			s.current = o.secret
		case "verify":
			want.answer = string(s.verdict(i.secret))
		case "revoke":
			s.revoked = true
		default:
			if s.revoked {
				want.answer = "conflict"
				break
			}
			switch i.what {
			case "suspend":
				s.suspended = true
			case "resume":
				s.suspended = false
			case "rotate":
				s.current, s.predecessor = o.secret, s.current
			}
		}
		return o == want, s
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%v → %v", in, out) },
}

func (s life) verdict(secret string) credential.Code {
	switch {
	case s.revoked, secret != s.current && secret != s.predecessor:
		return credential.CodeRevoked
	case s.suspended:
		return credential.CodeSuspended
	}
	return credential.OK
}

// history records calls with a clock that only counts.
type history struct {
	w       *world
	id      uuid.UUID
	ticks   atomic.Int64
	mu      sync.Mutex
	secrets []string
	ops     []porcupine.Operation
}

func (h *history) record(client int, in step, do func() outcome) {
	call := h.ticks.Add(1)
	out := do()
	op := porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: h.ticks.Add(1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, op)
	if out.secret != "" {
		h.secrets = append(h.secrets, out.secret)
	}
}

// some is a secret that some call has returned.
func (h *history) some(random *rand.Rand) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	from := max(0, len(h.secrets)-4) // the newest are the interesting ones
	return h.secrets[from+random.IntN(len(h.secrets)-from)]
}

// client makes n calls at random; revoking is rare, so that there is something to see.
func (h *history) client(n, calls int, random *rand.Rand) {
	for range calls {
		in := step{what: "verify", secret: h.some(random)}
		if k := random.IntN(40); k < 20 {
			in = step{what: []string{"suspend", "resume", "rotate", "resume", "rotate"}[k%5]}
		} else if k == 20 {
			in = step{what: "revoke"}
		}
		h.record(n, in, func() outcome { return h.do(in) })
	}
}

func (h *history) do(in step) outcome {
	w, out := h.w, outcome{answer: "ok"}
	var err error
	switch in.what {
	case "verify":
		var d credential.Decision
		d, err = w.Verify(background, in.secret, authority.Verification{})
		out.answer = string(d.Code)
	case "suspend":
		_, err = w.Suspend(background, w.op, h.id)
	case "resume":
		_, err = w.Resume(background, w.op, h.id)
	case "revoke":
		_, err = w.Revoke(background, w.op, h.id)
	case "rotate":
		var issued *authority.Issued
		if issued, err = w.Rotate(background, w.op, h.id, authority.RotateRequest{Grace: day}); err == nil {
			out.secret = issued.Secret.Reveal()
		}
	}
	if errors.Is(err, credential.Conflict) {
		out.answer = "conflict"
	} else if err != nil {
		w.t.Errorf("%s: %v", in.what, err)
	}
	return out
}

// whatever runs at once, the answers are those of some order of the calls
// in which each takes effect between its beginning and its end.
func TestX9_Linearizable(t *testing.T) {
	const histories, clients, calls = 50, 5, 12
	each(t, func(t *testing.T, w *world) {
		revoked := 0
		for n := range histories {
			h := &history{w: w}
			h.record(0, step{what: "issue"}, func() outcome {
				c, secret := w.made("gatehouse_key")
				h.id = c.ID
				return outcome{"ok", secret}
			})
			race(clients, func(i int) { h.client(i+1, calls, rand.New(rand.NewPCG(uint64(n), uint64(i)))) })
			if result := porcupine.CheckOperationsTimeout(lives, h.ops, time.Minute); result != porcupine.Ok {
				t.Fatalf("history %d is %s:\n%s", n, result, h.text())
			}
			for _, op := range h.ops {
				if op.Input.(step).what == "revoke" {
					revoked++
					break
				}
			}
		}
		if revoked == 0 || revoked == histories {
			t.Errorf("%d of %d histories have a revocation, want some", revoked, histories)
		}
	})
}

func (h *history) text() (text string) {
	for _, op := range h.ops {
		text += fmt.Sprintf("%4d-%4d client %d %s\n", op.Call, op.Return, op.ClientId, lives.DescribeOperation(op.Input, op.Output))
	}
	return text
}

// The model itself refuses what must not be: a verification that says ok after
// a revocation was answered.
func TestX9_ModelRefuses(t *testing.T) {
	bad := []porcupine.Operation{
		{Input: step{what: "issue"}, Output: outcome{"ok", "s1"}, Call: 1, Return: 2},
		{Input: step{what: "revoke"}, Output: outcome{"ok", ""}, Call: 3, Return: 4},
		{Input: step{what: "verify", secret: "s1"}, Output: outcome{"ok", ""}, Call: 5, Return: 6},
	}
	if porcupine.CheckOperations(lives, bad) {
		t.Error("the model accepts an ok after a revocation")
	}
	bad[2].Call = 3 // at the same time, either is right
	if !porcupine.CheckOperations(lives, bad) {
		t.Error("the model refuses an ok at the same time as a revocation")
	}
}

// two updates of different fields at once are both kept.
func TestX9_NoUpdateIsLost(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for n := range 20 {
			c, _ := w.made("gatehouse_key")
			name, limit, addresses := fmt.Sprint("name ", n), n+1, []string{"203.0.113.0/24"}
			expiry := credential.ExpiryChoice{In: day}
			requests := []authority.UpdateRequest{{Name: &name}, {RateLimit: &limit}, {Addresses: &addresses}, {Expiry: &expiry}}
			race(len(requests), func(i int) {
				if _, err := w.Update(background, w.op, c.ID, requests[i]); err != nil {
					t.Error(err)
				}
			})
			d, err := w.Get(background, w.op, c.ID)
			w.ok(err)
			got := d.Credential
			if got.Name != name || got.RateLimit != limit || len(got.AllowedAddresses) != 1 || got.ExpiresAt.IsZero() {
				t.Errorf("after four updates at once: %+v", got)
			}
		}
	})
}

// an update at the same time as a revocation never undoes it.
func TestX9_UpdateRacesRevoke(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range 20 {
			c, secret := w.made("gatehouse_key")
			name := "renamed"
			race(4, func(i int) {
				var err error
				switch i {
				case 0:
					w.revoke(c.ID)
				case 1:
					_, err = w.Update(background, w.op, c.ID, authority.UpdateRequest{Name: &name})
				case 2:
					_, err = w.Suspend(background, w.op, c.ID)
				default:
					_, err = w.Resume(background, w.op, c.ID)
				}
				if err != nil && !errors.Is(err, credential.Conflict) {
					t.Error(err)
				}
			})
			w.wantCode("after all", secret, credential.CodeRevoked)
			d, err := w.Get(background, w.op, c.ID)
			if err != nil || d.State != credential.Revoked {
				t.Errorf("got %+v, %v, want it revoked", d, err)
			}
		}
	})
}
