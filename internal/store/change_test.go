package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// TestChangesOfOneOrganization that wait for each other hold up no other
// organization, however many they are.
func TestChangesOfOneOrganization(t *testing.T) {
	s := storetest.Open(t, storetest.Postgres(t))
	note := func(tx *store.Tx) error { tx.Record(audit.Event{Action: "test", Detail: "{}"}); return nil }
	busy, other := organization(t, s), organization(t, s)
	begun, finish := make(chan bool), make(chan bool)
	const many = 30
	results := make(chan error, many)
	for range many {
		go func() {
			results <- s.Change(t.Context(), busy, func(tx *store.Tx) error {
				begun <- true
				<-finish
				return note(tx)
			})
		}()
	}
	<-begun
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Change(soon, other, note); err != nil {
		t.Error(err)
	}
	close(finish)
	for range many - 1 {
		<-begun
	}
	for range many {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// organization makes one and returns its id.
func organization(t *testing.T, s *store.Store) uuid.UUID {
	t.Helper()
	o := &store.Organization{ID: uuid.New(), Name: "Acme", CreatedAt: time.UnixMilli(1)}
	err := s.Change(t.Context(), uuid.Nil, func(tx *store.Tx) error {
		tx.Record(audit.Event{Action: "organization.create", Detail: "{}"})
		return tx.InsertOrganization(t.Context(), o)
	})
	if err != nil {
		t.Fatal(err)
	}
	return o.ID
}
