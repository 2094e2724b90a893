package main

import (
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/openapi"
)

// bunShipPage is the page of BunShip's routes.
func bunShipPage(of []*edge.Surface) openapi.Dialect {
	return openapi.Dialect{
		Name: "BunShip", Path: "bunship", Prefix: "/api/v1/", Surfaces: of,
		About: "A client that was written from BunShip's documents works here by changing the host. People call it by the access token of a login, " +
			"machines by an API key, which goes in X-API-Key as well.",
		Filled: []openapi.Variable{
			{Name: "TOKEN", About: "the accessToken of a login, or an API key"},
			{Name: "EMAIL, PASSWORD, NEW_PASSWORD", About: "of your account"},
			{Name: "REFRESH_TOKEN", About: "of the same login"},
			{Name: "CODE", About: "of a letter, or of your second factor"},
			{Name: "ORGANIZATION", About: "the id of yours, org_…, as the list of your organizations has it"},
			{Name: "KEY, WEBHOOK, SESSION, MEMBER, INVITATION", About: "the id of what the call is about"},
		},
		Wildcards: map[string]string{"organization": "$ORGANIZATION", "key": "$KEY", "webhook": "$WEBHOOK", "session": "$SESSION", "member": "$MEMBER",
			"invitation": "$INVITATION", "token": "$CODE"},
	}
}

// betaTestingPage is the page of BetaTesting's routes, of which one is among
// those of OAuth2.
func betaTestingPage(of []*edge.Surface) openapi.Dialect {
	return openapi.Dialect{
		Name: "BetaTesting", Path: "betatesting", Prefix: "/api/external/v2/", Surfaces: of,
		About: "A client that was written from BetaTesting's documents works here by changing the host. It calls by a static key, or by the access token " +
			"that an OAuth2 client gets for an hour. Both are made in the console, under Organization settings, Integrations.",
		Filled: []openapi.Variable{
			{Name: "TOKEN", About: "a static key, btst_…, or the access_token of the first call"},
			{Name: "CLIENT_ID, CLIENT_SECRET", About: "of an OAuth2 client, for the first call"},
			{Name: "WEBHOOK", About: "the id of a webhook"},
		},
		Wildcards: map[string]string{"test": "1", "tester": "1", "issue": "1", "webhook": "$WEBHOOK"},
	}
}

// oneTestPage is the page of OneTest's routes.
func oneTestPage(of []*edge.Surface) openapi.Dialect {
	return openapi.Dialect{
		Name: "OneTest", Path: "onetest", Prefix: "/api/", Surfaces: of,
		About: "A client that was written from OneTest's documents works here by changing the host. Programs call it by an API key, which is of one product, " +
			"people by the access token of a login. A product is a project, and a run a test cycle.",
		Filled: []openapi.Variable{
			{Name: "TOKEN", About: "an API key, ak_…, or the access token of a login"},
			{Name: "PRODUCT", About: "the id of the product, or its slug: that of Space Game is space-game"},
			{Name: "CASE, RUN, EXECUTION, USER", About: "the id of what the call is about"},
		},
		Wildcards: map[string]string{"product": "$PRODUCT", "case": "$CASE", "run": "$RUN", "execution": "$EXECUTION"},
	}
}
