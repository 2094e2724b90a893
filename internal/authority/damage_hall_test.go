package authority_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// TestD17_PoisonedRow: a row that says something impossible harms only its own
// credential; others verify, and the list shows it as damaged.
func TestD17_PoisonedRow(t *testing.T) {
	inHall(t, func(h *hall) {
		db := storetest.Raw(h.t, h.cfg)
		for column, value := range map[string]any{
			"scheme": "nobody", "allowed_addresses": "10.0.0.0/99", "user_id": uuid.Nil.String(), "organization_id": nil,
		} {
			r := h.request("onetest_key")
			poisoned, other := h.issue(r), h.issue(r)
			query := fmt.Sprintf(`UPDATE credentials SET %s = $1 WHERE id = $2`, column)
			if column == "user_id" || column == "organization_id" { // impossible together with a project
				query = fmt.Sprintf(`UPDATE credentials SET %s = $1, project_id = NULL WHERE id = $2`, column)
				if column == "user_id" {
					value = nil
				}
			}
			if _, err := db.Exec(query, value, poisoned.Credential.ID.String()); err != nil {
				h.t.Fatalf("%s: %v", column, err)
			}
			h.says(credential.CodeUnknown, poisoned.Secret)
			h.says(credential.OK, other.Secret)
			list, err := h.a.List(context.Background(), &h.operator, authority.ListRequest{Limit: 200})
			h.must(err)
			found := false
			for _, d := range list {
				found = found || d.Damaged == poisoned.Credential.ID
			}
			if !found {
				h.t.Errorf("%s: the damaged credential is not in the list as such", column)
			}
		}
	})
}

// TestU3_TamperedAudit names the first broken event of the chain in the database.
func TestU3_TamperedAudit(t *testing.T) {
	for name, row := range map[string]struct {
		query string
		want  int64
	}{
		"altered": {`UPDATE audit_events SET actor = 'nobody' WHERE chain = $1 AND sequence = 3`, 3},
		"removed": {`DELETE FROM audit_events WHERE chain = $1 AND sequence = 2`, 2},
		"cut off": {`DELETE FROM audit_events WHERE chain = $1 AND sequence >= 4`, 4},
	} {
		t.Run(name, func(t *testing.T) {
			inHall(t, func(h *hall) {
				for range 4 {
					h.issue(h.request("gatehouse_key"))
				}
				h.brokenAt(0)
				if _, err := storetest.Raw(h.t, h.cfg).Exec(row.query, h.organization.String()); err != nil {
					h.t.Fatal(err)
				}
				h.brokenAt(row.want)
			})
		})
	}
}

// brokenAt compares the first broken event of the hall's chain; 0 is none.
func (h *hall) brokenAt(want int64) {
	h.t.Helper()
	reports, err := h.a.VerifyAudit(context.Background(), &h.operator, h.organization)
	h.must(err)
	got := int64(0)
	if b := reports[0].Break; b != nil {
		got = b.Sequence
	}
	if got != want {
		h.t.Errorf("got %d for the first broken event, want %d", got, want)
	}
}

// TestR1_RevokeUnderLoad: once a revocation is answered, no verification that
// begins afterwards passes, however many run and fill the cache.
func TestR1_RevokeUnderLoad(t *testing.T) {
	inHall(t, func(h *hall) {
		for range 20 {
			issued := h.issue(h.request("gatehouse_key"))
			stop := make(chan struct{})
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
							_, err := h.a.Verify(context.Background(), issued.Secret.Reveal(), authority.Verification{})
							if err != nil {
								h.t.Error(err)
								return
							}
						}
					}
				})
			}
			_, err := h.a.Revoke(context.Background(), &h.operator, issued.Credential.ID)
			h.must(err)
			for range 20 {
				h.says(credential.CodeRevoked, issued.Secret)
			}
			close(stop)
			wg.Wait()
			h.says(credential.CodeRevoked, issued.Secret)
		}
	})
}

// TestS5_RightsOfTheMoment: what happens to the owner takes effect at the next
// verification.
func TestS5_RightsOfTheMoment(t *testing.T) {
	inHall(t, func(h *hall) {
		ctx := context.Background()
		pat, key := h.issue(h.request("betahub_pat")), h.issue(h.request("onetest_key"))
		writes := func(want credential.Code) {
			h.t.Helper()
			d, err := h.a.Verify(ctx, pat.Secret.Reveal(), authority.Verification{Permission: credential.IssuesWrite})
			h.must(err)
			if d.Code != want {
				h.t.Errorf("got %s, want %s", d.Code, want)
			}
		}
		writes(credential.OK)
		admin := authority.UserRef{Email: hallAdmin}
		_, err := h.a.CreateUser(ctx, &h.operator, h.organization, authority.UserRequest{Email: "owner@hall.test", Name: "Owner", Role: credential.Owner})
		h.must(err)
		h.must(h.a.SetRole(ctx, &h.operator, h.organization, admin, credential.Guest))
		writes(credential.CodeForbidden)
		h.must(h.a.SetRole(ctx, &h.operator, h.organization, admin, ""))
		writes(credential.CodeOwnerInactive)
		if err := h.a.SetRole(ctx, &h.operator, h.organization, authority.UserRef{Email: "owner@hall.test"}, credential.Member); !errors.Is(err, credential.Conflict) {
			h.t.Errorf("the last owner steps down: got %v, want a conflict", err)
		}
		_, err = h.a.ArchiveProject(ctx, &h.operator, h.organization, h.project, true)
		h.must(err)
		h.says(credential.CodeOwnerInactive, key.Secret)
		_, err = h.a.ArchiveProject(ctx, &h.operator, h.organization, h.project, false)
		h.must(err)
		h.says(credential.OK, key.Secret)
		_, err = h.a.SuspendOrganization(ctx, &h.operator, h.organization, true)
		h.must(err)
		h.says(credential.CodeOwnerInactive, key.Secret)
		h.advance(time.Hour)
		_, err = h.a.SuspendOrganization(ctx, &h.operator, h.organization, false)
		h.must(err)
		h.says(credential.OK, key.Secret)
	})
}

// TestS3_NobodyHandsOnMore than they have, nor another's token.
func TestS3_NobodyHandsOnMore(t *testing.T) {
	inHall(t, func(h *hall) {
		ctx := context.Background()
		principal := func(r authority.IssueRequest) *credential.Principal {
			d, err := h.a.Verify(ctx, h.issue(r).Secret.Reveal(), authority.Verification{})
			h.must(err)
			return &d.Principal
		}
		narrow := h.request("gatehouse_key")
		narrow.Scopes = []credential.Scope{"credentials:read", "credentials:write"}
		service := principal(narrow)
		wide := h.issue(h.request("gatehouse_key"))
		token := h.issue(h.request("betahub_pat"))
		for name, err := range map[string]error{
			"wider scopes":       second(h.a.Issue(ctx, service, h.request("gatehouse_key"))),
			"rotate a wider key": second(h.a.Rotate(ctx, service, wide.Credential.ID, authority.RotateRequest{})),
			"a user's token":     second(h.a.Issue(ctx, service, h.request("betahub_pat"))),
			"rotate a token":     second(h.a.Rotate(ctx, service, token.Credential.ID, authority.RotateRequest{})),
		} {
			if !errors.Is(err, credential.Forbidden) {
				h.t.Errorf("%s: got %v, want it forbidden", name, err)
			}
		}
		_, err := h.a.Issue(ctx, service, narrow)
		h.must(err)
		_, err = h.a.Revoke(ctx, service, token.Credential.ID)
		h.must(err)
		_, err = h.a.Issue(ctx, principal(h.request("testkase_pat")), h.request("gatehouse_key")) // an administrator's
		h.must(err)
	})
}

func second[T any](_ T, err error) error { return err }
