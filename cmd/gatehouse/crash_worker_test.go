package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

// crashWorker is one client. Nobody else changes its credentials, so that it
// knows what each must be; but all of them share organizations and limits.
type crashWorker struct {
	*crashRun
	number   int
	rand     *rand.Rand
	accounts []*account
	issues   map[string]bool // by name: may it have happened?
	doubt    *issue          // whose answer was lost
	inDoubt  *account        // the account with a call whose answer was lost
	spends   []*crashSpend   // that may have been made
	paying   *crashSpend     // whose answer was lost
	repeated int
}

// issue is a call that makes a credential.
type issue struct {
	api.CreateCredential
	key string
}

// work changes credentials until the server is gone.
func (w *crashWorker) work() {
	if !w.settle() || !w.check(checkEachTime) {
		return
	}
	for !w.t.Failed() && w.step() { // one mistake is enough
	}
}

// step makes one change chosen at random. It returns false when the server is gone.
func (w *crashWorker) step() bool {
	var alive []*account
	for _, a := range w.accounts[max(0, len(w.accounts)-20):] {
		if !a.revoked {
			alive = append(alive, a)
		}
	}
	if w.rand.IntN(4) == 0 {
		return w.spend(w.bill())
	}
	choice := w.rand.IntN(100)
	if len(alive) == 0 || choice < 40 {
		return w.issue(w.draft())
	}
	a := alive[w.rand.IntN(len(alive))]
	switch {
	case choice < 75:
		a.doubt = &attempt{kind: "rotate", key: w.someKey(), grace: w.rand.IntN(4) > 0}
		return w.rotate(a)
	case choice < 90:
		a.doubt = &attempt{kind: "revoke"}
		return w.revoke(a)
	}
	return w.verify(a)
}

// someKey is an Idempotency-Key every other time.
func (w *crashWorker) someKey() string {
	if w.rand.IntN(2) == 0 {
		return ""
	}
	return fmt.Sprintf("key-%d-%d", w.number, w.rand.Uint64())
}

// draft chooses what to issue. One in four is of a scheme with a limit.
func (w *crashWorker) draft() *issue {
	schemes := []string{"gatehouse_key", "bunship_live", "bunship_test", "betatesting_client"}
	scopes := map[string][]string{"gatehouse_key": {"issues:read"}, "bunship_live": {"*"}, "bunship_test": {"read:projects"}}
	scheme := schemes[max(0, w.rand.IntN(12)-8)]
	return &issue{key: w.someKey(), CreateCredential: api.CreateCredential{
		Scheme: scheme, Scopes: scopes[scheme], Organization: w.organizations[w.rand.IntN(len(w.organizations))],
		Name: fmt.Sprintf("worker %d number %d", w.number, len(w.issues)),
	}}
}

// call makes a request. answered is false when the answer was lost, which
// only happens to a server that was killed. While the same call still runs it
// is repeated: on PostgreSQL what a killed server began may go on for a moment.
func (w *crashWorker) call(r client.Request) (refusal *api.Problem, answered bool) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := w.client.Do(ctx, r)
	for errors.As(err, &refusal) && refusal.Code == "in_progress" && ctx.Err() == nil {
		<-time.After(10 * time.Millisecond)
		refusal, err = nil, w.client.Do(ctx, r)
	}
	switch {
	case err == nil:
		return nil, true
	case errors.As(err, &refusal) && refusal.Status < 500:
		return refusal, true
	case refusal != nil:
		w.t.Errorf("%s %s answered %d %s: %v", r.Method, r.Path, refusal.Status, refusal.Code, err)
	case !w.killed.Load():
		w.t.Errorf("an answer was lost while the server ran: %v", err)
	}
	return nil, false
}

// issue makes a credential, or repeats the call that may have made it.
func (w *crashWorker) issue(i *issue) (goOn bool) {
	w.issues[i.Name], w.doubt = true, i
	var out api.IssuedCredential
	refusal, answered := w.call(client.Request{Method: http.MethodPost, Path: "/v1/credentials", In: i.CreateCredential, Out: &out, IdempotencyKey: i.key})
	switch {
	case !answered:
		return false
	case refusal == nil:
		w.accounts = append(w.accounts, &account{
			name: i.Name, id: out.ID, scheme: i.Scheme, organization: i.Organization, current: out.Secret, print: out.Fingerprint,
		})
		w.acknowledged.Add(1)
	default:
		w.issues[i.Name] = false
		if refusal.Code != "limit_reached" || limits[i.Scheme].most == 0 {
			w.t.Errorf("issue %s: %d %v", i.Scheme, refusal.Status, refusal)
		}
	}
	w.doubt = nil
	return true
}

// rotate makes the rotation that is noted as in doubt.
func (w *crashWorker) rotate(a *account) (goOn bool) {
	w.inDoubt = a
	grace := "24h"
	if !a.doubt.grace {
		grace = "0"
	}
	var out api.IssuedCredential
	refusal, answered := w.call(client.Request{
		Method: http.MethodPost, Path: "/v1/credentials/" + a.id + "/rotate", In: api.RotateCredential{Grace: &grace}, Out: &out, IdempotencyKey: a.doubt.key,
	})
	switch {
	case !answered:
		return false
	case refusal == nil:
		a.rotated(out.Secret, out.Fingerprint, a.doubt.grace)
		w.acknowledged.Add(1)
	default:
		w.t.Errorf("rotate %s: %d %v", a.id, refusal.Status, refusal)
	}
	w.inDoubt, a.doubt = nil, nil
	return true
}

// revoke makes the revocation that is noted as in doubt.
func (w *crashWorker) revoke(a *account) (goOn bool) {
	w.inDoubt = a
	refusal, answered := w.call(client.Request{Method: http.MethodPost, Path: "/v1/credentials/" + a.id + "/revoke"})
	switch {
	case !answered:
		return false
	case refusal != nil:
		w.t.Errorf("revoke %s: %d %v", a.id, refusal.Status, refusal)
	default:
		a.revoked = true
		w.acknowledged.Add(1)
	}
	w.inDoubt, a.doubt = nil, nil
	return true
}

// settle finds out what became of the call whose answer was lost. With an
// Idempotency-Key the call is repeated, and must give a secret that works.
func (w *crashWorker) settle() (goOn bool) {
	if !w.settleSpend() {
		return false
	}
	if i := w.doubt; i != nil {
		if i.key == "" { // it may be there, and nobody can use it
			w.doubt = nil
		} else if !w.issue(i) {
			return false
		} else if w.repeated++; w.issues[i.Name] && !w.verify(w.accounts[len(w.accounts)-1]) {
			return false
		}
	}
	a := w.inDoubt
	if a == nil {
		return true
	}
	if !w.verify(a) { // one of the two worlds
		return false
	}
	if a.doubt.key != "" {
		if !w.rotate(a) {
			return false
		}
		w.repeated++
	} else if !w.look(a) {
		return false
	}
	return w.verify(a)
}

// look reads the record of a credential, which says if the call in doubt happened.
func (w *crashWorker) look(a *account) (goOn bool) {
	var c api.Credential
	refusal, answered := w.call(client.Request{Method: http.MethodGet, Path: "/v1/credentials/" + a.id, Out: &c})
	if !answered {
		return false
	}
	if refusal != nil {
		w.t.Errorf("read %s, which was acknowledged: %d %v", a.id, refusal.Status, refusal)
	}
	switch {
	case a.doubt.kind == "revoke":
		a.revoked = c.State == "revoked"
	case c.Fingerprint != a.print:
		a.rotated("", c.Fingerprint, a.doubt.grace)
	}
	w.inDoubt, a.doubt = nil, nil
	if err := a.compare(&c); err != nil {
		w.t.Error(err)
	}
	return true
}

// check verifies all secrets of so many credentials, chosen at random, or of all.
func (w *crashWorker) check(n int) (goOn bool) {
	for _, i := range w.rand.Perm(len(w.accounts))[:min(n, len(w.accounts))] {
		if !w.verify(w.accounts[i]) {
			return false
		}
	}
	return true
}

// verify verifies all secrets of a credential, and compares the answers with
// what was acknowledged.
func (w *crashWorker) verify(a *account) (goOn bool) {
	answers := map[string]string{}
	for secret := range a.world() {
		var d api.Decision
		refusal, answered := w.call(client.Request{Method: http.MethodPost, Path: "/v1/verify", In: api.Verify{Credential: &secret}, Out: &d})
		if !answered {
			return false
		}
		if refusal != nil {
			w.t.Errorf("verify: %d %v", refusal.Status, refusal)
		}
		answers[secret] = d.Code
	}
	if err := a.contradiction(answers); err != nil {
		w.t.Error(err)
	}
	return true
}
