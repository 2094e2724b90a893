package onetest

import (
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// Bounds of what agents send, in bytes: of a form with logs, and of JSON.
const (
	mostLogForm = 64 << 20
	mostLogJSON = 16 << 20
	mostLogFile = 200 // files of one form
)

// receiverRoutes are those of agents, which report results, and of who looks at
// them. Agents have the version in their settings, or know it; they are alike.
func (h *handlers) receiverRoutes() []edge.Route {
	routes := append(h.reportingRoutes("v2"), h.lookupRoutes()...)
	routes = append(routes, h.importRoutes()...)
	for _, r := range h.reportingRoutes("v1") {
		r.Doc.ID = "" // the same as that of the other version
		routes = append(routes, r)
	}
	routes = append(routes, edge.Get(receiver+"api/info", edge.Public, info).Steady().Named("server_info", "Tells agents which version of the protocol is spoken."))
	for i := range routes {
		if routes[i].Operation == "" {
			routes[i].Operation = testIngestion
		}
		if routes[i].MaxBody == most { // an error may be as long as its test likes
			routes[i].MaxBody = mostLogJSON
		}
	}
	return routes
}

// reportingRoutes are those by which agents report.
func (h *handlers) reportingRoutes(version string) []edge.Route {
	const (
		launchExample = `{"name": "Nightly", "startTime": "2026-01-02T03:04:05.000Z", "attributes": [{"key": "branch", "value": "main"}]}`
		suiteExample  = `{"name": "Login", "type": "suite", "startTime": "2026-01-02T03:04:06.000Z", "launchUuid": "$LAUNCH"}`
		stepExample   = `{"name": "[48271] valid login", "type": "step", "startTime": "2026-01-02T03:04:07.000Z", "launchUuid": "$LAUNCH", "codeRef": "login.js/valid login"}`
	)
	base := receiver + "api/" + version + "/{product}"
	item := func(pattern string) edge.Route {
		return post(base+pattern, autotestsWrite, ofProduct(h, h.startItem)).Creates().Example(suiteExample)
	}
	logs := edge.Intake{Files: h.workspace.Files(), Fields: mostLogJSON, Admit: h.mayWrite, Most: mostLogForm, Count: mostLogFile, Text: logPart}
	return []edge.Route{
		post(base+"/launch", autotestsWrite, ofProduct(h, h.startLaunch)).Creates().Named("start_launch", "Starts a launch, or goes on with one.").Example(launchExample),
		item("/item").Named("start_suite", "Starts an item at the root of a launch: a suite, or a test."),
		item("/item/{$}"),
		item("/item/{parent}").Named("start_item", "Starts an item below another.").Example(stepExample),
		put(base+"/item/{item}", autotestsWrite, ofProduct(h, h.finishItem)).Named("finish_item", "Ends an item. One that holds others needs no status.").
			Example(`{"endTime": "2026-01-02T03:04:08.000Z", "launchUuid": "$LAUNCH", "status": "passed"}`),
		edge.Uploads(base+"/log", edge.Authenticated, logs, h.writeLogs).Creates().Shown(newLog{}, nil).
			Named("write_logs", "Stores logs of items, or of the launch: one as JSON, or several with their files as a form.").
			Example(`-F 'json_request_part=[{"launchUuid":"'"$LAUNCH"'","itemUuid":"'"$ITEM"'","time":"2026-01-02T03:04:07.000Z","level":"info","message":"A screenshot","file":{"name":"shot.png"}}];type=application/json' \
  -F "file=@$FILE;filename=shot.png"`),
		put(base+"/launch/{launch}/finish", autotestsWrite, ofProduct(h, h.finishLaunch)).Named("finish_launch", "Ends a launch. How it went is worked out from its items, which become results of the product.").
			Example(`{"endTime": "2026-01-02T03:04:09.000Z"}`),
		put(base+"/launch/{launch}/update", autotestsWrite, ofProduct(h, h.updateLaunch)).Named("update_launch", "Changes what is said of a launch.").Example(`{"description": "On main"}`),
		put(base+"/item/{item}/update", autotestsWrite, ofProduct(h, h.updateItem)).Named("update_item", "Changes what is said of an item.").Example(`{"description": "Slow today"}`),
		post(base+"/launch/merge", autotestsWrite, ofProduct(h, h.mergeLaunches)).Named("merge_launches", "Makes one launch of several that are over.").
			Example(`{"launches": ["$LAUNCH"], "mergeType": "BASIC", "name": "Nightly"}`),
	}
}

// lookupRoutes are those that show what was reported.
func (h *handlers) lookupRoutes() []edge.Route {
	const base = receiver + "api/v1/{product}"
	pages := func(others ...string) []string { return append(others, "page.page", "page.size") }
	return []edge.Route{
		get(base+"/launch", autotestsRead, ofProduct(h, h.listLaunches("DEFAULT"))).Takes(pages("filter.in.uuid", "filter.eq.name", "filter.eq.status")...).
			Named("list_launches", "Lists the launches of a product, the latest first."),
		get(base+"/launch/mode", autotestsRead, ofProduct(h, h.listLaunches("DEBUG"))).Takes(pages("filter.in.uuid", "filter.eq.name", "filter.eq.status")...).
			Named("list_debug_launches", "Lists the launches in DEBUG mode."),
		get(base+"/launch/{launch}", autotestsRead, ofProduct(h, h.getLaunch)).Named("get_launch", "Shows a launch, by its number or its UUID."),
		get(base+"/launch/uuid/{launch}", autotestsRead, ofProduct(h, h.getLaunch)).Named("get_launch_by_uuid", "Shows a launch."),
		get(base+"/item", autotestsRead, ofProduct(h, h.listItems)).Takes(pages("filter.eq.launchId", "filter.eq.parentId", "filter.eq.status", "filter.eq.type")...).
			Named("list_items", "Lists items in the order in which they were started."),
		get(base+"/item/{item}", autotestsRead, ofProduct(h, h.getItem)).Named("get_item", "Shows an item, by its number or its UUID."),
		get(base+"/item/uuid/{item}", autotestsRead, ofProduct(h, h.getItem)).Named("get_item_by_uuid", "Shows an item."),
		get(base+"/log", autotestsRead, ofProduct(h, h.listLogs)).Takes(pages("filter.eq.item", "filter.eq.launchId")...).
			Named("list_logs", "Lists the logs of an item, or those of a launch itself."),
		get(base+"/log/item/{item}", autotestsRead, ofProduct(h, h.listLogs)).Takes(pages()...).Named("list_item_logs", "Lists the logs of an item."),
		get(base+"/settings", autotestsRead, ofProduct(h, h.settings)).Named("get_settings", "Tells agents what a product knows of issues."),
	}
}

// importRoutes are those by which a report becomes a launch, at each address
// that is documented for it.
func (h *handlers) importRoutes() []edge.Route {
	in := edge.Intake{Files: h.workspace.Files(), Fields: mostFields, Admit: h.mayWrite, Most: mostReport + mostFields, Text: "name"}
	var routes []edge.Route
	for _, pattern := range []string{receiver + "api/v1/products/{product}/import/junit/upload", receiver + "api/v1/products/{product}/import/junit", "/api/v1/products/{product}/import/junit"} {
		r := edge.Uploads(pattern, edge.Authenticated, in, h.importReport).Creates().Counts(junitImport).Example(`-F "file=@$REPORT"`)
		if strings.HasSuffix(pattern, "/upload") {
			r = r.Named("import_junit", "Makes a launch of a JUnit report, whose tests become results of the product.")
		}
		routes = append(routes, r)
	}
	return routes
}
