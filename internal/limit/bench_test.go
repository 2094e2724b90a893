package limit

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
)

// hot has the calls that a server makes all the time.
var hot = []struct {
	name    string
	takes   []Take
	refused bool
}{
	{"one", takes(MaxLimit, 1), false},
	{"one, refused", takes(1, 1), true},
	{"three", takes(MaxLimit, 3), false},
	{"three, refused", append(takes(MaxLimit, 2), takes(1, 1)...), true},
}

func takes(limit, n int) (list []Take) {
	for i := range n {
		list = append(list, Take{ForCredential(uuid.UUID{byte(i), byte(limit)}), Rate{limit, time.Hour}})
	}
	return list
}

func BenchmarkTake(b *testing.B) {
	for _, bm := range hot {
		b.Run(bm.name, func(b *testing.B) {
			m := New(1 << 16)
			m.Take(start, bm.takes...)
			b.ReportAllocs()
			for b.Loop() {
				if m.Take(start, bm.takes...).Allowed == bm.refused {
					b.Fatal("another outcome than was to be measured")
				}
			}
		})
	}
}

// BenchmarkTakeOfMany is one client of 100,000 after the other, on all processors.
func BenchmarkTakeOfMany(b *testing.B) {
	const clients = 100_000
	var n atomic.Int64
	m := New(clients)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			m.Take(start.Add(time.Duration(i)*time.Microsecond), numbered(int(i%clients), Rate{60, time.Minute}))
		}
	})
}

// BenchmarkFull has each call push another limit out.
func BenchmarkFull(b *testing.B) {
	const size = 100_000
	m := New(size)
	for i := range size {
		m.Take(start, numbered(i, Rate{60, time.Hour}))
	}
	i := size
	b.ReportAllocs()
	for b.Loop() {
		m.Take(start.Add(time.Duration(i)), numbered(i, Rate{60, time.Hour}))
		i++
	}
}
