package onetest

import (
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// What sorts of calls there are, beside those that read and those that write.
const (
	fileUpload    = "file_upload"
	testIngestion = "test_ingestion"
	junitImport   = "junit_import"
)

// What a key may be limited to.
const (
	casesRead       = "testcases:read"
	casesWrite      = "testcases:write"
	runsRead        = "testruns:read"
	runsWrite       = "testruns:write"
	membershipRead  = "membership:read"
	membershipWrite = "membership:write"
	artifactsRead   = "artifacts:read"
	artifactsWrite  = "artifacts:write"
	activityRead    = "activity:read"
	autotestsRead   = "autotests:read"
	autotestsWrite  = "autotests:write"
)

// managementRoutes are those of test cases, runs and executions.
func (h *handlers) managementRoutes() []edge.Route {
	const (
		base       = management + "api/v1"
		cases      = base + "/products/{product}/test-cases"
		oneCase    = base + "/test-cases/{case}"
		runs       = base + "/products/{product}/runs"
		oneRun     = base + "/runs/{run}"
		executions = base + "/executions/{execution}"
	)
	return []edge.Route{
		get(cases, casesRead, ofProduct(h, h.listCases)).Takes(paging(caseFilters...)...).Named("list_test_cases", "Lists the test cases of a product that the filters choose."),
		post(cases, casesWrite, ofProduct(h, h.createCase)).Creates().Named("create_test_case", "Makes a test case; it needs a title only.").
			Example(`{"title": "Login test", "test_type": "manual", "priority": "p2"}`),
		get(cases+"/automation-coverage", casesRead, ofProduct(h, h.coverage)).Takes("no_cache").Named("automation_coverage", "Says how far the test cases of a product are automated."),
		get(oneCase, casesRead, h.getCase).Named("get_test_case", "Shows a test case."),
		put(oneCase, casesWrite, h.changeCase).Named("update_test_case", "Changes what is named of a test case, which makes its next version.").
			Example(`{"execution_type": "automated", "automation_test_id": "test_login.py:TestLogin.test_valid_login"}`),
		remove(oneCase, casesWrite, h.deleteCase).Named("delete_test_case", "Takes a test case away."),

		get(runs, runsRead, ofProduct(h, h.listRuns)).Takes(paging("status", "run_type")...).Named("list_runs", "Lists the runs of a product."),
		post(runs, runsWrite, ofProduct(h, h.createRun)).Creates().Named("create_run", "Plans a run, with test cases or without.").
			Example(`{"name": "Release 1.0", "run_type": "manual", "test_case_ids": []}`),
		get(oneRun, runsRead, ofRun(h, h.getRun)).Named("get_run", "Shows a run."),
		act(oneRun+"/start", runsWrite, h.moveRun("in_progress")).Named("start_run", "Starts a run that is planned."),
		act(oneRun+"/complete", runsWrite, h.moveRun("completed")).Named("complete_run", "Completes a run that is in progress."),
		act(oneRun+"/abort", runsWrite, h.moveRun("aborted")).Named("abort_run", "Ends a run that isn't completed."),
		post(oneRun+"/copy", runsWrite, scoped(runsRead, ofRun(h, h.copyRun))).Creates().Named("copy_run", "Plans a run with the test cases of another.").Example(`{"name": "Release 1.0, again"}`),
		post(oneRun+"/add-tests", runsWrite, ofRun(h, h.addCases)).Named("add_tests", "Puts test cases into a run.").Example(`{"test_case_ids": ["$CASE"]}`),
		post(oneRun+"/add-tests-bulk", runsWrite, ofRun(h, h.addCases)).Named("add_tests_bulk", "Puts up to 500 test cases into a run.").Example(`{"test_case_ids": ["$CASE"]}`),
		post(oneRun+"/add-from-oql", runsWrite, scoped(casesRead, ofRun(h, h.addFound))).Named("add_from_oql", "Puts the test cases into a run that a query chooses.").
			Example(`{"query": "priority = p0 AND tag = \"smoke\""}`),
		get(oneRun+"/analytics", runsRead, ofRun(h, h.analytics)).Named("run_analytics", "Says how a run went, in figures."),
		get(oneRun+"/results", runsRead, h.runExecutions(true)).Takes(paging(executionFilters...)...).Named("run_results", "Lists the executions of a run that have a result."),
		get(oneRun+"/executions", runsRead, h.runExecutions(false)).Takes(paging(executionFilters...)...).Named("list_executions", "Lists the executions of a run."),

		get(base+"/me/executions", runsRead, h.ownExecutions).Takes(paging("status")...).Named("my_executions", "Lists the executions that the caller is to do."),
		post(base+"/products/{product}/search/executions", runsRead, ofProduct(h, h.searchExecutions)).Takes(paging()...).Reads().
			Named("search_executions", "Lists the executions of a product that a query chooses.").Example(`{"query": "status = failed AND failure_reason = bug_in_app"}`),
		get(executions, runsRead, ofExecution(h.getExecution)).Named("get_execution", "Shows an execution."),
		act(executions+"/start", runsWrite, ofExecution(h.startExecution)).Named("start_execution", "Says that a test case is being executed."),
		post(executions+"/complete", runsWrite, ofExecution(h.completeExecution)).Named("complete_execution", "Says how an execution ended.").
			Example(`{"status": "failed", "failure_reason": "bug_in_app", "comment": "The page stays empty."}`),
		act(executions+"/rerun", runsWrite, ofExecution(h.rerunExecution)).Named("rerun_execution", "Makes an execution that ended as if it never had begun."),
		post(executions+"/assign", runsWrite, ofExecution(h.assignExecution)).Named("assign_execution", "Says who is to execute a test case.").Example(`{"user_id": "$USER"}`),
		post(executions+"/steps", runsWrite, ofExecution(h.setStep)).Named("set_step", "Says how a step went.").Example(`{"step_number": 1, "status": "passed", "actual_result": ""}`),
		post(executions+"/defects", runsWrite, ofExecution(h.addDefect)).Named("add_defect", "Notes what an execution found.").Example(`{"defect": "g-12"}`),
	}
}

// membershipRoutes are those of products and of what belongs to them.
func (h *handlers) membershipRoutes() []edge.Route {
	const (
		products = membership + "api/v1/products"
		one      = products + "/{product}"
	)
	return []edge.Route{
		get(products, membershipRead, h.listProducts).Takes(paging()...).Named("list_products", "Lists the products that the caller sees."),
		get(one, membershipRead, ofProduct(h, h.getProduct)).Named("get_product", "Shows a product."),
		put(one, membershipWrite, ofProduct(h, h.changeProduct)).Named("update_product", "Changes what is named of a product.").Example(`{"product_type": "api"}`),
		get(one+"/members", membershipRead, belonging(h, h.members, memberOf)).Takes(paging()...).Named("list_members", "Lists the members of a product."),
		get(one+"/environments", membershipRead, belonging(h, h.environments, environmentOf)).Takes(paging()...).Named("list_environments", "Lists the environments of a product."),
		post(one+"/environments", membershipWrite, ofProduct(h, h.setEnvironment)).Named("set_environment", "Finds or makes an environment by its name, and says what it is.").
			Example(`{"name": "Staging", "type": "staging", "is_default": true}`),
		get(one+"/builds", membershipRead, belonging(h, h.builds, buildOf)).Takes(paging()...).Named("list_builds", "Lists the builds of a product."),
		post(one+"/builds", membershipWrite, ofProduct(h, h.setBuild)).Named("set_build", "Finds or makes a build by its version, and says what has become of it.").
			Example(`{"version": "1.4.0", "status": "active"}`),
		get(one+"/releases", membershipRead, belonging(h, h.releases, releaseOf)).Takes(paging()...).Named("list_releases", "Lists the releases of a product."),
		post(one+"/releases", membershipWrite, ofProduct(h, h.setRelease)).Named("set_release", "Finds or makes a release by its name, and says what has become of it.").
			Example(`{"name": "1.4", "status": "planned"}`),
	}
}

// usageRoutes are those of what a product may use, and of what it has used.
func (h *handlers) usageRoutes() []edge.Route {
	const base = membership + "api/v1/products/{product}/usage"
	return []edge.Route{
		get(base, activityRead, ofProduct(h, h.showUsage)).Named("get_usage", "Says what a product has used of its weekly budget, and for what."),
		get(base+"/activity", activityRead, ofProduct(h, h.activity)).Takes(paging("from", "to")...).
			Named("list_activity", "Lists the metered calls of a product, the latest first.", credential.Invalid),
		get(base+"/history", activityRead, ofProduct(h, h.usageHistory)).Named("usage_history", "Lists the weeks of a product, twelve at most, the present one first."),
		get(base+"/export.csv", activityRead, ofProduct(h, h.exportUsage)).Takes("from", "to").Streams(event{}, "text/csv").
			Named("export_usage", "Hands out the metered calls of up to three months as CSV.", credential.Invalid),
		edge.Put(base+"/settings", edge.Authenticated, most, ofProduct(h, h.setUsage)).
			Named("set_usage", "Changes what is named of the settings: the weekly budget, what happens when nothing is left, and how many requests an hour its keys make.").
			Example(`{"weekly_budget": 1000, "overage_policy": "block", "hourly_limit": 0}`),
		edge.Post(base+"/top-up", edge.Authenticated, most, ofProduct(h, h.topUp)).
			Named("top_up", "Adds coins to the present week of a product, and to no other.", credential.InProgress).Example(`{"coins": 500}`),
	}
}

// artifactRoutes are those of files.
func (h *handlers) artifactRoutes() []edge.Route {
	const (
		list = artifacts + "api/v1/products/{product}/artifacts"
		one  = artifacts + "api/v1/artifacts/{artifact}"
	)
	in := edge.Intake{Files: h.workspace.Files(), Fields: mostFields, Admit: h.mayUpload}
	return []edge.Route{
		get(list, artifactsRead, ofProduct(h, h.listArtifacts)).Takes(paging()...).Named("list_artifacts", "Lists the files of a product, the latest first."),
		edge.Uploads(list, edge.Authenticated, in, h.upload).Creates().Counts(fileUpload).Shown(newArtifact{}, nil).
			Named("upload_artifact", "Adds a file to a product, in a part of a form.").Example(`-F "file=@$FILE"`),
		get(one, artifactsRead, ofArtifact(h.getArtifact)).Named("get_artifact", "Says what a file is."),
		remove(one, artifactsWrite, ofArtifact(h.deleteArtifact)).Named("delete_artifact", "Takes a file away."),
		get(one+"/content", artifactsRead, ofArtifact(h.openArtifact)).Named("download_artifact", "Hands out what is in a file, or the Range of it that is asked for."),
	}
}
