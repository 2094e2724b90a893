package onetest

import (
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// condition is the first of a query: a field, "=", and a word or what stands in
// quotation marks.
var condition = regexp.MustCompile(`^\s*([A-Za-z_]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))`)

// and stands between conditions.
var and = regexp.MustCompile(`(?i)^\s+and\s`)

// mostConditions bounds a query.
const mostConditions = 16

// parseQuery reads a query such as
//
//	priority = p0 AND tag = "smoke"
//
// into values by field, of some fields, each of them once. An empty one has none.
func parseQuery(text string, fields []string) (map[string]string, error) {
	wrong := func(format string, args ...any) (map[string]string, error) {
		return nil, credential.InvalidField("query", format, args...)
	}
	values := map[string]string{}
	if strings.TrimSpace(text) == "" {
		return values, nil
	}
	for range mostConditions {
		found := condition.FindStringSubmatch(text)
		if found == nil {
			return wrong(`conditions are such as priority = p0 AND tag = "smoke"`)
		}
		field := strings.ToLower(found[1])
		if !slices.Contains(fields, field) {
			return wrong("the fields are %s", strings.Join(fields, ", "))
		}
		if _, twice := values[field]; twice {
			return wrong("%s stands in it twice", field)
		}
		values[field] = found[2] + found[3] + found[4]
		if values[field] == "" {
			return wrong("%s is compared with nothing", field)
		}
		text = text[len(found[0]):]
		if strings.TrimSpace(text) == "" {
			return values, nil
		}
		joined := and.FindString(text)
		if joined == "" {
			return wrong("AND stands between conditions, and nothing else")
		}
		text = text[len(joined):]
	}
	return wrong("it has more than %d conditions", mostConditions)
}
