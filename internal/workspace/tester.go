package workspace

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/webhook"
)

// TesterComplete is the status of testers who are done.
const TesterComplete = "complete"

// The other statuses of a tester. Who has come waits to be accepted.
const (
	testerIncomplete    = "incomplete"
	testerPendingReview = "pending_review"
	testerOptOut        = "opt_out"
	testerStuck         = "stuck"
)

var testerStatuses = []string{testerIncomplete, TesterComplete, testerPendingReview, store.TesterRemoved, testerOptOut, testerStuck}

// Bounds of what is done with testers.
const (
	mostTesters    = 100   // in one call
	longestMessage = 5_000 // characters
	longestSearch  = 100
	messageFor     = 3 * 24 * time.Hour
)

// TesterRequest says who comes to a campaign.
type TesterRequest struct {
	Email, Name string
	Repeat      *Repeat
}

// AddTester brings somebody to a campaign, who waits to be accepted. Who was
// there before, removed or not, is a conflict.
func (w *Workspace) AddTester(ctx context.Context, p *credential.Principal, campaign int64, r TesterRequest) (*store.Tester, error) {
	organization, err := company(p, credential.TestsWrite)
	if err != nil {
		return nil, err
	}
	n := &store.Tester{Status: testerPendingReview}
	if n.Email, err = credential.CheckEmail("email", r.Email); err != nil {
		return nil, err
	}
	if n.Name, err = credential.CheckName("name", r.Name); err != nil {
		return nil, err
	}
	id, err := w.once(ctx, p, CampaignRef{campaign, r.Repeat}.making("add tester"), func(ch *change) (uuid.UUID, error) {
		c, err := ch.Campaign(ctx, organization, campaign)
		if err != nil {
			return uuid.Nil, err
		}
		if n.ID, err = w.newID(); err != nil {
			return uuid.Nil, err
		}
		n.Campaign, n.CreatedAt, n.MadeBy, n.MadeByUser = c.ID, ch.at, ch.madeBy(), ch.user()
		err = ch.InsertTester(ctx, organization, n)
		if errors.Is(err, credential.Conflict) {
			return uuid.Nil, credential.Errorf(credential.Conflict, "the test has a tester of this address")
		}
		if err != nil {
			return uuid.Nil, err
		}
		ch.record("tester.add", campaignTarget(c), map[string]any{"testers": []int64{n.Number}})
		return n.ID, nil
	})
	if err != nil {
		return nil, err
	}
	c, err := w.store.Campaign(ctx, organization, campaign)
	if err != nil {
		return nil, err
	}
	return w.store.TesterByID(ctx, c.ID, id)
}

// Tester returns a tester of a campaign.
func (w *Workspace) Tester(ctx context.Context, p *credential.Principal, campaign, number int64) (*store.Tester, error) {
	c, err := w.Campaign(ctx, p, campaign)
	if err != nil {
		return nil, err
	}
	return w.store.Tester(ctx, c.ID, number)
}

// Testers returns a page of the testers of a campaign in the order in which
// they came, and how many there are on all pages.
func (w *Workspace) Testers(ctx context.Context, p *credential.Principal, campaign int64, page PageRequest) ([]store.Tester, int64, error) {
	c, err := w.Campaign(ctx, p, campaign)
	if err != nil {
		return nil, 0, err
	}
	if err := anyOr("status", page.Status, testerStatuses); err != nil {
		return nil, 0, err
	}
	section, err := page.section()
	if err != nil {
		return nil, 0, err
	}
	if page.Search != "" {
		return w.findTesters(ctx, c, page.Search, section)
	}
	tallies, err := w.store.Tallies(ctx, c.ID)
	if err != nil {
		return nil, 0, err
	}
	list, err := w.store.Testers(ctx, c.ID, section)
	return list, tallied(tallies, page.Status), err
}

func (w *Workspace) findTesters(ctx context.Context, c *store.Campaign, text string, s store.Section) ([]store.Tester, int64, error) {
	text, err := credential.CheckText("search", text, longestSearch)
	if err != nil {
		return nil, 0, err
	}
	list, total, ok, err := w.store.FindTesters(ctx, c.ID, text, s)
	if err == nil && !ok {
		err = credential.InvalidField("search", "finds more than %d testers; search for more of the name or the address", store.MostTestersFound)
	}
	return list, int64(total), err
}

// AcceptTesters lets testers take part who wait for it. Who does already stays.
func (w *Workspace) AcceptTesters(ctx context.Context, p *credential.Principal, ref CampaignRef, numbers []int64) ([]store.Tester, error) {
	return w.moveTesters(ctx, p, ref, move{"tester.accept", testerIncomplete, []string{testerPendingReview}, numbers})
}

// CompleteTesters marks testers as done who take part. Who is already stays.
func (w *Workspace) CompleteTesters(ctx context.Context, p *credential.Principal, ref CampaignRef, numbers []int64) ([]store.Tester, error) {
	return w.moveTesters(ctx, p, ref, move{"tester.complete", TesterComplete, []string{testerIncomplete, testerStuck}, numbers})
}

// RemoveTester takes a tester out of a campaign. They stay to be seen.
func (w *Workspace) RemoveTester(ctx context.Context, p *credential.Principal, campaign, number int64) error {
	_, err := w.changeCampaign(ctx, p, making{}, campaign, func(ch *change, c *store.Campaign) error {
		n, err := ch.Tester(ctx, c.ID, number)
		if err != nil {
			return err
		}
		if n.Status == store.TesterRemoved {
			return errUnchanged
		}
		return ch.moveTesters(ctx, c, move{action: "tester.remove", to: store.TesterRemoved}, []store.Tester{*n})
	})
	return err
}

// move is a change of the status of testers.
type move struct {
	action, to string
	from       []string
	numbers    []int64
}

// moveTesters moves all of some testers, or none of them.
func (w *Workspace) moveTesters(ctx context.Context, p *credential.Principal, ref CampaignRef, m move) ([]store.Tester, error) {
	return w.withTesters(ctx, p, ref, m, func(ch *change, c *store.Campaign, testers []store.Tester) error {
		moving := slices.DeleteFunc(testers, func(n store.Tester) bool { return n.Status == m.to })
		for i := range moving {
			n := &moving[i]
			if !slices.Contains(m.from, n.Status) {
				return credential.InvalidField("testerIds", "tester %d is %s; this takes testers who are %s", n.Number, n.Status, strings.Join(m.from, ", "))
			}
			switch m.to {
			case testerIncomplete:
				n.JoinedAt = ch.at
			case TesterComplete:
				n.CompletedAt = ch.at
			}
		}
		if len(moving) == 0 {
			return errUnchanged
		}
		return ch.moveTesters(ctx, c, m, moving)
	})
}

// moveTesters stores where testers are moved, and tells of each.
func (c *change) moveTesters(ctx context.Context, of *store.Campaign, m move, moving []store.Tester) error {
	var news []webhook.AboutTest
	for i := range moving {
		news = append(news, webhook.AboutTest{TesterID: moving[i].Number, TesterEmail: moving[i].Email, Status: m.to})
	}
	c.tell(m.action, of, map[string]any{"testers": numbersOf(moving)}, news...)
	return c.MoveTesters(ctx, moving, m.to)
}

// withTesters changes something about some testers of a campaign, and returns
// what they are then.
func (w *Workspace) withTesters(ctx context.Context, p *credential.Principal, ref CampaignRef, m move, fn func(*change, *store.Campaign, []store.Tester) error) ([]store.Tester, error) {
	m.numbers = slices.Clone(m.numbers)
	slices.Sort(m.numbers)
	m.numbers = slices.Compact(m.numbers)
	c, err := w.changeCampaign(ctx, p, ref.making(m.action), ref.Number, func(ch *change, c *store.Campaign) error {
		testers, err := testersNamed(ctx, ch, c, m.numbers)
		if err != nil {
			return err
		}
		return fn(ch, c, testers)
	})
	if err != nil {
		return nil, err
	}
	return w.store.TestersNumbered(ctx, c.ID, m.numbers)
}

// numbersOf returns the numbers of testers.
func numbersOf(testers []store.Tester) (list []int64) {
	for i := range testers {
		list = append(list, testers[i].Number)
	}
	return list
}

// testersNamed returns the testers whom a call names, and refuses one that names
// others, too many or none.
func testersNamed(ctx context.Context, ch *change, c *store.Campaign, numbers []int64) ([]store.Tester, error) {
	if len(numbers) == 0 || len(numbers) > mostTesters {
		return nil, credential.InvalidField("testerIds", "name 1 to %d testers", mostTesters)
	}
	found, err := ch.TestersNumbered(ctx, c.ID, numbers)
	if err != nil {
		return nil, err
	}
	for _, n := range numbers {
		if !slices.Contains(numbersOf(found), n) {
			return nil, credential.InvalidField("testerIds", "the test has no tester %d", n)
		}
	}
	return found, nil
}

// MessageTesters writes a mail to testers who take part or have. It leaves when
// the change is stored.
func (w *Workspace) MessageTesters(ctx context.Context, p *credential.Principal, ref CampaignRef, m Message) ([]store.Tester, error) {
	text, err := credential.CheckProse("message", m.Text, longestMessage)
	if err == nil && text == "" {
		err = credential.InvalidField("message", "must not be empty")
	}
	if err != nil {
		return nil, err
	}
	to := move{action: "tester.message", numbers: m.To}
	out, err := w.withTesters(ctx, p, ref, to, func(ch *change, c *store.Campaign, testers []store.Tester) error {
		if w.posted == nil {
			return credential.Errorf(credential.Conflict, "this installation has no mail server, so that nothing can be sent to testers")
		}
		o, err := ch.Organization(ctx, c.Organization)
		if err != nil {
			return err
		}
		for i := range testers {
			n := &testers[i]
			if !slices.Contains([]string{testerIncomplete, TesterComplete, testerStuck}, n.Status) {
				return credential.InvalidField("testerIds", "tester %d is %s; who takes part or has is written to", n.Number, n.Status)
			}
			l := store.Letter{To: n.Email, Subject: "About the test " + c.Name, Text: o.Name + " writes to you about the test " + c.Name + ":\n\n" + text + "\n"}
			if err := ch.Post(ctx, w.rand, l, ch.at, ch.at.Add(messageFor)); err != nil {
				return err
			}
		}
		ch.record(to.action, campaignTarget(c), map[string]any{"testers": numbersOf(testers)})
		return nil
	})
	if err == nil {
		w.posted()
	}
	return out, err
}

// Message is a text for some testers.
type Message struct {
	To   []int64 // by their numbers
	Text string
}
