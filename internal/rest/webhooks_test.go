package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// TestWebhooks: an endpoint's secret is shown once, a rotation overlaps unless it
// is told not to, and what it was told is paged.
func TestWebhooks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		hooks := "/v1/organizations/" + w.acme.ID + "/webhooks"
		var made api.IssuedWebhook
		w.do(t, request{method: "POST", path: hooks, as: "owner", body: api.CreateWebhook{URL: "https://Hooks.Example.com/x", Events: []string{"test"}}}).decode(t, &made)
		if !strings.HasPrefix(made.Secret, "whsec_") || made.URL != "https://hooks.example.com/x" || !made.Active || made.PreviousSecretEndsAt != nil {
			t.Errorf("got %+v", made.Webhook)
		}
		for _, path := range []string{hooks, hooks + "/" + made.ID, hooks + "/wh_" + strings.ReplaceAll(made.ID, "-", "")} {
			if a := w.do(t, request{method: "GET", path: path, as: "key"}); a.status != 200 || !strings.Contains(string(a.body), made.ID) || strings.Contains(string(a.body), "whsec_") {
				t.Errorf("%s: got %d %s", path, a.status, a.body)
			}
		}
		var rotated api.IssuedWebhook
		w.must(t, "POST", hooks+"/"+made.ID+"/rotate", nil, &rotated)
		if rotated.Secret == made.Secret || rotated.PreviousSecretEndsAt == nil || !rotated.PreviousSecretEndsAt.Equal(rotated.UpdatedAt.Add(24*time.Hour)) {
			t.Errorf("got %+v", rotated.Webhook)
		}
		var now api.IssuedWebhook
		w.must(t, "POST", hooks+"/"+made.ID+"/rotate", api.RotateWebhook{Now: true}, &now)
		if now.PreviousSecretEndsAt != nil || now.Secret == rotated.Secret {
			t.Errorf("got %+v", now.Webhook)
		}

		var told []string
		for range 5 {
			var d api.WebhookDelivery
			w.must(t, "POST", hooks+"/"+made.ID+"/test", nil, &d)
			if d.State != "pending" || d.NextAt == nil || !strings.HasPrefix(d.Payload, `{"type":"test"`) {
				t.Errorf("got %+v", d)
			}
			told = append([]string{d.ID}, told...)
		}
		var got []string
		for cursor := ""; ; {
			var page api.List[api.WebhookDelivery]
			w.must(t, "GET", hooks+"/"+made.ID+"/deliveries?limit=2"+cursor, nil, &page)
			for _, d := range page.Items {
				got = append(got, d.ID)
			}
			if cursor = "&cursor=" + page.NextCursor; page.NextCursor == "" {
				break
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(told) {
			t.Errorf("the pages have %v, want %v", got, told)
		}
		var again api.WebhookDelivery
		w.must(t, "POST", hooks+"/"+made.ID+"/deliveries/"+told[4]+"/redeliver", nil, &again)
		if again.ID != told[4] {
			t.Errorf("got %+v", again)
		}
		w.must(t, "PATCH", hooks+"/"+made.ID, map[string]any{"active": false}, nil)
		var page api.List[api.WebhookDelivery]
		w.must(t, "GET", hooks+"/"+made.ID+"/deliveries", nil, &page)
		for _, d := range page.Items {
			if d.State != "failed" {
				t.Errorf("one that is off waits for %+v", d)
			}
		}
		if a := w.do(t, request{method: "POST", path: hooks + "/" + made.ID + "/deliveries/" + told[0] + "/redeliver", as: "owner"}); a.status != 409 {
			t.Errorf("to one that is off: got %d %s", a.status, a.body)
		}
	})
}

// TestWebhooksOfAProject are told of what happens in it, and of nothing else.
func TestWebhooksOfAProject(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		hooks := "/v1/organizations/" + w.acme.ID + "/webhooks"
		var beta api.Project
		w.must(t, "POST", "/v1/organizations/"+w.acme.ID+"/projects", api.CreateProject{Name: "Beta"}, &beta)
		var alphas, betas api.IssuedWebhook
		w.must(t, "POST", hooks, api.CreateWebhook{URL: "https://hooks.example.com/a", Project: w.alpha.TestKaseID}, &alphas)
		w.must(t, "POST", hooks, api.CreateWebhook{URL: "https://hooks.example.com/b", Project: beta.ID}, &betas)
		if alphas.Project != w.alpha.ID {
			t.Errorf("got %+v", alphas.Webhook)
		}
		for _, project := range []string{w.alpha.ID, beta.ID} {
			var made api.IssuedCredential
			w.must(t, "POST", "/v1/credentials", api.CreateCredential{Scheme: "onetest_key", Name: "one", Organization: w.acme.ID, Project: project}, &made)
			w.must(t, "POST", "/v1/credentials/"+made.ID+"/revoke", nil, nil)
		}
		w.must(t, "POST", "/v1/organizations/"+w.acme.ID+"/projects/"+beta.ID+"/archive", nil, nil)
		var key api.IssuedCredential
		w.must(t, "POST", "/v1/credentials", api.CreateCredential{Scheme: "bunship_live", Name: "nobody's", Organization: w.acme.ID, Scopes: []string{"*"}}, &key)
		for id, want := range map[string]string{alphas.ID: "credential.revoked credential.created", betas.ID: "project.archived credential.revoked credential.created"} {
			var page api.List[api.WebhookDelivery]
			w.must(t, "GET", hooks+"/"+id+"/deliveries", nil, &page)
			var got []string
			for _, d := range page.Items {
				got = append(got, d.Event)
				if id == betas.ID && !strings.Contains(d.Payload, `"project":"`+beta.ID+`"`) {
					t.Errorf("it doesn't say of which project: %s", d.Payload)
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("got %v, want %s", got, want)
			}
		}
		if a := w.do(t, request{method: "POST", path: hooks, as: "owner", body: api.CreateWebhook{URL: "https://hooks.example.com/c", Project: w.foreign.ID}}); a.status != 422 {
			t.Errorf("of another organization's project: got %d %s", a.status, a.body)
		}
	})
}

// TestX7_WebhookSecrets: a repeat of what made a secret gets the same one, until
// there is another.
func TestX7_WebhookSecrets(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	hooks := "/v1/organizations/" + w.acme.ID + "/webhooks"
	try := func(path, key string, body any) (int, string) {
		var out api.IssuedWebhook
		a := w.do(t, request{method: "POST", path: path, as: "owner", body: body, header: http.Header{"Idempotency-Key": {key}}})
		if a.status < 300 {
			a.decode(t, &out)
		}
		return a.status, out.ID + " " + out.Secret
	}
	in := api.CreateWebhook{URL: "https://hooks.example.com/"}
	_, first := try(hooks, "one", in)
	if status, second := try(hooks, "one", in); status != 201 || second != first {
		t.Errorf("a repeat: got %d, and the same: %t", status, first == second)
	}
	id, _, _ := strings.Cut(first, " ")
	_, rotated := try(hooks+"/"+id+"/rotate", "two", api.RotateWebhook{})
	if status, second := try(hooks+"/"+id+"/rotate", "two", api.RotateWebhook{}); status != 200 || second != rotated || second == first {
		t.Errorf("a repeated rotation: got %d, and the same: %t", status, second == rotated)
	}
	if status, _ := try(hooks, "one", in); status != 409 {
		t.Errorf("a repeat after the rotation: got %d, want 409", status)
	}
	if status, _ := try(hooks, "one", api.CreateWebhook{URL: "https://other.example.com/"}); status != 422 {
		t.Errorf("the key with another body: got %d, want 422", status)
	}
	var list api.List[api.Webhook]
	w.must(t, "GET", hooks, nil, &list)
	if len(list.Items) != 1 {
		t.Errorf("there are %d, want 1", len(list.Items))
	}
}
