package store

import (
	"context"
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

// terms splits a text the same way for both databases: into runs of letters
// and digits in lower case, each once.
func terms(text string, most int) (list []string) {
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
	word  string // what matches a word, in place of "?"
	and   string // between words
}

// Index makes an item findable by the words of a text, in place of those
// before.
func (t *Tx) Index(ctx context.Context, scope Scope, item uuid.UUID, text string) error {
	index := &t.s.index
	var row int64
	err := t.q.QueryRowContext(ctx, index.row, item, scope.text()).Scan(&row)
	if err == nil {
		_, err = t.q.ExecContext(ctx, index.put, row, scope.text(), strings.Join(terms(text, mostIndexedWords), " "))
	}
	if err != nil {
		return t.fail("index what can be searched for", err)
	}
	return nil
}

// Search finds the items of a scope that have every word of a text, each as it
// is or as the beginning of a longer one: the latest first, at most MostFound.
func (s *Store) Search(ctx context.Context, scope Scope, text string) ([]uuid.UUID, error) {
	index, asked := &s.index, terms(text, mostSearchWords+1)
	switch {
	case len(asked) == 0:
		return nil, nil
	case len(asked) > mostSearchWords:
		return nil, credential.InvalidField("query", "at most %d words", mostSearchWords)
	}
	for i, word := range asked {
		asked[i] = strings.ReplaceAll(index.word, "?", word)
	}
	return list(ctx, s.reader, selection[uuid.UUID]{"search", idTarget, index.match}, scope.text(), strings.Join(asked, index.and), MostFound)
}
