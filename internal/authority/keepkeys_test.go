package authority

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// A signing key whose successor waited verifies until the tokens of devices have
// ended that it signed, whoever asked for that; where a new one signs at once, the
// ones before end within 65 minutes.
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
	operator := credential.Operator()
	now = now.Add(time.Hour)
	keys, err = a.RotateSigningKeys(ctx, &operator, false)
	if err != nil || len(keys) != 3 || !keys[1].VerifiesUntil.Equal(keys[0].SignsFrom.Add(longOverlap)) {
		t.Errorf("rotated, the keys are %+v, %v", keys, err)
	}
	now = now.Add(time.Hour)
	if keys, err = a.RotateSigningKeys(ctx, &operator, true); err != nil || len(keys) != 4 {
		t.Fatalf("rotated at once, the keys are %+v, %v", keys, err)
	}
	for _, key := range keys[1:] {
		if key.VerifiesUntil.After(now.Add(overlap)) {
			t.Errorf("a key before verifies until %s: it is %s", key.VerifiesUntil, now)
		}
	}
	for range 2 * mostKeys { // as often as it goes
		now = now.Add(publishFirst + time.Second)
		if _, err = a.RotateSigningKeys(ctx, &operator, false); err != nil {
			break
		}
	}
	if !errors.Is(err, credential.Conflict) {
		t.Errorf("rotated again and again: %v", err)
	}
	if keys, err = a.RotateSigningKeys(ctx, &operator, true); err != nil || keys[0].State != "current" {
		t.Errorf("a key leaks meanwhile: %+v, %v", keys, err)
	}
}
