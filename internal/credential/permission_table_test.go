package credential

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// What roles allow and scopes stand for, as a table that a person can read.
func TestPermissionTable(t *testing.T) {
	var out strings.Builder
	fmt.Fprintf(&out, "%-24s  owner  admin  member  guest   project: admin  user  guest\n", "permission")
	sign := func(set PermissionSet, p Permission) string {
		if set.Has(p) {
			return "yes"
		}
		return "-"
	}
	for _, p := range Permissions() {
		fmt.Fprintf(&out, "%-24s  %-5s  %-5s  %-6s  %-5s            %-5s  %-4s  %s\n", p,
			sign(Owner.Permissions(), p), sign(Admin.Permissions(), p), sign(Member.Permissions(), p), sign(Guest.Permissions(), p),
			sign(ProjectAdmin.Permissions(), p), sign(ProjectUser.Permissions(), p), sign(ProjectGuest.Permissions(), p))
	}
	schemes, err := NewSchemes()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range schemes.All() {
		fmt.Fprintf(&out, "\nscopes of %s\n", s.Name)
		for _, scope := range slices.Sorted(maps.Keys(s.Scopes.Known)) {
			var names []string
			for _, p := range s.Scopes.Permissions([]Scope{scope}).List() {
				names = append(names, string(p))
			}
			fmt.Fprintf(&out, "%-26s  %s\n", scope, strings.Join(names, " "))
		}
	}
	const path = "testdata/permissions.golden"
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("roles or scopes came to mean something else; if that is meant, run with -update:\n%s", diff)
	}
}
