package store_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

func TestOpenTwice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		first := storetest.Open(t, cfg)
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		storetest.Open(t, cfg)
	})
}
