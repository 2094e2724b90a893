package shared

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/limit"
	"github.com/gatehouse-dev/gatehouse/internal/limit/redistest"
)

// BenchmarkLimiter is one take, and all four of a request, on what one node
// remembers and on Redis, by one caller and by 64.
func BenchmarkLimiter(b *testing.B) {
	limiters := map[string]limit.Limiter{
		"memory": limit.Alone{Memory: limit.New(1 << 16)},
		"redis":  running(b, Config{URL: redistest.URL(b), Timeout: patient}),
	}
	for _, kind := range []string{"memory", "redis"} {
		for _, takes := range []int{1, 4} {
			for _, callers := range []int{1, 64} {
				b.Run(fmt.Sprintf("%s, takes=%d, callers=%d", kind, takes, callers), func(b *testing.B) {
					list := make([]limit.Take, takes)
					for i := range list {
						list[i] = limit.Take{Key: limit.For(fmt.Sprint(i), uuid.New()), Rate: limit.Rate{Limit: limit.MaxLimit, Window: time.Hour}}
					}
					many(b, limiters[kind], callers, list)
				})
			}
		}
	}
}

func many(b *testing.B, l limit.Limiter, callers int, list []limit.Take) {
	b.ReportAllocs()
	left := make(chan struct{}, callers)
	for range callers {
		go func() {
			for range b.N / callers {
				if o, err := l.Take(b.Context(), start, list...); err != nil || !o.Allowed || o.Degraded {
					b.Errorf("got %+v, %v", o, err)
					break
				}
			}
			left <- struct{}{}
		}()
	}
	for range callers {
		<-left
	}
}
