package authority_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// huge is an SQL expression of a text of a megabyte.
const huge = `'<1MB>'`

// poison is a value that a column must not have. refuse says that the
// credential mustn't work any more; where it may, others mustn't suffer.
type poison struct {
	table, column, value string
	refuse               bool
}

// poisons are for both databases; the first list holds what PostgreSQL can
// store, the second what only SQLite can, whose columns were loosened.
func poisons() (both, sqlite []poison) {
	const unknown = `'01900000-0000-7000-8000-000000000000'`
	refused := map[string][]string{
		"credentials.organization_id": {`NULL`, unknown}, "credentials.project_id": {`NULL`, unknown}, "credentials.user_id": {unknown},
		"credentials.scheme": {`NULL`, `''`, `'nobody'`, `'betahub_pat'`, `'bunship_live'`, huge}, "credentials.name": {`NULL`, `''`, huge},
		"credentials.scopes": {`NULL`, `''`, `'nonsense'`, `'*'`, huge}, "credentials.allowed_addresses": {`NULL`, `' '`, `'x'`, `'10.0.0.0/99'`, huge},
		"credentials.rate_limit": {`NULL`}, "credentials.generation": {`NULL`}, "credentials.created_by": {`NULL`},
		"credentials.revoked_at": {`0`, `-1`}, "credentials.suspended_at": {`0`, `-1`}, "credentials.expires_at": {`0`, `-1`, `-9223372036854775808`},
		"credentials.not_before": {`9223372036854775807`},
		"secrets.lookup_key":     {`NULL`}, "secrets.credential_id": {`NULL`, unknown}, "secrets.generation": {`NULL`},
		"secrets.ends_at": {`0`, `-1`}, "secrets.unconfirmed": {`NULL`}, "secrets.takes_over": {`NULL`},
	}
	harmless := map[string][]string{
		"credentials.client_id": {`''`, huge}, "credentials.created_at": {`NULL`, `-1`, `9223372036854775807`}, "credentials.created_by": {`''`, huge},
		"credentials.generation": {`0`, `-1`, `9223372036854775807`}, "credentials.rate_limit": {`-1`, `9223372036854775807`},
		"credentials.expires_at": {`9223372036854775807`},
		"secrets.hint":           {`NULL`, `''`, huge}, "secrets.fingerprint": {`NULL`, `''`, huge}, "secrets.created_at": {`NULL`, `-1`},
		"secrets.key_version": {`NULL`, `-1`},
	}
	wrong := map[string][]string{}
	for _, column := range []string{"id", "organization_id", "project_id", "scheme", "name", "scopes", "allowed_addresses", "rate_limit", "generation",
		"not_before", "expires_at", "suspended_at", "revoked_at"} {
		wrong["credentials."+column] = []string{`x'ff00fe'`, `CAST(x'fffe' AS TEXT)`}
		if column != "name" { // for which these are good
			wrong["credentials."+column] = append(wrong["credentials."+column], `'x'`, `1.5`)
		}
	}
	wrong["credentials.id"] = append(wrong["credentials.id"], `NULL`, `''`, huge, `'xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx'`)
	for _, column := range []string{"lookup_key", "credential_id", "generation", "ends_at", "unconfirmed", "takes_over"} {
		wrong["secrets."+column] = []string{`'x'`, `x'ff'`, `CAST(x'fffe' AS TEXT)`, `1.5`}
	}
	return append(flat(refused, true), flat(harmless, false)...), flat(wrong, true)
}

func flat(m map[string][]string, refuse bool) (list []poison) {
	for where, values := range m {
		table, column, _ := strings.Cut(where, ".")
		for _, value := range values {
			list = append(list, poison{table, column, value, refuse})
		}
	}
	return list
}

func (p poison) String() string { return p.table + "." + p.column + " = " + p.value }

// victim is a credential whose row is poisoned.
type victim struct {
	poison
	id     uuid.UUID
	secret string
}

// D-17: a row that can't be what it says harms its own credential alone:
// start-up, every other verification and the list go on.
func TestD17_EveryColumnPoisoned(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		list, sqlite := poisons()
		if w.cfg.DatabaseURL == "" {
			list = append(list, sqlite...)
		}
		r := w.ask("onetest_key")
		r.Scopes = []credential.Scope{"testruns:read"}
		good := w.issue(w.op, r)
		victims := make([]victim, len(list))
		for i, p := range list {
			out := w.issue(w.op, r)
			victims[i] = victim{p, out.Credential.ID, out.Secret.Reveal()}
		}
		w.ok(w.store.Close())
		storetest.Loosen(t, w.cfg, "secrets")
		storetest.Loosen(t, w.cfg, "credentials")
		db := w.raw()
		for _, v := range victims {
			v.apply(t, db)
		}
		w = reopened(w)
		for _, v := range victims {
			d, err := w.Verify(background, v.secret, in(w.alpha, credential.ResultsRead))
			switch {
			case err != nil:
				t.Errorf("%v: %v, want a decision", v, err)
			case v.refuse && d.Code == credential.OK:
				t.Errorf("%v: the credential still works", v)
			}
		}
		w.wantCode("a credential beside them", good.Secret.Reveal(), credential.OK)
		w.wantListed(victims, good.Credential.ID)
		wantWhole(w)
	})
}

// apply poisons the victim's row, and makes sure that it took.
func (v victim) apply(t *testing.T, db *sql.DB) {
	t.Helper()
	key := "id"
	if v.table == "secrets" {
		key = "credential_id"
	}
	value := strings.ReplaceAll(v.value, "<1MB>", strings.Repeat("x", 1<<20))
	result, err := db.Exec(fmt.Sprintf(`UPDATE %s SET %s = %s WHERE %s = $1`, v.table, v.column, value, key), v.id.String())
	if err != nil {
		t.Fatalf("%v: %.200v", v, err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		t.Fatalf("%v: %d rows, %v", v, n, err)
	}
}

// wantListed fails unless the list holds every victim that has an id, damaged
// or not, and the good one whole.
func (w *world) wantListed(victims []victim, good uuid.UUID) {
	w.t.Helper()
	damaged, whole := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	list, err := w.List(background, w.op, authority.ListRequest{Limit: 1000})
	if err != nil {
		w.t.Errorf("the list can't be read at all: %v", err)
		return
	}
	for _, d := range list {
		if d.Credential != nil {
			whole[d.Credential.ID] = true
		} else {
			damaged[d.Damaged] = true
		}
	}
	if !whole[good] {
		w.t.Error("the good credential is not in the list")
	}
	for _, v := range victims {
		if (v.table != "credentials" || v.column != "id") && !whole[v.id] && !damaged[v.id] {
			w.t.Errorf("%v: the credential is not in the list", v)
		}
	}
}

// D-17: what is damaged can still be stopped, or says clearly that it can't;
// nothing panics over it.
func TestD17_DamagedCredentialIsManageable(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, p := range []poison{
			{"credentials", "expires_at", `253402300800000`, false}, // the year 10000
			{"credentials", "created_at", `9223372036854775807`, false}, {"credentials", "scheme", `'nobody'`, true},
		} {
			c, secret := w.made("onetest_key")
			victim{p, c.ID, secret}.apply(t, w.raw())
			func() {
				defer func() {
					if cause := recover(); cause != nil {
						t.Errorf("%v: revoking panics: %v", p, cause)
					}
				}()
				_, err := w.Revoke(background, w.op, c.ID)
				if w.code(secret) == credential.OK {
					t.Errorf("%v: it can't be revoked (%v) and works", p, err)
				}
			}()
		}
	})
}

// A credential whose scheme is no longer declared is shown as damaged, and can
// be revoked by its id: by whoever looks after the whole organization, and by
// nobody else.
func TestD17_SchemeNoLongerDeclared(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.made("onetest_key")
		victim{poison{"credentials", "scheme", `'nobody'`, true}, c.ID, ""}.apply(t, w.raw())
		for _, name := range []string{"lead", "member", "guest", "stranger"} {
			wantKind(t, "shown to "+name, second(w.Get(background, w.as(name), c.ID)), credential.NotFound)
			wantKind(t, "revoked by "+name, second(w.Revoke(background, w.as(name), c.ID)), credential.NotFound)
		}
		wantKind(t, "renamed", second(w.Suspend(background, w.op, c.ID)), credential.Damaged)
		before, err := w.Get(background, w.as("owner"), c.ID)
		w.ok(err)
		after, err := w.Revoke(background, w.as("owner"), c.ID)
		w.ok(err)
		again, err := w.Revoke(background, w.op, c.ID)
		w.ok(err)
		if before.Damaged != c.ID || before.State != "" || after.State != credential.Revoked || again.State != credential.Revoked {
			t.Errorf("before %+v, after %+v, again %+v; want it damaged, then revoked", before, after, again)
		}
		list, err := w.List(background, w.as("owner"), authority.ListRequest{Limit: 100})
		w.ok(err)
		for _, d := range list {
			if d.Damaged == c.ID && d.State != credential.Revoked {
				t.Error("the list doesn't say that it was revoked")
			}
		}
		events := w.events(w.org.ID)
		w.wantEvent(events[len(events)-1:], w.as("owner"), "credential.revoke", "credential:"+c.ID.String())
		wantWhole(w)
	})
}
