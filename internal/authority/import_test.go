package authority_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// legacy is a secret that another system made.
func legacy(n int) string { return fmt.Sprintf("legacy-%032d==", n) }

// line asks for the import of a secret, by its hash.
func (w *world) line(secret string, r authority.IssueRequest) authority.ImportLine {
	if r.Scheme == "" {
		r.Scheme = "gatehouse_key"
		r.Scopes = []credential.Scope{"projects:read", "issues:write"}
	}
	if r.Name == "" {
		r.Name = "Legacy"
	}
	return authority.ImportLine{IssueRequest: r, Digest: credential.DigestOf(secret)}
}

func (w *world) bring(p *credential.Principal, lines ...authority.ImportLine) []authority.Imported {
	w.t.Helper()
	out, err := w.Import(background, p, authority.ImportRequest{Organization: w.org.ID, Lines: lines})
	return must(w, out, err)
}

// imported is a credential with an imported secret.
func (w *world) imported(secret string, r authority.IssueRequest) uuid.UUID {
	w.t.Helper()
	got := w.bring(w.op, w.line(secret, r))[0]
	if got.Result != authority.ImportDone {
		w.t.Fatalf("import: got %+v", got)
	}
	return got.Credential
}

// wantLineRefused fails unless a line is refused for a field.
func wantLineRefused(t testing.TB, what string, got authority.Imported, kind credential.ErrorKind, field string) {
	t.Helper()
	shown, _ := got.Err.(*credential.Error)
	if got.Result != authority.ImportRefused || shown == nil || shown.Kind != kind || shown.Field != field || shown.Detail == "" {
		t.Errorf("%s: got %s, %v, want refused as %s for %q", what, got.Result, got.Err, kind, field)
	}
}

// An imported secret verifies like ours, gets a lookup key when it is first
// seen, and its credential has a life like any other.
func TestImport(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		text := legacy(1)
		w.wantCode("before anything is imported", text, credential.CodeMalformed)
		id := w.imported(text, authority.IssueRequest{Name: "Old", Addresses: []string{"203.0.113.0/24"}, RateLimit: 2, Expiry: credential.ExpiryChoice{In: day}})
		before := keysOf(w, id)
		w.wantCode("another text", legacy(2), credential.CodeUnknown)
		w.wantCode("the hash itself", hex.EncodeToString(digest(text)), credential.CodeUnknown)
		w.wantCode("first use", text, credential.OK)
		if after := keysOf(w, id); after == before || len(after) != len(before) {
			t.Errorf("the secret has the key %s after its first use, and had %s", after, before)
		}
		w.wantCode("second use", text, credential.OK)
		w.wantCode("third use in a minute", text, credential.CodeRateLimited)
		w.clock.advance(time.Minute)
		d := w.verify(text, authority.Verification{Address: here, Permission: credential.MembersRead})
		if d.Code != credential.CodeScope || d.Standing.Credential.ID != id || d.Standing.Credential.Scheme.Name != "gatehouse_key" {
			t.Errorf("beyond its scopes: got %s of %+v", d.Code, d.Standing)
		}
		if got := w.verify(text, authority.Verification{}).Code; got != credential.CodeAddress {
			t.Errorf("from an unknown address: got %s", got)
		}
		detail, err := w.Get(background, w.op, id)
		w.ok(err)
		if s := detail.Secrets[0]; s.Hint != credential.HintImported || s.Fingerprint != credential.NewSecret(text).Fingerprint() {
			t.Errorf("it is shown as %+v", s)
		}
		for _, as := range []credential.Presentation{credential.AsBearer, credential.AsAPIKeyHeader} {
			if !w.Accepts(text, as) {
				t.Errorf("it isn't taken as %s", as)
			}
		}
		if w.Accepts(text, credential.AsBare) || w.Accepts(text, credential.AsCookie) {
			t.Error("it is taken from elsewhere")
		}
		w.clock.advance(day)
		w.wantCode("at its end", text, credential.CodeExpired)
		w.reopen()
		w.wantCode("after a restart", text, credential.CodeExpired)
	})
}

func digest(text string) []byte { d := credential.DigestOf(text); return d[:] }

// keysOf is the lookup key of a credential's first secret.
func keysOf(w *world, id uuid.UUID) string {
	w.t.Helper()
	var key []byte
	w.ok(w.raw().QueryRow(`SELECT lookup_key FROM secrets WHERE generation = 1 AND credential_id = $1`, id).Scan(&key))
	return hex.EncodeToString(key)
}

// Each line is answered for itself, or one keeps out all.
func TestImportAnswersEachLine(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		plain := authority.ImportLine{IssueRequest: w.line("", authority.IssueRequest{}).IssueRequest, Secret: legacy(1)}
		with := func(secret string) authority.ImportLine { l := plain; l.Secret = secret; return l }
		scoped := plain
		scoped.Scopes = []credential.Scope{"nonsense"}
		both := plain
		both.Digest = credential.DigestOf("x")
		client := w.line(legacy(3), authority.IssueRequest{Scheme: "betatesting_client"})
		token := w.line(legacy(3), authority.IssueRequest{Scheme: "betahub_project_token", Scopes: []credential.Scope{"can_create_bug_report"}})
		lines := []authority.ImportLine{
			plain, plain, with(""), with("short"), with("gate_0123456789012345678901234567890123456789"), with("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
			with("has a space in its middle"), with(strings.Repeat("a", 513)), scoped, both, client, token, w.line(legacy(2), authority.IssueRequest{}),
		}
		w.clock.advance(time.Second)
		empty := storetest.Dump(t, w.raw())
		for _, r := range []authority.ImportRequest{{DryRun: true}, {AllOrNothing: true}, {DryRun: true, AllOrNothing: true}} {
			r.Organization, r.Lines = w.org.ID, append([]authority.ImportLine{}, lines...)
			out, err := w.Import(background, w.op, r)
			w.ok(err)
			want := authority.ImportDone
			if r.AllOrNothing {
				want = authority.ImportSkipped
			}
			if got := out[0]; got.Result != want || got.Credential != uuid.Nil {
				t.Errorf("%+v: got %+v, want %s", r.DryRun, got, want)
			}
		}
		if got := storetest.Dump(t, w.raw()); got != empty {
			t.Error("something was stored")
		}
		out := w.bring(w.op, append([]authority.ImportLine{}, lines...)...)
		if out[0].Result != authority.ImportDone || out[1].Result != authority.ImportExisting || out[1].Credential != out[0].Credential {
			t.Errorf("the same secret twice: got %+v, %+v", out[0], out[1])
		}
		for i, field := range []string{"sha256", "secret", "secret", "secret", "secret", "secret", "scopes", "secret", "scheme", "scheme"} {
			wantLineRefused(t, fmt.Sprint("line ", i+3), out[i+2], credential.Invalid, field)
		}
		if last := out[len(out)-1]; last.Result != authority.ImportDone {
			t.Errorf("after wrong lines: got %+v", last)
		}
		again := w.bring(w.op, lines[0])[0]
		if again.Result != authority.ImportExisting || again.Credential != out[0].Credential {
			t.Errorf("again: got %+v", again)
		}
		w.wantCode("imported", legacy(1), credential.OK)
		w.revoke(out[0].Credential)
		if again := w.bring(w.op, lines[0])[0]; again.Result != authority.ImportExisting {
			t.Errorf("after the secret was seen, and the credential revoked: got %+v", again)
		}
		w.wantCode("imported again", legacy(1), credential.CodeRevoked)
		wantWhole(w)
	})
}

// S-3: an import hands on no more than an issue would, and brings nobody a
// token of another user.
func TestS3_ImportHandsOnNoMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.ref("member")
		own := authority.IssueRequest{Scheme: "betahub_pat", User: &ada}
		key := w.key("credentials:write", "credentials:read", "projects:read")
		out := w.bring(key, w.line(legacy(1), authority.IssueRequest{}), w.line(legacy(2), own))
		wantLineRefused(t, "scopes beyond its own", out[0], credential.Forbidden, "scopes")
		wantLineRefused(t, "another's token", out[1], credential.Forbidden, "")
		out = w.bring(w.as("admin"), w.line(legacy(1), authority.IssueRequest{}), w.line(legacy(2), own))
		if out[0].Result != authority.ImportDone {
			t.Errorf("an admin: got %+v", out[0])
		}
		wantLineRefused(t, "another's token by an admin", out[1], credential.Forbidden, "")
		out = w.bring(w.as("member"), w.line(legacy(3), authority.IssueRequest{}), w.line(legacy(2), own), w.line(legacy(1), own))
		wantLineRefused(t, "a key of the organization by a member", out[0], credential.Forbidden, "")
		if out[1].Result != authority.ImportDone {
			t.Errorf("one's own token: got %+v", out[1])
		}
		wantLineRefused(t, "what others imported", out[2], credential.Conflict, "")
		_, err := w.Import(background, w.as("stranger"), authority.ImportRequest{Organization: w.org.ID, Lines: []authority.ImportLine{w.line(legacy(4), own)}})
		wantKind(t, "another organization", err, credential.NotFound)
		_, err = w.Import(background, w.as("guest"), authority.ImportRequest{Organization: w.org.ID, Lines: []authority.ImportLine{w.line(legacy(4), own)}})
		wantKind(t, "a guest", err, credential.Forbidden)
		other, err := w.Import(background, w.op, authority.ImportRequest{Organization: w.other.ID, Lines: []authority.ImportLine{w.line(legacy(1), authority.IssueRequest{})}})
		w.ok(err)
		wantLineRefused(t, "a secret of another organization", other[0], credential.Conflict, "")
	})
}

// K-7: where nothing was imported, a text of no scheme is refused without
// asking the database; where something was, only what can't be imported is.
func TestK7_ImportedTextsAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		secret := legacy(1)
		garbage := []string{"", " ", "short", "gate_" + strings.Repeat("0", 40), secret + " ", " " + secret, secret + "\n", secret + "\x00", "=" + secret, secret + ",x", secret[:8] + "=" + secret[9:], strings.Repeat("a", 513), "Größe" + secret, "%6c" + secret[1:]}
		malformed := func(w *world, texts ...string) {
			for _, text := range texts {
				if d, err := w.Verify(background, text, authority.Verification{}); err != nil || d.Code != credential.CodeMalformed || w.Accepts(text, credential.AsBearer) {
					t.Errorf("%.50q: got %s, %v", text, d.Code, err)
				}
			}
		}
		w.ok(w.store.Close())
		malformed(w, append(garbage, secret)...)
		w = reopened(w)
		w.imported(secret, authority.IssueRequest{})
		w.ok(w.store.Close())
		malformed(w, garbage...)
		_, err := w.Verify(background, secret, authority.Verification{})
		wantKind(t, "an imported one", err, credential.Unavailable)
		w = reopened(w)
		w.wantCode("opened again", secret, credential.OK)
	})
}

// whatever ends an imported credential ends it at once: before its secret
// was seen, after it, and while both happen at once.
func TestR1_ImportedSecretsEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		unseen := w.imported(legacy(1), authority.IssueRequest{})
		w.revoke(unseen)
		w.wantCode("revoked before it was seen", legacy(1), credential.CodeRevoked)
		seen := w.imported(legacy(2), authority.IssueRequest{})
		w.wantCode("seen", legacy(2), credential.OK)
		_, err := w.Suspend(background, w.op, seen)
		w.ok(err)
		w.wantCode("suspended", legacy(2), credential.CodeSuspended)
		_, err = w.Resume(background, w.op, seen)
		w.ok(err)
		w.wantCode("resumed", legacy(2), credential.OK)
		w.ok(w.RevokeByPossession(background, legacy(2), here, ""))
		w.wantCode("revoked by whoever found it", legacy(2), credential.CodeRevoked)
		for n := 10; n < 20; n++ {
			id := w.imported(legacy(n), authority.IssueRequest{})
			race(5, func(i int) {
				if i == 0 {
					_, _ = w.Revoke(background, w.op, id)
					return
				}
				_, _ = w.Verify(background, legacy(n), authority.Verification{Address: here})
			})
			w.wantCode("revoked while it was first seen", legacy(n), credential.CodeRevoked)
		}
	})
}

// another node takes an imported secret as soon as it knows of imports,
// and refuses it once it is revoked.
func TestR1_ImportOnAnotherNode(t *testing.T) {
	w := newWorld(t, storetest.Postgres(t))
	far := *w
	far.store = storetest.Open(t, w.cfg)
	far.Authority = authority.New(authority.Config{Store: far.store, Schemes: w.cfg.Schemes, Now: w.clock.now})
	id := w.imported(legacy(1), authority.IssueRequest{})
	far.wantCode("before the other node knows", legacy(1), credential.CodeMalformed)
	w.ok(far.store.FindImports(background))
	far.wantCode("there", legacy(1), credential.OK)
	w.wantCode("here", legacy(1), credential.OK)
	w.revoke(id)
	far.wantCode("revoked", legacy(1), credential.CodeRevoked)
}

// a rotation gives an imported credential a secret of its scheme, and
// the imported one the grace, whether it was seen before or not.
func TestR10_ImportedSecretIsRotated(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.ref("member")
		for i, r := range []authority.IssueRequest{{}, {Scheme: "betahub_pat", User: &ada}, {Scheme: "onetest_key", Project: &store.ProjectRef{ID: w.alpha.ID}}} {
			for _, seen := range []bool{true, false} {
				text := legacy(2*i + map[bool]int{true: 1}[seen])
				id := w.imported(text, r)
				if seen {
					w.wantCode("seen", text, credential.OK)
				}
				fresh := w.rotate(id, authority.RotateRequest{Grace: time.Hour})
				w.wantCode("the new secret", fresh, credential.OK)
				w.wantCode("within the grace", text, credential.OK)
				w.clock.advance(time.Hour)
				w.wantCode("after the grace", text, credential.CodeRevoked)
				w.wantCode("the new secret, later", fresh, credential.OK)
			}
		}
	})
}

// an import goes by the count limits of its scheme.
func TestX6_ImportCounts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var lines []authority.ImportLine
		for n := range 11 {
			lines = append(lines, w.line(legacy(n), authority.IssueRequest{Scheme: "bunship_live", Scopes: []credential.Scope{"*"}}))
		}
		out := w.bring(w.op, lines...)
		if out[9].Result != authority.ImportDone {
			t.Errorf("the tenth: got %+v", out[9])
		}
		wantLineRefused(t, "the eleventh", out[10], credential.LimitReached, "")
	})
}

// wherever an import fails, nothing of it is stored; a secret whose new
// key can't be stored works all the same.
func TestR3_ImportFailsAtEachStep(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		lines := []authority.ImportLine{w.line(legacy(1), authority.IssueRequest{}), w.line(legacy(2), authority.IssueRequest{})}
		before := storetest.Dump(t, w.raw())
		for _, step := range [][2]string{{"INSERT", "credentials"}, {"INSERT", "secrets"}, {"INSERT", "audit_events"}, {"UPDATE", "audit_chains"}} {
			allow := storetest.Refuse(t, w.cfg, step[0], step[1])
			_, err := w.Import(background, w.op, authority.ImportRequest{Organization: w.org.ID, Lines: lines})
			if err == nil {
				t.Errorf("%v failing: got no error", step)
			}
			allow()
			if after := storetest.Dump(t, w.raw()); after != before {
				t.Errorf("%v failing: something was stored", step)
			}
		}
		gone, cancel := context.WithCancel(background)
		cancel()
		_, err := w.Import(gone, w.op, authority.ImportRequest{Organization: w.org.ID, Lines: lines})
		wantKind(t, "a caller that has gone", err, credential.Unavailable)
		w.bring(w.op, lines...)
		allow := storetest.Refuse(t, w.cfg, "UPDATE", "secrets")
		w.wantCode("while its key can't be stored", legacy(1), credential.OK)
		allow()
		w.wantCode("afterwards", legacy(1), credential.OK)
		wantWhole(w)
	})
}

// K-2: an imported secret is nowhere in the database, given as it is or as a
// hash, nor is anything that it could be tested against without the root key.
func TestK2_ImportedSecretIsNowhere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		line := authority.ImportLine{IssueRequest: w.line("", authority.IssueRequest{}).IssueRequest, Secret: legacy(1)}
		w.bring(w.op, line)
		for _, when := range []string{"unseen", "seen"} {
			dump := storetest.Dump(t, w.raw())
			for _, text := range []string{legacy(1), hex.EncodeToString([]byte(legacy(1))), hex.EncodeToString(digest(legacy(1)))} {
				if strings.Contains(dump, text) {
					t.Errorf("%s: the database holds %s", when, text)
				}
			}
			w.wantCode(when, legacy(1), credential.OK)
		}
	})
}
