package edge_test

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// What is written is read again, but for the apostrophe that keeps a cell from
// being a formula.
func TestTable(t *testing.T) {
	t.Parallel()
	cells := map[string]string{
		"": "", "plain": "plain", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "\nx": "'\nx", "'x": "''x",
		`a "b", c`: `a "b", c`, "a,b": "a,b", `"`: `"`, "a=1": "a=1", " =1": " =1", "日本": "日本",
	}
	var parts [][][]string
	for cell := range cells {
		parts = append(parts, [][]string{{cell, "1"}, {"x", cell}})
	}
	left := slices.Clone(parts)
	s := edge.Table("x.csv", []string{"one", "two, three"}, func(context.Context) ([][]string, error) {
		if len(left) == 0 {
			return nil, io.EOF
		}
		part := left[0]
		left = left[1:]
		return part, nil
	})
	var out strings.Builder
	part, err := s.Next(t.Context())
	for ; err == nil; part, err = s.Next(t.Context()) {
		out.Write(part)
	}
	if !errors.Is(err, io.EOF) || s.Media != "text/csv; charset=utf-8; header=present" {
		t.Errorf("got %v, %s", err, s.Media)
	}
	// csv.Reader reads CR LF in a cell as LF, and there is none.
	got, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"one", "two, three"}; !slices.Equal(got[0], want) {
		t.Errorf("the head is %q, want %q", got[0], want)
	}
	i := 1
	for _, part := range parts {
		for _, line := range part {
			if want := []string{inert(cells, line[0]), inert(cells, line[1])}; !slices.Equal(got[i], want) {
				t.Errorf("got %q, want %q", got[i], want)
			}
			i++
		}
	}
	if !strings.HasSuffix(out.String(), "\r\n") || len(got) != i {
		t.Errorf("there are %d lines, want %d", len(got), i)
	}
}

func inert(cells map[string]string, cell string) string {
	if want, known := cells[cell]; known {
		return want
	}
	return cell
}

// An error before the first line is none of a table, and one after it breaks it off.
func TestTableThatFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	s := edge.Table("x.csv", []string{"one"}, func(context.Context) ([][]string, error) { return nil, broken })
	if part, err := s.Next(t.Context()); part != nil || !errors.Is(err, broken) {
		t.Errorf("got %q, %v", part, err)
	}
}
