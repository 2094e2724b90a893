package bunship

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// Bounds of a page of the audit log.
const (
	defaultEntries, mostEntries = 50, 100
	mostOffset                  = 100_000
)

// auditFilters are the parameters of the audit log.
var auditFilters = []string{"actorId", "actorType", "action", "resourceType", "resourceId", "startDate", "endDate", "limit", "offset"}

// resource is a sort of things that something was done to.
type resource struct{ name, prefix, target string }

// resources are what BunShip calls the targets of audit events, and how their
// ids begin; without a prefix they are UUIDs.
var resources = []resource{
	{"api_key", "key", "credential"},
	{"user", "usr", "user"},
	{"invitation", "inv", "invitation"},
	{"project", "", "project"},
	{"webhook", "wh", "webhook"},
}

// id spells the id of a resource.
func (r resource) id(id uuid.UUID) string {
	if r.prefix == "" {
		return id.String()
	}
	return authority.PublicID(r.prefix, id)
}

// parse reads what id wrote, or a UUID.
func (r resource) parse(text string) (uuid.UUID, error) {
	if r.prefix == "" {
		return authority.ParseID(text)
	}
	return authority.ParsePublicID(r.prefix, text)
}

// actorTypes are what BunShip calls the kinds of actors.
var actorTypes = map[string]store.ActorKind{"user": store.UserActor, "api_key": store.CredentialActor, "system": store.SystemActor}

// entry is a line of the audit log. Gatehouse keeps no whole states of before
// and after, and no agents: what a change was about is in the metadata.
type entry struct {
	ID             string         `json:"id"`
	OrganizationID string         `json:"organizationId"`
	ActorID        *string        `json:"actorId"`
	ActorType      string         `json:"actorType"`
	ActorEmail     *string        `json:"actorEmail"`
	Action         string         `json:"action"`
	ResourceType   string         `json:"resourceType"`
	ResourceID     string         `json:"resourceId"`
	OldValues      *struct{}      `json:"oldValues"`
	NewValues      *struct{}      `json:"newValues"`
	IPAddress      *string        `json:"ipAddress"`
	UserAgent      *string        `json:"userAgent"`
	Metadata       jsontext.Value `json:"metadata"`
	CreatedAt      time.Time      `json:"createdAt"`
}

type auditLog struct {
	Success    bool       `json:"success"`
	Data       []entry    `json:"data"`
	Pagination pagination `json:"pagination"`
}

type pagination struct {
	Total   int64 `json:"total"`
	Limit   int   `json:"limit"`
	Offset  int   `json:"offset"`
	HasMore bool  `json:"hasMore"`
}

func (h *handlers) auditLogs(r *edge.Request, _ edge.None) (auditLog, error) {
	organization, err := h.organization(r)
	if err != nil {
		return auditLog{}, err
	}
	f, offset, err := auditFilter(r)
	if err != nil {
		return auditLog{}, err
	}
	page, err := h.authority.LatestEvents(r.Context(), &r.Principal, organization, f, offset)
	if err != nil {
		return auditLog{}, err
	}
	out := auditLog{Success: true, Data: make([]entry, 0, len(page.Events))}
	for i := range page.Events {
		out.Data = append(out.Data, entryOf(&page.Events[i], page.Emails))
	}
	out.Pagination = pagination{page.Total, f.Limit, offset, int64(offset+len(out.Data)) < page.Total}
	return out, nil
}

// auditFilter reads which part of the audit log a query asks for.
func auditFilter(r *edge.Request) (f store.EventFilter, offset int, err error) {
	f.Action = r.Param("action")
	if f.Limit, err = r.Number("limit", edge.Span{Otherwise: defaultEntries, Least: 1, Most: mostEntries}); err != nil {
		return f, 0, err
	}
	if offset, err = r.Number("offset", edge.Span{Otherwise: 0, Least: 0, Most: mostOffset}); err != nil {
		return f, 0, err
	}
	for name, at := range map[string]*time.Time{"startDate": &f.Since, "endDate": &f.Until} {
		if text := r.Param(name); text != "" {
			if *at, err = credential.ParseTime(name, text); err != nil {
				return f, 0, err
			}
		}
	}
	if !f.Until.IsZero() {
		if f.Until.Before(f.Since) {
			return f, 0, credential.InvalidField("endDate", "must not lie before startDate")
		}
		f.Until = f.Until.Truncate(time.Millisecond).Add(time.Millisecond) // the last one is part of it
	}
	if err = actorFilter(r, &f); err != nil {
		return f, 0, err
	}
	return f, offset, resourceFilter(r, &f)
}

// actorFilter reads by whom something was done: a user, or an API key.
func actorFilter(r *edge.Request, f *store.EventFilter) error {
	if text := r.Param("actorType"); text != "" {
		if f.Kind = actorTypes[text]; f.Kind == "" {
			return credential.InvalidField("actorType", "must be user, api_key or system")
		}
	}
	text := r.Param("actorId")
	if text == "" {
		return nil
	}
	kind, prefix := store.UserActor, "usr"
	if strings.HasPrefix(text, "key_") {
		kind, prefix = store.CredentialActor, "key"
	}
	id, err := authority.ParsePublicID(prefix, text)
	if err != nil || !strings.HasPrefix(text, prefix+"_") {
		return credential.InvalidField("actorId", "must be the id of a user or an API key: usr_… or key_…")
	}
	if f.Kind != "" && f.Kind != kind {
		return credential.InvalidField("actorId", "is no id of what actorType says")
	}
	if f.Kind = kind; kind == store.UserActor {
		f.Subject = "user:" + id.String()
	} else {
		f.Actor = "credential:" + id.String()
	}
	return nil
}

// resourceFilter reads what something was done to. Most ids say of what they are.
func resourceFilter(r *edge.Request, f *store.EventFilter) error {
	kind, text := r.Param("resourceType"), r.Param("resourceId")
	if kind == "" && text == "" {
		return nil
	}
	prefix, _, _ := strings.Cut(text, "_")
	i := slices.IndexFunc(resources, func(res resource) bool {
		return kind == res.name || kind == "" && res.prefix != "" && res.prefix == prefix
	})
	switch {
	case i < 0 && kind == "":
		return credential.InvalidField("resourceId", "must be an id such as key_…; beside that of a project, resourceType says what it is")
	case i < 0:
		return credential.InvalidField("resourceType", "must be api_key, user, invitation or project")
	case text == "":
		f.Target = resources[i].target + ":"
		return nil
	}
	id, err := resources[i].parse(text)
	if err != nil {
		return credential.InvalidField("resourceId", "is no id of such a resource")
	}
	f.Target = resources[i].target + ":" + id.String()
	return nil
}

// entryOf shows an audit event; emails are those of its users.
func entryOf(e *audit.Event, emails map[string]string) entry {
	out := entry{
		ID: "log_" + hex.EncodeToString(e.Hash[:min(len(e.Hash), len(uuid.UUID{}))]), OrganizationID: organizationID(e.Chain),
		ActorType: "system", Action: e.Action, IPAddress: text(e.Address), Metadata: jsontext.Value("{}"), CreatedAt: e.At,
	}
	if detail := jsontext.Value(e.Detail); detail.IsValid() {
		out.Metadata = detail
	}
	switch store.KindOf(e.Actor) {
	case store.UserActor:
		out.ActorType, out.ActorEmail = "user", text(emails[e.Subject])
		out.ActorID = publicID("usr", e.Subject)
	case store.CredentialActor:
		out.ActorType, out.ActorID = "api_key", publicID("key", e.Actor)
	}
	target, id, _ := strings.Cut(e.Target, ":")
	out.ResourceType, out.ResourceID = target, id
	for _, res := range resources {
		if res.target == target {
			if parsed, err := uuid.Parse(id); err == nil {
				out.ResourceType, out.ResourceID = res.name, res.id(parsed)
			}
		}
	}
	return out
}

// publicID spells the id in what an event names, such as "user:" and a UUID.
func publicID(prefix, named string) *string {
	_, id, _ := strings.Cut(named, ":")
	parsed, err := uuid.Parse(id)
	if err != nil {
		return nil
	}
	return text(authority.PublicID(prefix, parsed))
}

// text shows a text, or null for none.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
