package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// lots is how many rows the lists of this test have.
const lots = 100_000

// fill puts lots of credentials, members and events into an organization.
func fill(t *testing.T, cfg store.Config, organization uuid.UUID) {
	t.Helper()
	db := storetest.Raw(t, cfg)
	numbers, key, hash := fmt.Sprintf("generate_series(1, %d) AS n(i)", lots), `decode(lpad(to_hex(i), 64, '0'), 'hex')`, `''::bytea`
	id := `('0198aaaa-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid`
	if cfg.DatabaseURL == "" {
		numbers = fmt.Sprintf("(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n)", lots)
		key, hash, id = `unhex(printf('%064x', i))`, `x''`, `('0198aaaa-0000-7000-8000-' || printf('%012x', i))`
	}
	write := func(format string) {
		t.Helper()
		storetest.Exec(t, db, strings.NewReplacer("$id", id, "$key", key, "$hash", hash, "$numbers", numbers, "$o", "'"+organization.String()+"'").Replace(format))
	}
	write(`INSERT INTO users (id, number, email, name, created_at) SELECT $id, 1000 + i, 'user' || i || '@example.test', 'User', 1 FROM $numbers`)
	write(`INSERT INTO members (organization_id, user_id, role, created_at) SELECT $o, $id, 'member', 1 FROM $numbers`)
	write(`INSERT INTO credentials (id, organization_id, owner, scheme, name, scopes, allowed_addresses, rate_limit, generation, created_at, created_by)
		SELECT $id, $o, 'organization', 'gatehouse_key', 'Key', 'issues:read', '*', 0, 1, 1, 'operator' FROM $numbers`)
	write(`INSERT INTO secrets (lookup_key, credential_id, generation, key_version, fingerprint, hint, created_at, unconfirmed)
		SELECT $key, $id, 1, 1, '00000000', 'gate_…', 1, 0 FROM $numbers`)
	write(`INSERT INTO audit_events (chain, sequence, at, actor, subject, action, target, address, request, detail, previous, hash)
		SELECT $o, 1000 + i, i, 'operator', '', 'credential.issue', 'credential:' || i, '', '', '{}', $hash, $hash FROM $numbers`)
	storetest.Exec(t, db, `ANALYZE`)
}

// Of long lists every page costs the same, wherever it is.
func TestPagesCostTheSame(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		st := storetest.Open(t, cfg)
		o := &store.Organization{ID: uuid.MustParse("0198bbbb-0000-7000-8000-000000000001"), Name: "Acme", CreatedAt: time.Now()}
		err := st.Change(context.Background(), uuid.Nil, func(tx *store.Tx) error {
			tx.Record(audit.Event{Actor: "operator", Action: "organization.create", Target: "organization:" + o.ID.String(), Detail: "{}", At: time.Now()})
			return tx.InsertOrganization(context.Background(), o)
		})
		if err != nil {
			t.Fatal(err)
		}
		fill(t, cfg, o.ID)
		ctx := context.Background()
		at := func(i int) uuid.UUID { return uuid.MustParse(fmt.Sprintf("0198aaaa-0000-7000-8000-%012x", i)) }
		lists := map[string]func(i int) (int, error){
			"credentials": func(i int) (int, error) {
				list, err := st.ListCredentials(ctx, store.Filter{Organization: o.ID, Before: at(lots + 1 - i), Limit: 50, Now: time.Now()})
				return len(list), err
			},
			"members": func(i int) (int, error) {
				list, err := st.Members(ctx, o.ID, at(i), 50)
				return len(list), err
			},
			"audit events": func(i int) (int, error) {
				list, err := st.Events(ctx, o.ID, int64(1000+i), 50)
				return len(list), err
			},
		}
		for name, list := range lists {
			pages := []int{0, lots / 2, lots - 50}
			took := []time.Duration{time.Hour, time.Hour, time.Hour}
			alike := func() bool { return slices.Max(took) <= 4*slices.Min(took) }
			for try := 0; try < 15 || try < 100 && !alike(); try++ { // by turns, and the best of each: the machine may be busy
				for p, i := range pages {
					start := time.Now()
					n, err := list(i)
					if err != nil || n != 50 {
						t.Fatalf("%s after %d: %d, %v", name, i, n, err)
					}
					took[p] = min(took[p], time.Since(start))
				}
			}
			t.Logf("%s: first page %v, middle %v, last %v", name, took[0], took[1], took[2])
			if !alike() {
				t.Errorf("%s: the pages cost %v", name, took)
			}
		}
	})
}
