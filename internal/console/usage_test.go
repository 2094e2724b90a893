package console_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/console/pagetest"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// product makes a project, and a key of it.
func (s *site) product(name string) (*store.Project, string) {
	s.t.Helper()
	operator := credential.Operator()
	p, err := s.authority.CreateProject(context.Background(), &operator, s.organization.ID, authority.NameRequest{Name: name})
	if err != nil {
		s.t.Fatal(err)
	}
	made, err := s.authority.Issue(context.Background(), &operator, authority.IssueRequest{Scheme: "onetest_key", Name: "CI <Pipeline>", Organization: s.organization.ID, Project: &store.ProjectRef{ID: p.ID}})
	if err != nil {
		s.t.Fatal(err)
	}
	return p, made.Secret.Reveal()
}

// calls makes so many calls with a key, and returns the code of the last.
func (s *site) calls(key string, n int, resource, operation string) (code credential.Code) {
	s.t.Helper()
	for range n {
		d, err := s.authority.Verify(context.Background(), key, authority.Verification{Charge: authority.Charge{Resource: resource, Operation: operation}})
		if err != nil {
			s.t.Fatal(err)
		}
		code = d.Code
	}
	return code
}

// join adds a member to the organization, and to a project by its role there.
func (s *site) join(email string, p *store.Project, role credential.ProjectRole) {
	s.t.Helper()
	operator := credential.Operator()
	_, err := s.authority.CreateUser(context.Background(), &operator, s.organization.ID, authority.UserRequest{Email: email, Name: email[:3], Role: credential.Member, Password: "correct horse battery"})
	if err == nil && role != "" {
		err = s.authority.SetProjectMember(context.Background(), &operator, p, authority.UserRef{Email: email}, role)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

const (
	reads  = "GET /api/test-management/api/v1/products/{product}/test-cases"
	writes = "POST /api/test-management/api/v1/products/{product}/runs"
)

// formOf returns the hidden fields of the form that goes to a path.
func formOf(a answer, to string, pairs ...string) url.Values {
	_, form, _ := strings.Cut(a.body, `method="post" action="`+to+`"`)
	form, _, _ = strings.Cut(form, "</form>")
	return fill(answer{body: form}, pairs...)
}

// The page shows what a product has used of its week, for what and by whom,
// and what it may use.
func TestOT5_OTD9_OTD10_OTD11_OTD12_UsageAndBilling(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		page := s.pages() + "/usage"
		s.shows("without a project", s.get(page), 200, "Usage & Billing", "No project yet")
		game, key := s.product("Space Game")
		other, _ := s.product("Another")
		one := page + "/" + game.ID.String()
		s.shows("nothing used yet", s.get(page), 200, "Space Game, this week", "Nothing used this week", "No request in these days", `class="of">of 1,000`, "0 % used", "Told once a day of the week is over", `<option value="`+game.ID.String()+`" selected>`)
		s.shows("another project", s.get(page+"?project="+other.ID.String()), 200, "Another, this week", `<option value="`+other.ID.String()+`" selected>`)

		s.calls(key, 30, reads, authority.CalledRead)
		s.calls(key, 10, writes, authority.CalledWrite)
		s.at.Store(2 * 24 * 3600)
		s.enter("ada@example.test")
		shown := s.shows("a week under way", s.get(one), 200, `class="big">40</span>`, `class="big">960</span>`, "4 % used", "28 %", `class="big">140</span>`, "40 requests this week",
			"<code>rest_api_read</code>", "75.0 %", "25.0 %", "20 of 40 shown; the CSV has all of them", "CI <Pipeline>", writes, "test-management", "Renewed "+game.CreatedAt.Add(7*24*time.Hour).UTC().Format("Mon 2 Jan 2006, 15:04 UTC"))
		if strings.Contains(shown.body, "<Pipeline>") {
			t.Error("the name of a key is no text")
		}
		if n := strings.Count(shown.body, "<h1"); n != 1 || strings.Contains(shown.body, "style=") {
			t.Errorf("the page has %d titles, or style in it", n)
		}
		today := time.Now().UTC().Add(2 * 24 * time.Hour).Format(time.DateOnly)
		s.shows("a day without calls", s.get(one+"?from="+today+"&to="+today), 200, "No request in these days", `value="`+today+`"`)
		for _, query := range []string{"?from=x", "?from=2026-13-01", "?from=0001-01-01", "?from=" + today + "&to=2020-01-01"} {
			s.shows(query, s.get(one+query), 422)
		}

		s.at.Store(8 * 24 * 3600)
		s.enter("ada@example.test")
		s.shows("the week after", s.get(one), 200, `class="big">0</span>`, "Nothing used this week", "Show as table", `data-label="Coins" class="r num">40</td>`, "This week")
		s.shows("an unknown project", s.get(page+"/01890000-0000-7000-8000-00000000abcd"), 404)
		s.shows("no project", s.get(page+"?project=x"), 404)
	})
}

// The form of settings, and that of coins, which are added once.
func TestOTD9_OTD8_SettingsInTheDashboard(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		game, key := s.product("Space Game")
		one := s.pages() + "/usage/" + game.ID.String()
		form := formOf(s.get(one), one, "budget", "50", "overage", "block", "hourly", "0")
		if to := s.found(s.post(one, form), leads); to != one {
			t.Errorf("saving leads to %s", to)
		}
		s.shows("the settings", s.get(one), 200, `name="budget" value="50"`, `class="of">of 50`, `value="block" checked`, `name="hourly" value="0"`)
		for _, c := range []struct{ field, value, want string }{
			{"budget", "", "Type how many coins"}, {"budget", "many", "whole number of coins"}, {"budget", "-1", "whole number of coins"}, {"budget", "1000000000001", "The budget must be from 0"},
			{"hourly", "10001", "The limit must be from 1"}, {"hourly", "x", "whole number of requests"}, {"overage", "", "Choose what happens"}, {"overage", "pause", "Choose what happens"},
		} {
			wrong := formOf(s.get(one), one, "budget", "70", "overage", "allow", "hourly", "7", c.field, c.value)
			got := s.shows(c.field+" "+c.value, s.post(one, wrong), 422, c.want, `role="alert"`, `aria-describedby="overage-hint"`)
			if c.field != "budget" {
				s.shows("what was typed", got, 422, `name="budget" value="70"`)
			}
		}
		s.shows("what was there", s.get(one), 200, `name="budget" value="50"`)

		s.calls(key, 50, reads, authority.CalledRead)
		if code := s.calls(key, 1, reads, authority.CalledRead); code != credential.CodeBudget {
			t.Errorf("a call beyond the budget is %s", code)
		}
		add := formOf(s.get(one), one+"/top-up", "coins", "5")
		for range 2 {
			s.shows("a top-up, and the same form once more", s.post(one+"/top-up", add), 200)
		}
		s.shows("the coins", s.get(one), 200, `class="of">of 55`, "5 of this week's were added to it", `class="big">5</span>`)
		if code := s.calls(key, 5, reads, authority.CalledRead); code != credential.OK {
			t.Errorf("a call with a coin that was added is %s", code)
		}
		for _, coins := range []string{"", "0", "-1", "x", "1000000000001"} {
			s.shows("coins "+coins, s.post(one+"/top-up", formOf(s.get(one), one+"/top-up", "coins", coins)), 422, "coins", `role="alert"`)
		}
		s.shows("a form of another session", s.post(one, url.Values{"budget": {"9"}, "overage": {"block"}, "form": {"x"}}), 403)
		s.shows("a top-up of another session", s.post(one+"/top-up", url.Values{"coins": {"9"}, "once": {"x"}}), 403)
		s.shows("a limit", s.post(one, formOf(s.get(one), one, "budget", "60", "overage", "allow", "hourly", "100")), 200)
		s.shows("the limit", s.get(one), 200, `name="hourly" value="100"`, `value="allow" checked`, `class="of">of 65`)

		operator := credential.Operator()
		if err := s.authority.SetProjectRate(context.Background(), &operator, game, credential.Rate{Requests: 60, Window: time.Minute}); err != nil {
			t.Fatal(err)
		}
		s.shows("a limit by the minute", s.get(one), 200, "Now it is 60 in 1m, and empty leaves it so", `name="hourly" value=""`)
		s.shows("which stays", s.post(one, formOf(s.get(one), one, "budget", "61", "overage", "allow", "hourly", "")), 200)
		s.shows("as it was", s.get(one), 200, "Now it is 60 in 1m", `name="budget" value="61"`)
		if err := s.authority.RemoveBudget(context.Background(), &operator, s.organization.ID, game.ID); err != nil {
			t.Fatal(err)
		}
		s.hides("no budget", s.shows("no budget", s.get(one), 200, "No budget.", `name="budget" value=""`), "Coins to add")
		s.shows("a new one", s.post(one, formOf(s.get(one), one, "budget", "5", "overage", "block", "hourly", "")), 200)
		s.shows("the new one", s.get(one), 200, "The budget is used up.")
	})
}

// The page says in time what somebody should know: that more is used than a
// week has, that little is left, and that nothing is, with when it is renewed.
func TestOT21_WhatToWatch(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		game, key := s.product("Space Game")
		one, renewed := s.pages()+"/usage/"+game.ID.String(), game.CreatedAt.Add(7*24*time.Hour).UTC().Format("Mon 2 Jan 2006, 15:04 UTC")
		set := func(budget, overage string) {
			t.Helper()
			s.shows("setting it", s.post(one, formOf(s.get(one), one, "budget", budget, "overage", overage, "hourly", "0")), 200)
		}
		set("100", "block")
		s.hides("at first", s.get(one), `aria-label="What is left"`)
		s.calls(key, 40, reads, authority.CalledRead)
		s.hides("on the first day", s.get(one), `aria-label="What is left"`)
		s.at.Store(2 * 24 * 3600)
		s.enter("ada@example.test")
		s.shows("too fast", s.get(one), 200, "More than the budget at this pace.", "140 coins, 40 too many")
		s.calls(key, 40, reads, authority.CalledRead)
		s.shows("little left", s.get(one), 200, "The budget is nearly used up.", "20 coins are left until "+renewed, `class="fill warn"`)
		s.calls(key, 20, reads, authority.CalledRead)
		s.shows("nothing left", s.get(one), 200, "The budget is used up.", "Requests of keys get 429 until it is renewed, "+renewed, `class="fill bad"`, `class="big">0</span>`)
		set("100", "allow")
		s.shows("nothing left, and going on", s.get(one), 200, "The budget is used up.", "go on beyond it. It is renewed "+renewed)
		set("0", "block")
		s.shows("none at all", s.get(one), 200, "The budget is used up.", `class="of">of 0`)
	})
}

// Members of a project see what it uses, and who administers it changes that.
func TestOTO9_WhoSeesUsage(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		game, _ := s.product("Space Game")
		hidden, _ := s.product("Hidden")
		s.join("vic@example.test", game, credential.ProjectGuest)
		s.join("lee@example.test", game, credential.ProjectAdmin)
		s.join("out@example.test", game, "")
		page := s.pages() + "/usage"
		one := page + "/" + game.ID.String()
		s.shows("nobody", s.get(one), 401, "Sign in")

		s.enter("vic@example.test")
		s.shows("the start", s.get("/console/"), 200, `href="`+page+`"`)
		seen := s.shows("a guest", s.get(page), 200, "Space Game, this week", "You can look at this, and not change it.", `href="`+page+`" aria-current="page"`)
		s.hides("a guest", seen, "Save settings", "Hidden", s.pages()+"/keys\"")
		form := fill(s.get("/console/"), "budget", "9", "overage", "block", "hourly", "0", "coins", "9", "once", "x")
		s.shows("a guest's form", s.post(one, form), 403)
		s.shows("a guest's coins", s.post(one+"/top-up", form), 403)
		for _, path := range []string{"", "/export.csv"} {
			s.shows("what is hidden", s.get(page+"/"+hidden.ID.String()+path), 404)
		}
		s.shows("a form for what is hidden", s.post(page+"/"+hidden.ID.String(), form), 404)

		s.enter("lee@example.test")
		s.shows("who administers it", s.post(one, formOf(s.get(one), one, "budget", "77", "overage", "block", "hourly", "0")), 200)
		s.shows("its budget", s.get(one), 200, `name="budget" value="77"`)
		s.enter("out@example.test")
		s.shows("who sees no project", s.get(page), 200, "No project yet")
		s.shows("who sees no project", s.get(one), 404)
	})
}

// The CSV is a download by the cookie alone.
func TestOTD13_CSVInTheDashboard(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		game, key := s.product("Space Game")
		one := s.pages() + "/usage/" + game.ID.String()
		s.calls(key, 3, reads, authority.CalledRead)
		link := s.found(s.get(one), regexp.MustCompile(`<a class="btn secondary" href="([^"]*)"`))
		got := s.get(link)
		table, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
		if err != nil || got.status != 200 || len(table) != 4 || table[3][1] != "CI <Pipeline>" || table[3][5] != reads {
			t.Errorf("got %d %s, %v", got.status, got.body, err)
		}
		for name, want := range map[string]string{"Content-Type": "text/csv; charset=utf-8; header=present", "Content-Disposition": `attachment; filename="usage-`, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
			if !strings.HasPrefix(got.header.Get(name), want) {
				t.Errorf("%s is %q", name, got.header.Get(name))
			}
		}
		now := time.Now().UTC()
		days := func(from, to int) string {
			return fmt.Sprintf("%s/export.csv?from=%s&to=%s", one, now.AddDate(0, 0, from).Format(time.DateOnly), now.AddDate(0, 0, to).Format(time.DateOnly))
		}
		for path, lines := range map[string]int{days(-91, 0): 4, days(-10, -1): 1} {
			if got := s.get(path); got.status != 200 || strings.Count(got.body, "\r\n") != lines {
				t.Errorf("%s: got %d %s, want %d lines", path, got.status, got.body, lines)
			}
		}
		s.shows("four months", s.get(days(-92, 0)), 422, "at most 92 days")
		s.shows("to before from", s.get(days(0, -2)), 422)
		s.shows("from elsewhere", s.get(one+"/export.csv?from=x"), 422, "Choose a day")
		s.browser.Jar = nil
		s.shows("without the cookie", s.get(link), 401)
	})
}

// The page in a real browser: it fits its window, and says what it shows to
// everybody.
func TestOT5_Browser(t *testing.T) {
	s := run(t, storetest.SQLite(t), "http://127.0.0.1:8080")
	ctx := pagetest.Chromium(t)
	for name, l := range map[string]pagetest.Look{"wide": pagetest.Wide, "narrow": pagetest.Narrow} {
		t.Run(name, func(t *testing.T) {
			game, key := s.product("Space Game, " + name)
			s.join(name+"@example.test", game, credential.ProjectGuest)
			s.walkUsage(pagetest.Open(t, ctx, s.url, l), game, key)
			b := pagetest.Open(t, ctx, s.url, l)
			b.Load(s.pages() + "/usage")
			b.Fill("#email", name+"@example.test")
			b.Fill("#password", "correct horse battery\r")
			b.Until("document.querySelector('#week')")
			b.Accessible("usage-of-a-guest")
			b.Quiet()
		})
	}
}

// walkUsage goes through the states of the page.
func (s *site) walkUsage(b *pagetest.Tab, game *store.Project, key string) {
	one := s.pages() + "/usage/" + game.ID.String()
	b.Load(one)
	b.Fill("#email", "ada@example.test")
	b.Fill("#password", "correct horse battery\r")
	b.Until("document.querySelector('#week')")
	b.Accessible("usage-fresh")
	s.calls(key, 20, reads, authority.CalledRead)
	s.calls(key, 7, writes, authority.CalledWrite)
	b.Load(one)
	b.Accessible("usage")
	b.Click("details.data summary")
	b.Accessible("usage-table")
	b.Do(chromedp.Clear(chromedp.CSS("#budget")))
	b.Fill("#budget", "x\r")
	b.Until("document.activeElement === document.querySelector('[role=alert]')")
	b.Accessible("usage-refused")
	b.Do(chromedp.Clear(chromedp.CSS("#budget")))
	b.Fill("#budget", "30\r")
	b.At(one)
	b.Until("document.querySelector('.banner.warn')")
	b.Accessible("usage-nearly")
	s.calls(key, 100, reads, authority.CalledRead)
	b.Load(one)
	b.Until("document.querySelector('.banner.bad')")
	b.Accessible("usage-up")
	b.Fill("#coins", "500\r")
	b.Until("document.querySelector('#week') && !document.querySelector('.banner.bad')")
	b.Load(one + "?from=2020-01-01&to=2020-01-02")
	b.Accessible("usage-days")
	b.Quiet()
}
