package rest_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// rounds is small where the whole suite runs; a release runs more.
var rounds = flag.Int("rounds", 20, "calls of each credential in TestD16")

// D-16, light: 64 credentials at once, each many times: every answer is about
// the credential that asked.
func TestD16_EveryAnswerIsForItsCaller(t *testing.T) {
	const many = 64
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		cfg.CacheSize = many / 2 // some are cached, some are read
		w := newWorld(t, cfg)
		ids, clients := make([]string, many), make([]*client.Client, many)
		transport := &http.Transport{MaxIdleConnsPerHost: many, MaxConnsPerHost: many / 2} // connections change hands
		t.Cleanup(transport.CloseIdleConnections)
		for i := range ids {
			c := w.issue(t, "many", api.CreateCredential{Scheme: "gatehouse_key", Name: fmt.Sprint(i), Organization: w.acme.ID, Scopes: []string{"credentials:read", "credentials:verify"}})
			ids[i], clients[i] = c.ID, client.New(w.url, c.Secret, transport)
		}
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() {
				for n := range *rounds {
					var self api.Self
					if err := clients[i].Call(context.Background(), "GET", "/v1/self", nil, &self); err != nil {
						t.Errorf("credential %d, call %d: %v", i, n, err)
						return
					}
					if self.Credential.ID != ids[i] || self.Credential.Name != fmt.Sprint(i) {
						t.Errorf("credential %d was answered as %s", i, self.Credential.Name)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}
