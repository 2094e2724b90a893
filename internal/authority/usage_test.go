package authority_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// use is the latest use of a credential as Get and List show it.
func (w *world) use(id uuid.UUID) credential.Use {
	w.t.Helper()
	d, err := w.Get(background, w.op, id)
	w.ok(err)
	list, err := w.List(background, w.op, authority.ListRequest{Limit: 1000})
	w.ok(err)
	for _, l := range list {
		if l.Credential.ID == id && !cmp.Equal(l.Use, d.Use, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })) {
			w.t.Errorf("the list shows %+v, get %+v", l.Use, d.Use)
		}
	}
	return d.Use
}

func (w *world) wantUse(what string, id uuid.UUID, want credential.Use) {
	w.t.Helper()
	if got := w.use(id); !got.At.Equal(want.At) || got.Address != want.Address || got.UserAgent != want.UserAgent {
		w.t.Errorf("%s: got %+v, want %+v", what, got, want)
	}
}

// The latest use is shown at once, is stored by Flush, and outlives a restart.
func TestLastUse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, secret := w.made("bunship_live")
		w.wantUse("never used", c.ID, credential.Use{})
		want := credential.Use{At: w.clock.now(), Address: here, UserAgent: "curl/8"}
		w.verify(secret, authority.Verification{Address: here, UserAgent: "curl/8"})
		w.wantUse("before a flush", c.ID, want)
		w.ok(w.Flush(background))
		w.wantUse("after a flush", c.ID, want)
		w.clock.advance(time.Hour)
		refused := credential.Use{At: w.clock.now(), Address: netip.MustParseAddr("2001:db8::1"), UserAgent: "other"}
		w.verify(secret, authority.Verification{Permission: credential.OrganizationWrite, Address: refused.Address, UserAgent: "other"})
		w.ok(w.Flush(background))
		w.wantUse("a request beyond its rights", c.ID, refused)
		w.revoke(c.ID)
		w.clock.advance(time.Hour)
		w.verify(secret, authority.Verification{Address: here})
		w.ok(w.Flush(background))
		w.wantUse("a request after revocation", c.ID, refused)
		reopened(w).wantUse("after a restart", c.ID, refused)
	})
}

// Of two nodes the later use stays, whichever stores last.
func TestLastUse_OlderNeverReplacesNewer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, secret := w.made("bunship_live")
		slow := authority.New(authority.Config{Store: w.store, Schemes: w.cfg.Schemes, Now: w.clock.now})
		if _, err := slow.Verify(background, secret, authority.Verification{UserAgent: "older"}); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(time.Second)
		want := credential.Use{At: w.clock.now(), UserAgent: "newer"}
		w.verify(secret, authority.Verification{UserAgent: "newer"})
		w.ok(w.Flush(background))
		w.ok(slow.Flush(background))
		w.wantUse("after the slow node's flush", c.ID, want)
	})
}

// versions is what changes when anything is written to the database.
func versions(w *world) (text string) {
	w.t.Helper()
	db := w.raw()
	defer db.Close()
	if w.cfg.DatabaseURL == "" {
		return storetest.Dump(w.t, db)
	}
	for _, table := range storetest.Tables { // a row that is written, even with the same values, has another version
		text += storetest.Dump(w.t, db, `(SELECT xmin::text, ctid::text, cmin::text FROM `+table+`) AS `+table)
	}
	return text
}

// A thousand reads write nothing; the flush after them writes one row.
func TestLastUse_NoWritePerRead(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, secret := w.made("bunship_live")
		watch, version := w.raw(), 0
		watch.SetMaxOpenConns(1) // data_version tells one connection of the commits of all others
		committed := func() int {
			if w.cfg.DatabaseURL == "" {
				w.ok(watch.QueryRow(`PRAGMA data_version`).Scan(&version))
			}
			return version
		}
		before, commits := versions(w), committed()
		for range 1000 {
			w.wantCode("read", secret, credential.OK)
		}
		if versions(w) != before || committed() != commits {
			t.Error("reads wrote to the database")
		}
		w.ok(w.Flush(background))
		if rows := strings.Count(storetest.Dump(t, w.raw(), "credential_uses"), "credential_id="); rows != 1 {
			t.Errorf("the flush wrote %d rows, want 1", rows)
		}
		if w.cfg.DatabaseURL == "" && committed() == commits {
			t.Error("data_version doesn't show a commit: the test proves nothing")
		}
		before, commits = versions(w), committed()
		w.ok(w.Flush(background))
		if versions(w) != before || committed() != commits {
			t.Error("a flush of nothing wrote to the database")
		}
	})
}

// What a client says of itself can't keep anybody's use from being stored.
func TestLastUse_StrangeAgents(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		good, goodSecret := w.made("betahub_pat")
		for _, agent := range []string{"\xff\xfe", "a\x00b", strings.Repeat("é", 200), "x" + strings.Repeat("é", 200), strings.Repeat("x", 1<<20), "\ud7ff\u202e\ufffd", "line\nbreak"} {
			c, secret := w.made("gatehouse_key")
			w.clock.advance(time.Second)
			w.verify(secret, authority.Verification{UserAgent: agent})
			w.verify(goodSecret, authority.Verification{UserAgent: "good"})
			w.ok(w.Flush(background))
			again := reopened(w)
			if got := again.use(c.ID); !got.At.Equal(w.clock.now()) || !utf8.ValidString(got.UserAgent) || len(got.UserAgent) > 256 || strings.ContainsAny(got.UserAgent, "\x00\n") {
				t.Errorf("agent %.20q is kept as %.40q of %v", agent, got.UserAgent, got.At)
			}
			again.wantUse("another's", good.ID, credential.Use{At: w.clock.now(), UserAgent: "good"})
			*w = *again
		}
	})
}

// What couldn't be stored is stored later, unless something newer came.
func TestLastUse_FlushFailsAndRecovers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, secret := w.made("bunship_live")
		w.verify(secret, authority.Verification{UserAgent: "first"})
		first := credential.Use{At: w.clock.now(), UserAgent: "first"}
		allow := storetest.Refuse(t, w.cfg, "INSERT", "credential_uses")
		for range 3 {
			if err := w.Flush(background); err == nil {
				t.Error("a flush that failed says nothing")
			}
		}
		w.wantUse("while it can't be stored", c.ID, first)
		allow()
		w.ok(w.Flush(background))
		reopened(w).wantUse("afterwards", c.ID, first)
	})
}
