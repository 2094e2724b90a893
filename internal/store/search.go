package store

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Scope is what a search goes through: what is of one noun in one project.
type Scope struct {
	Noun    string // a word of lower case letters
	Project uuid.UUID
}

// text is the scope as one word, which the full-text index of either database
// takes for one.
func (s Scope) text() string { return s.Noun + strings.ReplaceAll(s.Project.String(), "-", "") }

// Bounds of a search: how many words of an item are indexed, how many may be
// asked for, and how many items are found.
const (
	mostIndexedWords = 4000
	mostSearchWords  = 16
	mostWordLength   = 64
	MostFound        = 1000
)

// Words splits a text the same way for both databases: into runs of letters
// and digits in lower case, each once.
func Words(text string, most int) (list []string) {
	seen := map[string]bool{}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		word = strings.ToLower(word)
		if runes := []rune(word); len(runes) > mostWordLength {
			word = string(runes[:mostWordLength])
		}
		if seen[word] || len(list) == most {
			continue
		}
		seen[word] = true
		list = append(list, word)
	}
	return list
}

// searching is the SQL of one database's full-text index. The words of a query
// are letters and digits alone: nothing in them means anything else.
type searching struct {
	row   string // makes the row of item $1 in scope $2, and returns its number
	put   string // gives row $1 in scope $2 the words $3
	match string // finds items in scope $1 that match $2, the latest first, at most $3
	word  string // what matches a word and those that it begins, in place of "?"
	exact string // what matches the word alone
	and   string // between words
	or    string
}

// Index makes an item findable by the words of a text, in place of those
// before.
func (t *Tx) Index(ctx context.Context, scope Scope, item uuid.UUID, text string) error {
	index := &t.s.index
	var row int64
	err := t.q.QueryRowContext(ctx, index.row, item, scope.text()).Scan(&row)
	if err == nil {
		_, err = t.q.ExecContext(ctx, index.put, row, scope.text(), strings.Join(Words(text, mostIndexedWords), " "))
	}
	if err != nil {
		return t.fail("index what can be searched for", err)
	}
	return nil
}

// Search finds the items of a scope that have every word of a text, each as it
// is or as the beginning of a longer one: the latest first, at most MostFound.
func (s *Store) Search(ctx context.Context, scope Scope, text string) ([]uuid.UUID, error) {
	asked := Words(text, mostSearchWords+1)
	if len(asked) > mostSearchWords {
		return nil, credential.InvalidField("query", "at most %d words", mostSearchWords)
	}
	return s.search(ctx, scope, query{asked, s.index.word, s.index.and, MostFound})
}

// SearchAny finds the items of a scope that have any of some words, of which it
// takes the first sixteen: the latest first, at most so many.
func (s *Store) SearchAny(ctx context.Context, scope Scope, words []string, limit int) ([]uuid.UUID, error) {
	return s.search(ctx, scope, query{slices.Clone(words[:min(len(words), mostSearchWords)]), s.index.exact, s.index.or, limit})
}

// query is what is searched for: words, what matches each, and what stands
// between them.
type query struct {
	words          []string
	match, between string
	limit          int
}

func (s *Store) search(ctx context.Context, scope Scope, q query) ([]uuid.UUID, error) {
	if len(q.words) == 0 {
		return nil, nil
	}
	for i, word := range q.words {
		q.words[i] = strings.ReplaceAll(q.match, "?", word)
	}
	return list(ctx, s.reader, selection[uuid.UUID]{"search", idTarget, s.index.match}, scope.text(), strings.Join(q.words, q.between), q.limit)
}
