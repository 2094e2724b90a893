package main

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/betahub"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/betatesting"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/bunship"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/onetest"
	"github.com/gatehouse-dev/gatehouse/internal/dialect/testkase"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// dialects are the tables of routes that are called.
func (o *objects) dialects() []dialect {
	return []dialect{
		{"testkase", testkase.Surfaces(o.auth, o.work), append(o.peopleWith("testkase_pat"), o.signedIn(false)...), kaseCalls()},
		{"betahub", betahub.Surfaces(betahub.Config{Authority: o.auth, Workspace: o.work}), append(append(o.peopleWith("betahub_pat"), o.signedIn(false)...), o.projectToken()), hubCalls()},
		{"bunship", bunship.Surfaces(o.auth), append(o.shipKeys(), o.signedIn(false)...), shipCalls()},
		{"onetest", onetest.Surfaces(o.auth, o.work), o.productCallers(), oneTestCalls()},
		{"betatesting", []*edge.Surface{betatesting.Surface(o.auth, o.work)}, o.betaClients(), betaCalls()},
	}
}

// peopleWith are callers of every role with tokens of a scheme, and nobody.
func (o *objects) peopleWith(scheme string) []objectCaller {
	list := []objectCaller{{name: "nobody", as: func(*http.Request) {}}}
	for _, p := range callersOf {
		list = append(list, objectCaller{name: p.name, as: as(o.people[p.name].tokens[scheme]), manages: o.people[p.name].overseer, twice: p.name == "owner" || p.name == "guest"})
	}
	return list
}

// signedIn are people with sessions: of each role in the organization, and where
// they have no tokens of each in the project.
func (o *objects) signedIn(project bool) (list []objectCaller) {
	for _, p := range callersOf {
		if !project && p.role == "member" && p.name != "member" {
			continue
		}
		who := o.people[p.name]
		list = append(list, objectCaller{name: "s-" + p.name, as: who.session, manages: who.overseer, own: map[string]string{"session": who.spare}})
	}
	return list
}

func (o *objects) projectToken() objectCaller {
	token := o.credential(o.org, api.CreateCredential{Scheme: "betahub_project_token", Name: "In-game", Project: o.own.ids["project"],
		Scopes: []string{"can_create_bug_report", "can_create_feature_request", "can_create_support_ticket"}})
	return objectCaller{name: "project token", as: func(r *http.Request) { r.Header.Set("Authorization", "FormUser "+token+",email:ada@player.test") }}
}

// shipKeys are nobody, and keys that may all and little.
func (o *objects) shipKeys() []objectCaller {
	key := func(name, scheme, scope string) objectCaller {
		return objectCaller{name: name, as: as(o.credential(o.org, api.CreateCredential{Scheme: scheme, Name: name, Scopes: []string{scope}})), manages: true}
	}
	return []objectCaller{{name: "nobody", as: func(*http.Request) {}}, key("key *", "bunship_live", "*"), key("key members", "bunship_test", "read:members")}
}

// betaClients are nobody, a static key, and tokens with one scope each.
func (o *objects) betaClients() []objectCaller {
	list := []objectCaller{{name: "nobody", as: func(*http.Request) {}}, {name: "static", as: as(o.own.ids["static"])}}
	var c api.IssuedCredential
	o.must("POST", "/v1/credentials", api.CreateCredential{Scheme: "betatesting_client", Name: "Dashboard", Organization: o.org.ID}, &c)
	o.must("PATCH", "/v1/credentials/"+c.ID, map[string]int{"rate_limit": 1_000_000}, nil)
	for _, scope := range []string{"api:read", "api:write"} {
		token := o.exchange(c.ClientID, c.Secret, scope)
		list = append(list, objectCaller{name: scope, as: as(token)})
	}
	for i := range list {
		list[i].ids = "beta."
	}
	return list
}

// productCallers are nobody, keys of the project that may all and little, and
// people.
func (o *objects) productCallers() []objectCaller {
	list := []objectCaller{{name: "nobody", as: func(*http.Request) {}}}
	for name, scopes := range map[string][]string{"key": nil, "key cases": {"testcases:read"}} {
		key := o.credential(o.org, api.CreateCredential{Scheme: "onetest_key", Name: name, Project: o.own.ids["project"], Scopes: scopes})
		list = append(list, objectCaller{name: name, as: as(key)})
	}
	slices.SortFunc(list[1:], func(a, b objectCaller) int { return strings.Compare(a.name, b.name) })
	list = append(list, o.signedIn(true)...)
	for i := range list {
		list[i].ids = "onetest."
	}
	return list
}

func kaseCalls() map[string]objectCall {
	const one, cycle = kaseCases + "/{case}", kaseCycles + "/{cycle}"
	again := (*objects).renewCase
	return map[string]objectCall{
		"POST " + kaseCases:                      {body: `{"title":"x"}`},
		"PUT " + one:                             {body: `{"description":"x"}`},
		"PATCH " + one:                           {body: `{"priority":"low"}`},
		"DELETE " + one:                          {renew: again},
		"POST " + kaseCycles:                     {body: `{"name":"x","testCases":["$case"]}`},
		"PUT " + cycle:                           {body: `{"description":"x"}`},
		"PATCH " + cycle:                         {body: `{"status":"in_progress"}`},
		"DELETE " + cycle:                        {renew: again},
		"POST " + cycle + "/test-cases":          {body: `{"testCases":["$case"]}`},
		"PUT " + cycle + "/test-cases/{case}":    {body: `{"status":"Pass"}`},
		"DELETE " + cycle + "/test-cases/{case}": {renew: again},
		"POST " + cycle + "/results":             {body: `{"results":[{"name":"x","status":"pass"}]}`},
	}
}

// hubMedia are the files of an issue, and in which field each comes.
var hubMedia = map[string]string{"screenshot": "image", "video_clip": "video", "log_file": "file", "video_segment": "video", "binary_file": "file"}

func hubCalls() map[string]objectCall {
	const in = "/projects/{project}/"
	calls := map[string]objectCall{
		"POST /auth/verify":                             {},
		"PATCH " + in + "issues/{issue}":                {body: `{"priority":"low"}`},
		"PATCH " + in + "feature_requests/{request}":    {body: `{"status":"approved"}`},
		"PATCH " + in + "issue_tags/{tag}":              {body: `{"color":"#ff0000"}`},
		"DELETE " + in + "issue_tags/{tag}":             {renew: (*objects).renewTag},
		"DELETE " + in + "custom_fields/{field}":        {renew: (*objects).renewField},
		"PUT " + in + "issues/{issue}/uploads/{upload}": {body: "x"},
	}
	for _, suffix := range []string{"", ".json"} {
		for noun, field := range hubMedia {
			calls["POST /projects/{project}/issues/{issue}/"+noun+"s"+suffix] = objectCall{body: noun + "[" + field + "]", file: true}
		}
		calls["POST /projects"+suffix] = objectCall{body: `{"name":"x"}`}
		calls["POST /device_auth/create"+suffix] = objectCall{body: `{}`}
		for noun, body := range map[string]string{"issues": `{"title":"x"}`, "feature_requests": `{"title":"x"}`, "tickets": `{"title":"x","reporter_email":"ada@player.test"}`} {
			calls["POST /projects/{project}/"+noun+suffix] = objectCall{body: body}
		}
		calls["POST "+in+"issue_tags"+suffix] = objectCall{body: `{"name":"x"}`, renew: (*objects).dropTag}
		calls["POST "+in+"custom_fields"+suffix] = objectCall{body: `{"ident":"x"}`, renew: (*objects).dropField}
		calls["POST "+in+"feature_requests/{request}/publish"+suffix] = objectCall{}
		for _, one := range []string{"issues/{issue}", "feature_requests/{request}", "tickets/{ticket}"} {
			calls["POST "+in+one+"/comments"+suffix] = objectCall{body: `{"body":"x"}`}
		}
		for call, body := range map[string]string{"publish": "",
			"set_reporter_email": "email=ada@player.test", "confirm_upload": "x=x", "presigned_upload": `{"filename":"x","byte_size":1,"checksum":"nUAVAFrQ9yjGfQ8Tvu0s1A=="}`} {
			calls["POST "+in+"issues/{issue}/"+call+suffix] = objectCall{body: body}
		}
	}
	return calls
}

// shipCalls send an empty body where a call would end what others call with,
// or would try a password: it is refused after it was found out who calls.
func shipCalls() map[string]objectCall {
	const auth, me, in = "/api/v1/auth/", "/api/v1/users/me", "/api/v1/organizations/{organization}/"
	calls := map[string]objectCall{
		"POST " + auth + "logout":                         {body: `{"allSessions":"x"}`},
		"POST " + auth + "forgot-password":                {body: `{"email":"nobody@nowhere.test"}`},
		"PATCH " + me:                                     {body: `{"preferences":{"theme":"dark"}}`},
		"PUT " + me + "/password":                         {body: `{}`},
		"DELETE " + me + "/sessions/{session}":            {renew: (*objects).renewSession},
		"POST " + in + "api-keys":                         {body: `{"name":"x","scopes":["read:members"]}`, renew: (*objects).dropKey},
		"DELETE " + in + "api-keys/{key}":                 {renew: (*objects).renewKey},
		"POST " + in + "webhooks":                         {body: `{"url":"http://127.0.0.1:1/"}`, renew: (*objects).dropHook},
		"PATCH " + in + "webhooks/{webhook}":              {body: `{"description":"x"}`},
		"DELETE " + in + "webhooks/{webhook}":             {renew: (*objects).renewHook},
		"POST " + in + "webhooks/{webhook}/test":          {},
		"POST /api/v1/organizations":                      {body: `{}`},
		"PATCH /api/v1/organizations/{organization}":      {body: `{"settings":{"theme":"dark"}}`},
		"DELETE /api/v1/organizations/{organization}":     {kept: true},
		"POST /api/v1/invitations/{token}/accept":         {},
		"PATCH " + in + "members/{member}":                {body: `{"role":"member"}`},
		"DELETE " + in + "members/{member}":               {renew: (*objects).renewMember},
		"POST " + in + "invitations":                      {body: `{"email":"asked@nowhere.test","role":"member"}`, renew: (*objects).dropInvitation},
		"DELETE " + in + "invitations/{invitation}":       {renew: (*objects).renewInvitation},
		"POST " + in + "webhooks/{webhook}/rotate":        {},
		"POST " + in + "webhooks/{webhook}/rotate-secret": {},
	}
	for _, route := range []string{"register", "login", "refresh", "reset-password", "two-factor/setup", "two-factor/verify", "two-factor/disable"} {
		calls["POST "+auth+route] = objectCall{body: `{}`}
	}
	return calls
}

func betaCalls() map[string]objectCall {
	const tests, one, hooks = "/api/external/v2/tests", "/api/external/v2/tests/{test}", "/api/external/v2/webhooks"
	again := (*objects).renewTest
	return map[string]objectCall{
		"POST " + tests:                              {body: `{"name":"x"}`},
		"PATCH " + one:                               {body: `{"description":"x"}`},
		"POST " + one + "/copy":                      {},
		"POST " + one + "/stage":                     {body: `{"stage":"launch"}`, renew: again},
		"POST " + one + "/testers":                   {body: `{"email":"x@player.test","name":"x"}`, renew: again},
		"POST " + one + "/testers/accept":            {body: `{"testerIds":[$tester]}`},
		"POST " + one + "/testers/mark-complete":     {body: `{"testerIds":[$tester]}`},
		"POST " + one + "/testers/message":           {body: `{"testerIds":[$tester],"message":"x"}`},
		"DELETE " + one + "/testers/{tester}":        {renew: again},
		"POST " + one + "/issues":                    {body: `{"title":"x"}`},
		"PATCH " + one + "/issues/{issue}":           {body: `{"status":"in_progress"}`},
		"DELETE " + one + "/issues/{issue}":          {renew: again},
		"POST " + hooks:                              {body: `{"url":"http://127.0.0.1:1/"}`, renew: (*objects).dropBetaHook},
		"PATCH " + hooks + "/{webhook}":              {body: `{"enabled":true}`},
		"DELETE " + hooks + "/{webhook}":             {renew: (*objects).renewBetaHook},
		"POST " + hooks + "/{webhook}/rotate-secret": {},
	}
}

func oneTestCalls() map[string]objectCall {
	const (
		management, product = "/api/test-management/api/v1", "/api/membership/api/v1/products/{product}"
		run, execution      = management + "/runs/{run}", management + "/executions/{execution}"
	)
	again := (*objects).renewRun
	calls := map[string]objectCall{
		"POST " + management + "/products/{product}/test-cases":        {body: `{"title":"x"}`},
		"PUT " + management + "/test-cases/{case}":                     {body: `{"description":"x"}`},
		"DELETE " + management + "/test-cases/{case}":                  {renew: again},
		"POST " + management + "/products/{product}/runs":              {body: `{"name":"x","run_type":"manual","test_case_ids":["$case"]}`},
		"POST " + run + "/copy":                                        {body: `{"name":"x"}`},
		"POST " + run + "/add-tests":                                   {body: `{"test_case_ids":["$case"]}`},
		"POST " + run + "/add-tests-bulk":                              {body: `{"test_case_ids":["$case"]}`},
		"POST " + run + "/add-from-oql":                                {body: `{"query":"priority = p2"}`},
		"POST " + management + "/products/{product}/search/executions": {body: `{"query":"status = failed"}`},
		"POST " + execution + "/complete":                              {body: `{"status":"passed"}`, renew: again},
		"POST " + execution + "/assign":                                {body: `{"user_id":"$user"}`},
		"POST " + execution + "/steps":                                 {body: `{"step_number":1,"status":"passed"}`, renew: again},
		"POST " + execution + "/defects":                               {body: `{"defect":"g-1"}`, renew: again},
		"PUT " + product:                                               {body: `{"product_type":"api"}`},
		"PUT " + product + "/usage/settings":                           {body: `{"weekly_budget":1000000}`},
		"POST " + product + "/usage/top-up":                            {body: `{"coins":1}`},
		"POST " + product + "/environments":                            {body: `{"name":"x","type":"staging"}`},
		"POST " + product + "/builds":                                  {body: `{"version":"x"}`},
		"POST " + product + "/releases":                                {body: `{"name":"x"}`},
		"POST /api/artifacts/api/v1/products/{product}/artifacts":      {body: "file", file: true},
		"DELETE /api/artifacts/api/v1/artifacts/{artifact}":            {renew: (*objects).renewFile},
		"POST /api/gateway/api/v1/chat":                                {},
		"POST /api/gateway/api/v1/assistant":                           {},
	}
	for _, version := range []string{"v1", "v2"} {
		const report = `{"name":"x","type":"step","launchUuid":"$launch"}`
		base, other := "/api/receiver/api/"+version+"/{product}", (*objects).renewLaunch
		calls["POST "+base+"/launch"] = objectCall{body: `{"name":"x"}`}
		calls["POST "+base+"/launch/merge"] = objectCall{body: `{"launches":["$launch"]}`}
		calls["PUT "+base+"/launch/{launch}/finish"] = objectCall{body: `{"endTime":""}`, renew: other}
		calls["PUT "+base+"/launch/{launch}/update"] = objectCall{body: `{"description":"x"}`}
		calls["POST "+base+"/item"], calls["POST "+base+"/item/{$}"], calls["POST "+base+"/item/{parent}"] = objectCall{body: report}, objectCall{body: report}, objectCall{body: report}
		calls["PUT "+base+"/item/{item}"] = objectCall{body: `{"status":"passed"}`}
		calls["PUT "+base+"/item/{item}/update"] = objectCall{body: `{"description":"x"}`}
		calls["POST "+base+"/log"] = objectCall{body: `{"message":"x","itemUuid":"$item"}`}
	}
	for _, path := range []string{"/api/receiver/api/v1/products/{product}/import/junit/upload", "/api/receiver/api/v1/products/{product}/import/junit", "/api/v1/products/{product}/import/junit"} {
		calls["POST "+path] = objectCall{body: "file", file: true}
	}
	for _, act := range []string{run + "/start", run + "/complete", run + "/abort", execution + "/start", execution + "/rerun"} {
		calls["POST "+act] = objectCall{renew: again}
	}
	return calls
}
