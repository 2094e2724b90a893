package onetest

import (
	"path"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// newLaunch starts a launch.
type newLaunch struct {
	Name        loose            `json:"name"`
	StartTime   loose            `json:"startTime"`
	Description loose            `json:"description"`
	Mode        loose            `json:"mode"`
	Attributes  []looseAttribute `json:"attributes"`
	Rerun       loose            `json:"rerun"`
	RerunOf     loose            `json:"rerunOf"`
	UUID        loose            `json:"uuid"`
}

// started is what was started.
type started struct {
	ID     string `json:"id"`
	Number int64  `json:"number,omitzero"`
}

func (h *handlers) startLaunch(r *edge.Request, ref store.ProjectRef, in newLaunch) (started, error) {
	q := workspace.LaunchRequest{Name: string(in.Name), Description: string(in.Description), Mode: string(in.Mode), Attributes: attributesOf(in.Attributes),
		Rerun: in.Rerun.is(), RerunOf: strings.TrimSpace(string(in.RerunOf))}
	var err error
	if q.StartedAt, err = parseTime("startTime", in.StartTime); err != nil {
		return started{}, err
	}
	if q.ID, err = looseID("uuid", in.UUID); err != nil {
		return started{}, err
	}
	l, err := h.workspace.StartLaunch(r.Context(), &r.Principal, ref, q)
	if err != nil {
		return started{}, err
	}
	return started{l.ID.String(), l.Number}, nil
}

// newItem starts an item of a launch.
type newItem struct {
	Name        loose            `json:"name"`
	Type        loose            `json:"type"`
	StartTime   loose            `json:"startTime"`
	LaunchUUID  loose            `json:"launchUuid"`
	CodeRef     loose            `json:"codeRef"`
	TestCaseID  loose            `json:"testCaseId"`
	UniqueID    loose            `json:"uniqueId"`
	Description loose            `json:"description"`
	Attributes  []looseAttribute `json:"attributes"`
	Parameters  []looseAttribute `json:"parameters"`
	HasStats    loose            `json:"hasStats"`
	Retry       loose            `json:"retry"`
	RetryOf     loose            `json:"retryOf"`
	UUID        loose            `json:"uuid"`
}

func (h *handlers) startItem(r *edge.Request, ref store.ProjectRef, in newItem) (out started, err error) {
	q := workspace.ItemRequest{Type: string(in.Type), Name: string(in.Name), CodeRef: string(in.CodeRef), TestCaseID: string(in.TestCaseID), UniqueID: string(in.UniqueID),
		Description: string(in.Description), Attributes: attributesOf(in.Attributes), Parameters: attributesOf(in.Parameters),
		NoStats: in.HasStats != "" && !in.HasStats.is(), Retry: in.Retry.is()}
	if q.StartedAt, err = parseTime("startTime", in.StartTime); err != nil {
		return out, err
	}
	if q.ID, err = looseID("uuid", in.UUID); err != nil {
		return out, err
	}
	if q.Launch, err = namedID("launch", in.LaunchUUID); err != nil {
		return out, err
	}
	if q.Parent, err = namedID("item", loose(r.PathValue("parent"))); err != nil {
		return out, err
	}
	if q.RetryOf, err = namedID("item", in.RetryOf); err != nil {
		return out, err
	}
	id, err := h.workspace.StartItem(r.Context(), &r.Principal, ref, q)
	if err != nil {
		return out, err
	}
	return started{ID: id.String()}, nil
}

// endedItem ends an item.
type endedItem struct {
	EndTime     loose            `json:"endTime"`
	Status      loose            `json:"status"`
	Description loose            `json:"description"`
	TestCaseID  loose            `json:"testCaseId"`
	Attributes  []looseAttribute `json:"attributes"`
	Issue       *issueBody       `json:"issue"`
}

// issueBody is what an agent thinks is behind a failure.
type issueBody struct {
	IssueType loose `json:"issueType"`
	Comment   loose `json:"comment"`
}

// said is what was done, in words.
type said struct {
	Message string `json:"message"`
}

func itemAt(r *edge.Request, ref store.ProjectRef) workspace.ItemAt {
	return workspace.ItemAt{Project: ref, Item: r.PathValue("item")}
}

func launchAt(r *edge.Request, ref store.ProjectRef) workspace.LaunchAt {
	return workspace.LaunchAt{Project: ref, Launch: r.PathValue("launch")}
}

func (h *handlers) finishItem(r *edge.Request, ref store.ProjectRef, in endedItem) (said, error) {
	q := workspace.ItemFinish{Status: string(in.Status), Description: string(in.Description), TestCaseID: string(in.TestCaseID), Attributes: attributesOf(in.Attributes)}
	var err error
	if q.EndedAt, err = parseTime("endTime", in.EndTime); err != nil {
		return said{}, err
	}
	if in.Issue != nil && in.Issue.IssueType != "" {
		const most = 1_000
		short := func(text loose) string { return string(text[:min(len(text), most)]) }
		text, err := json.Marshal(map[string]string{"issueType": short(in.Issue.IssueType), "comment": short(in.Issue.Comment)}, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
		if err != nil {
			return said{}, err
		}
		q.Issue = string(text)
	}
	if err := h.workspace.FinishItem(r.Context(), &r.Principal, itemAt(r, ref), q); err != nil {
		return said{}, err
	}
	return said{"The item is finished."}, nil
}

// changedItem says what is different of an item.
type changedItem struct {
	Status      *loose           `json:"status"`
	Description *loose           `json:"description"`
	Attributes  []looseAttribute `json:"attributes"`
}

func (h *handlers) updateItem(r *edge.Request, ref store.ProjectRef, in changedItem) (said, error) {
	q := workspace.ItemUpdate{Status: in.Status.optional(), Description: in.Description.optional(), Attributes: attributesOf(in.Attributes)}
	if err := h.workspace.UpdateItem(r.Context(), &r.Principal, itemAt(r, ref), q); err != nil {
		return said{}, err
	}
	return said{"The item is updated."}, nil
}

// endedLaunch ends a launch. The status that agents give, which some wrap in an
// object, isn't read: it is worked out from the items.
type endedLaunch struct {
	EndTime     loose            `json:"endTime"`
	Description loose            `json:"description"`
	Attributes  []looseAttribute `json:"attributes"`
}

// finished is a launch that is over, with where it is to be seen.
type finished struct {
	ID     string `json:"id"`
	Number int64  `json:"number"`
	Link   string `json:"link"`
}

func (h *handlers) finishLaunch(r *edge.Request, ref store.ProjectRef, in endedLaunch) (finished, error) {
	q := workspace.LaunchFinish{Description: string(in.Description), Attributes: attributesOf(in.Attributes)}
	var err error
	if q.EndedAt, err = parseTime("endTime", in.EndTime); err != nil {
		return finished{}, err
	}
	l, err := h.workspace.FinishLaunch(r.Context(), &r.Principal, launchAt(r, ref), q)
	if err != nil {
		return finished{}, err
	}
	return finished{l.ID.String(), l.Number, h.link(l)}, nil
}

// link is where a launch is to be seen.
func (h *handlers) link(l *store.Launch) string {
	return strings.TrimSuffix(h.authority.Issuer(), "/") + receiver + "api/v1/" + l.Project.String() + "/launch/uuid/" + l.ID.String()
}

// changedLaunch says what is different of a launch.
type changedLaunch struct {
	Mode        *loose           `json:"mode"`
	Description *loose           `json:"description"`
	Attributes  []looseAttribute `json:"attributes"`
}

func (h *handlers) updateLaunch(r *edge.Request, ref store.ProjectRef, in changedLaunch) (said, error) {
	q := workspace.LaunchUpdate{Mode: in.Mode.optional(), Description: in.Description.optional(), Attributes: attributesOf(in.Attributes)}
	if _, err := h.workspace.UpdateLaunch(r.Context(), &r.Principal, launchAt(r, ref), q); err != nil {
		return said{}, err
	}
	return said{"The launch is updated."}, nil
}

// merge makes one launch of several.
type merge struct {
	Launches                []loose          `json:"launches"`
	MergeType               loose            `json:"mergeType"`
	Name                    loose            `json:"name"`
	Description             loose            `json:"description"`
	Mode                    loose            `json:"mode"`
	Attributes              []looseAttribute `json:"attributes"`
	EndTime                 loose            `json:"endTime"`
	ExtendSuitesDescription loose            `json:"extendSuitesDescription"`
}

func (h *handlers) mergeLaunches(r *edge.Request, ref store.ProjectRef, in merge) (launch, error) {
	q := workspace.MergeRequest{Kind: string(in.MergeType), Name: string(in.Name), Description: string(in.Description), Mode: string(in.Mode),
		Attributes: attributesOf(in.Attributes), DescribeSuites: in.ExtendSuitesDescription.is()}
	for _, name := range in.Launches {
		q.Launches = append(q.Launches, string(name))
	}
	var err error
	if q.EndedAt, err = parseTime("endTime", in.EndTime); err != nil {
		return launch{}, err
	}
	l, err := h.workspace.MergeLaunches(r.Context(), &r.Principal, ref, q)
	if err != nil {
		return launch{}, err
	}
	return launchOf(l), nil
}

// newLog is a line that a test wrote.
type newLog struct {
	Time       loose `json:"time"`
	Message    loose `json:"message"`
	Level      loose `json:"level"`
	LaunchUUID loose `json:"launchUuid"`
	ItemUUID   loose `json:"itemUuid"`
	File       *struct {
		Name loose `json:"name"`
	} `json:"file"`
}

func (n *newLog) request() (q workspace.LogRequest, err error) {
	q = workspace.LogRequest{Level: string(n.Level), Message: string(n.Message)}
	if q.At, err = parseTime("time", n.Time); err != nil {
		return q, err
	}
	if q.Launch, err = namedID("launch", n.LaunchUUID); err != nil {
		return q, err
	}
	if q.Item, err = namedID("item", n.ItemUUID); err != nil {
		return q, err
	}
	if n.File != nil {
		q.File = string(n.File.Name)
	}
	return q, nil
}

// written is what was made of logs: an id, where one came as JSON, or those of
// all that came in a form.
type written struct {
	ID        string    `json:"id,omitzero"`
	Responses []started `json:"responses,omitzero"`
}

// logPart is the part of a form that holds logs.
const logPart = "json_request_part"

// mayWrite lets in who may report to the product in the path.
func (h *handlers) mayWrite(r *edge.Request) error {
	if err := holds(r, autotestsWrite); err != nil {
		return err
	}
	ref, err := h.product(r)
	if err == nil {
		_, err = h.workspace.Project(r.Context(), &r.Principal, ref, credential.ResultsWrite)
	}
	return err
}

func (h *handlers) writeLogs(r *edge.Request, u *edge.Upload) (out written, err error) {
	ref, err := h.product(r)
	if err != nil {
		return out, err
	}
	var logs []newLog
	switch {
	case u.IsJSON():
		logs = make([]newLog, 1)
		err = u.Decode(&logs[0])
	case u.Form.Get(logPart) != "":
		err = edge.ReadLoosely([]byte(u.Form.Get(logPart)), &logs)
	default:
		err = credential.InvalidField(logPart, "must hold a list of logs, as JSON")
	}
	if err != nil {
		return out, err
	}
	requests := make([]workspace.LogRequest, len(logs))
	for n := range logs {
		if requests[n], err = logs[n].request(); err != nil {
			return out, err
		}
		if u.IsJSON() {
			requests[n].File = "" // which only a form has
		}
	}
	ids, err := h.workspace.WriteLogs(r.Context(), &r.Principal, ref, requests, logFiles(u))
	if err != nil {
		return out, err
	}
	if u.IsJSON() {
		return written{ID: ids[0].String()}, nil
	}
	out.Responses = []started{}
	for _, id := range ids {
		out.Responses = append(out.Responses, started{ID: id.String()})
	}
	return out, nil
}

// logFiles are the files that came with logs.
func logFiles(u *edge.Upload) (files []workspace.LogFile) {
	for _, f := range u.Files {
		files = append(files, workspace.LogFile{Name: f.Name, File: f.Staged})
	}
	for _, name := range u.Empty {
		files = append(files, workspace.LogFile{Name: name})
	}
	return files
}

// imported is a launch that was made of a report.
type imported struct {
	LaunchID   string   `json:"launch_id"`
	LaunchLink string   `json:"launch_link"`
	Summary    summary  `json:"summary"`
	Warnings   []string `json:"warnings"`
}

type summary struct {
	Total   int64 `json:"total"`
	Passed  int64 `json:"passed"`
	Failed  int64 `json:"failed"`
	Skipped int64 `json:"skipped"`
}

// mostReport bounds a JUnit report in bytes.
const mostReport = 10 << 20

func (h *handlers) importReport(r *edge.Request, u *edge.Upload) (imported, error) {
	ref, err := h.product(r)
	if err != nil {
		return imported{}, err
	}
	if len(u.Files) != 1 || u.Files[0].Field != "file" {
		return imported{}, credential.InvalidField("file", "send one file, in a part of this name, as multipart/form-data")
	}
	f := u.Files[0]
	if f.Size > mostReport {
		return imported{}, credential.Errorf(credential.TooLarge, "a report may have at most %d bytes", mostReport)
	}
	made, err := h.workspace.ImportJUnit(r.Context(), &r.Principal, ref, workspace.ImportRequest{Name: strings.TrimSuffix(f.Name, path.Ext(f.Name)), File: f.Staged})
	if err != nil {
		return imported{}, err
	}
	c := made.Counts
	return imported{made.ID.String(), h.link(made.Launch), summary{c.Total, c.Passed, c.Failed, c.Skipped}, made.Warnings}, nil
}
