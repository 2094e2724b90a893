package betatesting

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// tester is a tester as it is shown.
type tester struct {
	ID          int64      `json:"id"`
	Email       string     `json:"email"`
	Name        string     `json:"name"`
	Status      string     `json:"status" doc:"incomplete, complete, pending_review, removed, opt_out or stuck"`
	JoinedAt    *time.Time `json:"joinedAt" doc:"when they were accepted"`
	CompletedAt *time.Time `json:"completedAt"`
}

func testerOf(n *store.Tester) tester {
	return tester{n.Number, n.Email, n.Name, n.Status, moment(n.JoinedAt), moment(n.CompletedAt)}
}

func testerID(r *edge.Request) (int64, error) { return id(r, "tester", "no such tester of the test") }

// both reads which test and which of its testers the path names.
func both(r *edge.Request) (test, tester int64, err error) {
	if test, err = testID(r); err != nil {
		return 0, 0, err
	}
	tester, err = testerID(r)
	return test, tester, err
}

func (h *handlers) listTesters(r *edge.Request, _ edge.None) (many[tester], error) {
	p, err := page(r)
	if err != nil {
		return many[tester]{}, err
	}
	return h.testers(r, p)
}

func (h *handlers) completeTesters(r *edge.Request, _ edge.None) (many[tester], error) {
	p, err := page(r)
	if err != nil {
		return many[tester]{}, err
	}
	p.Status = workspace.TesterComplete
	return h.testers(r, p)
}

// testers answers with a page of the testers of a test.
func (h *handlers) testers(r *edge.Request, p workspace.PageRequest) (many[tester], error) {
	of, err := testID(r)
	if err != nil {
		return many[tester]{}, err
	}
	list, total, err := h.workspace.Testers(r.Context(), &r.Principal, of, p)
	return listed(p, list, total, testerOf), err
}

func (h *handlers) getTester(r *edge.Request, _ edge.None) (one[tester], error) {
	of, number, err := both(r)
	if err != nil {
		return one[tester]{}, err
	}
	return shownTester(h.workspace.Tester(r.Context(), &r.Principal, of, number))
}

// shownTester is the answer that shows a tester.
func shownTester(n *store.Tester, err error) (one[tester], error) {
	if err != nil {
		return one[tester]{}, err
	}
	return one[tester]{testerOf(n)}, nil
}

type newTester struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

func (h *handlers) addTester(r *edge.Request, in newTester) (one[tester], error) {
	of, err := testID(r)
	if err != nil {
		return one[tester]{}, err
	}
	return shownTester(h.workspace.AddTester(r.Context(), &r.Principal, of, workspace.TesterRequest{Email: in.Email, Name: in.Name, Repeat: r.Repeat()}))
}

// testerIDs names testers.
type testerIDs struct {
	TesterIDs []int64 `json:"testerIds" doc:"1 to 100 of them"`
}

func (h *handlers) acceptTesters(r *edge.Request, in testerIDs) (many[tester], error) {
	of, err := ref(r)
	if err != nil {
		return many[tester]{}, err
	}
	return named(h.workspace.AcceptTesters(r.Context(), &r.Principal, of, in.TesterIDs))
}

func (h *handlers) markComplete(r *edge.Request, in testerIDs) (many[tester], error) {
	of, err := ref(r)
	if err != nil {
		return many[tester]{}, err
	}
	return named(h.workspace.CompleteTesters(r.Context(), &r.Principal, of, in.TesterIDs))
}

type message struct {
	TesterIDs []int64 `json:"testerIds" doc:"1 to 100 of them"`
	Message   string  `json:"message"`
}

func (h *handlers) messageTesters(r *edge.Request, in message) (many[tester], error) {
	of, err := ref(r)
	if err != nil {
		return many[tester]{}, err
	}
	return named(h.workspace.MessageTesters(r.Context(), &r.Principal, of, workspace.Message{To: in.TesterIDs, Text: in.Message}))
}

// named answers with the testers whom a call named, on one page.
func named(list []store.Tester, err error) (many[tester], error) {
	if err != nil {
		return many[tester]{}, err
	}
	return listed(workspace.PageRequest{Number: 1, Limit: max(1, len(list))}, list, int64(len(list)), testerOf), nil
}

func (h *handlers) removeTester(r *edge.Request, _ edge.None) (edge.Nothing, error) {
	of, number, err := both(r)
	if err != nil {
		return edge.Nothing{}, err
	}
	return edge.Nothing{}, h.workspace.RemoveTester(r.Context(), &r.Principal, of, number)
}
