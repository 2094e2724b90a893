package authority_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// newRoot is a new root key.
func (w *world) newRoot() *seal.Root {
	w.t.Helper()
	root, err := seal.Generate(rand.Reader)
	return must(w, root, err)
}

// keyed restarts the world with some root keys.
func (w *world) keyed(keys ...*seal.Root) {
	w.t.Helper()
	w.ok(w.store.Close())
	w.cfg = withKeys(w, keys...)
	w.start()
}

// start is the second half of a restart.
func (w *world) start() {
	w.t.Helper()
	w.store = storetest.Open(w.t, w.cfg)
	w.Authority = authority.New(authority.Config{Store: w.store, Schemes: w.cfg.Schemes, Now: w.clock.now, Issuer: issuer, PasswordMemory: cheap})
}

func withKeys(w *world, keys ...*seal.Root) store.Config {
	var texts []string
	for _, k := range keys {
		texts = append(texts, k.Text())
	}
	cfg := w.cfg
	cfg.RootKey = func(string) (*seal.Root, error) { return seal.ParseAll(strings.Join(texts, "\n")) }
	return cfg
}

// wantStart fails unless a start with some keys is refused with these words.
func (w *world) wantStart(what, words string, keys ...*seal.Root) {
	w.t.Helper()
	w.ok(w.store.Close())
	if s, err := store.Open(background, withKeys(w, keys...)); err == nil || !strings.Contains(err.Error(), words) {
		w.t.Errorf("%s: got %v, %v, want %q", what, s, err, words)
	}
	w.start()
}

// aged is one of everything that is stored under a root key.
type aged struct {
	secret, unseen, unconfirmed string
	asked                       authority.IssueRequest
	credential                  *credential.Credential
	bearer, cookie              *authority.SignedIn
	refreshToken                string
	code, invitation            string
	factor                      *authority.TwoFactorSetup
	hook                        authority.WebhookRef
	signed                      []string // the secrets of the webhook
}

func (w *world) age() *aged {
	w.t.Helper()
	o := &aged{}
	o.credential, o.secret = w.made("gatehouse_key")
	_, o.unseen = w.made("gatehouse_key")
	w.imported(legacy(1), authority.IssueRequest{})
	w.imported(legacy(2), authority.IssueRequest{})
	w.imported(legacy(3), authority.IssueRequest{})
	w.wantCode("an imported one", legacy(2), credential.OK)
	o.asked = w.ask("gatehouse_key")
	o.asked.Idempotency = key("k")
	o.unconfirmed = w.issue(w.op, o.asked).Secret.Reveal()
	w.person("ada", credential.Member)
	w.person("bob", credential.Member)
	o.factor = w.enable(w.session("bob"))
	o.bearer = w.signIn("ada")
	o.refreshToken = w.signIn("ada").Token.Reveal()
	r := login("ada")
	r.Cookie = true
	cookie, err := w.SignIn(background, r)
	o.cookie = must(w, cookie, err)
	w.person("eve", credential.Member)
	code, err := w.PasswordCode(background, w.op, w.ref("eve"))
	o.code = must(w, code, err).Reveal()
	invited, err := w.Invite(background, w.op, w.other.ID, authority.InviteRequest{Email: "ada@example.test", Role: credential.Guest})
	o.invitation = must(w, invited, err).Code.Reveal()
	for range 5 {
		_ = w.tries("locked@example.test", here)
	}
	url := "https://hooks.example.com/"
	hook, err := w.CreateWebhook(background, w.op, w.org.ID, authority.WebhookRequest{URL: &url})
	w.ok(err)
	o.hook = authority.WebhookRef{Organization: w.org.ID, ID: hook.ID}
	next, err := w.RotateWebhook(background, w.op, o.hook, false)
	o.signed = []string{must(w, next, err).Secret.Reveal(), hook.Secret.Reveal()}
	w.ok(w.store.Quietly(background, func(tx *store.Tx) error {
		return tx.Post(background, rand.Reader, store.Letter{To: "ada@example.test", Subject: "s", Text: "t"}, w.clock.now(), w.clock.now().Add(day))
	}))
	return o
}

// wantAll fails unless all of it works, once more.
func (w *world) wantAll(o *aged) {
	w.t.Helper()
	for range 2 {
		for what, secret := range map[string]string{
			"a secret": o.secret, "an imported secret": legacy(1), "one that was seen": legacy(2), "a session": o.bearer.Access.Token.Reveal(), "a cookie": o.cookie.Token.Reveal(),
		} {
			w.wantCode(what, secret, credential.OK)
		}
	}
	again := w.bring(w.op, w.line(legacy(1), authority.IssueRequest{}), w.line(legacy(3), authority.IssueRequest{}))
	if again[0].Result != authority.ImportExisting || again[1].Result != authority.ImportExisting {
		w.t.Errorf("imported again: got %+v", again)
	}
	repeat := w.issue(w.op, o.asked)
	w.wantCode("the secret that a repeat replaced", o.unconfirmed, credential.CodeRevoked)
	w.wantCode("the secret of a repeat", repeat.Secret.Reveal(), credential.OK)
	next, err := w.refresh(o.refreshToken)
	w.ok(err)
	w.ok(second(w.refresh(o.refreshToken))) // whose answer was lost
	w.ok(second(w.refresh(next.Token.Reveal())))
	w.ok(w.ResetPassword(background, o.code, "yet another horse", authority.Origin{}))
	w.ok(second(w.AcceptInvitation(background, w.principal(o.bearer.Access.Token.Reveal()), o.invitation)))
	w.clock.advance(30 * time.Second)
	w.ok(second(w.SignIn(background, withCode("bob", codeAt(o.factor.Secret.Reveal(), w.clock.now())))))
	w.ok(second(w.SignIn(background, withCode("bob", o.factor.BackupCodes[0].Reveal()))))
	wantRefused(w.t, "a locked account", w.tries("locked@example.test", here), locked)
	w.wantMail()
	w.wantHook(o)
	wantWhole(w)
}

// wantHook fails unless the webhook has both of its secrets.
func (w *world) wantHook(o *aged) {
	w.t.Helper()
	hook, err := w.Webhook(background, w.op, o.hook)
	w.ok(err)
	secrets, err := w.store.WebhookSecrets(hook, hook.UpdatedAt)
	if w.ok(err); len(secrets) != 2 || secrets[0].Reveal() != o.signed[0] || secrets[1].Reveal() != o.signed[1] {
		w.t.Errorf("the webhook has the secrets %v", secrets)
	}
}

func (w *world) wantMail() {
	w.t.Helper()
	due, err := w.store.DueMessages(background, w.clock.now(), 10)
	w.ok(err)
	for i := range due {
		if l, err := w.store.Letter(&due[i]); err != nil || l.Text != "t" {
			w.t.Errorf("a mail: got %+v, %v", l, err)
		}
	}
	if len(due) != 1 {
		w.t.Errorf("%d mails wait", len(due))
	}
}

// needs is what still needs a root key.
func (w *world) needs(version int) map[string]int {
	w.t.Helper()
	list, err := w.RootKeys(background, w.op)
	w.ok(err)
	for _, k := range list {
		if k.Version == version {
			return k.Needs
		}
	}
	w.t.Fatalf("there is no root key %d", version)
	return nil
}

// K-15: while two root keys are there, everything that is under either works;
// once the old one is retired it is good for nothing.
func TestK15_RootKeyRotation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first := w.store.Root()
		o := w.age()
		next := w.newRoot()
		w.wantStart("the new key alone", "wrong root key", next)
		w.keyed(first, next) // on every node, before the first makes anything with it
		w.wantCode("the new key is only understood", o.secret, credential.OK)
		w.keyed(next, first)
		if needs := w.needs(1); needs["secrets"] == 0 || needs["sessions"] == 0 || needs["backup_codes"] != 10 || needs["seeds"] != 1 || needs["mails"] != 1 || needs["invitations"] != 1 || needs["links"] != 1 {
			t.Errorf("needed at first by %v", needs)
		}
		w.wantAll(o)
		made := w.issue(w.op, w.ask("gatehouse_key")).Secret.Reveal()
		for _, version := range []int{2, 7} {
			if err := w.RetireRootKey(background, w.op, version, true); err == nil {
				t.Errorf("root key %d is retired", version)
			}
		}
		wantKind(t, "a key that is needed", w.RetireRootKey(background, w.op, 1, false), credential.Conflict)
		owner := w.as("owner")
		wantKind(t, "by an owner", w.RetireRootKey(background, owner, 1, true), credential.Forbidden)
		needs := w.needs(1)
		if needs["secrets"] == 0 || needs["backup_codes"] != 9 || needs["seeds"]+needs["mails"]+needs["signing_keys"]+needs["webhooks"] != 0 {
			t.Errorf("after it was used, and sealed anew: needed by %v", needs)
		}
		w.wantStart("without the old key", "is missing", next)
		w.ok(w.RetireRootKey(background, w.op, 1, true))
		wantKind(t, "once more", w.RetireRootKey(background, w.op, 1, true), credential.Conflict)
		for _, keys := range [][]*seal.Root{{next, first}, {next}} {
			w.keyed(keys...)
			for what, secret := range map[string]string{
				"used meanwhile": o.secret, "imported": legacy(1), "imported and seen": legacy(2), "made meanwhile": made, "a cookie": o.cookie.Token.Reveal(), "a session": o.bearer.Access.Token.Reveal(),
			} {
				w.wantCode(what, secret, credential.OK)
			}
			w.wantCode("not used meanwhile", o.unseen, credential.CodeUnknown)
			w.wantCode("imported and not used", legacy(3), credential.CodeUnknown)
			w.clock.advance(30 * time.Second)
			w.ok(second(w.SignIn(background, withCode("bob", codeAt(o.factor.Secret.Reveal(), w.clock.now())))))
			w.wantMail()
			wantWhole(w)
		}
		w.wantStart("the retired key first", "was retired", first, next)
		w.wantStart("the retired key alone", "wrong root key", first)
	})
}

// K-15: a database from before a rotation works with the keys from after it.
func TestK15_OlderBackup(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, secret := w.made("gatehouse_key")
		first, second, third := w.store.Root(), w.newRoot(), w.newRoot()
		w.keyed(third, second, first)
		w.wantCode("with two newer keys before its own", secret, credential.OK)
		wantWhole(w)
	})
}

// K-15: a rotation that fails at any step, or is killed there, goes on later.
func TestK15_FailsAtEachStep(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, secret := w.made("gatehouse_key")
		w.person("ada", credential.Member)
		factor := w.enable(w.session("ada"))
		first, next := w.store.Root(), w.newRoot()
		allow := storetest.Refuse(t, w.cfg, "INSERT", "installation")
		w.ok(w.store.Close())
		if _, err := store.Open(background, withKeys(w, next, first)); err == nil {
			t.Error("a key that can't be registered is used")
		}
		allow()
		w.start()
		w.wantCode("with the old key", secret, credential.OK)
		w.keyed(next, first)
		for _, step := range [][2]string{{"UPDATE", "two_factor"}, {"UPDATE", "signing_keys"}, {"UPDATE", "audit_chains"}, {"INSERT", "audit_events"}, {"UPDATE", "installation"}, {"DELETE", "sign_in_attempts"}} {
			if step[1] == "sign_in_attempts" {
				_ = w.tries("nobody@example.test", here)
			}
			allow := storetest.Refuse(t, w.cfg, step[0], step[1])
			if err := w.RetireRootKey(background, w.op, 1, true); err == nil {
				t.Errorf("%v failing: got no error", step)
			}
			allow()
			w.keyed(next, first) // as after a kill
			w.clock.advance(30 * time.Second)
			w.ok(second(w.SignIn(background, withCode("ada", codeAt(factor.Secret.Reveal(), w.clock.now())))))
			wantWhole(w)
		}
		allow = storetest.Refuse(t, w.cfg, "UPDATE", "secrets")
		w.wantCode("while its new key can't be stored", secret, credential.OK)
		allow()
		w.wantCode("afterwards", secret, credential.OK)
		w.ok(w.RetireRootKey(background, w.op, 1, true))
		w.keyed(next)
		w.wantCode("with the new key", secret, credential.OK)
		wantWhole(w)
	})
}
