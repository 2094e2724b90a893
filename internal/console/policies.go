package console

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// policyRoutes are the pages about what an organization asks of its credentials.
func (c *console) policyRoutes() []edge.Route {
	return []edge.Route{
		shows(organization+"/policies", edge.Needs(credential.OrganizationRead), c.policies),
		edge.Form(organization+"/policies", edge.Needs(credential.OrganizationWrite), most, c.guarded(c.setPolicies)),
	}
}

// policiesPage is the form of a policy.
type policiesPage struct {
	Rows      []policyRow
	Addresses string
	Own       string // the address of who looks
	Unused    []choice
	Withheld  []string
	Changes   bool // whether who looks may
	Problems  []trouble
}

// Problem finds what is wrong with a field.
func (p policiesPage) Problem(field string) *trouble { return problemOf(p.Problems, field) }

// policyRow is what is asked of the credentials of one scheme.
type policyRow struct {
	Scheme, Title, Note string
	Expires             bool // whether they can
	Lifetime            string
	Required            bool
	By                  []choice
	Count               string // how many there are
	Problem             *trouble
}

// schemeTitles are what people call the schemes that are built in.
var schemeTitles = map[string]string{
	"gatehouse_key": "Gatehouse keys", "testkase_pat": "TestKase personal access tokens", "betahub_pat": "BetaHub personal access tokens", "betahub_project_token": "BetaHub project tokens",
	"onetest_key": "OneTest API keys", "bunship_live": "API keys, live", "bunship_test": "API keys, test", "betatesting_static": "Static tokens", "betatesting_client": "OAuth2 clients",
	"trust_rule": "Trust rules of CI",
}

// unusedDays are after how long a credential may be suspended.
var unusedDays = []int{30, 60, 90, 180, 365}

func (c *console) policies(r *edge.Request, _ edge.None) (edge.Page, error) {
	return c.showPolicies(r, nil, nil)
}

func (c *console) showPolicies(r *edge.Request, in edge.Values, problems []trouble) (edge.Page, error) {
	policy, err := c.authority.Policy(r.Context(), &r.Principal, r.Principal.Organization)
	if err != nil {
		return edge.Page{}, err
	}
	p := policiesPage{Own: address(r.Address), Changes: r.Principal.Role.Manages(), Problems: problems}
	for _, s := range policy.Withheld {
		p.Withheld = append(p.Withheld, schemeTitle(s))
	}
	if p.Addresses = in["addresses"]; in == nil {
		for _, a := range policy.AllowedAddresses {
			p.Addresses += a.String() + "\n"
		}
	}
	counts := map[string]int{}
	if p.Changes {
		if counts, err = c.authority.CredentialsByScheme(r.Context(), &r.Principal, r.Principal.Organization); err != nil {
			return edge.Page{}, err
		}
	}
	for _, s := range c.authority.Schemes().All() {
		row := policyRowOf(policy.Of(s), in)
		row.Problem = problemOf(problems, row.Scheme)
		if p.Changes {
			row.Count = grouped(int64(counts[s.Name])) + " now"
		}
		p.Rows = append(p.Rows, row)
	}
	if p.Unused, err = c.unusedChoices(r, policy.SuspendUnusedAfter, in); err != nil {
		return edge.Page{}, err
	}
	out, err := c.render(r, "policies", page{Title: "Policies", Body: p})
	if problems != nil {
		out.Status = unprocessable
	}
	return out, err
}

func schemeTitle(s *credential.Scheme) string {
	if title := schemeTitles[s.Name]; title != "" {
		return title
	}
	return s.Name
}

func policyRowOf(s credential.SchemePolicy, in edge.Values) policyRow {
	row := policyRow{Scheme: s.Scheme.Name, Title: schemeTitle(s.Scheme), Note: s.Scheme.Name, Expires: s.Scheme.Expiry != credential.ExpiryNever, Required: s.ExpiryRequired}
	if s.MaxLifetime > 0 {
		row.Lifetime = strconv.Itoa(int(s.MaxLifetime / (24 * time.Hour)))
	}
	by := string(s.IssuedBy)
	if in != nil {
		row.Lifetime, row.Required, by = in["lifetime:"+row.Scheme], in["required:"+row.Scheme] != "", in["by:"+row.Scheme]
	}
	row.By = chosen(by, []choice{{Title: "Whoever may"}, {Value: "member", Title: "Members and above"}, {Value: "admin", Title: "Admins and owners"}, {Value: "owner", Title: "Owners"}})
	return row
}

// unusedChoices are after how long unused credentials are suspended, with how
// many that would be now.
func (c *console) unusedChoices(r *edge.Request, now time.Duration, in edge.Values) ([]choice, error) {
	days := int(now / (24 * time.Hour))
	list := []choice{{Value: "", Title: "Never"}}
	found, err := c.longUnused(r)
	if err != nil {
		return nil, err
	}
	all := unusedDays
	if days > 0 && !slices.Contains(all, days) {
		all = append(slices.Clone(all), days)
	}
	for _, n := range all {
		one := choice{Value: strconv.Itoa(n), Title: fmt.Sprintf("After %d days", n)}
		if r.Principal.Role.Manages() {
			one.Note = unusedFor(found, c.authority.Now().Add(-time.Duration(n)*24*time.Hour))
		}
		list = append(list, one)
	}
	want := ""
	if days > 0 {
		want = strconv.Itoa(days)
	}
	if in != nil {
		want = in["unused"]
	}
	return chosen(want, list), nil
}

// longUnused are credentials that nobody has used for the shortest time, for who
// looks after all of them.
func (c *console) longUnused(r *edge.Request) ([]store.Unused, error) {
	if !r.Principal.Role.Manages() {
		return nil, nil
	}
	shortest := time.Duration(unusedDays[0]) * 24 * time.Hour
	return c.authority.Unused(r.Context(), &r.Principal, authority.UnusedRequest{Organization: r.Principal.Organization, For: shortest, Limit: mostRows})
}

// unusedFor says how many of them weren't used since a time.
func unusedFor(found []store.Unused, since time.Time) string {
	n := 0
	for i := range found {
		if found[i].Since.Before(since) {
			n++
		}
	}
	if len(found) == mostRows {
		return grouped(int64(n)) + " or more"
	}
	return grouped(int64(n))
}

func (c *console) setPolicies(r *edge.Request, in edge.Values) (edge.Page, error) {
	policy, problems := c.policyIn(in)
	if problems == nil {
		err := c.authority.SetPolicy(r.Context(), &r.Principal, r.Principal.Organization, policy)
		if problems, err = mend(err, map[string]string{"suspend_unused_after": "The time"}); err != nil {
			return edge.Page{}, err
		}
		for i := range problems {
			problems[i].Field = policyField(problems[i].Field)
		}
	}
	if problems != nil {
		return c.showPolicies(r, in, problems)
	}
	return c.done(r, base(r)+"/policies", "saved")
}

// policyField is what the form calls a field of a policy.
func policyField(name string) string {
	return map[string]string{"allowed_addresses": "addresses", "suspend_unused_after": "unused"}[name]
}

// policyIn reads a policy off a form.
func (c *console) policyIn(in edge.Values) (*credential.Policy, []trouble) {
	policy, problems := &credential.Policy{}, []trouble(nil)
	var err error
	if policy.AllowedAddresses, err = credential.ParseAddresses("addresses", strings.Fields(in["addresses"])); err != nil {
		problems = append(problems, trouble{"addresses", stop(strings.TrimPrefix(err.Error(), "addresses: "))})
	}
	if text := in["unused"]; text != "" {
		days, err := strconv.Atoi(text)
		if err != nil || days < 1 || days > 3650 {
			problems = append(problems, trouble{"unused", "Choose after how many days."})
		}
		policy.SuspendUnusedAfter = time.Duration(days) * 24 * time.Hour
	}
	for _, name := range slices.Sorted(maps.Keys(c.byName())) {
		one := credential.SchemePolicy{Scheme: c.byName()[name], ExpiryRequired: in["required:"+name] != "", IssuedBy: credential.Role(in["by:"+name])}
		if text := in["lifetime:"+name]; text != "" {
			days, err := strconv.Atoi(text)
			if err != nil || days < 1 || days > 36500 {
				problems = append(problems, trouble{name, schemeTitle(one.Scheme) + ": type a whole number of days, at least 1, or leave it empty."})
				continue
			}
			one.MaxLifetime = time.Duration(days) * 24 * time.Hour
		}
		if one == (credential.SchemePolicy{Scheme: one.Scheme}) {
			continue
		}
		if err := (&credential.Policy{Schemes: []credential.SchemePolicy{one}}).Check(); err != nil { // of this one alone, to name it
			problems = append(problems, trouble{name, schemeTitle(one.Scheme) + ": " + plainly(err) + "."})
		}
		policy.Schemes = append(policy.Schemes, one)
	}
	return policy, problems
}

// plainly is what an error says, without the name of its field.
func plainly(err error) string {
	if list := troubles(err); list != nil {
		return strings.TrimSuffix(strings.ToLower(list[0].Text[:1])+list[0].Text[1:], ".")
	}
	return "it can't be"
}

// byName are the schemes that a policy may be about.
func (c *console) byName() map[string]*credential.Scheme {
	all := map[string]*credential.Scheme{}
	for _, s := range c.authority.Schemes().All() {
		all[s.Name] = s
	}
	return all
}
