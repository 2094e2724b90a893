package store

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// TestR2_CacheFence: what was read before a change never gets in after it, and
// nothing is answered while it is under way.
func TestR2_CacheFence(t *testing.T) {
	c := newCache(1000)
	key, other := lookupKey{1}, lookupKey{2}
	old, fresh := &credential.Standing{}, &credential.Standing{}
	_, ticket := c.get(key)
	c.put(key, old, ticket)
	c.put(other, old, 0)
	if got, _ := c.get(key); got != old {
		t.Fatal("what was put is not there")
	}
	_, before := c.get(key) // a read begins
	open := c.close([]lookupKey{key}, false)
	got, during := c.get(key)
	if got != nil {
		t.Error("the cache answers while the change is under way")
	}
	c.put(key, old, during)
	open()
	for name, ticket := range map[string]uint64{"before": before, "during": during} {
		c.put(key, old, ticket)
		if got, _ := c.get(key); got != nil {
			t.Errorf("a read from %s the change got in after it", name)
		}
	}
	_, after := c.get(key)
	c.put(key, fresh, after)
	if got, _ := c.get(key); got != fresh {
		t.Error("a read from after the change is not let in")
	}
	if got, _ := c.get(other); got != old {
		t.Error("a change of one credential dropped another's")
	}
	c.close(nil, true)()
	if got, _ := c.get(other); got != nil {
		t.Error("a change of everything left something")
	}
}

// TestCacheIsBounded whatever is put into it.
func TestCacheIsBounded(t *testing.T) {
	c := newCache(512)
	for i := range 100_000 {
		key := lookupKey{byte(i), byte(i >> 8), byte(i >> 16)}
		_, ticket := c.get(key)
		c.put(key, &credential.Standing{}, ticket)
	}
	n := 0
	for i := range c.shard {
		n += len(c.shard[i].entries)
	}
	if n > 512 {
		t.Errorf("it holds %d, want at most 512", n)
	}
}
