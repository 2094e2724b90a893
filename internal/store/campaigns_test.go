package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// manyTesters makes an organization with so many campaigns, and so many testers in the
// first of them: every tenth done, every hundredth called Ada.
func manyTesters(t *testing.T, cfg store.Config, st *store.Store, many int) (organization, campaign uuid.UUID) {
	t.Helper()
	ctx, now := context.Background(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	o := &store.Organization{ID: uuid.MustParse(fmt.Sprintf("0198bbbb-0000-7000-8000-%012x", many)), Name: "Acme", CreatedAt: now}
	first := &store.Campaign{ID: uuid.MustParse(fmt.Sprintf("0198cccc-0000-7000-8000-%012x", many)), Organization: o.ID, Name: "First", Status: "draft", CreatedAt: now}
	err := st.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
		tx.Record(audit.Event{Actor: "operator", Action: "organization.create", Target: "organization:" + o.ID.String(), Detail: "{}", At: now})
		if err := tx.InsertOrganization(ctx, o); err != nil {
			return err
		}
		return tx.InsertCampaign(ctx, first)
	})
	if err != nil {
		t.Fatal(err)
	}
	numbers, id := fmt.Sprintf("generate_series(2, %d) AS n(i)", many), fmt.Sprintf(`('0198aaaa-0000-7000-%04x-' || lpad(to_hex(i), 12, '0'))::uuid`, 0x8000+many%997)
	if cfg.DatabaseURL == "" {
		numbers = fmt.Sprintf("(WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n)", many)
		id = fmt.Sprintf(`('0198aaaa-0000-7000-%04x-' || printf('%%012x', i))`, 0x8000+many%997)
	}
	fill := strings.NewReplacer("$id", id, "$numbers", numbers, "$o", "'"+o.ID.String()+"'", "$c", "'"+first.ID.String()+"'",
		"$status", "CASE WHEN i % 10 = 0 THEN 'complete' ELSE 'incomplete' END")
	for _, statement := range []string{
		`INSERT INTO campaigns (id, organization_id, number, name, description, status, created_at, updated_at)
			SELECT $id, $o, i, 'Test ' || i, '', CASE WHEN i % 10 = 0 THEN 'closed' ELSE 'draft' END, 1, 1 FROM $numbers`,
		`INSERT INTO testers (id, campaign_id, number, email, name, status, created_at) SELECT $id, $c, i, 'tester' || i || '@example.com', 'Tester', $status, 1 FROM $numbers`,
		`INSERT INTO tester_words (campaign_id, word, number) SELECT $c, 'tester' || i || '@example.com', i FROM $numbers`,
		`INSERT INTO tester_words (campaign_id, word, number) SELECT $c, CASE WHEN i % 100 = 0 THEN 'ada' ELSE 'tester' END, i FROM $numbers`,
		`INSERT INTO tester_words (campaign_id, word, number) SELECT $c, 'example', i FROM $numbers`,
		`INSERT INTO campaign_issues (id, campaign_id, number, title, description, notes, status, priority, created_at, updated_at)
			SELECT $id, $c, i, 'Issue ' || i, '', '', CASE WHEN i % 10 = 0 THEN 'complete' WHEN i % 10 = 1 THEN 'draft' ELSE 'to_do' END, 'low', 1, 1 FROM $numbers`,
		`ANALYZE`,
	} {
		storetest.Exec(t, storetest.Raw(t, cfg), fill.Replace(statement))
	}
	return o.ID, first.ID
}

// Pages, filters and searches cost about the same, however many there are.
func TestListsOfManyTesters(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		st := storetest.Open(t, cfg)
		ctx := context.Background()
		found := map[string][]func() error{}
		for _, many := range []int{1000, 10_000} {
			organization, campaign := manyTesters(t, cfg, st, many)
			find := func(text string, s store.Section) (int, error) {
				list, _, ok, err := st.FindTesters(ctx, campaign, text, s)
				if err == nil && !ok {
					return 25, nil // it is told so
				}
				return len(list), err
			}
			for name, list := range map[string]func() (int, error){
				"tests": func() (int, error) {
					list, err := st.Campaigns(ctx, organization, store.Section{Limit: 25})
					return len(list), err
				},
				"tests of a status, later": func() (int, error) {
					list, err := st.Campaigns(ctx, organization, store.Section{Status: "closed", Offset: 50, Limit: 25})
					return len(list), err
				},
				"testers": func() (int, error) {
					list, err := st.Testers(ctx, campaign, store.Section{Limit: 25})
					return len(list), err
				},
				"testers of a status": func() (int, error) {
					list, err := st.Testers(ctx, campaign, store.Section{Status: "complete", Limit: 25})
					return len(list), err
				},
				"issues": func() (int, error) {
					list, _, err := st.CampaignIssues(ctx, campaign, nil, store.Section{Limit: 25})
					return len(list), err
				},
				"issues of a status": func() (int, error) {
					list, _, err := st.CampaignIssues(ctx, campaign, []string{"complete"}, store.Section{Offset: 50, Limit: 25})
					return len(list), err
				},
				"issues of some statuses": func() (int, error) {
					list, _, err := st.CampaignIssues(ctx, campaign, []string{"complete", "to_do"}, store.Section{Limit: 25})
					return len(list), err
				},
				"a search that finds many": func() (int, error) { return find("example", store.Section{Limit: 25}) },
				"a search that finds some": func() (int, error) {
					n, err := find("tester99", store.Section{Limit: 25})
					return max(n, 25), err
				},
				"a search for two words": func() (int, error) {
					n, err := find("tester99 example", store.Section{Limit: 25})
					return max(n, 25), err
				},
			} {
				found[name] = append(found[name], func() error {
					n, err := list()
					if err == nil && n != 25 {
						err = fmt.Errorf("%d are listed of %d", n, many)
					}
					return err
				})
			}
		}
		for name, of := range found {
			costs{name: name, few: of[0], many: of[1], factor: 5}.compare(t)
		}
	})
}
