package authority_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// hall is an authority with one organization, an administrator and a project,
// and a clock that only the test moves.
type hall struct {
	t            *testing.T
	a            *authority.Authority
	cfg          store.Config
	operator     credential.Principal
	organization uuid.UUID
	project      uuid.UUID
	clock        atomic.Int64
}

const hallAdmin = "admin@hall.test"

func inHall(t *testing.T, test func(h *hall)) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) {
		h := &hall{t: t, cfg: cfg, operator: credential.Operator()}
		h.clock.Store(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
		h.a = authority.New(authority.Config{Store: storetest.Open(t, cfg), Schemes: cfg.Schemes, Now: h.now})
		ctx := context.Background()
		o, err := h.a.CreateOrganization(ctx, &h.operator, authority.NameRequest{Name: "Hall"})
		h.must(err)
		h.organization = o.ID
		_, err = h.a.CreateUser(ctx, &h.operator, o.ID, authority.UserRequest{Email: hallAdmin, Name: "Admin", Role: credential.Admin})
		h.must(err)
		p, err := h.a.CreateProject(ctx, &h.operator, o.ID, authority.NameRequest{Name: "Project"})
		h.must(err)
		h.project = p.ID
		test(h)
	})
}

func (h *hall) now() time.Time          { return time.Unix(0, h.clock.Load()).UTC() }
func (h *hall) advance(d time.Duration) { h.clock.Add(int64(d)) }

func (h *hall) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// request asks for a credential of a scheme as its table line wants it.
func (h *hall) request(scheme string) authority.IssueRequest {
	r := authority.IssueRequest{Scheme: scheme, Name: "of " + scheme, Organization: h.organization}
	switch scheme {
	case "betahub_pat", "testkase_pat":
		r.User = &authority.UserRef{Email: hallAdmin}
	case "betahub_project_token":
		r.Scopes = []credential.Scope{"can_create_bug_report"}
	case "bunship_live", "bunship_test":
		r.Scopes = []credential.Scope{"*"}
	case "gatehouse_key":
		r.Scopes = []credential.Scope{"issues:read", "credentials:verify"}
	}
	if scheme == "betahub_project_token" || scheme == "onetest_key" {
		r.Project = &store.ProjectRef{ID: h.project}
	}
	if scheme == "testkase_pat" {
		r.Expiry.In = 90 * 24 * time.Hour
	}
	return r
}

func (h *hall) issue(r authority.IssueRequest) *authority.Issued {
	h.t.Helper()
	out, err := h.a.Issue(context.Background(), &h.operator, r)
	h.must(err)
	return out
}

func (h *hall) rotate(id uuid.UUID, r authority.RotateRequest) *authority.Issued {
	h.t.Helper()
	out, err := h.a.Rotate(context.Background(), &h.operator, id, r)
	h.must(err)
	return out
}

// says fails the test unless a secret verifies with this code.
func (h *hall) says(want credential.Code, secrets ...credential.Secret) {
	h.t.Helper()
	for i, s := range secrets {
		d, err := h.a.Verify(context.Background(), s.Reveal(), authority.Verification{})
		h.must(err)
		if d.Code != want {
			h.t.Errorf("secret %d: got %s, want %s", i, d.Code, want)
		}
	}
}

func (h *hall) working(secrets []credential.Secret) (n int) {
	h.t.Helper()
	for _, s := range secrets {
		d, err := h.a.Verify(context.Background(), s.Reveal(), authority.Verification{})
		h.must(err)
		if d.Code == credential.OK {
			n++
		}
	}
	return n
}

func lostAnswer(key string) *authority.Idempotency {
	return &authority.Idempotency{Key: key, Body: []byte(`{"grace":"24h"}`)}
}

// TestR10_Rotation is the table of rotations, on every scheme where it is the
// same for all, and on gatehouse_key where one is enough.
func TestR10_Rotation(t *testing.T) {
	const day = 24 * time.Hour
	rows := map[string]func(h *hall, first *authority.Issued){
		"grace": func(h *hall, first *authority.Issued) {
			second := h.rotate(first.Credential.ID, authority.RotateRequest{Grace: day})
			h.says(credential.OK, first.Secret, second.Secret)
			h.advance(day - time.Millisecond)
			h.says(credential.OK, first.Secret, second.Secret)
			h.advance(time.Millisecond)
			h.says(credential.CodeRevoked, first.Secret)
			h.says(credential.OK, second.Secret)
		},
		"no grace": func(h *hall, first *authority.Issued) {
			second := h.rotate(first.Credential.ID, authority.RotateRequest{})
			h.says(credential.CodeRevoked, first.Secret)
			h.says(credential.OK, second.Secret)
			h.advance(-time.Hour) // a clock set back revives nothing
			h.says(credential.CodeRevoked, first.Secret)
		},
		"lost answer": func(h *hall, first *authority.Issued) {
			unseen := h.rotate(first.Credential.ID, authority.RotateRequest{Grace: day, Idempotency: lostAnswer("k")})
			again := h.rotate(first.Credential.ID, authority.RotateRequest{Grace: day, Idempotency: lostAnswer("k")})
			h.says(credential.CodeRevoked, unseen.Secret)
			h.says(credential.OK, first.Secret, again.Secret)
			_, err := h.a.Rotate(context.Background(), &h.operator, first.Credential.ID, authority.RotateRequest{Grace: day, Idempotency: lostAnswer("k")})
			if !errors.Is(err, credential.Conflict) {
				h.t.Errorf("a repeat after the secret was used: got %v, want a conflict", err)
			}
			h.says(credential.OK, first.Secret, again.Secret)
		},
		"twice": func(h *hall, first *authority.Issued) {
			second := h.rotate(first.Credential.ID, authority.RotateRequest{Grace: 30 * day})
			third := h.rotate(first.Credential.ID, authority.RotateRequest{Grace: 30 * day})
			h.says(credential.CodeRevoked, first.Secret)
			h.says(credential.OK, second.Secret, third.Secret)
		},
		"racing a revoke": func(h *hall, first *authority.Issued) {
			secrets := []credential.Secret{first.Secret}
			var mu sync.Mutex
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					out, err := h.a.Rotate(context.Background(), &h.operator, first.Credential.ID, authority.RotateRequest{Grace: day})
					if err == nil {
						mu.Lock()
						secrets = append(secrets, out.Secret)
						mu.Unlock()
					} else if !errors.Is(err, credential.Conflict) {
						h.t.Error(err)
					}
				})
			}
			_, err := h.a.Revoke(context.Background(), &h.operator, first.Credential.ID)
			h.must(err)
			wg.Wait()
			h.says(credential.CodeRevoked, secrets...)
		},
		"racing itself": func(h *hall, first *authority.Issued) {
			secrets := make([]credential.Secret, 8)
			var wg sync.WaitGroup
			for i := range secrets {
				wg.Go(func() {
					out, err := h.a.Rotate(context.Background(), &h.operator, first.Credential.ID, authority.RotateRequest{Grace: day})
					if err != nil {
						h.t.Error(err)
						return
					}
					secrets[i] = out.Secret
				})
			}
			wg.Wait()
			if n := h.working(append(secrets, first.Secret)); n != 2 {
				h.t.Errorf("%d secrets work after eight rotations at once, want the last two", n)
			}
		},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			inHall(t, func(h *hall) { row(h, h.issue(h.request("gatehouse_key"))) })
		})
	}
}

// TestR10_RotationNearExpiry keeps a predecessor within its own expiry, also
// where the successor gets a later one.
func TestR10_RotationNearExpiry(t *testing.T) {
	inHall(t, func(h *hall) {
		r := h.request("gatehouse_key")
		r.Expiry.In = time.Hour
		first := h.issue(r)
		second := h.rotate(first.Credential.ID, authority.RotateRequest{
			Grace: 24 * time.Hour, Expiry: credential.ExpiryChoice{In: 48 * time.Hour},
		})
		h.advance(time.Hour - time.Millisecond)
		h.says(credential.OK, first.Secret, second.Secret)
		h.advance(time.Millisecond)
		h.says(credential.CodeRevoked, first.Secret)
		h.says(credential.OK, second.Secret)
	})
}
