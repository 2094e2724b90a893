package testkase

import (
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// Surfaces returns TestKase's routes, by noun. A browser that has signed in may
// call them from a page of this server.
func Surfaces(a *authority.Authority, w *workspace.Workspace) []*edge.Surface {
	h := &handlers{a, w}
	present := edge.OrCookie(edge.FromHeaders, a.Issuer())
	surface := func(prefix string, routes []edge.Route) *edge.Surface {
		return &edge.Surface{Routes: routes, Prefix: prefix, Present: present, WriteError: writeError, WriteLimit: writeLimit, Takes: ours, Nulls: true, Browser: true}
	}
	return []*edge.Surface{surface(projects, h.projectRoutes()), surface(cases, h.caseRoutes()), surface(cycles, h.cycleRoutes())}
}

// ours are the credentials that this surface takes.
func ours(s *credential.Scheme) bool { return s.Kind == credential.Session || s.Name == "testkase_pat" }

func (h *handlers) projectRoutes() []edge.Route {
	read := edge.Needs(credential.ProjectsRead)
	return []edge.Route{
		edge.Get(projects+"/user-projects", read, h.listProjects).Takes("page", "limit", "orgId").
			Named("listProjects", "List the projects that you see, with your role in each."),
		edge.Get(projects+"/user/my-projects", read, h.listProjects).Takes("page", "limit", "orgId").
			Named("listMyProjects", "The same list, under the name that newer documents have."),
	}
}

// What changes something asks for no permission at the door: it is the role in
// the project that counts, which the workspace knows.
func (h *handlers) caseRoutes() []edge.Route {
	read, write := edge.Needs(credential.TestsRead), edge.Authenticated
	const one = cases + "/{case}"
	return []edge.Route{
		edge.Get(cases, read, h.listCases).
			Takes("projectId", "orgId", "page", "limit", "after", "status", "type", "priority", "folder", "label", "automationId", "automationRef", "search").
			Named("listCases", "List the test cases of a project in the order of their numbers."),
		edge.Post(cases, write, most, h.createCase).Takes(in...).Creates().
			Named("createCase", "Make a test case. It needs a title only.", credential.InProgress).
			Example(`{"title":"A player signs out","priority":"high","labels":["smoke"],"steps":[{"action":"Choose Sign out","expectedResult":"The start page"}]}`),
		edge.Get(one, read, h.getCase).Takes(in...).
			Named("getCase", "Show a test case."),
		edge.Put(one, write, most, h.changeCase).Takes(in...).
			Named("putCase", "Change a test case: what the body names, and nothing else.").
			Example(`{"status":"ready","customFields":{"Platform":"Linux"}}`),
		edge.Patch(one, write, most, h.changeCase).Takes(in...).
			Named("changeCase", "The same. With a version it changes that one, and none that came later.").
			Example(`{"folder":"Accounts/Sign out","version":2}`),
		edge.Get(one+"/versions", read, h.listVersions).Takes("projectId", "orgId", "before").
			Named("listVersions", "List what a test case was, the latest version first."),
		edge.Get(one+"/versions/{version}", read, h.getVersion).Takes(in...).
			Named("getVersion", "Show what a test case was at one of its versions."),
		edge.Delete(one, write, h.deleteCase).Takes(in...).
			Named("deleteCase", "Take a test case away. Cycles keep how it went."),
	}
}

func (h *handlers) cycleRoutes() []edge.Route {
	read, write := edge.Needs(credential.ResultsRead), edge.Authenticated
	const one, inOne = cycles + "/{cycle}", cycles + "/{cycle}/test-cases"
	return []edge.Route{
		edge.Get(cycles, read, h.listCycles).Takes("projectId", "orgId", "page", "limit", "after", "status").
			Named("listCycles", "List the test cycles of a project, the master cycle first."),
		edge.Post(cycles, write, most, h.createCycle).Takes(in...).Creates().
			Named("createCycle", "Make a test cycle, with test cases in it or none.", credential.InProgress).
			Example(`{"name":"Release 1.1","testCases":["TC-1"]}`),
		edge.Get(one, read, h.getCycle).Takes(in...).
			Named("getCycle", "Show a test cycle, and how many of its test cases passed."),
		edge.Put(one, write, most, h.changeCycle).Takes(in...).
			Named("putCycle", "Change a test cycle: what the body names, and nothing else.").
			Example(`{"status":"in_progress"}`),
		edge.Patch(one, write, most, h.changeCycle).Takes(in...).
			Named("changeCycle", "The same. With a version it changes that one, and none that came later.").
			Example(`{"description":"What is new in 1.1","version":2}`),
		edge.Get(inOne, read, h.listExecutions).Takes("projectId", "orgId", "page", "limit", "after", "status").
			Named("listExecutions", "List the test cases of a cycle, and how each went."),
		edge.Post(inOne, write, most, h.addExecutions).Takes(in...).
			Named("addExecutions", "Put test cases into a cycle.").
			Example(`{"testCases":["TC-2"]}`),
		edge.Put(inOne+"/{case}", write, most, h.setExecution).Takes(in...).
			Named("setExecution", "Say how a test case of a cycle went: Pass, Fail, Blocked, Skipped or Not Executed.").
			Example(`{"status":"Pass","comment":"On Linux","durationMs":812}`),
		edge.Delete(inOne+"/{case}", write, h.removeExecution).Takes(in...).
			Named("removeExecution", "Take a test case out of a cycle."),
		h.reportRoute(one+"/results").Takes(in...).Creates().
			Named("reportResults", "Report what automated tests found. They name test cases by automation ids of five digits.", credential.InProgress).
			Example(`{"runKey":"build 512","results":[{"name":"[48271] valid login","status":"pass","durationMs":812}]}`),
		edge.Get(one+"/results/{run}", read, h.getRun).Takes("projectId", "orgId", "from", "limit").
			Named("getRun", "Show a report."),
		edge.Get(one+"/results/{run}/files/{file}", read, h.openFile).Takes(in...).
			Named("getRunFile", "Hand out a file that results came in."),
		edge.Delete(one, write, h.deleteCycle).Takes(in...).
			Named("deleteCycle", "Take a test cycle away. The master cycle stays."),
	}
}

// in are the parameters that say in which project.
var in = []string{"projectId", "orgId"}
