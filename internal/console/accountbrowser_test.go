package console_test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/console/pagetest"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// The pages by which people get in, in a real browser: names stay text there,
// and nothing takes a script.
func TestH5_K11_AccountInABrowser(t *testing.T) {
	browser := pagetest.Chromium(t)
	t.Run("names", func(t *testing.T) {
		s := run(t, storetest.SQLite(t), local)
		names := append(s.naughtyOrganizations(), "Acme")
		b := pagetest.Open(t, browser, s.url, pagetest.Narrow)
		b.Load("/console/sign-in")
		b.Fill("#email", "ada@example.test")
		b.Fill("#password", password+"\r")
		b.At("/console/")
		if wide := b.Text("String(document.documentElement.scrollWidth)"); wide != "320" {
			t.Errorf("the page is %s px wide", wide)
		}
		var shown []string
		if err := json.Unmarshal([]byte(b.Text("JSON.stringify([...document.querySelectorAll('a.name')].map((a) => a.textContent))")), &shown); err != nil {
			t.Fatal(err)
		}
		slices.Sort(shown)
		slices.Sort(names)
		if !slices.Equal(shown, names) {
			t.Errorf("%d names are shown, as %q", len(shown), shown)
		}
		if made := b.Text("String(document.querySelectorAll('main :is(script, img, iframe, object, video, style, link, meta, [onload], [onerror])').length)"); made != "0" {
			t.Errorf("names became %s elements", made)
		}
		b.Quiet()
	})
	t.Run("without script", func(t *testing.T) {
		s := bare(t, storetest.SQLite(t), local, authority.AccountRules{})
		b := pagetest.Open(t, browser, s.url, pagetest.Wide)
		b.WithoutScript()
		b.Load("/console/")
		b.Click(`a[href="/console/setup"]`)
		b.Fill("#code", must(s.authority.SetupCode(context.Background())).Reveal())
		b.Fill("#organization", "Acme")
		b.Fill("#name", "Ada")
		b.Fill("#email", "ada@example.test")
		b.Fill("#password", password+"\r")
		b.Ready("#secret")
		b.Click("dialog footer a")
		b.Ready(`a[href="/console/organizations/new"]`)
		b.Click(".side a.avatar")
		b.Click(`a[href="/console/account/two-factor"]`)
		b.Fill("#password", password+"\r")
		b.Ready("svg.qr")
		seed := b.Text("document.querySelector('#seed').value")
		b.Fill("#code", codeOf(t, seed)+"\r")
		b.Ready("dialog textarea")
		first, _, _ := strings.Cut(b.Text("document.querySelector('#secret').value"), "\n")
		b.Click("dialog footer a")
		b.Ready("#off-code")
		b.Fill("#off-password", password)
		b.Fill("#off-code", first+"\r")
		b.Ready("[data-done]")
		b.Click(`a[href="/console/account/sessions"]`)
		b.Click(`form[action$="/all"] button`)
		b.Ready(`a[href="/console/forgot"]`)
	})
}

// naughtyOrganizations makes Ada a member of organizations whose names are all
// that a name may be of the naughty strings, several to a name.
func (s *site) naughtyOrganizations() (names []string) {
	s.t.Helper()
	var list []string
	if err := json.Unmarshal(must(os.ReadFile("../rest/testdata/blns.json")), &list); err != nil {
		s.t.Fatal(err)
	}
	for _, text := range list {
		checked, err := credential.CheckName("name", text)
		if err != nil {
			continue
		}
		room := func(name string) bool { return utf8.RuneCountInString(name+" "+checked) <= 100 }
		if i := slices.IndexFunc(names, room); i >= 0 {
			names[i] += " " + checked
		} else {
			names = append(names, checked)
		}
	}
	ctx := context.Background()
	ada := must(s.store.UserByEmail(ctx, "ada@example.test"))
	err := s.store.Change(ctx, uuid.Nil, func(tx *store.Tx) error {
		now := time.Now()
		tx.Record(audit.Event{At: now, Actor: "operator", Action: "test.found"})
		for _, name := range names {
			o := &store.Organization{ID: uuid.Must(uuid.NewV7()), Name: name, CreatedAt: now}
			if err := tx.InsertOrganization(ctx, o); err != nil {
				return err
			}
			if err := tx.SetMember(ctx, o.ID, ada.ID, credential.Guest, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return names
}
