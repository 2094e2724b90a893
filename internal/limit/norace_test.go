//go:build !race

package limit

import (
	"net/netip"
	"testing"

	"github.com/google/uuid"
)

// TestAllocations: none, but for a limit that is new. The race detector has some of its own.
func TestAllocations(t *testing.T) {
	for _, tt := range hot {
		m := New(100)
		m.Take(start, tt.takes...)
		if n := testing.AllocsPerRun(100, func() { m.Take(start, tt.takes...) }); n != 0 {
			t.Errorf("%s: got %v allocations, want none", tt.name, n)
		}
		if n := testing.AllocsPerRun(100, func() { m.Peek(start, tt.takes[0]) }); n != 0 {
			t.Errorf("Peek, %s: got %v allocations, want none", tt.name, n)
		}
	}
	m, id, address := New(100), uuid.UUID{1}, netip.MustParseAddr("2001:db8::1")
	built := func() {
		m.Take(start, Take{ForCredential(id), perMinute}, Take{ForAddress("sign-in", address), perMinute})
	}
	if n := testing.AllocsPerRun(100, built); n != 0 {
		t.Errorf("with keys made on the way: got %v allocations, want none", n)
	}
}
