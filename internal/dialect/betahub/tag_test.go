package betahub_test

import (
	"fmt"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Issues have tags, and are found by any of them.
func TestBHD12_BHD19_BHO23_Tags(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.get("viewer", w.in("/issue_tags.json")).want(200).has("tags.0", nil)
		w.post("dev", w.in("/issue_tags.json"), `{"name":"Crash","color":"#FF0000","description":"It stops"}`).want(201).
			has("id", 1, "name", "Crash", "color", "#ff0000", "description", "It stops", "parent_tag_id", nil)
		w.post("dev", w.in("/issue_tags"), "issue_tag[name]=On+start&issue_tag[parent_tag_id]=1").want(201).has("id", 2, "color", "#808080", "description", nil, "parent_tag_id", 1)
		w.post("dev", w.in("/issue_tags"), `{"issue_tag":{"name":"UI"}}`).want(201).has("id", 3)
		w.get("viewer", w.in("/issue_tags")).want(200).has("tags.1.name", "On start", "tags.1.parent_tag_id", 1, "tags.2.id", 3)
		for body, part := range map[string]string{`{"name":""}`: "name", `{"name":"x","color":"red"}`: "color", `{"name":"x","parent_tag_id":9}`: "parent_tag_id", `{"name":"x","parent_tag_id":2}`: "parent_tag_id"} {
			w.post("dev", w.in("/issue_tags"), body).refused(422, part)
		}
		w.post("dev", w.in("/issue_tags"), `{"name":"Crash"}`).refused(409, "exists")
		w.post("viewer", w.in("/issue_tags"), `{"name":"x"}`).refused(403, "issues:write")
		w.patch("dev", w.in("/issue_tags/1"), `{"parent_tag_id":3}`).refused(422, "parent_tag_id")
		w.patch("dev", w.in("/issue_tags/9"), `{"name":"x"}`).refused(404, "no such tag")

		w.post("dev", w.in("/issues.json"), `{"title":"one","tag_ids":[1,2,1]}`).want(201).has("tags.0.name", "Crash", "tags.1.id", 2, "tags.2", nil)
		w.post("FormUser "+w.reporter, w.in("/issues.json"), "issue[title]=two&issue[tag_ids][]=3&issue[tag_ids][]=2").want(201).has("tags.0.id", 2, "tags.1.id", 3)
		w.post("FormUser "+w.reporter, w.in("/issues.json"), "issue[title]=three&issue[tag_ids]=1,3").want(201).has("tags.1.color", "#808080")
		w.post("dev", w.in("/issues.json"), `{"title":"four","tag_ids":"3"}`).want(201).has("tags.0.id", 3)
		w.post("dev", w.in("/issues.json"), `{"title":"five"}`).want(201).has("tags.0", nil)
		w.post("dev", w.in("/issues.json"), `{"title":"x","tag_ids":[9]}`).refused(422, "tag_ids")
		w.post("dev", w.in("/issues.json"), `{"title":"x","tag_ids":{"a":1}}`).refused(422, "tag_ids")
		found := func(query string, want ...any) {
			w.t.Helper()
			a := w.get("viewer", w.in("/issues.json?per_page=20&tag_ids="+query)).want(200)
			if got := a.column("issues", "id"); !same(got, want...) {
				t.Errorf("%s: got %v, want %v", query, got, want)
			}
			a.has("pagination.total_count", len(want))
		}
		found("1", 3, 1)
		found("2,3", 4, 3, 2, 1)
		found("2%2C3&status=open", 4, 3, 2, 1)
		found("9")
		w.get("viewer", w.in("/issues.json?tag_ids=x")).refused(422, "tag_ids")
		w.patch("dev", w.in("/issues/1.json"), `{"title":"one!"}`).want(200).has("tags.1.id", 2)
		w.patch("dev", w.in("/issues/1.json"), `{"tag_ids":[3]}`).want(200).has("tags.0.id", 3, "tags.1", nil)
		w.patch("dev", w.in("/issues/4.json"), `{"tag_ids":null}`).want(200).has("tags.0", nil)
		found("1", 3)
		w.patch("dev", w.in("/issue_tags/3.json"), `{"name":"Surface","color":"#00ff00","description":"x"}`).want(200).has("name", "Surface", "color", "#00ff00")
		w.get("dev", w.in("/issues/1.json")).want(200).has("tags.0.name", "Surface")
		draft := w.post("FormUser "+w.reporter, w.in("/issues.json"), "issue[title]=six&issue[tag_ids]=1,2&draft=true").want(201).has("tags.1.id", 2)
		w.do(call{method: "DELETE", path: w.in("/issue_tags/1"), as: "viewer"}).refused(403, "issues:write")
		w.do(call{method: "DELETE", path: w.in("/issue_tags/1"), as: "dev"}).want(204)
		w.get("dev", w.in("/issue_tags.json")).want(200).has("tags.0.id", 2, "tags.0.parent_tag_id", nil)
		w.get("dev", w.in("/issues/3.json")).want(200).has("tags.0.id", 3, "tags.1", nil)
		w.post(fmt.Sprint("Bearer ", draft.get("token")), w.in("/issues/6/publish"), "").want(200).has("tags.0.id", 2, "tags.1", nil)
		found("2", 6, 2)
		w.post("owner", fmt.Sprintf("/projects/pr-%d/issue_tags", w.hidden.Number), `{"name":"Crash"}`).want(201)
		w.post("owner", fmt.Sprintf("/projects/pr-%d/issues", w.hidden.Number), `{"title":"x","tag_ids":[2]}`).refused(422, "tag_ids")
	})
}

// Issues that are like another are found, the most alike first.
func TestBHD20_FindSimilar(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, body := range []string{`{"title":"Game crashes on the landing pad","description":"After the second jump the ship falls through"}`,
			`{"title":"Ship falls through the landing pad"}`, `{"title":"Landing pad is dark"}`, `{"title":"Sound is missing"}`,
			`{"title":"Game crashes on the landing pad","description":"After the second jump the ship falls through","status":"closed"}`} {
			w.post("dev", w.in("/issues.json"), body).want(201)
		}
		a := w.get("dev", w.in("/issues/1/find_similar.json")).want(200)
		if got := a.column("issues", "id"); !same(got, 2, 3) {
			t.Errorf("got %v: %s", got, a.body)
		}
		if first, second := a.get("issues.0.similarity_score").(float64), a.get("issues.1.similarity_score").(float64); first <= second || first >= 1 || second <= 0 {
			t.Errorf("they score %v and %v", first, second)
		}
		w.get("dev", w.in("/issues/1/find_similar?include_archived=true&limit=1")).want(200).has("issues.0.id", 5, "issues.0.similarity_score", 1, "issues.1", nil)
		w.get("dev", w.in("/issues/4/find_similar")).want(200).has("issues.0", nil)
		w.get("dev", w.in("/issues/1/find_similar?limit=0")).refused(422, "limit")
		w.get("dev", w.in("/issues/9/find_similar")).refused(404, "no such issue")
		w.get("viewer", w.in("/issues/1/find_similar")).refused(403, "issues:write")
	})
}

// A project has fields of its own, which reports have to fit.
func TestBHD22_BHO24_CustomFields(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		define := func(body string) answer { return w.post("lead", w.in("/custom_fields.json"), body) }
		define(`{"ident":"os","name":"System","field_type":"select","options":["Linux","Windows"],"required":true,"tester_settable":true}`).want(201).
			has("id", 1, "ident", "os", "name", "System", "field_type", "select", "options.1", "Windows", "required", true, "tester_settable", true, "tester_viewable", false, "applies_to", "issue")
		w.post("lead", w.in("/custom_fields"), "custom_field[ident]=level&custom_field[field_type]=number&custom_field[tester_settable]=true").want(201).has("name", "level", "options.0", nil)
		define(`{"ident":"triage","field_type":"boolean","required":true}`).want(201)
		define(`{"ident":"wish","applies_to":"feature_request"}`).want(201).has("field_type", "text")
		for body, part := range map[string]string{`{"ident":"a b"}`: "ident", `{"ident":"x","field_type":"date"}`: "field_type", `{"ident":"x","field_type":"select"}`: "options",
			`{"ident":"x","options":["a"]}`: "options", `{"ident":"x","applies_to":"ticket"}`: "applies_to"} {
			define(body).refused(422, part)
		}
		define(`{"ident":"os"}`).refused(409, "exists")
		w.post("dev", w.in("/custom_fields"), `{"ident":"x"}`).refused(403, "projects:write")
		list := w.get("viewer", w.in("/custom_fields.json?applies_to=issue")).want(200)
		if got := list.column("custom_fields", "ident"); !same(got, "os", "level", "triage") {
			t.Errorf("got %v", got)
		}
		list.has("pagination.total_count", 3, "pagination.current_page", 1, "project_id", fmt.Sprintf("pr-%d", w.alpha.Number), "applies_to", "issue")
		w.get("viewer", w.in("/custom_fields?per_page=2&page=2")).want(200).has("custom_fields.0.ident", "triage", "custom_fields.1", nil, "pagination.total_pages", 2)
		w.get("viewer", w.in("/custom_fields?applies_to=feature_request")).want(200).has("custom_fields.0.ident", "wish", "custom_fields.1", nil)
		w.get("viewer", w.in("/custom_fields?applies_to=x")).refused(422, "applies_to")

		as := "FormUser " + w.reporter
		w.get(as, w.in("/custom_issue_fields.json")).want(200).has("custom_issue_fields.0.name", "System", "custom_issue_fields.0.field_type", "select", "custom_issue_fields.2.tester_settable", false)
		w.get("outsider", w.in("/custom_issue_fields")).refused(403, "no access")
		report := func(as, fields string) answer { return w.post(as, w.in("/issues.json"), "issue[title]=x"+fields) }
		report(as, "").refused(422, "custom.os")
		report(as, "&issue[custom][os]=BeOS").refused(422, "custom.os")
		report(as, "&issue[custom][os]=Linux&issue[custom][level]=three").refused(422, "custom.level")
		report(as, "&issue[custom][os]=Linux&issue[custom][triage]=true").refused(422, "custom.triage")
		report(as, "&issue[custom][os][]=Linux&issue[custom][os][]=Windows&issue[custom][level]=3&issue[custom][own]=y").want(201).has("custom.os", "Linux, Windows", "custom.own", "y")
		report("dev", "&issue[custom][os]=Linux").refused(422, "custom.triage")
		report("dev", "&issue[custom][os]=Linux&issue[custom][triage]=true").want(201)
		w.post(as, w.in("/feature_requests.json"), "feature_request[title]=x").want(201)
		w.do(call{method: "DELETE", path: w.in("/custom_fields/1"), as: "dev"}).refused(403, "projects:write")
		w.do(call{method: "DELETE", path: w.in("/custom_fields/1"), as: "lead"}).want(204)
		w.do(call{method: "DELETE", path: w.in("/custom_fields/1"), as: "lead"}).refused(404, "no such custom field")
		report(as, "").want(201)
		other := "FormUser " + w.issue(authority.IssueRequest{Scheme: "betahub_project_token", Name: "Wishes", Project: &store.ProjectRef{ID: w.alpha.ID},
			Scopes: []credential.Scope{"can_create_feature_request"}}).Secret.Reveal()
		w.get(other, w.in("/custom_fields?applies_to=feature_request")).want(200)
	})
}
