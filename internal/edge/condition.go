package edge

import (
	"net/http"
	"strings"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// readCondition takes in If-Match (RFC 9110 section 13.1.1). A route that can't
// keep to it says so, rather than change what the caller doesn't know.
func (r *Request) readCondition(known bool) error {
	lines, given := r.Header["If-Match"]
	if !given || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if !known {
		return &credential.Error{Kind: credential.BadRequest, Field: "If-Match", Detail: "this call takes no If-Match"}
	}
	versions := []string{}
	for _, line := range lines {
		for tag := range strings.SplitSeq(line, ",") {
			switch tag = strings.TrimSpace(tag); {
			case tag == "*":
				versions = append(versions, tag)
			case len(tag) >= 2 && tag[0] == '"' && tag[len(tag)-1] == '"' && !strings.Contains(tag[1:len(tag)-1], `"`):
				versions = append(versions, tag[1:len(tag)-1])
			case strings.HasPrefix(tag, `W/"`): // which never match strongly
			default:
				return &credential.Error{Kind: credential.BadRequest, Field: "If-Match", Detail: `write the ETag as it came, in quotes: If-Match: "…"`}
			}
		}
	}
	r.Request = r.WithContext(authority.IfMatch(r.Context(), versions))
	return nil
}
