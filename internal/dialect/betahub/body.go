package betahub

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// fields are those of a form, by their own names or as noun[name]. Others are
// left alone: clients of different versions send more than is known here.
type fields struct {
	form url.Values
	noun string
}

// value returns a field, and whether it is there.
func (f fields) value(name string) (string, bool) {
	for _, key := range []string{f.noun + "[" + name + "]", name} {
		if list, ok := f.form[key]; ok && len(list) > 0 {
			return list[0], true
		}
	}
	return "", false
}

func (f fields) text(name string) string {
	text, _ := f.value(name)
	return text
}

// yes reports whether a field says so.
func (f fields) yes(name string) bool {
	text := strings.ToLower(f.text(name))
	return text == "true" || text == "1"
}

// optional is nil for a field that isn't there.
func (f fields) optional(name string) *string {
	if text, ok := f.value(name); ok {
		return &text
	}
	return nil
}

// custom collects noun[custom][key] and noun[custom_fields][key]; a field that
// stands several times has all its values.
func (f fields) custom() map[string]string {
	out := map[string]string{}
	for name, values := range f.form {
		for _, group := range []string{"[custom][", "[custom_fields]["} {
			rest, ok := strings.CutPrefix(name, f.noun+group)
			if key, _, closed := strings.Cut(rest, "]"); ok && closed {
				out[key] = strings.Join(values, ", ")
			}
		}
	}
	return out
}

// issueBody is what a request says of an issue, in any of the forms that it
// may come in. What it doesn't say is nil.
type issueBody struct {
	Title        *string        `json:"title"`
	Description  *string        `json:"description"`
	Category     *string        `json:"category"`
	Priority     *string        `json:"priority"`
	Status       *string        `json:"status"`
	AssignedTo   jsontext.Value `json:"assigned_to_id"` // null is nobody
	Unformatted  *string        `json:"unformatted_steps_to_reproduce"`
	Steps        []step         `json:"steps_to_reproduce"`
	Source       *string        `json:"source"`
	ReleaseID    jsontext.Value `json:"release_id"`
	ReleaseLabel *string        `json:"release_label"`
	Email        *string        `json:"reporter_email"`
	Tags         jsontext.Value `json:"tag_ids"` // a list, or numbers with commas between them
	Custom       map[string]any `json:"custom"`
	CustomFields map[string]any `json:"custom_fields"`
	Draft        bool           `json:"draft"`
}

type step struct {
	Step string `json:"step"`
}

// nestedIssue is issueBody, flat or one level down below any of the nouns.
type nestedIssue struct {
	issueBody
	Issue          *issueBody `json:"issue"`
	FeatureRequest *issueBody `json:"feature_request"`
	Ticket         *issueBody `json:"ticket"`
}

// readIssue reads a body about an issue; noun is the name in front of nested
// fields.
func readIssue(body edge.Payload, noun string) (*issueBody, error) {
	in := &nestedIssue{}
	if !body.IsJSON() {
		in.issueBody = issueFields(fields{body.Form, noun})
		return &in.issueBody, nil
	}
	if err := body.Decode(in); err != nil {
		return nil, err
	}
	nested := map[string]*issueBody{"issue": in.Issue, "feature_request": in.FeatureRequest, "ticket": in.Ticket}[noun]
	if nested != nil {
		nested.Draft = nested.Draft || in.Draft
		return nested, nil
	}
	return &in.issueBody, nil
}

// issueFields reads a form.
func issueFields(f fields) issueBody {
	in := issueBody{
		Title: f.optional("title"), Description: f.optional("description"), Category: f.optional("category"), Priority: f.optional("priority"),
		Status: f.optional("status"), Unformatted: f.optional("unformatted_steps_to_reproduce"), Source: f.optional("source"),
		ReleaseLabel: f.optional("release_label"), Email: f.optional("reporter_email"), Custom: map[string]any{},
	}
	for name, to := range map[string]*jsontext.Value{"assigned_to_id": &in.AssignedTo, "release_id": &in.ReleaseID} {
		if text, ok := f.value(name); ok {
			*to, _ = json.Marshal(text) // what isn't UTF-8 is no number either
		}
	}
	for _, name := range []string{f.noun + "[tag_ids][]", f.noun + "[tag_ids]", "tag_ids[]", "tag_ids"} {
		if list, ok := f.form[name]; ok {
			in.Tags, _ = json.Marshal(strings.Join(list, ",")) // what isn't UTF-8 is no number either
		}
	}
	for key, value := range f.custom() {
		in.Custom[key] = value
	}
	in.Draft = f.yes("draft")
	return in
}

// reference reads the number of something else: a number, or digits in a text.
// Nothing, null and an empty text are 0; there says whether it was said at all.
func reference(field string, value jsontext.Value) (n int64, there bool, err error) {
	text := strings.Trim(string(value), `"`)
	if len(value) == 0 {
		return 0, false, nil
	}
	if text == "null" || text == "" {
		return 0, true, nil
	}
	n, err = strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, true, credential.InvalidField(field, "must be the number of one, or null")
	}
	return n, true, nil
}

// tags reads the numbers of tags: nothing said is nil, and null is none.
func (in *issueBody) tags() ([]int64, error) {
	if len(in.Tags) == 0 {
		return nil, nil
	}
	plain := strings.NewReplacer("[", "", "]", "", `"`, "", " ", "", "\n", "", "null", "").Replace(string(in.Tags))
	list, err := numbers("tag_ids", plain, "")
	return append([]int64{}, list...), err
}

// steps writes the steps one a line.
func (in *issueBody) steps() *string {
	if in.Steps == nil {
		return in.Unformatted
	}
	lines := make([]string, len(in.Steps))
	for i, s := range in.Steps {
		lines[i] = strings.Join(strings.Fields(s.Step), " ")
	}
	text := strings.Join(lines, "\n")
	return &text
}

// custom joins both spellings of the fields that a reporter adds.
func (in *issueBody) custom() (map[string]string, error) {
	out := map[string]string{}
	for _, group := range []map[string]any{in.Custom, in.CustomFields} {
		for name, value := range group {
			switch value := value.(type) {
			case string:
				out[name] = value
			case bool:
				out[name] = strconv.FormatBool(value)
			case float64:
				out[name] = strconv.FormatFloat(value, 'f', -1, 64)
			default:
				return nil, credential.InvalidField("custom", "values must be texts, numbers, true or false")
			}
		}
	}
	return out, nil
}

func textOf(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// draft is the issue that a body asks for.
func (in *issueBody) draft() (d workspace.IssueDraft, err error) {
	d = workspace.IssueDraft{
		Category: textOf(in.Category), Priority: textOf(in.Priority), Status: textOf(in.Status), Title: textOf(in.Title),
		Description: textOf(in.Description), Steps: textOf(in.steps()), Source: textOf(in.Source), ReleaseLabel: textOf(in.ReleaseLabel),
		Draft: in.Draft,
	}
	if d.Assignee, _, err = reference("assigned_to_id", in.AssignedTo); err != nil {
		return d, err
	}
	if d.Release, _, err = reference("release_id", in.ReleaseID); err != nil {
		return d, err
	}
	if d.Tags, err = in.tags(); err != nil {
		return d, err
	}
	d.Custom, err = in.custom()
	return d, err
}

// change is the change of an issue that a body asks for.
func (in *issueBody) change() (ch workspace.IssueChange, err error) {
	for name, fixed := range map[string]*string{"source": in.Source, "reporter_email": in.Email} {
		if fixed != nil {
			return ch, credential.InvalidField(name, "is as it was reported, and can't be changed")
		}
	}
	ch = workspace.IssueChange{
		Category: in.Category, Status: in.Status, Priority: in.Priority, Title: in.Title, Description: in.Description,
		Steps: in.steps(), ReleaseLabel: in.ReleaseLabel,
	}
	for _, f := range []struct {
		name  string
		value jsontext.Value
		to    **int64
	}{{"assigned_to_id", in.AssignedTo, &ch.Assignee}, {"release_id", in.ReleaseID, &ch.Release}} {
		n, said, err := reference(f.name, f.value)
		if err != nil {
			return ch, err
		}
		if said {
			*f.to = &n
		}
	}
	tags, err := in.tags()
	if err != nil {
		return ch, err
	}
	if tags != nil {
		ch.Tags = &tags
	}
	if len(in.Custom)+len(in.CustomFields) > 0 {
		ch.Custom, err = in.custom()
	}
	return ch, err
}
