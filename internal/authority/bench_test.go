package authority_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/limit/redistest"
	"github.com/gatehouse-dev/gatehouse/internal/limit/shared"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// BenchmarkVerify is one verification on SQLite with the credential in the
// cache; most of it should be the HMAC of BenchmarkHMAC.
func BenchmarkVerify(b *testing.B) {
	w := newWorld(b, storetest.SQLite(b))
	_, secret := w.made("gatehouse_key")
	v := authority.Verification{Permission: credential.IssuesRead, Address: here, UserAgent: "benchmark"}
	w.verify(secret, v)
	b.ReportAllocs()
	for b.Loop() {
		d, err := w.Verify(background, secret, v)
		if err != nil || d.Code != credential.OK {
			b.Fatal(d.Code, err)
		}
	}
}

// BenchmarkVerifyParallel is the same from all cores at once.
func BenchmarkVerifyParallel(b *testing.B) {
	w := newWorld(b, storetest.SQLite(b))
	_, secret := w.made("gatehouse_key")
	w.verify(secret, authority.Verification{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if d, err := w.Verify(background, secret, authority.Verification{}); err != nil || d.Code != credential.OK {
				b.Error(d.Code, err)
			}
		}
	})
}

// BenchmarkVerifyLimited is BenchmarkVerify beside what a limit adds to it: none,
// that of the credential and all four, in memory and by Redis, by one caller
// and by 64.
func BenchmarkVerifyLimited(b *testing.B) {
	redis, err := shared.New(shared.Config{URL: redistest.URL(b), Timeout: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	for name, limits := range map[string]limit.Limiter{"memory": nil, "redis": redis} {
		w := newWorld(b, storetest.SQLite(b))
		w.Authority = authority.New(authority.Config{Store: w.store, Schemes: w.cfg.Schemes, Issuer: issuer, PasswordMemory: cheap, Limits: limits})
		r := w.ask("onetest_key")
		free := w.issue(w.op, r).Secret.Reveal()
		r.RateLimit = credential.MaxRequests
		limited := w.issue(w.op, r).Secret.Reveal()
		for _, callers := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s, none, callers=%d", name, callers), func(b *testing.B) { w.verifyAtOnce(b, callers, free) })
			b.Run(fmt.Sprintf("%s, one, callers=%d", name, callers), func(b *testing.B) { w.verifyAtOnce(b, callers, limited) })
		}
		most := credential.Rate{Requests: credential.MaxRequests, Window: time.Second}
		w.ok(w.SetProjectRate(background, w.op, w.alpha, most))
		w.ok(w.SetOrganizationLimits(background, w.op, w.org.ID, credential.Limits{Rate: most, AddressRate: credential.MaxRequests}))
		for _, callers := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s, four, callers=%d", name, callers), func(b *testing.B) { w.verifyAtOnce(b, callers, limited) })
		}
	}
}

// verifyAtOnce has so many callers share the verifications.
func (w *world) verifyAtOnce(b *testing.B, callers int, secret string) {
	w.verify(secret, authority.Verification{Address: here})
	b.ReportAllocs()
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	race(callers, func(int) {
		for left.Add(-1) >= 0 {
			if d, err := w.Verify(background, secret, authority.Verification{Address: here}); err != nil || d.Code != credential.OK {
				b.Error(d.Code, err)
			}
		}
	})
}

// BenchmarkHMAC is HMAC-SHA-256 of a secret, with the key's state kept.
func BenchmarkHMAC(b *testing.B) {
	w := newAuthority(b, storetest.SQLite(b), nil)
	w.org = w.organization("Acme")
	_, text := w.made("gatehouse_key")
	secret, mac, out := []byte(text), hmac.New(sha256.New, make([]byte, 32)), make([]byte, 0, sha256.Size)
	b.ReportAllocs()
	for b.Loop() {
		mac.Reset()
		mac.Write(secret)
		_ = mac.Sum(out)
	}
}

// BenchmarkRevokeMany ends as many credentials as one call may name, on both
// databases: without an endpoint, and with one that is told of each.
func BenchmarkRevokeMany(b *testing.B) {
	for name, open := range map[string]func(testing.TB) store.Config{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, open(b))
			w.staff()
			lines := make([]authority.ImportLine, authority.MaxBulk)
			for i := range lines {
				lines[i] = w.line(legacy(i), authority.IssueRequest{})
			}
			ids := make([]uuid.UUID, len(lines))
			for i, made := range w.bring(w.op, lines...) {
				ids[i] = made.Credential
			}
			b.Run("quiet", func(b *testing.B) { w.benchRevoke(b, ids) })
			url := "https://hooks.example.com/"
			if _, err := w.CreateWebhook(background, w.op, w.org.ID, authority.WebhookRequest{URL: &url}); err != nil {
				b.Fatal(err)
			}
			b.Run("told", func(b *testing.B) { w.benchRevoke(b, ids) })
		})
	}
}

func (w *world) benchRevoke(b *testing.B, ids []uuid.UUID) {
	ctx, cancel := context.WithCancel(background) // like that of a request
	defer cancel()
	db, owner := w.raw(), w.in("the-owner")
	for b.Loop() {
		if _, err := w.RevokeMany(ctx, owner, ids, true); err != nil {
			b.Fatal(err)
		}
		b.StopTimer() // behind the store's back they work again
		storetest.Exec(b, db, `UPDATE credentials SET revoked_at = NULL`)
		b.StartTimer()
	}
}
