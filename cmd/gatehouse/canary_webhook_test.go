package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
)

// webhooks has the server tell an endpoint of everything from now on, and makes
// canaries of the secrets that sign.
func (r *canaryRun) webhooks(key string) {
	r.t.Helper()
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		_, _ = fmt.Fprintf(&r.told, "%v\n%s\n", req.Header, body)
	}))
	r.t.Cleanup(endpoint.Close)
	hooks := "/v1/organizations/1/webhooks"
	call := [2]string{hooks, `{"url":"` + endpoint.URL + `/","description":"` + planted + `"}`}
	r.issued("the secret of a webhook", key, call)
	gone := r.issued("the secret of another webhook", key, call, "Idempotency-Key", "a webhook")
	for _, body := range []string{"{}", `{"now":true}`} {
		r.issued("the next secret of a webhook, "+body, key, [2]string{hooks + "/" + gone.ID + "/rotate", body})
	}
	bearer := []string{"Authorization", "Bearer " + key}
	r.call("POST", hooks+"/"+gone.ID+"/test", "", bearer...)
	r.call("PATCH", hooks+"/"+gone.ID, `{"url":"nonsense"}`, bearer...)
	r.call("GET", hooks, "", bearer...)
	r.call("GET", hooks+"/"+gone.ID+"/deliveries", "", bearer...)
	r.call("DELETE", hooks+"/"+gone.ID, "", bearer...)
}
