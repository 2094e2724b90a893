package authority_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// BenchmarkMetered is one verification by one caller and by 64 at once, on both
// databases: unmetered, with a rate limit, and paid from the budget of a project.
func BenchmarkMetered(b *testing.B) {
	for _, database := range []struct {
		name string
		open func(testing.TB) store.Config
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		b.Run(database.name, func(b *testing.B) {
			w := newWorld(b, database.open(b))
			_, unmetered := w.made("gatehouse_key")
			limited := w.ask("gatehouse_key")
			limited.RateLimit = 1_000_000_000
			_, paid := w.made("onetest_key")
			_, err := w.SetBudget(background, w.op, w.org.ID, w.alpha.ID, authority.BudgetChange{Coins: limit.MaxCoins})
			w.ok(err)
			for _, callers := range []int{1, 64} {
				for _, kind := range []struct{ name, secret string }{
					{"unmetered", unmetered}, {"limit", w.issue(w.op, limited).Secret.Reveal()}, {"budget", paid},
				} {
					b.Run(fmt.Sprintf("%s/%d", kind.name, callers), func(b *testing.B) { w.benchCallers(b, kind.secret, callers) })
				}
			}
		})
	}
}

func (w *world) benchCallers(b *testing.B, secret string, callers int) {
	b.ReportAllocs()
	if callers == 1 {
		for b.Loop() {
			w.benchOne(b, secret)
		}
		return
	}
	b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w.benchOne(b, secret)
		}
	})
}

func (w *world) benchOne(b *testing.B, secret string) {
	if d, err := w.Verify(background, secret, authority.Verification{}); err != nil || d.Code != credential.OK {
		b.Error(d.Code, err)
	}
}
