package onetest

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// launch is a launch as it is shown. Times are milliseconds.
type launch struct {
	ID          int64                 `json:"id"`
	UUID        string                `json:"uuid"`
	Number      int64                 `json:"number"`
	Name        string                `json:"name"`
	Description string                `json:"description"`
	StartTime   int64                 `json:"startTime"`
	EndTime     *int64                `json:"endTime"`
	Status      string                `json:"status"`
	Mode        string                `json:"mode"`
	Attributes  []workspace.Attribute `json:"attributes"`
	Statistics  statistics            `json:"statistics"`
	Rerun       bool                  `json:"rerun"`
	Owner       *string               `json:"owner"`
	RunID       *string               `json:"runId"` // of its results in the project
}

type statistics struct {
	Total      int64 `json:"total"`
	Passed     int64 `json:"passed"`
	Failed     int64 `json:"failed"`
	Skipped    int64 `json:"skipped"`
	InProgress int64 `json:"in_progress"`
}

func launchOf(l *store.Launch) launch {
	c := l.Counts
	return launch{
		ID: l.Number, UUID: l.ID.String(), Number: l.Number, Name: l.Name, Description: l.Description, StartTime: l.StartedAt.UnixMilli(), EndTime: optionalMs(l.EndedAt),
		Status: l.Status, Mode: l.Mode, Attributes: workspace.AttributesOf(l.Attributes), Rerun: l.Reruns > 0, Owner: maker(l.Maker), RunID: optionalID(l.Run),
		Statistics: statistics{c.Total, c.Passed, c.Failed, c.Skipped, c.Total - c.Passed - c.Failed - c.Skipped},
	}
}

// optionalMs is a time in milliseconds, null for none.
func optionalMs(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}

// item is an item of a launch as it is shown.
type item struct {
	ID          int64                 `json:"id"`
	UUID        string                `json:"uuid"`
	Name        string                `json:"name"`
	Type        string                `json:"type"`
	CodeRef     string                `json:"codeRef"`
	TestCaseID  string                `json:"testCaseId"`
	UniqueID    string                `json:"uniqueId"`
	Description string                `json:"description"`
	Attributes  []workspace.Attribute `json:"attributes"`
	Parameters  []workspace.Attribute `json:"parameters"`
	Status      string                `json:"status"`
	StartTime   int64                 `json:"startTime"`
	EndTime     *int64                `json:"endTime"`
	LaunchUUID  string                `json:"launchUuid"`
	ParentUUID  *string               `json:"parentUuid"`
	HasChildren bool                  `json:"hasChildren"`
	HasStats    bool                  `json:"hasStats"`
	Attempt     int64                 `json:"attempt"`
	RetriedBy   *string               `json:"retriedBy"` // the next attempt
	Issue       jsontext.Value        `json:"issue"`
}

func itemOf(i *workspace.Item) item {
	issue := jsontext.Value(i.Issue)
	if !issue.IsValid() { // there is none
		issue = jsontext.Value("null")
	}
	return item{
		ID: i.Number, UUID: i.ID.String(), Name: i.Name, Type: i.Type, CodeRef: i.CodeRef, TestCaseID: i.TestCaseID, UniqueID: i.UniqueID, Description: i.Description,
		Attributes: workspace.AttributesOf(i.Attributes), Parameters: workspace.AttributesOf(i.Parameters), Status: i.Status, StartTime: i.StartedAt.UnixMilli(), EndTime: optionalMs(i.EndedAt),
		LaunchUUID: i.Launch.String(), ParentUUID: optionalID(i.Parent), HasChildren: i.Holds, HasStats: i.HasStats, Attempt: i.Attempt, RetriedBy: optionalID(i.SupersededBy),
		Issue: issue,
	}
}

// log is a line that a test wrote, as it is shown.
type log struct {
	ID            int64   `json:"id"`
	UUID          string  `json:"uuid"`
	Time          int64   `json:"time"`
	Level         string  `json:"level"`
	Message       string  `json:"message"`
	LaunchUUID    string  `json:"launchUuid"`
	ItemUUID      *string `json:"itemUuid"`
	BinaryContent *binary `json:"binaryContent"`
}

// binary is the file of a log, which is among the artifacts.
type binary struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	ContentType string `json:"contentType"`
	Size        int64  `json:"size"`
}

func logOf(l *store.LaunchLog) log {
	out := log{ID: l.Number, UUID: l.ID.String(), Time: l.At.UnixMilli(), Level: l.Level, Message: l.Message, LaunchUUID: l.Launch.String(), ItemUUID: optionalID(l.Item)}
	if l.Artifact != uuid.Nil {
		out.BinaryContent = &binary{l.Artifact.String(), l.File.Name, l.File.Type, l.File.Size}
	}
	return out
}

// contents is an answer with a page of things.
type contents[T any] struct {
	Content []T      `json:"content"`
	Page    pageInfo `json:"page"`
}

type pageInfo struct {
	Number        int   `json:"number"`
	Size          int   `json:"size"`
	TotalElements int64 `json:"totalElements"`
	TotalPages    int64 `json:"totalPages"`
}

// mostContents bounds a page.
const mostContents = 1_000

// leaf reads which page is asked for. What is no number is as if it weren't said.
func leaf(r *edge.Request) workspace.Section {
	number := func(name string, otherwise, most int) int {
		n, err := strconv.Atoi(r.Param(name))
		if err != nil || n < 1 {
			return otherwise
		}
		return min(n, most)
	}
	return workspace.Section{Page: number("page.page", 1, store.MostCounted), Limit: number("page.size", usualItems, mostContents)}
}

func contentsOf[T, Row any](s workspace.Section, rows []Row, total int64, show func(*Row) T) contents[T] {
	out := contents[T]{Content: make([]T, len(rows)), Page: pageInfo{s.Page, s.Limit, total, (total + int64(s.Limit) - 1) / int64(s.Limit)}}
	for i := range rows {
		out.Content[i] = show(&rows[i])
	}
	return out
}

// listLaunches is an endpoint that lists launches of a mode.
func (h *handlers) listLaunches(mode string) func(*edge.Request, store.ProjectRef, edge.None) (contents[launch], error) {
	return func(r *edge.Request, ref store.ProjectRef, _ edge.None) (out contents[launch], err error) {
		q := workspace.LaunchQuery{Mode: mode, Name: r.Param("filter.eq.name"), Status: strings.ToLower(r.Param("filter.eq.status")), Section: leaf(r)}
		if ids := r.Param("filter.in.uuid"); ids != "" {
			q.IDs = strings.Split(ids, ",")
		}
		found, total, err := h.workspace.Launches(r.Context(), &r.Principal, ref, q)
		return contentsOf(q.Section, found, total, launchOf), err
	}
}

func (h *handlers) getLaunch(r *edge.Request, ref store.ProjectRef, _ edge.None) (launch, error) {
	l, err := h.workspace.Launch(r.Context(), &r.Principal, launchAt(r, ref))
	if err != nil {
		return launch{}, err
	}
	return launchOf(l), nil
}

func (h *handlers) listItems(r *edge.Request, ref store.ProjectRef, _ edge.None) (contents[item], error) {
	q := workspace.ItemQuery{Launch: r.Param("filter.eq.launchId"), Parent: r.Param("filter.eq.parentId"), Status: strings.ToLower(r.Param("filter.eq.status")),
		Type: strings.ToUpper(r.Param("filter.eq.type")), Section: leaf(r)}
	found, total, err := h.workspace.Items(r.Context(), &r.Principal, ref, q)
	return contentsOf(q.Section, found, total, itemOf), err
}

func (h *handlers) getItem(r *edge.Request, ref store.ProjectRef, _ edge.None) (item, error) {
	i, err := h.workspace.Item(r.Context(), &r.Principal, itemAt(r, ref))
	if err != nil {
		return item{}, err
	}
	return itemOf(i), nil
}

func (h *handlers) listLogs(r *edge.Request, ref store.ProjectRef, _ edge.None) (contents[log], error) {
	q := workspace.LogQuery{Launch: r.Param("filter.eq.launchId"), Item: r.Param("filter.eq.item"), Section: leaf(r)}
	if named := r.PathValue("item"); named != "" {
		q.Item = named
	}
	found, total, err := h.workspace.Logs(r.Context(), &r.Principal, ref, q)
	return contentsOf(q.Section, found, total, logOf), err
}

// settings are what an agent may want to know of a product.
type settings struct {
	ProjectID string               `json:"projectId"`
	Name      string               `json:"projectName"`
	SubTypes  map[string][]subType `json:"subTypes"`
}

// subType is a sort of issue behind a failure.
type subType struct {
	Locator   string `json:"locator"`
	TypeRef   string `json:"typeRef"`
	LongName  string `json:"longName"`
	ShortName string `json:"shortName"`
}

// subTypes are the sorts of issues that agents know.
var subTypes = map[string][]subType{
	"TO_INVESTIGATE": {{"ti001", "TO_INVESTIGATE", "To Investigate", "TI"}},
	"PRODUCT_BUG":    {{"pb001", "PRODUCT_BUG", "Product Bug", "PB"}},
	"AUTOMATION_BUG": {{"ab001", "AUTOMATION_BUG", "Automation Bug", "AB"}},
	"SYSTEM_ISSUE":   {{"si001", "SYSTEM_ISSUE", "System Issue", "SI"}},
	"NO_DEFECT":      {{"nd001", "NO_DEFECT", "No Defect", "ND"}},
}

func (h *handlers) settings(r *edge.Request, ref store.ProjectRef, _ edge.None) (out settings, err error) {
	p, err := h.workspace.Project(r.Context(), &r.Principal, ref, "results:read")
	if err != nil {
		return out, err
	}
	return settings{p.ID.String(), p.Name, subTypes}, nil
}
