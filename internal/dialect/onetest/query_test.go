package onetest

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// Whatever a query is, it is refused or has values for fields that there are;
// and those, written as a query, are read as the same.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{"", "priority = p0", `priority = p0 AND tag = "smoke test"`, "a='b' and A=c", "priority = p0 OR tag = x", `tag = "`, "tag=\u00a0x", "search = 'it''s'"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := parseQuery(query, caseFilters)
		if err != nil {
			if len(values) > 0 {
				t.Errorf("%q is refused, and has %v", query, values)
			}
			return
		}
		var conditions []string
		for field, value := range values {
			if value == "" || !slices.Contains(caseFilters, field) {
				t.Errorf("%q: %q is %q", query, field, value)
			}
			mark := `"`
			if strings.Contains(value, mark) {
				mark = "'"
			}
			conditions = append(conditions, field+"="+mark+value+mark)
		}
		if again, err := parseQuery(strings.Join(conditions, " AND "), caseFilters); err != nil || !maps.Equal(again, values) {
			t.Errorf("%q has %v; written again it has %v, %v", query, values, again, err)
		}
	})
}
