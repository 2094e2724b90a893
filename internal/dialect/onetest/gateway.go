package onetest

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// gatewayRoutes are those of the tools, and of the assistant that there isn't.
func (h *handlers) gatewayRoutes() []edge.Route {
	const base = gateway + "api/v1"
	return []edge.Route{
		edge.Get(base+"/tools", edge.Authenticated, h.listTools).Steady().Named("list_tools", "Lists what a program may do here, and what each call takes."),
		edge.Either(base+"/chat", edge.Authenticated, most, noAssistant).Named("chat", "There is no assistant here: this answers 501."),
		edge.Either(base+"/assistant", edge.Authenticated, most, noAssistant).Named("assistant", "There is no assistant here: this answers 501."),
	}
}

func (h *handlers) listTools(*edge.Request, edge.None) (edge.Written, error) { return h.tools, nil }

// absent says what isn't offered here.
type absent problem

// StatusCode is the status of the answer.
func (absent) StatusCode() int { return http.StatusNotImplemented }

func noAssistant(*edge.Request, edge.Payload) (absent, error) {
	return absent{Detail: "this server has no assistant; call the tools of " + gateway + "api/v1/tools by their routes"}, nil
}

// tool is something that a program may do, by the route of its name.
type tool struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Method      string `json:"method"`
	Path        string `json:"path"`
	InputSchema schema `json:"input_schema"`
}

// schema is what a call takes, as JSON Schema says it.
type schema struct {
	Type       string             `json:"type"`
	Properties map[string]*schema `json:"properties,omitzero"`
	Items      *schema            `json:"items,omitzero"`
	Required   []string           `json:"required,omitzero"`
}

// toolsOf are the routes of some surfaces as tools.
func toolsOf(surfaces []*edge.Surface) edge.Written {
	var tools []tool
	for _, s := range surfaces {
		for _, r := range s.Routes {
			tools = append(tools, tool{r.Doc.ID, r.Doc.Text, r.Method, r.Pattern, inputOf(r)})
		}
	}
	text, _ := json.Marshal(list[tool]{Items: tools, Total: int64(len(tools))}, json.Deterministic(true)) // of texts, which never fails
	return text
}

// inputOf is what a route takes: in its path, in its query and in its body.
func inputOf(r edge.Route) schema {
	out := schema{Type: "object", Properties: map[string]*schema{}}
	for part := range strings.SplitSeq(r.Pattern, "/") {
		if name, found := strings.CutPrefix(part, "{"); found {
			name = strings.TrimSuffix(name, "}")
			out.Properties[name] = &schema{Type: "string"}
			out.Required = append(out.Required, name)
		}
	}
	for _, name := range r.Params {
		out.Properties[name] = &schema{Type: "string"}
	}
	if r.MaxBody > 0 {
		for name, member := range schemaOf(r.In).Properties {
			out.Properties[name] = member
		}
	}
	return out
}

// kinds are JSON Schema's words for the kinds of values that bodies hold.
var kinds = map[reflect.Kind]string{reflect.String: "string", reflect.Bool: "boolean", reflect.Int: "integer", reflect.Int64: "integer", reflect.Slice: "array", reflect.Struct: "object"}

func schemaOf(t reflect.Type) *schema {
	if t.Kind() == reflect.Pointer {
		return schemaOf(t.Elem())
	}
	out := &schema{Type: kinds[t.Kind()]}
	switch t.Kind() {
	case reflect.Slice:
		out.Items = schemaOf(t.Elem())
	case reflect.Struct:
		out.Properties = map[string]*schema{}
		for i := range t.NumField() {
			if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" {
				out.Properties[name] = schemaOf(t.Field(i).Type)
			}
		}
	}
	return out
}
