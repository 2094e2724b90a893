package client_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

// TestAllPages: a list is read to its end, with its filters on every page; no
// further than it is wanted; and from the start each time.
func TestAllPages(t *testing.T) {
	pages := []reply{
		{status: 200, body: `{"items":[{"id":"1"},{"id":"2"}],"next_cursor":"a+b/c="}`},
		{status: 200, body: `{"items":[],"next_cursor":"d"}`},
		{status: 200, body: `{"items":[{"id":"3"}]}`},
	}
	p := newPatient(t, client.Options{}, append(pages, pages...)...)
	list := p.Credentials().All(t.Context(), client.CredentialFilter{Organization: "1", State: "active"})
	for range 2 {
		var got []string
		for c, err := range list {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, c.ID)
		}
		if !slices.Equal(got, []string{"1", "2", "3"}) {
			t.Errorf("got %v", got)
		}
	}
	var asked []string
	for _, s := range p.attempts() {
		asked = append(asked, s.path+"?"+s.query)
	}
	const first = "/v1/credentials?limit=200&organization=1&state=active"
	const second, third = "/v1/credentials?cursor=a%2Bb%2Fc%3D&limit=200&organization=1&state=active", "/v1/credentials?cursor=d&limit=200&organization=1&state=active"
	if want := []string{first, second, third, first, second, third}; !slices.Equal(asked, want) {
		t.Errorf("it asked for\n%s\nwant\n%s", strings.Join(asked, "\n"), strings.Join(want, "\n"))
	}

	p = newPatient(t, client.Options{}, pages...)
	for range p.Credentials().All(t.Context(), client.CredentialFilter{}) {
		break
	}
	if got := p.attempts(); len(got) != 1 || got[0].query != "limit=200" {
		t.Errorf("one item was wanted, and it asked %+v", got)
	}
}

func TestAllEndsWithAnError(t *testing.T) {
	p := newPatient(t, client.Options{}, reply{status: 200, body: `{"items":[{"id":"1"}],"next_cursor":"a"}`}, reply{status: 403, body: `{"code":"forbidden","detail":"no"}`})
	var got []string
	for o, err := range p.Organizations().All(t.Context()) {
		got = append(got, fmt.Sprint(o.ID, err))
	}
	if want := []string{"1<nil>", "no"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEventsGoOnAfterTheLast(t *testing.T) {
	p := newPatient(t, client.Options{}, reply{status: 200, body: `{"items":[{"sequence":8},{"sequence":9}]}`},
		reply{status: 200, body: `{"items":[{"sequence":10}]}`}, reply{status: 200, body: `{"items":[]}`})
	var got []int64
	for e, err := range p.Audit().Events(t.Context(), client.EventFilter{Organization: "o", After: 7}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Sequence)
	}
	var asked []string
	for _, s := range p.attempts() {
		asked = append(asked, s.query)
	}
	if !slices.Equal(got, []int64{8, 9, 10}) || !slices.Equal(asked, []string{
		"after=7&limit=200&organization=o", "after=9&limit=200&organization=o", "after=10&limit=200&organization=o",
	}) {
		t.Errorf("got %v, asked for %q", got, asked)
	}
}

// TestNamesStayNames: what stands for a name never becomes another path.
func TestNamesStayNames(t *testing.T) {
	p := newPatient(t, client.Options{}, reply{status: 200, body: `{}`})
	for _, name := range []string{"", ".", ".."} {
		ctx := t.Context()
		_, one := p.Credentials().Revoke(ctx, name)
		two := p.Users().EndSession(ctx, "ada@example.com", name)
		three := p.Projects(name).RemoveMember(ctx, "PRJ-1", "ada@example.com")
		four := error(nil)
		for _, err := range p.Members(name).All(ctx) {
			four = err
		}
		for i, err := range []error{one, two, three, four} {
			if err == nil || !strings.Contains(err.Error(), "name") {
				t.Errorf("%q, call %d: got %v", name, i, err)
			}
		}
	}
	if got := p.attempts(); len(got) != 0 {
		t.Errorf("it called %+v", got)
	}
	for name, want := range map[string]string{"a/../b": "a%2F..%2Fb", "a?b#c": "a%3Fb%23c", "ada+x@example.com": "ada+x@example.com", "%2e": "%252e", "é": "%C3%A9"} {
		server, last := answering(t, 200, `{}`)
		if _, err := client.New(server.URL, "t", nil).Users().Get(t.Context(), name); err != nil || last.escaped != "/v1/users/"+want || last.query != "" {
			t.Errorf("%q: got %v after it called %s?%s, want %s", name, err, last.escaped, last.query, want)
		}
	}
}

// TestMakingIsRepeatedByItsKey: a call that makes something is repeated with
// its key, and without one it isn't.
func TestMakingIsRepeatedByItsKey(t *testing.T) {
	for name, call := range map[string]func(context.Context, *client.Client, string) error{
		"credential": func(ctx context.Context, c *client.Client, key string) error {
			_, err := c.Credentials().Create(ctx, api.CreateCredential{}, key)
			return err
		},
		"rotation": func(ctx context.Context, c *client.Client, key string) error {
			_, err := c.Credentials().Rotate(ctx, "1", api.RotateCredential{}, key)
			return err
		},
		"own rotation": func(ctx context.Context, c *client.Client, key string) error {
			_, err := c.Self().Rotate(ctx, api.RotateCredential{}, key)
			return err
		},
		"organization": func(ctx context.Context, c *client.Client, key string) error {
			_, err := c.Organizations().Create(ctx, api.CreateOrganization{}, key)
			return err
		},
		"member": func(ctx context.Context, c *client.Client, key string) error {
			_, err := c.Members("1").Create(ctx, api.CreateUser{}, key)
			return err
		},
		"project": func(ctx context.Context, c *client.Client, key string) error {
			_, err := c.Projects("1").Create(ctx, api.CreateProject{}, key)
			return err
		},
	} {
		for key, want := range map[string]int{"": 1, "once": 2} {
			p := newPatient(t, client.Options{}, reply{}, reply{status: 201, body: "{}"})
			err := call(t.Context(), p.Client, key)
			got := p.attempts()
			if len(got) != want || (err == nil) != (want == 2) || got[want-1].header.Get("Idempotency-Key") != key {
				t.Errorf("%s with key %q: got %d attempts, %v; want %d", name, key, len(got), err, want)
			}
		}
	}
}
