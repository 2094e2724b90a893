package workspace_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

func TestSlug(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Space Game": "space-game", "my-project": "my-project", " A  b_c! ": "a-b-c", "ÄB2": "b2", "Prüfung": "pr-fung", "…": "", "": "", "--": "", "X": "x",
	} {
		if got := workspace.Slug(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
