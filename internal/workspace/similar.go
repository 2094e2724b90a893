package workspace

import (
	"cmp"
	"context"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// How many issues are compared with one, by how many of their words.
const (
	mostCompared = 200
	wordsOfEach  = 300
	leastLetters = 3 // of a word that says anything
)

// Similar is an issue with how alike it is to another: from 0 to 1.
type Similar struct {
	store.Issue
	Score float64
}

// SimilarTo asks for issues that are like another: so many, and those that are
// done as well where it says so.
type SimilarTo struct {
	Limit int
	Done  bool
}

// FindSimilar compares an issue with the latest that have words in common with
// its title, or else with its description, and returns the most alike first.
// It is for those who change issues.
func (w *Workspace) FindSimilar(ctx context.Context, p *credential.Principal, ref IssueRef, s SimilarTo) ([]Similar, error) {
	project, err := w.Project(ctx, p, ref.Project, credential.IssuesWrite)
	if err != nil {
		return nil, err
	}
	issue, err := ref.find(ctx, w.store, project.ID)
	if err != nil {
		return nil, err
	}
	own := wordsOf(issue)
	ids, err := w.store.SearchAny(ctx, store.Scope{Noun: "issue", Project: project.ID}, own, mostCompared)
	if err != nil {
		return nil, err
	}
	ids = slices.DeleteFunc(ids, func(id uuid.UUID) bool { return id == issue.ID })
	others, err := w.store.IssuesByID(ctx, project.ID, ids)
	if err != nil {
		return nil, err
	}
	found := []Similar{}
	for _, other := range others {
		if s.Done || !isDone(other.Status) {
			found = append(found, Similar{other, alike(own, wordsOf(&other))})
		}
	}
	slices.SortStableFunc(found, func(a, b Similar) int { return cmp.Compare(b.Score, a.Score) })
	return found[:min(len(found), s.Limit)], nil
}

// isDone reports whether nobody works on issues of a status.
func isDone(status string) bool {
	return status == Resolved || status == "closed" || status == "wont_fix"
}

// wordsOf are the words of an issue that say anything: those of the title first.
func wordsOf(i *store.Issue) []string {
	return slices.DeleteFunc(store.Words(i.Title+" "+i.Description, wordsOfEach), func(word string) bool { return utf8.RuneCountInString(word) < leastLetters })
}

// alike is the cosine of the angle between two texts, whose words count once.
func alike(a, b []string) float64 {
	has := make(map[string]bool, len(a))
	for _, word := range a {
		has[word] = true
	}
	common := 0
	for _, word := range b {
		if has[word] {
			common++
		}
	}
	if common == 0 {
		return 0
	}
	return math.Round(100*float64(common)/math.Sqrt(float64(len(a)*len(b)))) / 100
}
