package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// strayed has requests with a secret where none belongs.
func strayed(w *world, secret string) map[string]request {
	q := quote(secret)
	post := func(path, body string) request {
		return request{method: "POST", path: path, as: "key", body: body}
	}
	get := func(path string) request { return request{method: "GET", path: path, as: "key"} }
	org := "/v1/organizations/" + w.acme.ID
	return map[string]request{
		"name of a member":             post("/v1/credentials", `{`+q+`:1}`),
		"name of a member, in a path":  post("/v1/credentials", `{"scopes":{`+q+`:1}}`),
		"name of a null member":        post("/v1/verify", `{`+q+`:null}`),
		"before a null in a list":      post("/v1/verify", `{"credential":[`+q+`,null]}`),
		"before a stray null":          post("/v1/verify", `{"credential":`+q+` null}`),
		"before a null element":        post("/v1/credentials", `{"scopes":[`+q+`,null]}`),
		"twice":                        post("/v1/verify", `{`+q+`:1,`+q+`:2}`),
		"bare in the body":             post("/v1/verify", secret),
		"scheme":                       post("/v1/credentials", `{"scheme":`+q+`}`),
		"scope":                        post("/v1/credentials", `{"scheme":"gatehouse_key","name":"n","scopes":[`+q+`]}`),
		"scope of BunShip":             post("/v1/credentials", `{"scheme":"bunship_live","name":"n","scopes":[`+q+`]}`),
		"address":                      post("/v1/credentials", `{`+good+`,"allowed_addresses":[`+q+`]}`),
		"time":                         post("/v1/credentials", `{`+good+`,"expires_at":`+q+`}`),
		"span":                         post("/v1/credentials", `{`+good+`,"expires_in":`+q+`}`),
		"organization":                 post("/v1/credentials", `{`+good+`,"organization":`+q+`}`),
		"project":                      post("/v1/credentials", `{"scheme":"onetest_key","name":"n","project":`+q+`}`),
		"user":                         post("/v1/credentials", `{"scheme":"betahub_pat","name":"n","user":`+q+`}`),
		"user's address":               post("/v1/credentials", `{"scheme":"betahub_pat","name":"n","user":`+quote(secret+"@x.test")+`}`),
		"grace":                        post("/v1/credentials/"+w.records["live"].ID+"/rotate", `{"grace":`+q+`}`),
		"permission":                   post("/v1/verify", `{"credential":"x","permission":`+quote(secret+" ")+`}`),
		"address to verify":            post("/v1/verify", `{"credential":"x","address":`+q+`}`),
		"rate as text":                 post("/v1/credentials", `{`+good+`,"rate_limit":`+q+`}`),
		"set-up code":                  post("/v1/setup", `{"code":`+q+`}`),
		"role":                         {method: "PUT", path: org + "/members/guest@acme.test", as: "operator", body: `{"role":` + q + `}`},
		"path":                         get("/v1/credentials/" + secret),
		"path, organization":           get("/v1/organizations/" + secret),
		"path, project":                get(org + "/projects/" + secret),
		"unknown path":                 get("/" + secret),
		"path of a user":               {method: "PUT", path: org + "/members/" + secret, as: "operator", body: `{"role":"guest"}`},
		"value of a parameter":         get("/v1/credentials?state=" + secret),
		"value behind a sign":          get("/v1/credentials?state=x" + secret),
		"name of a parameter":          get("/v1/credentials?" + secret + "=1"),
		"name and value":               get("/v1/credentials?" + secret + "=" + secret),
		"parameter alone":              get("/v1/credentials?" + secret),
		"parameter with a hex letter":  get("/v1/credentials?%" + "61" + secret + "=1"),
		"method":                       {method: secret, path: "/v1/self", as: "key"},
		"Idempotency-Key, twice":       {method: "POST", path: "/v1/credentials", as: "key", body: `{` + good + `}`, header: http.Header{"Idempotency-Key": {secret, secret}}},
		"content type":                 {method: "POST", path: "/v1/credentials", as: "key", body: `{}`, header: http.Header{"Content-Type": {secret}}},
		"Authorization without Bearer": {method: "GET", path: "/v1/self", header: authorization(secret)},
		"Basic":                        {method: "GET", path: "/v1/self", header: authorization("Basic " + secret)},
		"wrong scheme of words":        {method: "GET", path: "/v1/self", header: authorization(secret + " " + secret)},
		"cookie":                       {method: "GET", path: "/v1/self", header: http.Header{"Cookie": {"token=" + secret}}},
		"Accept":                       {method: "GET", path: "/v1/self", header: http.Header{"Accept": {secret}}},
	}
}

// K-2: a secret that strayed into a request comes back in no error, whole or
// so nearly whole that the rest can be guessed, and stands in no log line.
func TestK2_ErrorsNeverEchoASecret(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	for _, scheme := range []string{"live", "onetest", "owner", "betahub", "static"} {
		secret := w.secrets[scheme]
		body := secret[strings.LastIndexAny(secret, "_-")+1:]
		for name, r := range strayed(w, secret) {
			a := w.do(t, r)
			if a.status < 400 {
				if name != "wrong scheme of words" && r.path != "/v1/setup" {
					t.Errorf("%s in %s: got %d", scheme, name, a.status)
				}
				continue
			}
			text := string(a.body)
			for key, values := range a.header {
				text += key + strings.Join(values, " ")
			}
			// Fewer than 75 of its bits unknown (K-12) is as good as all.
			if most := len(body) - 15; strings.Contains(text, secret) || strings.Contains(text, body[:most]) {
				t.Errorf("%s in %s: the answer echoes it: %d %s", scheme, name, a.status, a.body)
			}
		}
	}
	checkNoSecrets(t, w)
}
