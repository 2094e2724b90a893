package workspace_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// Campaigns are the organization's: its managers and services see and change
// them, its other people see them, and a project's credential reaches none.
func TestWhoSeesCampaigns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		ctx, now := context.Background(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		st := storetest.Open(t, cfg)
		o := &store.Organization{ID: uuid.Must(uuid.NewV7()), Name: "Acme", CreatedAt: now}
		err := st.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
			tx.Record(audit.Event{Actor: "operator", Action: "organization.create", Target: "organization:" + o.ID.String(), Detail: "{}", At: now})
			return tx.InsertOrganization(ctx, o)
		})
		if err != nil {
			t.Fatal(err)
		}
		w := workspace.New(workspace.Config{Store: st, Now: func() time.Time { return now }})
		user := func(role credential.Role) *credential.Principal {
			return &credential.Principal{SubjectType: credential.SubjectUser, Subject: uuid.Must(uuid.NewV7()), Organization: o.ID, Role: role, Permissions: role.Permissions()}
		}
		name := "Space Game"
		made, err := w.CreateCampaign(ctx, user(credential.Owner), workspace.CampaignRequest{Name: &name})
		if err != nil || made.MadeBy != uuid.Nil || made.MadeByUser == uuid.Nil {
			t.Fatalf("an owner makes %+v, %v", made, err)
		}
		confined := user(credential.Owner)
		confined.Credential = &credential.Credential{Project: uuid.Must(uuid.NewV7()), Scheme: &credential.Scheme{}}
		stranger := user(credential.Owner)
		stranger.Organization = uuid.Must(uuid.NewV7())
		operator := credential.Operator()
		for what, row := range map[string]struct {
			p           *credential.Principal
			read, write error
		}{
			"an admin":               {user(credential.Admin), nil, nil},
			"a member":               {user(credential.Member), nil, credential.Forbidden},
			"a guest":                {user(credential.Guest), nil, credential.Forbidden},
			"nobody":                 {&credential.Principal{Organization: o.ID}, credential.Forbidden, credential.Forbidden},
			"a project's credential": {confined, credential.Forbidden, credential.Forbidden},
			"a stranger":             {stranger, credential.NotFound, credential.NotFound},
			"the operator":           {&operator, credential.Forbidden, credential.Forbidden},
		} {
			if _, err := w.Campaign(ctx, row.p, made.Number); !errors.Is(err, row.read) {
				t.Errorf("%s reads: %v, want %v", what, err, row.read)
			}
			if _, err := w.Tester(ctx, row.p, made.Number, 1); !errors.Is(err, credential.NotFound) && !errors.Is(err, row.read) {
				t.Errorf("%s reads a tester: %v", what, err)
			}
			if _, err := w.CopyCampaign(ctx, row.p, workspace.CampaignRef{Number: made.Number}); !errors.Is(err, row.write) {
				t.Errorf("%s writes: %v, want %v", what, err, row.write)
			}
		}
	})
}
