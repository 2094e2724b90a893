package authority_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// changesBy are changes that the principal of a key with every scope may make.
func (w *world) changesBy(p *credential.Principal, c *credential.Credential) map[string]func() error {
	key := w.ask("gatehouse_key")
	key.Scopes = []credential.Scope{"issues:read"}
	name := "Other name"
	return map[string]func() error{
		"issue":         func() error { return second(w.Issue(background, p, key)) },
		"rotate":        func() error { return second(w.Rotate(background, p, c.ID, authority.RotateRequest{})) },
		"rotate itself": func() error { return second(w.RotateSelf(background, p, authority.RotateRequest{})) },
		"rename":        func() error { return second(w.Update(background, p, c.ID, authority.UpdateRequest{Name: &name})) },
		"suspend":       func() error { return second(w.Suspend(background, p, c.ID)) },
		"make a project": func() error {
			return second(w.CreateProject(background, p, w.org.ID, authority.NameRequest{Name: "New"}))
		},
		"archive": func() error { return second(w.ArchiveProject(background, p, w.org.ID, w.hidden.ID, true)) },
		"place a member": func() error {
			return w.SetProjectMember(background, p, w.hidden, w.ref("member"), credential.ProjectUser)
		},
	}
}

// who was let in and loses the credential, the rights or the secret before
// the change begins, changes nothing any more: that has been answered.
func TestR1_LetInAndRevokedMeanwhile(t *testing.T) {
	for what, lose := range map[string]func(w *world, p *credential.Principal){
		"revoked":   func(w *world, p *credential.Principal) { w.revoke(p.Credential.ID) },
		"suspended": func(w *world, p *credential.Principal) { w.ok(second(w.Suspend(background, w.op, p.Credential.ID))) },
		"rotated":   func(w *world, p *credential.Principal) { w.rotate(p.Credential.ID, authority.RotateRequest{}) },
		"organization suspended": func(w *world, _ *credential.Principal) {
			w.ok(second(w.SuspendOrganization(background, w.op, w.org.ID, true)))
		},
	} {
		t.Run(what, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				p := w.key(w.cfg.Schemes.ByName("gatehouse_key").Scopes.Names()...)
				r := w.ask("gatehouse_key")
				r.Scopes = []credential.Scope{"issues:read"}
				c := w.issue(w.op, r).Credential
				lose(w, p)
				before := storetest.Dump(t, w.raw())
				for change, do := range w.changesBy(p, c) {
					wantKind(t, change, do(), credential.Unauthenticated)
				}
				if after := storetest.Dump(t, w.raw()); after != before {
					t.Error("something was changed")
				}
			})
		})
	}
}

// S-5: the same for a user whose role changes or who is taken out.
func TestS5_LetInAndDemotedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.made("gatehouse_key")
		p := w.as("admin")
		w.ok(w.SetRole(background, w.op, w.org.ID, w.ref("admin"), credential.Guest))
		wantKind(t, "demoted", second(w.Suspend(background, p, c.ID)), credential.Conflict)
		w.ok(w.SetRole(background, w.op, w.org.ID, w.ref("admin"), credential.Admin))
		w.ok(second(w.Suspend(background, p, c.ID)))
		w.ok(w.RemoveMember(background, w.op, w.org.ID, w.ref("admin")))
		wantKind(t, "removed", second(w.Resume(background, p, c.ID)), credential.Unauthenticated)

		lead := w.as("lead")
		token := w.issue(lead, w.ask("betahub_project_token")).Credential
		a := interrupted(w, func() {
			w.ok(w.SetProjectMember(background, w.op, w.alpha, w.ref("lead"), credential.ProjectUser))
		})
		_, err := a.Suspend(background, lead, token.ID)
		wantKind(t, "no administrator of the project any more", err, credential.Forbidden)
	})
}

// S-5: a token that the operator makes while its user leaves doesn't wait for
// the user to come back.
func TestS5_IssueRacesRemoval(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.forUser("betahub_pat", "member")
		r.Idempotency = &authority.Idempotency{Key: "k"}
		held, result := make(chan struct{}), make(chan error, 1)
		err := w.store.Change(background, w.org.ID, func(tx *store.Tx) error {
			go func() {
				close(held)
				result <- second(w.Issue(background, w.op, r))
			}()
			<-held
			time.Sleep(100 * time.Millisecond) // in which the issue comes as far as it can
			tx.Record(audit.Event{At: w.clock.now(), Actor: "operator", Action: "member.remove", Detail: "{}"})
			return tx.RemoveMember(background, w.org.ID, w.users["member"].ID)
		})
		w.ok(err)
		wantField(t, "issued for somebody who has left", <-result, "user")
	})
}

// D-17: what is lost from a row takes rights away and never gives any.
func TestD17_LostOwnerIsNotEverybody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const nowhere = `'01900000-0000-7000-8000-000000000000'`
		rows := map[string]string{
			"gatehouse_key": `organization_id = NULL`, "bunship_live": `organization_id = ` + nowhere, "onetest_key": `project_id = ` + nowhere,
			"betahub_project_token": `organization_id = NULL, project_id = NULL`, "bunship_test": `allowed_addresses = ''`,
		}
		secrets := map[string]string{}
		for scheme := range rows {
			_, secrets[scheme] = w.made(scheme)
		}
		c, old := w.made("betatesting_client")
		w.rotate(c.ID, authority.RotateRequest{})
		w.ok(w.store.Close())
		storetest.Loosen(t, w.cfg, "secrets")
		storetest.Loosen(t, w.cfg, "credentials")
		db := w.raw()
		for scheme, set := range rows {
			storetest.Exec(t, db, `UPDATE credentials SET `+set+` WHERE scheme = '`+scheme+`'`)
		}
		storetest.Exec(t, db, `UPDATE secrets SET ends_at = NULL`)
		w = reopened(w)
		for scheme, secret := range secrets {
			w.wantCode(scheme+" "+rows[scheme], secret, credential.CodeUnknown)
		}
		w.wantCode("a predecessor whose end is lost", old, credential.CodeUnknown)
	})
}

// S-12: an answer that came too late is an outage, not a damaged row or a
// secret that nobody knows.
func TestS12_TooLateIsNotUnknown(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		cfg.CacheSize = 0
		w := newWorld(t, cfg)
		c, secret := w.made("gatehouse_key")
		for i := range 1000 {
			ctx, cancel := context.WithTimeout(background, time.Duration(i%200)*5*time.Microsecond)
			if d, err := w.Verify(ctx, secret, authority.Verification{}); err == nil && d.Code != credential.OK {
				t.Errorf("verified in a hurry: %s", d.Code)
			}
			if _, err := w.Get(ctx, w.op, c.ID); err != nil && !errors.Is(err, credential.Unavailable) {
				t.Errorf("shown in a hurry: %v", err)
			}
			cancel()
		}
	})
}

// D-7: changes of one organization that wait for each other leave the
// verifications of others alone.
func TestD7_WaitingChangesBlockNoReads(t *testing.T) {
	w := newWorld(t, storetest.Postgres(t))
	_, secret := w.made("gatehouse_key")
	hold, held := make(chan struct{}), make(chan struct{})
	node := storetest.Open(t, w.cfg)
	stalled := make(chan error, 1)
	go func() {
		stalled <- node.Change(background, w.org.ID, func(*store.Tx) error {
			close(held)
			<-hold
			return errors.New("nothing")
		})
	}()
	<-held
	waiting := make(chan error, 40)
	for range cap(waiting) {
		go func() { waiting <- second(w.Issue(background, w.op, w.ask("gatehouse_key"))) }()
	}
	ctx, cancel := context.WithTimeout(background, 5*time.Second)
	defer cancel()
	for range 50 {
		if d, err := w.Verify(ctx, secret, authority.Verification{}); err != nil || d.Code != credential.OK {
			t.Fatalf("while others wait: %s, %v", d.Code, err)
		}
	}
	close(hold)
	<-stalled
	for range cap(waiting) {
		w.ok(<-waiting)
	}
}
