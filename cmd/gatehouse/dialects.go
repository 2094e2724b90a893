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
		Params: map[string]openapi.Param{
			"actorId":      {About: "who did it: usr_… or key_…"},
			"actorType":    {About: "what did it: user, api_key or system"},
			"action":       {About: "what was done; one that ends in a dot is all that begin so"},
			"resourceType": {About: "what it was done to: api_key, user, invitation or project"},
			"resourceId":   {About: "which of them, such as key_…; that of a project needs the resourceType beside it"},
			"startDate":    {About: "from this time on, as in 2030-01-31T12:00:00Z"},
			"endDate":      {About: "up to this time"},
			"limit":        {About: "how many lines: 50, at most 100"},
			"offset":       {About: "how many to leave out first"},
			"page":         {About: "which page, from 1 on"},
			"pageSize":     {About: "how many a page has, at most 100"},
		},
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
		Params: map[string]openapi.Param{
			"status":         {About: "only those of this status"},
			"filterStatuses": {About: "only those of these statuses, with commas between them"},
			"search":         {About: "words, each of which begins a word of the tester's name or address"},
			"page":           {About: "which page, from 1 on"},
			"limit":          {About: "how many a page has: 25, at most 100"},
		},
	}
}

// testKasePage is the page of TestKase's routes.
func testKasePage(of []*edge.Surface) openapi.Dialect {
	return openapi.Dialect{
		Name: "TestKase", Path: "testkase", Prefix: "/api/v1/", Surfaces: of,
		About: "A client that was written from TestKase's documents works here by changing the host. It calls by a personal access token, which you make " +
			"in the console, or by the access token of a session. A page of this server needs neither where you have signed in.",
		Filled: []openapi.Variable{
			{Name: "TOKEN", About: "a personal access token, tk_pat_…"},
			{Name: "PROJECT", About: "the id of the project, PRJ-1, as the first call has it"},
			{Name: "CASE, CYCLE", About: "what the call is about, such as TC-1 and TCYCLE-1"},
			{Name: "RUN, FILE", About: "the runId that a report was answered with, and the id of a file that it came in"},
		},
		Wildcards: map[string]string{"case": "$CASE", "cycle": "$CYCLE", "run": "$RUN", "file": "$FILE", "version": "1"},
		Params: map[string]openapi.Param{
			"projectId":     {About: "in which project, such as PRJ-1", Value: "$PROJECT"},
			"orgId":         {About: "the number of the organization, which is that of the token"},
			"page":          {About: "which page, from 1 on; lists are paged so up to their item 10,000"},
			"limit":         {About: "how many a page has: 50, at most 200"},
			"after":         {About: "what comes behind the item of this id, instead of a page"},
			"before":        {About: "the versions before this one"},
			"from":          {About: "the place of the first result, from 0 on"},
			"status":        {About: "only those of this status"},
			"type":          {About: "only those of this type"},
			"priority":      {About: "only those of this priority"},
			"folder":        {About: "only those in this folder, such as Login/Errors"},
			"label":         {About: "only those with this label"},
			"automationId":  {About: "the one with these five digits"},
			"automationRef": {About: "only those for which this automated test stands"},
			"search":        {About: "words; only those that have them all, or words that begin so"},
		},
	}
}

// betaHubPage is the page of BetaHub's routes.
func betaHubPage(of []*edge.Surface) openapi.Dialect {
	return openapi.Dialect{
		Name: "BetaHub", Path: "betahub", Prefix: "/", Surfaces: of, Named: true,
		About: "A client that was written from BetaHub's documents works here by changing the host. It calls by a personal access token; a game reports by a " +
			"project's token, as FormUser instead of Bearer, and completes what it reported by the token of the report. Each address takes .json behind it.",
		Filled: []openapi.Variable{
			{Name: "TOKEN", About: "a personal access token, pat-…"},
			{Name: "PROJECT", About: "the id of the project, pr-1, as the first call has it"},
			{Name: "ISSUE, REQUEST, TICKET", About: "the number of the issue, feature request or ticket that the call is about"},
			{Name: "FILE", About: "the path of a file of yours"},
			{Name: "SCREENSHOT, CLIP, LOG, SEGMENT, BINARY", About: "the id of a file of the issue, as the call that adds it has it"},
			{Name: "TAG, FIELD, RELEASE", About: "the number of what the call is about"},
			{Name: "UPLOAD", About: "the blob_signed_id of a file that was announced"},
			{Name: "DEVICE", About: "what a device calls its request: 16 to 128 letters and digits that nobody can guess"},
		},
		Wildcards: map[string]string{
			"project": "$PROJECT", "issue": "$ISSUE", "request": "$REQUEST", "ticket": "$TICKET", "release": "$RELEASE", "tag": "$TAG", "field": "$FIELD",
			"screenshot": "$SCREENSHOT", "clip": "$CLIP", "log": "$LOG", "segment": "$SEGMENT", "file": "$BINARY", "upload": "$UPLOAD", "device": "$DEVICE",
		},
		Params: map[string]openapi.Param{
			"page":             {About: "which page, from 1 on; lists are paged up to their entry 10,000"},
			"per_page":         {About: "how many a page has: 20, or 25 of feature requests and fields, at most 100"},
			"status":           {About: "only those of this status: open, in_progress, needs_more_info, resolved, closed or wont_fix; of feature requests also pending, approved, completed, rejected or duplicate"},
			"priority":         {About: "only those of this priority: low, medium, high or critical"},
			"category":         {About: "only those of this category: bug, feature_request or question"},
			"tag_ids":          {About: "only those with any of these tags, with commas between them"},
			"created_after":    {About: "only those from this time on, such as 2030-01-31 or 2030-01-31T12:00:00Z"},
			"created_before":   {About: "only those before this time"},
			"updated_after":    {About: "only those that changed from this time on, the latest change first"},
			"updated_before":   {About: "only those that changed before this time"},
			"sort":             {About: "top, new or all, which are the same: nobody votes; or moderation, rejected, muted or duplicates, for those alone"},
			"query":            {About: "words; those are found that have them all, or words that begin so", Value: "ship"},
			"skip_ids":         {About: "ids that are left out, with commas between them"},
			"scoped_id":        {About: "the one with this id, such as g-1 or fr-3, instead of words"},
			"limit":            {About: "how many at most: 10, up to 100"},
			"include_archived": {About: "true for those as well on which nobody works any more"},
			"applies_to":       {About: "issue, or feature_request"},
		},
	}
}

// oneTestPage is the page of OneTest's routes.
func oneTestPage(of []*edge.Surface) openapi.Dialect {
	return openapi.Dialect{
		Name: "OneTest", Path: "onetest", Prefix: "/api/", Surfaces: of, Named: true,
		About: "A client that was written from OneTest's documents works here by changing the host. Programs call it by an API key, which is of one product, " +
			"people by the access token of a login. A product is a project, and a run a test cycle. Agents that report to ReportPortal report here: they are given " +
			"…/api/receiver/api/v2, or v1, as their endpoint, the id of the product as their project, and an API key. Each call by which they report is there in both versions.",
		Filled: []openapi.Variable{
			{Name: "TOKEN", About: "an API key, ak_…, or the access token of a login"},
			{Name: "PRODUCT", About: "the id of the product, or its slug: that of Space Game is space-game"},
			{Name: "CASE, RUN, EXECUTION, ARTIFACT, USER", About: "the id of what the call is about"},
			{Name: "LAUNCH, ITEM, SUITE", About: "the UUID of what the call is about; SUITE is an item that holds others"},
			{Name: "FILE", About: "the path of a file of yours"},
			{Name: "REPORT", About: "the path of a JUnit report"},
		},
		Wildcards: map[string]string{"launch": "$LAUNCH", "item": "$ITEM", "parent": "$SUITE", "product": "$PRODUCT", "case": "$CASE", "run": "$RUN", "execution": "$EXECUTION", "artifact": "$ARTIFACT"},
		Params: map[string]openapi.Param{
			"page":               {About: "which page, from 1 on; lists are paged so up to their item 10,000"},
			"page_size":          {About: "how many a page has: 20, at most 100"},
			"status":             {About: "only those of this status"},
			"priority":           {About: "only those of this priority, p0 to p4"},
			"test_type":          {About: "only those of this type: manual, automated or exploratory"},
			"execution_type":     {About: "only those that are executed so: manual or automated"},
			"test_category":      {About: "only those of this category"},
			"tag":                {About: "only those with this tag"},
			"folder_id":          {About: "only those in this folder"},
			"automation_test_id": {About: "only those for which this automated test stands"},
			"search":             {About: "words; only those that have them all, or words that begin so"},
			"run_type":           {About: "only those of this type: manual or automated"},
			"no_cache":           {About: "true or false; the figures are of this moment anyhow"},
			"failure_reason":     {About: "only those that failed for this reason"},
			"run_id":             {About: "only those of this run"},
			"test_case_id":       {About: "only those of this test case"},
			"assigned_to":        {About: "only those that this user is to do"},
			"from":               {About: "from this day or time on, such as 2030-01-31 or 2030-01-31T12:00:00Z"},
			"to":                 {About: "up to the end of this day, or before this time"},
			"page.page":          {About: "which page, from 1 on"},
			"page.size":          {About: "how many a page has: 20, at most 1,000"},
			"filter.in.uuid":     {About: "only those with these UUIDs, with commas between them"},
			"filter.eq.name":     {About: "only those of this name"},
			"filter.eq.status":   {About: "only those of this status: in_progress, passed, failed, interrupted or cancelled, and items skipped as well"},
			"filter.eq.type":     {About: "only those of this type, such as STEP"},
			"filter.eq.launchId": {About: "only those of this launch, by its number or its UUID; of logs, those that are of no item"},
			"filter.eq.parentId": {About: "only those right below this item"},
			"filter.eq.item":     {About: "only those of this item, by its number or its UUID", Value: "$ITEM"},
		},
	}
}
