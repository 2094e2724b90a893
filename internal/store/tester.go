package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Tester is somebody who takes part in a campaign, or wants to.
type Tester struct {
	ID                    uuid.UUID
	Campaign              uuid.UUID
	Number                int64 // in the organization
	Email, Name           string
	Status                string
	JoinedAt, CompletedAt time.Time
	MadeBy, MadeByUser    uuid.UUID
	CreatedAt             time.Time
}

const testerColumns = `t.id, t.campaign_id, t.number, t.email, t.name, t.status, t.joined_at, t.completed_at, t.made_by, t.made_by_user, t.created_at`

func (t *Tester) targets() []any {
	return []any{&t.ID, &t.Campaign, &t.Number, &t.Email, &t.Name, &t.Status, instant{&t.JoinedAt}, instant{&t.CompletedAt}, nullID{&t.MadeBy}, nullID{&t.MadeByUser},
		instant{&t.CreatedAt}}
}

// InsertTester stores a new tester of a campaign of an organization, and gives
// them their number.
func (t *Tx) InsertTester(ctx context.Context, organization uuid.UUID, n *Tester) (err error) {
	if n.Number, err = t.next(ctx, organization.String(), "tester"); err != nil {
		return err
	}
	_, err = t.q.ExecContext(ctx, `
		INSERT INTO testers (id, campaign_id, number, email, name, status, joined_at, completed_at, made_by, made_by_user, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		n.ID, n.Campaign, n.Number, n.Email, n.Name, n.Status, stamp(n.JoinedAt), stamp(n.CompletedAt), nullable(n.MadeBy), nullable(n.MadeByUser), n.CreatedAt.UnixMilli())
	if err != nil {
		return t.fail("store a tester", err)
	}
	for _, word := range searchWords(n.Email + " " + n.Name) {
		_, err := t.q.ExecContext(ctx, `INSERT INTO tester_words (campaign_id, word, number) VALUES ($1, $2, $3)`, n.Campaign, word, n.Number)
		if err != nil {
			return t.fail("store the words of a tester", err)
		}
	}
	return t.tally(ctx, n.Campaign, n.Status, 1)
}

// mostTesterWords bounds by how many words something is found.
const mostTesterWords = 32

// searchText writes a text as it is searched: in small letters, and however it
// was typed.
func searchText(text string) string { return strings.ToLower(norm.NFC.String(text)) }

// searchWords returns the words of a text in small letters, and those parts of
// it that stand between blanks, such as whole addresses; each of them once.
func searchWords(text string) (words []string) {
	for _, part := range strings.Fields(searchText(text)) {
		words = append(words, part)
		words = append(words, strings.FieldsFunc(part, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })...)
	}
	if len(words) > mostTesterWords {
		words = words[:mostTesterWords]
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// MoveTesters gives testers of a campaign another status, and stores since when
// they take part and are done.
func (t *Tx) MoveTesters(ctx context.Context, testers []Tester, status string) error {
	for i := range testers {
		n := &testers[i]
		_, err := t.q.ExecContext(ctx, `UPDATE testers SET status = $2, joined_at = $3, completed_at = $4 WHERE id = $1`, n.ID, status, stamp(n.JoinedAt), stamp(n.CompletedAt))
		if err != nil {
			return t.fail("move a tester", err)
		}
		if err := t.tally(ctx, n.Campaign, n.Status, -1); err != nil {
			return err
		}
		n.Status = status
	}
	if len(testers) == 0 {
		return nil
	}
	return t.tally(ctx, testers[0].Campaign, status, len(testers))
}

// Tester finds a tester of a campaign by their number.
func (r reader) Tester(ctx context.Context, campaign uuid.UUID, number int64) (*Tester, error) {
	return r.tester(ctx, `t.number = $2`, campaign, number)
}

// TesterByID finds a tester of a campaign by their id.
func (r reader) TesterByID(ctx context.Context, campaign, id uuid.UUID) (*Tester, error) {
	return r.tester(ctx, `t.id = $2`, campaign, id)
}

func (r reader) tester(ctx context.Context, where string, args ...any) (*Tester, error) {
	var n Tester
	err := r.q.QueryRowContext(ctx, `SELECT `+testerColumns+` FROM testers t WHERE t.campaign_id = $1 AND `+where, args...).Scan(n.targets()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, credential.Errorf(credential.NotFound, "no such tester of the test")
	}
	if err != nil {
		return nil, r.fail("find a tester", err)
	}
	return &n, nil
}

// TestersNumbered returns those testers of a campaign that some numbers name,
// by number.
func (r reader) TestersNumbered(ctx context.Context, campaign uuid.UUID, numbers []int64) ([]Tester, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	var named strings.Builder
	args := []any{campaign}
	marks(&named, len(args)+1, len(numbers))
	for _, n := range numbers {
		args = append(args, n)
	}
	return list(ctx, r, selection[Tester]{"read testers", (*Tester).targets,
		`SELECT ` + testerColumns + ` FROM testers t WHERE t.campaign_id = $1 AND t.number IN ` + named.String() + ` ORDER BY t.number`}, args...)
}

// Testers returns a section of the testers of a campaign in the order in which
// they came. What is passed over is read in the index alone.
func (r reader) Testers(ctx context.Context, campaign uuid.UUID, s Section) ([]Tester, error) {
	where, args := `t.campaign_id = $1`, []any{campaign, s.Limit, s.Offset}
	if s.Status != "" {
		where, args = where+` AND t.status = $4`, append(args, s.Status)
	}
	return list(ctx, r, selection[Tester]{"list testers", (*Tester).targets, `SELECT ` + testerColumns + ` FROM testers t WHERE t.id IN
		(SELECT t.id FROM testers t WHERE ` + where + ` ORDER BY t.number LIMIT $2 OFFSET $3) ORDER BY t.number`}, args...)
}

// FindTesters returns a section of the testers of a campaign in whose name and
// address each word of a text begins a word, and how many there are. Where each
// of the words finds more than most, ok is false.
func (r reader) FindTesters(ctx context.Context, campaign uuid.UUID, text string, s Section) (found []Tester, total int, ok bool, err error) {
	words := strings.Fields(searchText(text))
	numbers, err := r.rarest(ctx, campaign, words)
	if err != nil || len(numbers) > MostTestersFound {
		return nil, 0, false, err
	}
	if len(words) == 1 && s.Status == "" { // all of them are found
		found, err := r.TestersNumbered(ctx, campaign, section(numbers, s))
		return found, len(numbers), true, err
	}
	found, err = r.TestersNumbered(ctx, campaign, numbers)
	found = slices.DeleteFunc(found, func(n Tester) bool { return s.Status != "" && n.Status != s.Status || !n.hasWords(words) })
	return section(found, s), len(found), true, err
}

// MostTestersFound is how many testers a word may find.
const MostTestersFound = 1000

// rarest returns the numbers that the rarest of some words finds, each once; if
// none finds MostTestersFound or fewer, more than that.
func (r reader) rarest(ctx context.Context, campaign uuid.UUID, words []string) (rarest []int64, err error) {
	for i, word := range words {
		numbers, err := r.numbersOf(ctx, campaign, word, MostTestersFound+1)
		if err == nil && len(numbers) <= MostTestersFound { // there may be more behind what is there twice
			numbers, err = r.numbersOf(ctx, campaign, word, (MostTestersFound+1)*mostTesterWords)
		}
		if err != nil {
			return nil, err
		}
		if i == 0 || len(numbers) < len(rarest) {
			rarest = numbers
		}
	}
	return rarest, nil
}

// numbersOf returns the numbers in the first rows of what begins with a word.
func (r reader) numbersOf(ctx context.Context, campaign uuid.UUID, word string, rows int) ([]int64, error) {
	numbers, err := list(ctx, r, selection[int64]{"search testers", func(n *int64) []any { return []any{n} },
		`SELECT number FROM tester_words WHERE campaign_id = $1 AND word >= $2 AND word < $3 LIMIT $4`}, campaign, word, word+"\U0010ffff", rows)
	slices.Sort(numbers)
	return slices.Compact(numbers), err
}

// hasWords reports whether a tester is found by each of some words.
func (t *Tester) hasWords(words []string) bool {
	own := searchWords(t.Email + " " + t.Name)
	for _, word := range words {
		if !slices.ContainsFunc(own, func(o string) bool { return strings.HasPrefix(o, word) }) {
			return false
		}
	}
	return true
}

// section cuts a section out of a list.
func section[T any](all []T, s Section) []T {
	from := min(s.Offset, len(all))
	return all[from:min(from+s.Limit, len(all))]
}
