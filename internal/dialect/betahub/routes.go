package betahub

import (
	"net/http"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

const (
	project      = "/projects/{project}"
	issues       = project + "/issues"
	oneIssue     = issues + "/{issue}"
	wishes       = project + "/feature_requests"
	tickets      = project + "/tickets"
	tags         = project + "/issue_tags"
	customFields = project + "/custom_fields"
)

// noun is a name under which issues of a category are addressed, with that of
// the one in a path.
type noun struct{ path, one, name string }

var nouns = []noun{{issues, "/{issue}", "Issue"}, {wishes, "/{request}", "Request"}, {tickets, "/{ticket}", "Ticket"}}

// open is who calls: whatever works. What it may do is decided by the project.
var open = edge.Authenticated

// both are a route at its address with .json and without, which documents tell of.
func both(r edge.Route) []edge.Route {
	twin := r
	twin.Pattern, twin.Doc = r.Pattern+".json", edge.Doc{}
	return []edge.Route{twin, r}
}

// concat joins groups of routes.
func concat(groups ...[]edge.Route) (all []edge.Route) {
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

func (h *handlers) reads() []edge.Route {
	routes := concat(
		both(edge.Get("/projects", open, asks(h.listProjects)).Takes("page", "per_page").
			Named("listProjects", "List the projects that you see.")),
		both(edge.Get("/profiles/me", open, asks(h.me)).
			Named("me", "Show your profile, with your role in each project.")),
		[]edge.Route{edge.Get(project, open, asks(h.getProject)).
			Named("getProject", "Show a project.")},
		both(edge.Get(issues, open, asks(h.listIssues)).Takes(issueFilters...).
			Named("listIssues", "List issues, the newest first: an array, or an object where a page is asked for.")),
		both(edge.Get(issues+"/search", open, asks(h.searchIssues)).Takes(searchParams...).
			Named("searchIssues", "Find issues by words of their titles and descriptions, or one by its id.")),
		[]edge.Route{edge.Get(oneIssue, open, asks(h.getIssue)).
			Named("getIssue", "Show an issue.")},
		both(edge.Get(oneIssue+"/find_similar", open, asks(h.findSimilar)).Takes("limit", "include_archived").
			Named("findSimilar", "List issues that are like another, the most alike first.")),
		both(edge.Get(wishes, open, asks(h.listRequests)).Takes(requestFilters...).
			Named("listRequests", "List feature requests, the newest first.")),
		both(edge.Get(wishes+"/search", open, asks(h.searchRequests)).Takes(searchParams...).
			Named("searchRequests", "Find feature requests by words, or one by its id.")),
		both(edge.Get(project+"/releases", open, asks(h.listReleases)).
			Named("listReleases", "List the versions that reports name.")),
		[]edge.Route{edge.Get(project+"/releases/{release}", open, asks(h.getRelease)).
			Named("getRelease", "Show a version.")},
		both(edge.Get(tags, open, asks(h.listTags)).
			Named("listTags", "List the tags of a project.")),
		both(edge.Get(customFields, open, asks(h.listFields)).Takes("applies_to", "page", "per_page").
			Named("listFields", "List the fields that a project adds to its issues, or to its feature requests.")),
		both(edge.Get(project+"/custom_issue_fields", open, asks(h.listIssueFields)).
			Named("listIssueFields", "List the fields of issues as whoever reports has to know them.")),
	)
	for _, n := range nouns {
		routes = append(routes, both(edge.Get(n.path+n.one+"/comments", open, asks(h.listComments)).
			Named("list"+n.name+"Comments", "List what is said below it."))...)
	}
	for _, k := range kinds {
		list := func(r *edge.Request) ([]medium, error) { return h.listMedia(r, k) }
		one := func(r *edge.Request, _ edge.None) (edge.File, error) { return h.openMedium(r, k) }
		routes = append(routes, both(edge.Get(k.path(), open, asks(list)).Named("list"+k.name+"s", "List files of this kind that an issue has."))...)
		routes = append(routes, edge.Get(k.path()+"/{"+k.one+"}", open, one).Named("get"+k.name, "Get a file, or the Range of it that is asked for."))
	}
	return routes
}

func (h *handlers) writes() []edge.Route {
	in := edge.Intake{Files: h.workspace.Files(), Fields: most, Admit: h.mayReport}
	routes := concat(
		both(edge.Either("/projects", open, most, takes(h.createProject)).Creates().
			Named("createProject", "Make a project.", credential.InProgress).Example(`{"name":"My Game","description":"It has levels","visibility":"private"}`)),
		both(edge.Uploads(issues, open, in, takes(h.createIssue)).Creates().
			Named("createIssue", "Report an issue, as JSON or by a form, which may have files. With draft it is reported once it is published.").
			Example(`{"title":"Ship falls through the pad","description":"After the second jump","category":"bug","priority":"high","release_label":"1.0.0"}`)),
		both(edge.Uploads(wishes, open, in, takes(h.createRequest)).Creates().
			Named("createRequest", "Ask for a feature.").Example(`{"description":"More levels"}`)),
		both(edge.Uploads(tickets, open, in, takes(h.createTicket)).Creates().
			Named("createTicket", "Ask a question, and say where the answer goes.").Example(`{"description":"Where are my points?","reporter_email":"ada@example.com"}`)),
		[]edge.Route{edge.Either(oneIssue, open, most, takes(h.updateIssue)).By(http.MethodPatch).
			Named("updateIssue", "Change what the body names of an issue, and nothing else.").Example(`{"status":"in_progress","tag_ids":[1]}`),
			edge.Either(wishes+"/{request}", open, most, takes(h.updateIssue)).By(http.MethodPatch).
				Named("updateRequest", "Change what the body names of a feature request.").Example(`{"status":"approved"}`)},
		both(edge.Either(tags, open, most, takes(h.createTag)).Creates().
			Named("createTag", "Make a tag.").Example(`{"name":"Physics","color":"#1e90ff"}`)),
		both(edge.Either(customFields, open, most, takes(h.createField)).Creates().
			Named("createField", "Add a field to the issues of a project.").Example(`{"ident":"planet","field_type":"select","options":["Mars","Venus"],"tester_settable":true}`)),
		[]edge.Route{
			edge.Either(tags+"/{tag}", open, most, takes(h.changeTag)).By(http.MethodPatch).
				Named("changeTag", "Change a tag.").Example(`{"description":"What falls, floats or flies"}`),
			edge.Delete(tags+"/{tag}", open, asks(h.deleteTag)).
				Named("deleteTag", "Take a tag away, from its issues too."),
			edge.Delete(customFields+"/{field}", open, asks(h.deleteField)).
				Named("deleteField", "Take a field away. What issues have in it stays."),
			edge.Options("/projects"), edge.Options("/projects.json"), edge.Options("/projects/{path...}"), edge.Options("/profiles/{path...}"),
		},
	)
	for _, n := range nouns {
		routes = append(routes, both(edge.Either(n.path+n.one+"/comments", open, most, takes(h.comment)).Creates().
			Named("commentOn"+n.name, "Say something below it.").Example(`{"body":"Seen here as well"}`))...)
	}
	return routes
}

// completions are the routes by which what was reported is completed: by the
// token of the report, or by who may write issues.
func (h *handlers) completions() (routes []edge.Route) {
	in := edge.Intake{Files: h.workspace.Files(), Admit: h.mayComplete}
	raw := in
	raw.Raw = true
	for _, k := range kinds {
		add := func(r *edge.Request, u *edge.Upload) (uploaded, error) { return h.addMedium(r, u, k) }
		routes = append(routes, both(edge.Uploads(k.path(), open, in, takes(add)).Creates().
			Named("add"+k.name, "Add a file to an issue.").Example(`-F "`+k.part()+`=@$FILE"`))...)
	}
	return concat(routes,
		both(edge.Either(oneIssue+"/presigned_upload", open, most, takes(h.announce)).Creates().
			Named("announceUpload", "Announce a file that is sent to another address: it comes within an hour, of this size and MD5.").
			Example(`-F "filename=$FILE" -F "byte_size=$(wc -c < "$FILE")" -F "checksum=$(openssl md5 -binary "$FILE" | base64)"`)),
		[]edge.Route{edge.Uploads(oneIssue+"/uploads/{upload}", open, raw, h.take).By(http.MethodPut).
			Named("sendUpload", "Send a file that was announced.").Example(`--data-binary "@$FILE"`)},
		both(edge.Either(oneIssue+"/confirm_upload", open, most, takes(h.confirm)).Creates().
			Named("confirmUpload", "Add a file that was sent to its issue.").Example(`{"blob_signed_id":"$UPLOAD","name":"shot.png"}`)),
		both(edge.Either(oneIssue+"/set_reporter_email", open, most, takes(h.setReporter)).
			Named("setReporter", "Say by an address who reported it, where a project's token did so.").Example(`{"email":"ada@example.com"}`)),
		both(edge.Either(oneIssue+"/publish", open, most, takes(h.publish)).
			Named("publishIssue", "Report a draft.").Example(`{}`)),
		both(edge.Either(wishes+"/{request}/publish", open, most, takes(h.publish)).
			Named("publishRequest", "Report the draft of a feature request.").Example(`{}`)),
	)
}

func (h *handlers) verifies() []edge.Route {
	return []edge.Route{
		edge.Post("/auth/verify", open, most, h.verify).
			Named("verify", "Say what a token is good for.").Example(`{}`),
		edge.Options("/auth/verify"),
	}
}

// mayReport lets in who may report something in the project in the path.
func (h *handlers) mayReport(r *edge.Request) error {
	ref, err := projectIn(r)
	if err == nil {
		err = h.workspace.MayCreateIssue(r.Context(), &r.Principal, ref)
	}
	return closed(err)
}

// mayComplete lets in who may add to the issue in the path.
func (h *handlers) mayComplete(r *edge.Request) error {
	ref, err := issueIn(r)
	if err == nil {
		err = h.workspace.MayComplete(r.Context(), &r.Principal, ref)
	}
	return closed(err)
}
