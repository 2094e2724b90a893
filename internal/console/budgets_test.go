package console_test

import (
	"net/url"
	"regexp"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// The budget of an organization, and of a credential, is set, topped up and
// taken away; all that there are stand in one list.
func TestBudgetsPage(t *testing.T) {
	each(t, "http://127.0.0.1:8080", func(t *testing.T, s *site) {
		s.enter("ada@example.test")
		budgets := s.pages() + "/budgets"
		list := s.shows("none", s.get(budgets), 200, "No budget", "Budget of the organization")
		own := s.found(list, regexp.MustCompile(`class="btn primary" href="([^"]+)"`))
		key := s.busy(t, 3)[0]
		for _, to := range []string{own, budgets + "/" + key} {
			form := s.shows("a new one", s.get(to), 200, "Set a budget")
			for _, c := range [][]string{{"budget", ""}, {"budget", "-1"}, {"budget", "9999999999999"}, {"budget", "x"}, {"overage", ""}} {
				s.shows(c[0]+" "+c[1], s.post(to, fill(form, append([]string{"budget", "50", "overage", "block"}, c...)...)), 422, `role="alert"`)
			}
			s.shows("set", s.post(to, fill(form, "budget", "50", "overage", "block")), 200, to+"?done=saved")
			form = s.shows("its page", s.get(to+"?done=saved"), 200, "Saved.", "of 50", "Nothing used this week", "Take it away")
			topped := fill(form, "coins", "25")
			s.shows("topped up", s.post(to+"/top-up", topped), 200, "?done=saved")
			s.shows("the same form again", s.post(to+"/top-up", topped), 200, "?done=saved")
			s.shows("afterwards", s.get(to), 200, "of 75")
			s.shows("nothing to add", s.post(to+"/top-up", fill(form, "coins", "0")), 422, "must be from 1 to")
			s.shows("no form of ours", s.post(to, url.Values{"budget": {"1"}, "overage": {"allow"}}), 403)
		}
		list = s.shows("both", s.get(budgets), 200, "The organization", "Key <0>", "of 75", "429")
		s.hides("both", list, "Budget of the organization")
		s.shows("taken away", s.post(own+"/remove", fill(s.get(own))), 200, "budget-removed")
		s.shows("and again", s.post(own+"/remove", fill(s.get(own))), 200, "budget-removed")
		s.hides("afterwards", s.get(budgets+"?done=budget-removed"), "The organization<")
		for _, of := range []string{"x", "01890000-0000-7000-8000-000000000000"} {
			s.shows("of nothing", s.get(budgets+"/"+of), 404)
		}
		game, _ := s.product("Space Game")
		s.join("vic@example.test", game, credential.ProjectGuest)
		s.enter("vic@example.test")
		s.shows("a guest", s.get(budgets), 403)
		s.shows("a guest", s.get(own), 403)
	})
}
