package workspace

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// A whole run is stored within a change, of which it says no more than it must.
func TestStoreRunWithinAChange(t *testing.T) {
	t.Parallel()
	cfg, ctx, now := storetest.SQLite(t), t.Context(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	st := storetest.Open(t, cfg)
	w := New(Config{Store: st, Now: func() time.Time { return now }})
	o := &store.Organization{ID: uuid.Must(uuid.NewV7()), Name: "Acme", CreatedAt: now}
	p := &store.Project{ID: uuid.Must(uuid.NewV7()), Organization: o.ID, Name: "Game", CreatedAt: now}
	err := st.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
		tx.Record(audit.Event{Actor: "operator", Action: "organization.create", Target: "organization:" + o.ID.String(), Detail: "{}", At: now})
		if err := tx.InsertOrganization(ctx, o); err != nil {
			return err
		}
		return tx.InsertProject(ctx, p)
	})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := cfg.Schemes.ByName("testkase_pat").Text.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	operator := credential.Operator()
	run := &store.TestRun{Source: "launch", Name: "smoke"}
	err = w.change(ctx, &operator, want{store.ProjectRef{ID: p.ID}, credential.ResultsWrite}, func(ch *change) error {
		ch.record("test_result.report", "test_cycle:"+p.ID.String(), struct{}{})
		return w.storeRun(ctx, ch, run, []store.TestResult{{Name: "a", Status: "passed"}, {Name: "b", Status: "error", Message: "with " + secret.Reveal()}})
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := st.TestRunNumbered(ctx, p.ID, 1)
	if err != nil || got.ID != run.ID || got.Cycle != p.ID || got.Status != store.RunFailed || got.Errors != 1 || got.Counts.Total != 2 || got.Redacted != 1 || !got.FinishedAt.Equal(now) {
		t.Errorf("got %+v, %v", got, err)
	}
	results, err := st.TestResults(ctx, run.ID, 0, 10)
	if err != nil || len(results) != 2 || results[1].Message != "with tk_pat_"+strings.Repeat("*", 40) || !results[1].Error {
		t.Errorf("got %+v, %v", results, err)
	}
}
