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
	"github.com/gatehouse-dev/gatehouse/internal/usage"
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
	write(`INSERT INTO usage_days (organization_id, credential_id, project_id, day, resource, outcome, requests, coins)
		SELECT $o, $id, $o, 20000 + i / 500, 'GET /' || i % 7, 'ok', 1, 2 FROM $numbers`)
	write(`INSERT INTO requests (id, organization_id, credential_id, at, method, path, status, address, user_agent)
		SELECT $id, $o, $o, i, 'GET', '/', 200, '', '' FROM $numbers`)
	write(`INSERT INTO spends (id, organization_id, credential_id, user_id, at, cost, reserved, operation, resource)
		SELECT $id, $o, $id, $o, i, 1, 1, 'service_call', '' FROM $numbers`)
	storetest.Exec(t, db, `ANALYZE`)
}

func spendPlace(i int, id func(int) uuid.UUID) store.SpendPlace {
	return store.SpendPlace{At: time.UnixMilli(int64(i)), ID: id(i)}
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
			"requests": func(i int) (int, error) {
				list, err := st.Calls(ctx, o.ID, at(lots+1-i), 50)
				return len(list), err
			},
			"spends": func(i int) (int, error) {
				list, err := st.Spends(ctx, store.SpendFilter{Organization: o.ID, From: time.UnixMilli(0), Until: time.UnixMilli(1 << 40), Before: spendPlace(lots+1-i, at), Limit: 50})
				return len(list), err
			},
			"somebody's spends": func(i int) (int, error) {
				list, err := st.Spends(ctx, store.SpendFilter{Organization: o.ID, User: o.ID, From: time.UnixMilli(0), Until: time.UnixMilli(1 << 40), Before: spendPlace(lots+1-i, at), Limit: 50})
				return len(list), err
			},
			"usage": func(i int) (int, error) {
				f := store.UsageFilter{Organization: o.ID, From: 20000, Until: 20400, Limit: 50,
					By: []store.Dimension{store.ByDay, store.ByCredential}, After: []string{usage.Day(20000 + i/500).String(), at(i).String()}}
				list, err := st.Usage(ctx, f)
				if err != nil {
					return 0, err
				}
				total, err := st.TotalUsage(ctx, f)
				if total.Requests != lots || total.Coins != 2*lots {
					err = fmt.Errorf("the totals are %+v", total)
				}
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
