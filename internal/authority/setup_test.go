package authority_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// empty runs a test on an installation that nobody has set up.
func empty(t *testing.T, test func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, cfg store.Config) { test(t, newAuthority(t, cfg, nil)) })
}

func setup(code string) authority.SetupRequest {
	return authority.SetupRequest{Code: code, Organization: "First", UserRequest: authority.UserRequest{
		Email: "First@Example.test", Name: "First Owner", Password: "correct horse battery staple",
	}}
}

func (w *world) setupCode() string {
	w.t.Helper()
	code, err := w.SetupCode(background)
	return must(w, code, err).Reveal()
}

var nobody = credential.Principal{}

// K-11: a new installation has no credential and no user, and the code alone
// lets the first owner in, once.
func TestK11_Setup(t *testing.T) {
	empty(t, func(t *testing.T, w *world) {
		for _, table := range []string{"users", "credentials", "secrets", "organizations"} {
			if rows := storetest.Dump(t, w.raw(), table); strings.Contains(rows, "=") {
				t.Errorf("a new installation has %s", rows)
			}
		}
		code := w.setupCode()
		if strings.Contains(storetest.Dump(t, w.raw()), strings.TrimPrefix(code, "setup-")) {
			t.Error("the set-up code is stored in the clear")
		}
		o, owner, key, err := w.Setup(background, &nobody, setup(code))
		w.ok(err)
		if owner.Role != credential.Owner || owner.Email != "first@example.test" || o.Name != "First" {
			t.Errorf("set up %+v with %+v", o, owner)
		}
		p := w.principal(key.Secret.Reveal())
		for _, permission := range credential.Permissions() {
			if !p.Permissions.Has(permission) {
				t.Errorf("the first key lacks %s", permission)
			}
		}
		if p.Organization != o.ID || p.InstallationWide() {
			t.Errorf("the first key is for %v, want the organization %v alone", p.Organization, o.ID)
		}
		_, _, _, err = w.Setup(background, &nobody, setup(code))
		wantKind(t, "the same code again", err, credential.Conflict)
		_, _, _, err = w.Setup(background, w.op, setup(""))
		wantKind(t, "the operator after that", err, credential.Conflict)
		if w.setupCode() != "" {
			t.Error("there is a code after the set-up")
		}
		if rows := storetest.Dump(t, w.raw(), "setup_codes"); strings.Contains(rows, "=") {
			t.Errorf("a code is left: %s", rows)
		}
		wantWhole(w)
	})
}

// A wrong code, and a right one with something else wrong, sets nothing up and
// doesn't use the right one up.
func TestK11_SetupRefused(t *testing.T) {
	empty(t, func(t *testing.T, w *world) {
		code := w.setupCode()
		before := storetest.Dump(t, w.raw())
		other := newAuthority(t, storetest.SQLite(t), nil).setupCode() // of another installation
		for what, wrong := range map[string]string{"none": "", "blank": " ", "typo": code[:len(code)-1] + "!", "another's": other, "upper case": strings.ToUpper(code), "longer": code + "0"} {
			_, _, _, err := w.Setup(background, &nobody, setup(wrong))
			wantKind(t, what, err, credential.Forbidden)
		}
		for field, change := range map[string]func(*authority.SetupRequest){
			"organization": func(r *authority.SetupRequest) { r.Organization = " " }, "email": func(r *authority.SetupRequest) { r.Email = "nobody" },
			"name": func(r *authority.SetupRequest) { r.Name = "" }, "password": func(r *authority.SetupRequest) { r.Password = "" },
		} {
			r := setup(code)
			change(&r)
			_, _, _, err := w.Setup(background, &nobody, r)
			wantField(t, "a wrong "+field, err, field)
		}
		weak := setup(code)
		weak.Password = "password"
		if _, _, _, err := w.Setup(background, &nobody, weak); !isInvalid(err) {
			t.Errorf("a common password: %v", err)
		}
		if after := storetest.Dump(t, w.raw()); after != before {
			t.Error("something was stored")
		}
		_, _, _, err := w.Setup(background, &nobody, setup(code))
		w.ok(err)
	})
}

// Eight at once with the same code: one gets through.
func TestK11_SetupRace(t *testing.T) {
	empty(t, func(t *testing.T, w *world) {
		code := w.setupCode()
		var done atomic.Int32
		race(8, func(i int) {
			r := setup(code)
			r.Email = strings.Repeat("x", i+1) + "@example.test"
			_, _, _, err := w.Setup(background, &nobody, r)
			switch {
			case err == nil:
				done.Add(1)
			case !errors.Is(err, credential.Conflict) && !errors.Is(err, credential.Forbidden):
				t.Errorf("got %v, want Conflict or Forbidden", err)
			}
		})
		organizations, err := w.Organizations(background, w.op, uuid.Nil, 10)
		w.ok(err)
		if done.Load() != 1 || len(organizations) != 1 || strings.Count(storetest.Dump(t, w.raw(), "users"), "email=") != 1 {
			t.Errorf("%d set-ups, %d organizations, want one of each", done.Load(), len(organizations))
		}
		wantWhole(w)
	})
}

// The operator needs no code, and uses up those that were given out.
func TestK11_SetupByOperator(t *testing.T) {
	empty(t, func(t *testing.T, w *world) {
		code := w.setupCode()
		_, _, key, err := w.Setup(background, w.op, setup(""))
		w.ok(err)
		w.wantCode("the first key", key.Secret.Reveal(), credential.OK)
		_, _, _, err = w.Setup(background, &nobody, setup(code))
		wantKind(t, "the code after that", err, credential.Conflict)
	})
}
