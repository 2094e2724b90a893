package bunship_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// The calls that the documents show, one after the other.
func TestBS23_SampleCalls(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person("ada", credential.Owner)
		json := header("Content-Type", "application/json")
		s1 := w.do("POST", "/auth/login", `{"email":"ada@acme.test","password":"`+good+`"}`, json)
		s1.want(200)
		s2 := w.do("GET", "/users/me", nil, bearer(s1.text("accessToken")))
		s2.want(200)
		if s2.text("id") != s1.text("user.id") || s2.text("email") != "ada@acme.test" {
			t.Errorf("S2: got %s", s2.body)
		}
		s3 := w.do("POST", "/auth/refresh", `{"refreshToken":"`+s1.text("refreshToken")+`"}`, json)
		s3.want(200)
		ada.take(s3)

		create := w.do("POST", keysOf(w.org), `{"name":"Backend","scopes":["read:members"]}`, json, bearer(ada.access))
		create.want(200)
		s5 := w.do("GET", membersOf(w.org), nil, header("X-API-Key", create.text("data.key")))
		s5.want(200)
		if s5.text("members.0.userId") != s1.text("user.id") {
			t.Errorf("S5: got %s", s5.body)
		}

		f := ada.enable()
		s4 := w.do("POST", "/auth/login", `{"email":"ada@acme.test","password":"`+good+`","twoFactorCode":"`+f.code(w)+`"}`, json)
		s4.want(200)
		w.do("GET", "/users/me", nil, bearer(s4.text("accessToken"))).want(200)
	})
}

// Ids are a prefix that says of what, and a text that nobody else has.
func TestBSD6_Ids(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.member("ada", credential.Owner)
		key, id := ada.madeKey("read:members")
		members := w.do("GET", membersOf(w.org), nil, apiKey(key))
		for path, prefix := range map[string]string{"members.0.id": "mbr", "members.0.userId": "usr", "members.0.organizationId": "org", "members.0.user.id": "usr"} {
			members.wantID(path, prefix)
		}
		ada.do("GET", "/users/me/sessions", nil).wantID("sessions.0.id", "ses")
		ada.do("GET", "/users/me/organizations", nil).wantID("organizations.0.id", "org")
		ada.do("GET", keysOf(w.org)+"/"+id, nil).wantID("data.id", "key")
	})
}
