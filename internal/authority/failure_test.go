package authority_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// operations are changes that succeed in a new world while nothing fails; each
// may be done again.
func (w *world) operations(ctx context.Context, c *credential.Credential) map[string]func() error {
	limit, org, project, lead := 7, w.org.ID, w.alpha.ID, w.ref("lead")
	name := func(n string) authority.NameRequest {
		return authority.NameRequest{Name: n, Idempotency: &authority.Idempotency{Key: n}}
	}
	issue := func(scheme string) error {
		r := w.ask(scheme)
		r.Idempotency = &authority.Idempotency{Key: uuid.NewString()}
		return second(w.Issue(ctx, w.op, r))
	}
	return map[string]func() error{
		"issue":       func() error { return issue("gatehouse_key") },
		"issue user":  func() error { return issue("betahub_pat") },
		"issue bound": func() error { return issue("bunship_live") },
		"rotate": func() error {
			return second(w.Rotate(ctx, w.op, c.ID, authority.RotateRequest{Grace: day, Idempotency: &authority.Idempotency{Key: uuid.NewString()}}))
		},
		"update": func() error {
			return second(w.Update(ctx, w.op, c.ID, authority.UpdateRequest{RateLimit: &limit}))
		},
		"suspend": func() error {
			return errors.Join(second(w.Suspend(ctx, w.op, c.ID)))
		},
		"project":              func() error { return second(w.CreateProject(ctx, w.op, org, name(uuid.NewString()))) },
		"organization":         func() error { return second(w.CreateOrganization(ctx, w.op, name(uuid.NewString()))) },
		"project member":       func() error { return w.SetProjectMember(ctx, w.op, w.alpha, lead, credential.ProjectUser) },
		"role":                 func() error { return w.SetRole(ctx, w.op, org, lead, credential.Member) },
		"archive":              func() error { return second(w.ArchiveProject(ctx, w.op, org, project, true)) },
		"suspend organization": func() error { return second(w.SuspendOrganization(ctx, w.op, org, true)) },
		"user": func() error {
			return second(w.CreateUser(ctx, w.op, org, authority.UserRequest{Email: uuid.NewString() + "@example.test", Name: "New", Role: credential.Guest}))
		},
		"revoke": func() error { return second(w.Revoke(ctx, w.op, c.ID)) },
	}
}

// steps are statements of a change, and which operations run into them.
var steps = []struct {
	sort, table string
	hits        []string
}{
	{"INSERT", "audit_events", []string{"issue", "issue user", "issue bound", "rotate", "update", "suspend", "project", "organization", "project member",
		"role", "archive", "suspend organization", "user", "revoke"}},
	{"INSERT", "credentials", []string{"issue", "issue user", "issue bound"}},
	{"INSERT", "secrets", []string{"issue", "issue user", "issue bound", "rotate"}},
	{"INSERT", "idempotency_keys", []string{"issue", "issue user", "issue bound", "rotate", "project", "organization"}},
	{"UPDATE", "secrets", []string{"rotate"}},
	{"UPDATE", "credentials", []string{"rotate", "update", "suspend", "revoke"}},
	{"UPDATE", "audit_chains", []string{"issue", "rotate", "update", "suspend", "project", "organization", "project member", "role", "archive", "user", "revoke"}},
	{"INSERT", "audit_chains", []string{"organization"}},
	{"INSERT", "organizations", []string{"organization"}},
	{"INSERT", "projects", []string{"project"}},
	{"UPDATE", "projects", []string{"archive"}},
	{"UPDATE", "organizations", []string{"suspend organization"}},
	{"UPDATE", "counters", []string{"project", "organization", "user"}},
	{"INSERT", "users", []string{"user"}},
	{"INSERT", "members", []string{"user"}},
	{"UPDATE", "project_members", []string{"project member"}},
}

// wherever in a change the storage fails, the caller hears of it, nothing
// has changed, what worked still works, and later the change succeeds.
func TestR3_StorageFailsAtEachStep(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, secret := w.made("gatehouse_key")
		operations := w.operations(background, c)
		for _, step := range steps {
			allow := storetest.Refuse(t, w.cfg, step.sort, step.table)
			before := storetest.Dump(t, w.raw())
			for _, name := range step.hits {
				what := name + " with " + step.sort + " " + step.table + " failing"
				err := operations[name]()
				if err == nil {
					t.Errorf("%s: got no error", what)
				}
				if w.cfg.DatabaseURL != "" { // the test's failure is a full disk there
					wantKind(t, what, err, credential.StorageFull)
				}
			}
			if after := storetest.Dump(t, w.raw()); after != before {
				t.Errorf("%s %s failing: something was stored", step.sort, step.table)
			}
			w.wantCode(step.sort+" "+step.table+" failing", secret, credential.OK)
			allow()
		}
		for name, do := range operations {
			if name != "revoke" && name != "suspend organization" && name != "archive" && name != "suspend" {
				w.ok(do())
			}
		}
		wantWhole(w)
	})
}

// wantWhole fails unless every audit chain is whole.
func wantWhole(w *world) {
	w.t.Helper()
	reports, err := w.VerifyAudit(background, w.op, uuid.Nil)
	w.ok(err)
	for _, r := range reports {
		if r.Break != nil {
			w.t.Errorf("chain %s: %v", r.Chain, r.Break)
		}
	}
}

// S-12: a caller that has gone gets no decision and changes nothing.
func TestS12_CancelledContext(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.made("gatehouse_key")
		_, unread := w.made("gatehouse_key") // in no cache
		gone, cancel := context.WithCancel(background)
		cancel()
		before := storetest.Dump(t, w.raw())
		for name, do := range w.operations(gone, c) {
			wantKind(t, name, do(), credential.Unavailable)
		}
		d, err := w.Verify(gone, unread, authority.Verification{})
		wantKind(t, "verify: "+string(d.Code), err, credential.Unavailable)
		wantKind(t, "possession", w.RevokeByPossession(gone, unread, here, ""), credential.Unavailable)
		if after := storetest.Dump(t, w.raw()); after != before {
			t.Error("something was changed")
		}
		w.wantCode("later", unread, credential.OK)
		_, err = w.Revoke(background, w.op, c.ID)
		w.ok(err)
	})
}

// S-12: a store that is closed decides nothing; a malformed text needs none.
func TestS12_ClosedStore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, secret := w.made("gatehouse_key")
		w.ok(w.store.Close())
		for name, do := range w.operations(background, c) {
			wantKind(t, name, do(), credential.Unavailable)
		}
		d, err := w.Verify(background, secret, authority.Verification{})
		wantKind(t, "verify: "+string(d.Code), err, credential.Unavailable)
		wantKind(t, "ready", w.Ready(background), credential.Unavailable)
		if d, err := w.Verify(background, "gate_typo", authority.Verification{}); err != nil || d.Code != credential.CodeMalformed {
			t.Errorf("a malformed secret: %s, %v", d.Code, err)
		}
		again := reopened(w)
		again.wantCode("opened again", secret, credential.OK)
		again.revoke(c.ID)
	})
}

// reopened is the same world over a store that was opened anew.
func reopened(w *world) *world {
	w.t.Helper()
	_ = w.store.Close()
	again := *w
	again.store = storetest.Open(w.t, w.cfg)
	again.Authority = authority.New(authority.Config{Store: again.store, Schemes: w.cfg.Schemes, Now: w.clock.now})
	return &again
}

// broken are ways in which the database itself can't be used, and back.
var broken = map[string]struct {
	begin, end func(t *testing.T, db *sql.DB)
}{
	"table gone": {
		func(t *testing.T, db *sql.DB) {
			storetest.Exec(t, db, `ALTER TABLE secrets RENAME TO secrets_elsewhere`)
		},
		func(t *testing.T, db *sql.DB) {
			storetest.Exec(t, db, `ALTER TABLE secrets_elsewhere RENAME TO secrets`)
		},
	},
	"column gone": {
		func(t *testing.T, db *sql.DB) {
			storetest.Exec(t, db, `ALTER TABLE credentials RENAME COLUMN scopes TO scopes_elsewhere`)
		},
		func(t *testing.T, db *sql.DB) {
			storetest.Exec(t, db, `ALTER TABLE credentials RENAME COLUMN scopes_elsewhere TO scopes`)
		},
	},
}

// S-12: a database that answers nonsense is an outage. Nobody hears "unknown".
func TestS12_BrokenDatabase(t *testing.T) {
	for name, way := range broken {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				_, secret := w.made("gatehouse_key")
				way.begin(t, w.raw())
				d, err := w.Verify(background, secret, authority.Verification{})
				wantKind(t, "verify: "+string(d.Code), err, credential.Unavailable)
				way.end(t, w.raw())
				w.wantCode("afterwards", secret, credential.OK)
			})
		})
	}
}

// a database that takes no writes answers reads, refuses changes as
// unavailable, and recovers.
func TestR3_ReadOnlyPostgres(t *testing.T) {
	w := newWorld(t, storetest.Postgres(t))
	c, secret := w.made("gatehouse_key")
	name := databaseName(w)
	admin := storetest.Raw(t, store.Config{DatabaseURL: w.cfg.DatabaseURL})
	readOnly := func(on string) {
		storetest.Exec(t, admin, `ALTER DATABASE `+name+` SET default_transaction_read_only = `+on,
			`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		for range 40 { // the connections of both pools are ended, and found so one by one
			_ = w.store.ForgetIdempotencyRecords(background, time.Time{})
			if w.Ready(background) == nil {
				_, _ = w.store.Organizations(background, uuid.Nil, 1)
			}
		}
	}
	readOnly("on")
	before := storetest.Dump(t, admin)
	for what, do := range w.operations(background, c) {
		wantKind(t, what, do(), credential.Unavailable)
	}
	w.wantCode("while nothing can be written", secret, credential.OK)
	if after := storetest.Dump(t, admin); after != before {
		t.Error("something was changed")
	}
	storetest.Exec(t, admin, `SET default_transaction_read_only = off`)
	readOnly("off")
	w.revoke(c.ID)
	w.wantCode("writable again", secret, credential.CodeRevoked)
}

func databaseName(w *world) (name string) {
	w.t.Helper()
	w.ok(w.raw().QueryRow(`SELECT current_database()`).Scan(&name))
	return name
}

// a disk that can't take the first use of a secret doesn't stop it.
func TestS12_FirstUseNeedsNoWrite(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.ask("gatehouse_key")
		r.Idempotency = key("k")
		secret := w.issue(w.op, r).Secret.Reveal()
		allow := storetest.Refuse(t, w.cfg, "UPDATE", "secrets")
		w.wantCode("while its use can't be noted", secret, credential.OK)
		allow()
		w.wantCode("afterwards", secret, credential.OK)
		w.clock.advance(time.Second)
		_, err := w.Issue(background, w.op, r)
		wantKind(t, "a repeat after the use was noted", err, credential.Conflict)
	})
}
