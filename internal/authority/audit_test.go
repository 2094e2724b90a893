package authority_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// events are all those of a chain.
func (w *world) events(chain uuid.UUID) []audit.Event {
	w.t.Helper()
	var all []audit.Event
	for {
		page, err := w.Events(background, w.op, chain, int64(len(all)), 500)
		w.ok(err)
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
	}
}

// U-3: every method that changes something writes one event that names actor,
// subject, target, time, address and request.
func TestU3_OneEventForEachChange(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := *w.as("admin")
		p.Address, p.RequestID = here, "request-7"
		c := w.issue(w.op, w.ask("gatehouse_key")).Credential
		own := w.principal(w.issue(w.op, w.ask("bunship_live")).Secret.Reveal())
		target, project := "credential:"+c.ID.String(), "project:"+w.alpha.ID.String()
		limit, lead := 5, w.ref("lead")
		hook, delivery, off := w.hook(), uuid.Nil, false
		at := "webhook:" + hook.ID.String()
		for _, row := range []struct {
			action, target string
			by             *credential.Principal
			do             func(p *credential.Principal) error
		}{
			{"credential.update", target, &p, func(p *credential.Principal) error {
				return second(w.Update(background, p, c.ID, authority.UpdateRequest{RateLimit: &limit}))
			}},
			{"credential.suspend", target, &p, func(p *credential.Principal) error { return second(w.Suspend(background, p, c.ID)) }},
			{"credential.resume", target, &p, func(p *credential.Principal) error { return second(w.Resume(background, p, c.ID)) }},
			{"credential.rotate", target, &p, func(p *credential.Principal) error {
				return second(w.Rotate(background, p, c.ID, authority.RotateRequest{Grace: day, Idempotency: key("k")}))
			}},
			{"credential.reissue", target, &p, func(p *credential.Principal) error {
				return second(w.Rotate(background, p, c.ID, authority.RotateRequest{Grace: day, Idempotency: key("k")}))
			}},
			{"credential.revoke", target, &p, func(p *credential.Principal) error { return second(w.Revoke(background, p, c.ID)) }},
			{"credential.rotate", "credential:" + own.Credential.ID.String(), own, func(p *credential.Principal) error {
				return second(w.RotateSelf(background, p, authority.RotateRequest{Grace: day}))
			}},
			{"credential.revoke", "credential:" + own.Credential.ID.String(), own, func(p *credential.Principal) error { return second(w.RevokeSelf(background, p)) }},
			{"project.archive", project, &p, func(p *credential.Principal) error {
				return second(w.ArchiveProject(background, p, w.org.ID, w.alpha.ID, true))
			}},
			{"project.restore", project, &p, func(p *credential.Principal) error {
				return second(w.ArchiveProject(background, p, w.org.ID, w.alpha.ID, false))
			}},
			{"project.set_member", project, &p, func(p *credential.Principal) error {
				return w.SetProjectMember(background, p, w.alpha, lead, credential.ProjectUser)
			}},
			{"member.set_role", "user:" + lead.ID.String(), w.op, func(p *credential.Principal) error {
				return w.SetRole(background, p, w.org.ID, lead, credential.Guest)
			}},
			{"webhook.rotate", at, &p, func(p *credential.Principal) error { return second(w.RotateWebhook(background, p, hook, true)) }},
			{"webhook.test", at, &p, func(p *credential.Principal) error {
				d, err := w.TestWebhook(background, p, hook)
				if err == nil {
					delivery = d.ID
				}
				return err
			}},
			{"webhook.redeliver", at, &p, func(p *credential.Principal) error { return second(w.Redeliver(background, p, hook, delivery)) }},
			{"webhook.update", at, &p, func(p *credential.Principal) error {
				return second(w.UpdateWebhook(background, p, hook, authority.WebhookRequest{Active: &off}))
			}},
			{"webhook.delete", at, &p, func(p *credential.Principal) error { return w.DeleteWebhook(background, p, hook) }},
			{"organization.suspend", "organization:" + w.org.ID.String(), w.op, func(p *credential.Principal) error {
				return second(w.SuspendOrganization(background, p, w.org.ID, true))
			}},
			{"organization.resume", "organization:" + w.org.ID.String(), w.op, func(p *credential.Principal) error {
				return second(w.SuspendOrganization(background, p, w.org.ID, false))
			}},
		} {
			w.clock.advance(time.Millisecond)
			before := len(w.events(w.org.ID))
			if err := row.do(row.by); err != nil {
				t.Errorf("%s: %v", row.action, err)
				continue
			}
			w.wantEvent(w.events(w.org.ID)[before:], row.by, row.action, row.target)
		}
		wantWhole(w)
	})
}

// hook registers an endpoint. Of its URL the audit has the host alone.
func (w *world) hook() authority.WebhookRef {
	w.t.Helper()
	url := "https://hooks.example.com/a-path?a-query"
	made, err := w.CreateWebhook(background, w.op, w.org.ID, authority.WebhookRequest{URL: &url})
	w.ok(err)
	events := w.events(w.org.ID)
	last := events[len(events)-1]
	if want := `{"active":true,"events":[],"host":"hooks.example.com"}`; last.Action != "webhook.create" || last.Target != "webhook:"+made.ID.String() || last.Detail != want {
		w.t.Errorf("got %+v, want %s", last, want)
	}
	return authority.WebhookRef{Organization: w.org.ID, ID: made.ID}
}

// wantEvent fails unless there is exactly one event and it says so.
func (w *world) wantEvent(got []audit.Event, p *credential.Principal, action, target string) {
	w.t.Helper()
	if len(got) != 1 {
		w.t.Errorf("%s: %d events, want 1", action, len(got))
		return
	}
	want := audit.Event{At: w.clock.now(), Actor: p.String(), Action: action, Target: target, Request: p.RequestID}
	if p.Subject != uuid.Nil {
		want.Subject = string(p.SubjectType) + ":" + p.Subject.String()
	}
	if p.Address.IsValid() {
		want.Address = p.Address.String()
	}
	e := got[0]
	shown := audit.Event{At: e.At, Actor: e.Actor, Subject: e.Subject, Action: e.Action, Target: e.Target, Address: e.Address, Request: e.Request}
	if diff := cmp.Diff(want, shown); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", action, diff)
	}
	if !json.Valid([]byte(e.Detail)) {
		w.t.Errorf("%s: the detail %q is no JSON", action, e.Detail)
	}
}

// What changes nothing, and what is refused, writes no event; what makes
// something writes one in the chain where it belongs.
func TestU3_EventsOfCreationAndOfNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		count := func() [2]int { return [2]int{len(w.events(uuid.Nil)), len(w.events(w.org.ID))} }
		c, _ := w.made("gatehouse_key")
		w.revoke(c.ID)
		email := authority.UserRequest{Email: "new@example.test", Name: "New", Role: credential.Member}
		for _, row := range []struct {
			what string
			do   func() error
			want [2]int
		}{
			{"issue", func() error { return second(w.Issue(background, w.op, w.ask("bunship_live"))) }, [2]int{0, 1}},
			{"project", func() error {
				return second(w.CreateProject(background, w.op, w.org.ID, authority.NameRequest{Name: "P", Idempotency: key("p")}))
			}, [2]int{0, 1}},
			{"project, repeated", func() error {
				return second(w.CreateProject(background, w.op, w.org.ID, authority.NameRequest{Name: "P", Idempotency: key("p")}))
			}, [2]int{0, 0}},
			{"organization", func() error {
				return second(w.CreateOrganization(background, w.op, authority.NameRequest{Name: "O"}))
			}, [2]int{1, 0}},
			{"user", func() error { return second(w.CreateUser(background, w.op, w.org.ID, email)) }, [2]int{0, 1}},
			{"user, again", func() error { return second(w.CreateUser(background, w.op, w.org.ID, email)) }, [2]int{0, 0}},
			{"revoke, again", func() error { return second(w.Revoke(background, w.op, c.ID)) }, [2]int{0, 0}},
			{"rotate what is revoked", func() error {
				return second(w.Rotate(background, w.op, c.ID, authority.RotateRequest{}))
			}, [2]int{0, 0}},
			{"refused", func() error { return second(w.Issue(background, w.as("guest"), w.ask("bunship_live"))) }, [2]int{0, 0}},
		} {
			_ = w.as("guest") // makes its token before the count
			before := count()
			_ = row.do()
			after := count()
			if got := [2]int{after[0] - before[0], after[1] - before[1]}; got != row.want {
				t.Errorf("%s: %v events (installation, organization), want %v", row.what, got, row.want)
			}
		}
	})
}

// U-3: after 200 changes at random, from several at once, the chains are whole.
func TestU3_WholeAfterManyChanges(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.as("admin")
		race(4, func(n int) {
			random := rand.New(rand.NewPCG(uint64(n), 7))
			var mine []uuid.UUID
			for range 50 {
				if len(mine) == 0 || random.IntN(4) == 0 {
					r := w.ask("gatehouse_key")
					r.Organization = []uuid.UUID{w.org.ID, w.other.ID}[random.IntN(2)]
					mine = append(mine, w.issue(w.op, r).Credential.ID)
					continue
				}
				w.change(random.IntN(6), mine[random.IntN(len(mine))])
			}
		})
		wantWhole(w)
		for _, chain := range []uuid.UUID{uuid.Nil, w.org.ID, w.other.ID} {
			for i, e := range w.events(chain) {
				if e.Sequence != int64(i+1) {
					t.Fatalf("event %d has sequence %d", i+1, e.Sequence)
				}
			}
		}
	})
}

// change does one of several things to a credential; a conflict is an answer.
func (w *world) change(what int, id uuid.UUID) {
	name := fmt.Sprint("name ", what)
	var err error
	switch what {
	case 0:
		_, err = w.Suspend(background, w.op, id)
	case 1:
		_, err = w.Resume(background, w.op, id)
	case 2:
		_, err = w.Rotate(background, w.op, id, authority.RotateRequest{Grace: day})
	case 3:
		_, err = w.Update(background, w.op, id, authority.UpdateRequest{Name: &name})
	case 4:
		_, err = w.Revoke(background, w.op, id)
	default:
		err = w.SetProjectMember(background, w.op, w.alpha, w.ref("lead"), credential.ProjectAdmin)
	}
	if err != nil && !errors.Is(err, credential.Conflict) {
		w.t.Error(err)
	}
}

// tampered is a way to change the chain behind the server's back, and the first
// sequence that is then broken.
type tampered struct {
	name, query string
	want        int64
}

// tamperings are for a chain of n events. SQLite's text of bytes stands in for both.
func tamperings(n int64, postgres bool) []tampered {
	bytes := `x'0102'`
	if postgres {
		bytes = `'\x0102'::bytea`
	}
	where := ` WHERE chain = $1 AND sequence = 4`
	list := []tampered{
		{"first event deleted", `DELETE FROM audit_events WHERE chain = $1 AND sequence = 1`, 1},
		{"middle event deleted", `DELETE FROM audit_events` + where, 4},
		{"last event deleted", fmt.Sprintf(`DELETE FROM audit_events WHERE chain = $1 AND sequence = %d`, n), n},
		{"all events deleted", `DELETE FROM audit_events WHERE chain = $1`, 1},
		{"end cut off and the head with it", fmt.Sprintf(`UPDATE audit_chains SET sequence = %d WHERE id = $1`, n-1), n - 1},
		{"head's hash", `UPDATE audit_chains SET hash = ` + bytes + ` WHERE id = $1`, n},
		{"head's seal", `UPDATE audit_chains SET seal = ` + bytes + ` WHERE id = $1`, n},
		{"sequence", fmt.Sprintf(`UPDATE audit_events SET sequence = %d`, n+5) + where, 4},
		{"time", `UPDATE audit_events SET at = at + 1` + where, 4},
		{"previous", `UPDATE audit_events SET previous = ` + bytes + where, 4},
		{"hash", `UPDATE audit_events SET hash = ` + bytes + where, 4},
		{"time of the last", fmt.Sprintf(`UPDATE audit_events SET at = at + 1 WHERE chain = $1 AND sequence = %d`, n), n},
		{"other chain", `UPDATE audit_events SET sequence = 4000, chain = (SELECT id FROM audit_chains WHERE id <> $1 ORDER BY id LIMIT 1)` + where, 4},
	}
	for _, column := range []string{"actor", "subject", "action", "target", "address", "request", "detail"} {
		list = append(list, tampered{column, `UPDATE audit_events SET ` + column + ` = ` + column + ` || ' '` + where, 4},
			tampered{column + " emptied", `UPDATE audit_events SET ` + column + ` = 'x'` + where, 4})
	}
	return list
}

// U-3: whatever is changed behind the server's back, the first broken event is named.
func TestU3_EveryTamperingShows(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.made("gatehouse_key")
		db := w.raw()
		n := int64(len(w.events(w.org.ID)))
		kept := saved(w, w.org.ID)
		for _, row := range tamperings(n, w.cfg.DatabaseURL != "") {
			if _, err := db.Exec(row.query, w.org.ID.String()); err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			w.wantBreak(row.name, row.want)
			kept.restore(w)
			w.wantBreak(row.name+", put back", 0)
		}
	})
}

// Events that change places, and one forged behind the head with a right hash.
func TestU3_SwappedAndForged(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		db, kept := w.raw(), saved(w, w.org.ID)
		for _, step := range []string{`sequence = 9000 WHERE sequence = 3`, `sequence = 3 WHERE sequence = 4`, `sequence = 4 WHERE sequence = 9000`} {
			if _, err := db.Exec(`UPDATE audit_events SET `+step+` AND chain = $1`, w.org.ID.String()); err != nil {
				t.Fatal(err)
			}
		}
		w.wantBreak("swapped", 3)
		kept.restore(w)
		last := kept.events[len(kept.events)-1]
		forged := last
		forged.Action = "credential.forged"
		forged.Seal(last.Sequence+1, last.Hash)
		kept.insert(w, forged)
		w.wantBreak("appended behind the head", last.Sequence+1)
		if _, err := db.Exec(`UPDATE audit_chains SET sequence = $2, hash = $3 WHERE id = $1`, w.org.ID.String(), forged.Sequence, forged.Hash); err != nil {
			t.Fatal(err)
		}
		w.wantBreak("appended, and the head moved without its seal", forged.Sequence)
		if _, err := w.Issue(background, w.op, w.ask("gatehouse_key")); err == nil {
			t.Error("an event was added to a chain whose head is not sealed")
		}
	})
}

// A whole chain that is gone shows, although no event of it is left: also
// after a restart, which begins no new one in its place.
func TestU3_WholeChainDeleted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, chain := range []uuid.UUID{w.org.ID, uuid.Nil} {
			for _, query := range []string{`DELETE FROM audit_events WHERE chain = $1`, `DELETE FROM audit_chains WHERE id = $1`} {
				_, err := w.raw().Exec(query, chain.String())
				w.ok(err)
			}
			w.wantGone(chain)
			w.ok(w.store.Close())
			w = reopened(w)
			w.wantGone(chain)
		}
	})
}

// wantGone fails unless the report says that the whole chain is gone.
func (w *world) wantGone(chain uuid.UUID) {
	w.t.Helper()
	reports, err := w.VerifyAudit(background, w.op, uuid.Nil)
	w.ok(err)
	for _, r := range reports {
		if r.Chain == chain && r.Break != nil && r.Break.Sequence == 1 {
			return
		}
	}
	w.t.Errorf("audit chain %s was deleted, and the report is %+v", chain, reports)
}

// wantBreak compares where the first organization's chain is broken; 0 is nowhere.
func (w *world) wantBreak(what string, want int64) {
	w.t.Helper()
	reports, err := w.VerifyAudit(background, w.op, w.org.ID)
	if err != nil || len(reports) != 1 {
		w.t.Errorf("%s: %d reports, %v", what, len(reports), err)
		return
	}
	got := int64(0)
	if b := reports[0].Break; b != nil {
		got = b.Sequence
	}
	if got != want {
		w.t.Errorf("%s: broken at %d, want %d", what, got, want)
	}
}

// chainCopy is a chain as it was.
type chainCopy struct {
	chain      uuid.UUID
	events     []audit.Event
	sequence   int64
	hash, seal []byte
}

func saved(w *world, chain uuid.UUID) *chainCopy {
	w.t.Helper()
	c := &chainCopy{chain: chain, events: w.events(chain)}
	w.ok(w.raw().QueryRow(`SELECT sequence, hash, seal FROM audit_chains WHERE id = $1`, chain.String()).Scan(&c.sequence, &c.hash, &c.seal))
	return c
}

func (c *chainCopy) restore(w *world) {
	w.t.Helper()
	db := w.raw()
	_, err := db.Exec(`DELETE FROM audit_events WHERE chain = $1 OR sequence = 4000`, c.chain.String())
	w.ok(err)
	for _, e := range c.events {
		c.insert(w, e)
	}
	_, err = db.Exec(`UPDATE audit_chains SET sequence = $2, hash = $3, seal = $4 WHERE id = $1`, c.chain.String(), c.sequence, c.hash, c.seal)
	w.ok(err)
	_ = db.Close()
}

func (c *chainCopy) insert(w *world, e audit.Event) {
	w.t.Helper()
	db := storetest.Raw(w.t, store.Config{Directory: w.cfg.Directory, DatabaseURL: w.cfg.DatabaseURL})
	defer db.Close()
	_, err := db.Exec(`INSERT INTO audit_events (chain, sequence, at, actor, subject, action, target, address, request, detail, previous, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, e.Chain.String(), e.Sequence, e.At.UnixMilli(), e.Actor, e.Subject,
		e.Action, e.Target, e.Address, e.Request, e.Detail, e.Previous, e.Hash)
	w.ok(err)
}

// A filter chooses events by what stands in them, and pages go on behind the last.
func TestFindEvents(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada", credential.Member)
		began := w.clock.now()
		w.clock.advance(time.Second)
		s := w.signIn("ada")
		w.clock.advance(time.Second)
		w.ok(w.SignOut(background, w.principal(s.Access.Token.Reveal()), false))
		wantRefused(t, "a wrong password", w.tries("ada@example.test", here), wrong)
		ada, session := "user:"+w.users["ada"].ID.String(), "session:"+s.Session.ID.String()
		for name, c := range map[string]struct {
			f    store.EventFilter
			want []string
		}{
			"an action":           {store.EventFilter{Action: "session.begin"}, []string{"session.begin"}},
			"a family of actions": {store.EventFilter{Action: "session."}, []string{"session.begin", "session.sign_out", "session.end"}},
			"a target":            {store.EventFilter{Target: session}, []string{"session.begin", "session.end"}},
			"a subject":           {store.EventFilter{Subject: ada, Action: "sign_in."}, []string{"sign_in.fail"}},
			"an actor":            {store.EventFilter{Actor: session}, []string{"session.sign_out", "session.end"}},
			"from a time":         {store.EventFilter{Since: began.Add(2 * time.Second)}, []string{"session.sign_out", "session.end", "sign_in.fail"}},
			"before a time":       {store.EventFilter{Subject: ada, Since: began.Add(time.Second), Until: began.Add(2 * time.Second)}, []string{"session.begin"}},
			"none":                {store.EventFilter{Action: "session"}, nil},
			"no pattern":          {store.EventFilter{Action: "s%."}, nil},
		} {
			var got []string
			for f := c.f; ; {
				f.Limit = 1
				page, err := w.Authority.FindEvents(background, w.op, uuid.Nil, f)
				if w.ok(err); len(page) == 0 {
					break
				}
				got, f.After = append(got, page[0].Action), page[0].Sequence
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: got %v, want %v", name, got, c.want)
			}
		}
	})
}
