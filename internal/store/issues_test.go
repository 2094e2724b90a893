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

// issuesOf fills a project with issues, some of each sort: many of them have
// the tag 1, and few the tag 2.
func issuesOf(t *testing.T, cfg store.Config, project uuid.UUID, many int) {
	t.Helper()
	db := storetest.Raw(t, cfg)
	numbers, id := seriesBySQL(cfg, project, many)
	write := func(format string) {
		t.Helper()
		storetest.Exec(t, db, strings.NewReplacer("$id", id, "$numbers", numbers, "$p", "'"+project.String()+"'").Replace(format))
	}
	write(`INSERT INTO issues (id, number, project_id, category, status, priority, title, description, steps, custom, source, created_at, updated_at)
		SELECT $id, i, $p, CASE i % 3 WHEN 0 THEN 'bug' WHEN 1 THEN 'question' ELSE 'feature_request' END, CASE i % 2 WHEN 0 THEN 'open' ELSE 'closed' END,
			CASE i % 500 WHEN 0 THEN 'critical' ELSE 'low' END, 'Crash', 'words', '', '{}', '', i * 1000, i * 1000 FROM $numbers`)
	for n, every := range []int{10, 500} {
		tag := fmt.Sprintf("'%s-%012d'", project.String()[:23], n)
		write(fmt.Sprintf(`INSERT INTO issue_tags (id, number, project_id, name, color, description, created_at, updated_at) VALUES (%s, %d, $p, '%d', '#000000', '', 0, 0)`, tag, n+1, n))
		write(fmt.Sprintf(`INSERT INTO issue_tagged (tag_id, issue_number, issue_id) SELECT t.id, i, $id FROM $numbers, issue_tags t WHERE t.id = %s AND i %% %d = 0`, tag, every))
	}
	findableBySQL(t, cfg, store.Scope{Noun: "issue", Project: project}, many)
}

// findableBySQL indexes many items whose ids are those of a project and a
// number: each by a word that all have, and one that few have.
func findableBySQL(t *testing.T, cfg store.Config, in store.Scope, many int) {
	t.Helper()
	numbers, id := seriesBySQL(cfg, in.Project, many)
	scope := in.Noun + strings.ReplaceAll(in.Project.String(), "-", "")
	write := func(format string) {
		t.Helper()
		storetest.Exec(t, storetest.Raw(t, cfg), strings.NewReplacer("$id", id, "$numbers", numbers, "$scope", "'"+scope+"'").Replace(format))
	}
	if cfg.DatabaseURL != "" {
		write(`INSERT INTO searchable (item_id, scope, words) SELECT $id, $scope, array_to_tsvector(ARRAY['crash', 'word' || (i % 500)]) FROM $numbers`)
		return
	}
	write(`INSERT INTO searchable (item_id, scope) SELECT $id, $scope FROM $numbers`)
	write(`INSERT INTO search_words (rowid, scope, words) SELECT s.id, $scope, 'crash word' || (i % 500) FROM $numbers JOIN searchable s ON s.item_id = $id`)
}

// seriesBySQL is a table of the numbers i from 1 on, and for each an id that
// begins like the project's.
func seriesBySQL(cfg store.Config, project uuid.UUID, many int) (numbers, id string) {
	head := project.String()[:23]
	if cfg.DatabaseURL == "" {
		return fmt.Sprintf("(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n)", many), `('` + head + `-' || printf('%012x', i))`
	}
	return fmt.Sprintf("generate_series(1, %d) AS n(i)", many), `('` + head + `-' || lpad(to_hex(i), 12, '0'))::uuid`
}

// A list, a filter and a search don't cost as many times more among many issues
// as there are more of them: each has an index, and counts up to a bound.
func TestIssuesAmongMany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		ctx := context.Background()
		st := storetest.Open(t, cfg)
		o := &store.Organization{ID: uuid.MustParse("0198bbbb-0000-7000-8000-000000000001"), Name: "Acme", CreatedAt: time.Now()}
		few := &store.Project{ID: uuid.MustParse("0198cccc-0000-7000-8001-000000000000"), Organization: o.ID, Name: "Few", CreatedAt: time.Now()}
		many := &store.Project{ID: uuid.MustParse("0198cccc-0000-7000-8002-000000000000"), Organization: o.ID, Name: "Many", CreatedAt: time.Now()}
		err := st.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
			tx.Record(audit.Event{Actor: "operator", Action: "organization.create", Target: "organization:" + o.ID.String(), Detail: "{}", At: time.Now()})
			err := tx.InsertOrganization(ctx, o)
			for _, p := range []*store.Project{few, many} {
				if err == nil {
					err = tx.InsertProject(ctx, p)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		issuesOf(t, cfg, few.ID, 1000)
		crowd := among(30_000)
		issuesOf(t, cfg, many.ID, crowd)
		storetest.Exec(t, storetest.Raw(t, cfg), `ANALYZE`)

		second := func(i int) time.Time { return time.Unix(int64(i), 0) }
		filters := map[string]func(many int) store.IssueFilter{
			"all":            func(int) store.IssueFilter { return store.IssueFilter{} },
			"page 40":        func(int) store.IssueFilter { return store.IssueFilter{Skip: 780} },
			"category":       func(int) store.IssueFilter { return store.IssueFilter{Category: "bug"} },
			"status":         func(int) store.IssueFilter { return store.IssueFilter{Status: "open"} },
			"priority":       func(int) store.IssueFilter { return store.IssueFilter{Priority: "critical"} },
			"created after":  func(n int) store.IssueFilter { return store.IssueFilter{CreatedAfter: second(n - 20)} },
			"created before": func(int) store.IssueFilter { return store.IssueFilter{CreatedBefore: second(20)} },
			"updated after":  func(n int) store.IssueFilter { return store.IssueFilter{UpdatedAfter: second(n / 2)} },
			"updated before": func(int) store.IssueFilter { return store.IssueFilter{UpdatedBefore: second(20)} },
			"common tag":     func(int) store.IssueFilter { return store.IssueFilter{Tags: []int64{1}} },
			"rare tag":       func(int) store.IssueFilter { return store.IssueFilter{Tags: []int64{2}} },
			"both tags":      func(int) store.IssueFilter { return store.IssueFilter{Tags: []int64{1, 2}, Status: "open"} },
		}
		asked := map[string]func(p *store.Project, n int) error{}
		for name, filter := range filters {
			asked[name] = func(p *store.Project, n int) error {
				f := filter(n)
				f.Project, f.Limit = p.ID, 20
				if _, err := st.CountIssues(ctx, f); err != nil {
					return err
				}
				_, err := st.Issues(ctx, f)
				return err
			}
		}
		for _, text := range []string{"crash", "cra", "word77", "crash word7", "nothing"} {
			asked["search for "+text] = func(p *store.Project, _ int) error {
				ids, err := st.Search(ctx, store.Scope{Noun: "issue", Project: p.ID}, text)
				if (len(ids) == 0) != (text == "nothing") {
					return fmt.Errorf("%d are found", len(ids))
				}
				return err
			}
		}
		for name, words := range map[string][]string{"common words": {"crash", "word1", "nothing"}, "rare words": {"word77", "nothing"}} {
			asked["any of "+name] = func(p *store.Project, _ int) error {
				_, err := st.SearchAny(ctx, store.Scope{Noun: "issue", Project: p.ID}, words, 200)
				return err
			}
		}
		for name, cost := range asked {
			costs{
				name: name, factor: 15, free: 20 * time.Millisecond,
				few: func() error { return cost(few, 1000) }, many: func() error { return cost(many, crowd) },
			}.compare(t)
		}
	})
}
