package betatesting

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// test is a test as it is shown.
type test struct {
	ID          int64      `json:"id"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Status      string     `json:"status" doc:"draft, pending_review, ready, in_progress, complete, closed or paused"`
	CreatedAt   time.Time  `json:"createdAt"`
	UpdatedAt   time.Time  `json:"updatedAt"`
	StartsAt    *time.Time `json:"startsAt"`
	EndsAt      *time.Time `json:"endsAt"`
	TesterCount int64      `json:"testerCount" doc:"without those who were removed"`
}

func testOf(c *store.Campaign) test {
	return test{c.Number, c.Name, c.Description, c.Status, c.CreatedAt, c.UpdatedAt, moment(c.StartsAt), moment(c.EndsAt), c.Testers}
}

// moment is a time, or null for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// shown is the answer that shows a test.
func shown(c *store.Campaign, err error) (one[test], error) {
	if err != nil {
		return one[test]{}, err
	}
	return one[test]{testOf(c)}, nil
}

// testFields is what may be said of a test.
type testFields struct {
	Name        *string `json:"name"`
	Description *string `json:"description"`
	StartsAt    date    `json:"startsAt"`
	EndsAt      date    `json:"endsAt"`
}

func (f *testFields) request(r *edge.Request) (workspace.CampaignRequest, error) {
	out := workspace.CampaignRequest{Name: f.Name, Description: f.Description, Repeat: r.Repeat()}
	var err error
	if out.StartsAt, err = f.StartsAt.read("startsAt"); err != nil {
		return out, err
	}
	out.EndsAt, err = f.EndsAt.read("endsAt")
	return out, err
}

// date is a member that holds a date, a time, or null for none of it.
type date struct {
	text  string
	given bool
}

// UnmarshalJSONFrom tells null from what isn't there.
func (d *date) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	d.given = true
	return json.UnmarshalDecode(from, &d.text)
}

// read returns the time that a member says; the zero time for null, and nil for
// a member that isn't there.
func (d date) read(field string) (*time.Time, error) {
	if !d.given {
		return nil, nil
	}
	if d.text == "" {
		return &time.Time{}, nil
	}
	if day, err := time.Parse(time.DateOnly, d.text); err == nil {
		d.text = day.Format(time.RFC3339)
	}
	t, err := credential.ParseTime(field, d.text)
	return &t, err
}

func testID(r *edge.Request) (int64, error) { return id(r, "test", "no such test") }

// ref reads which test the path names, and by which call.
func ref(r *edge.Request) (out workspace.CampaignRef, err error) {
	out.Number, err = testID(r)
	out.Repeat = r.Repeat()
	return out, err
}

func (h *handlers) listTests(r *edge.Request, _ edge.None) (many[test], error) {
	p, err := page(r)
	if err != nil {
		return many[test]{}, err
	}
	list, total, err := h.workspace.Campaigns(r.Context(), &r.Principal, p)
	return listed(p, list, total, testOf), err
}

func (h *handlers) getTest(r *edge.Request, _ edge.None) (one[test], error) {
	number, err := testID(r)
	if err != nil {
		return one[test]{}, err
	}
	return shown(h.workspace.Campaign(r.Context(), &r.Principal, number))
}

func (h *handlers) createTest(r *edge.Request, in testFields) (one[test], error) {
	request, err := in.request(r)
	if err != nil {
		return one[test]{}, err
	}
	return shown(h.workspace.CreateCampaign(r.Context(), &r.Principal, request))
}

func (h *handlers) updateTest(r *edge.Request, in testFields) (one[test], error) {
	number, err := testID(r)
	if err != nil {
		return one[test]{}, err
	}
	request, err := in.request(r)
	if err != nil {
		return one[test]{}, err
	}
	return shown(h.workspace.UpdateCampaign(r.Context(), &r.Principal, number, request))
}

func (h *handlers) copyTest(r *edge.Request, _ edge.None) (one[test], error) {
	of, err := ref(r)
	if err != nil {
		return one[test]{}, err
	}
	return shown(h.workspace.CopyCampaign(r.Context(), &r.Principal, of))
}

type stage struct {
	Stage string `json:"stage" doc:"launch, pause, resume, complete or close"`
}

func (h *handlers) stageTest(r *edge.Request, in stage) (one[test], error) {
	of, err := ref(r)
	if err != nil {
		return one[test]{}, err
	}
	return shown(h.workspace.StageCampaign(r.Context(), &r.Principal, of, in.Stage))
}
