package authority

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// A signing key that was only old verifies until the tokens of devices have
// ended that it signed.
func TestBHD34_OldKeyVerifiesForADay(t *testing.T) {
	t.Parallel()
	cfg, now := storetest.SQLite(t), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := New(Config{Store: storetest.Open(t, cfg), Schemes: cfg.Schemes, Issuer: "https://keys.example.test", Now: func() time.Time { return now }})
	ctx := context.Background()
	if err := a.keepKeys(ctx); err != nil {
		t.Fatal(err)
	}
	now = now.Add(keyLifetime + time.Second)
	if err := a.keepKeys(ctx); err != nil {
		t.Fatal(err)
	}
	keys, err := a.signingKeys(ctx)
	if err != nil || len(keys) != 2 || keys[0].State != "next" || keys[1].VerifiesUntil.Before(keys[0].SignsFrom.Add(DeviceLasts)) {
		t.Errorf("the keys are %+v, %v", keys, err)
	}
}
