package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

// The examples call a server that plays Gatehouse. A real one is at an address
// such as https://keys.example.com.
func play(answers ...string) *httptest.Server {
	n := 0
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer := answers[min(n, len(answers)-1)]
		if n++; answer == "" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, answer)
	}))
}

const yes = `{"code":"ok","active":true,"credential":{"name":"Nightly build"},"subject":{"type":"user","id":"01a2"}}`

func ExampleClient_Verify() {
	server := play(yes, `{"code":"revoked","active":false}`)
	defer server.Close()
	gate := client.NewWithOptions(server.URL, "gate_…", client.Options{Timeout: 2 * time.Second})

	token := "tk_pat_…" // what the caller presented
	for range 2 {
		d, err := gate.Verify(context.Background(), api.Verify{Credential: &token, Permission: "orders:read"})
		switch {
		case err != nil:
			fmt.Println("nothing was decided: refuse")
		case d.Active:
			fmt.Println("let in:", d.Credential.Name)
		default:
			fmt.Println("refused:", d.Code)
		}
	}
	// Output:
	// let in: Nightly build
	// refused: revoked
}

func ExampleMiddleware() {
	server := play(yes, `{"code":"revoked","active":false}`)
	defer server.Close()
	gate := client.Middleware(client.NewWithOptions(server.URL, "gate_…", client.Options{}), client.MiddlewareOptions{
		Failed: func(_ *http.Request, err error) { log.Print("can't decide: ", err) },
	})

	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require("orders:read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d, _ := client.FromContext(r.Context())
		fmt.Fprintln(w, "the orders of", d.Subject.Type, d.Subject.ID)
	})))

	for range 2 {
		r := httptest.NewRequest("GET", "/orders", nil)
		r.Header.Set("Authorization", "Bearer tk_pat_…")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Printf("%d %q\n", w.Code, w.Header().Get("WWW-Authenticate"))
	}
	// Output:
	// 200 ""
	// 401 "Bearer realm=\"api\", error=\"invalid_token\""
}

func ExampleCredentials_Create() {
	server := play("", `{"id":"01a2","secret":"gate_…"}`) // busy at first
	defer server.Close()
	gate := client.NewWithOptions(server.URL, "gate_…", client.Options{})

	// With a key the call is repeated: it makes one credential, however often.
	issued, err := gate.Credentials().Create(context.Background(), api.CreateCredential{
		Scheme: "gatehouse_key", Name: "Orders service", Scopes: []string{"credentials:verify"}, ExpiresIn: "90d",
	}, client.NewIdempotencyKey())
	fmt.Println(issued.ID, issued.Secret, err)
	// Output: 01a2 gate_… <nil>
}

func ExampleCredentials_All() {
	server := play(`{"items":[{"name":"Nightly build"},{"name":"Staging"}],"next_cursor":"AZo"}`, `{"items":[{"name":"Laptop"}]}`)
	defer server.Close()
	gate := client.NewWithOptions(server.URL, "gate_…", client.Options{})

	for c, err := range gate.Credentials().All(context.Background(), client.CredentialFilter{State: "active"}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(c.Name)
	}
	// Output:
	// Nightly build
	// Staging
	// Laptop
}

func ExampleCredentials_Revoke() {
	server := play(`{"id":"01a2","state":"revoked"}`)
	defer server.Close()
	gate := client.NewWithOptions(server.URL, "gate_…", client.Options{})

	c, err := gate.Credentials().Revoke(context.Background(), "01a2")
	var refused *api.Problem
	if errors.As(err, &refused) {
		fmt.Println("refused:", refused.Code)
	}
	fmt.Println(c.State)
	// Output: revoked
}
