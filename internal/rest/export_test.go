package rest_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/audit"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

var exportColumns = []string{"chain", "sequence", "at", "actor", "subject", "action", "target", "address", "request", "detail", "previous", "hash"}

// asEvents reads an export of either format.
func asEvents(t testing.TB, format string, text []byte) (list []api.Event) {
	t.Helper()
	if format == "jsonl" {
		for line := range bytes.Lines(text) {
			var e api.Event
			if err := json.Unmarshal(line, &e); err != nil || !bytes.HasSuffix(line, []byte("\n")) {
				t.Fatalf("no whole line: %q: %v", line, err)
			}
			list = append(list, e)
		}
		return list
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) == 0 || !slices.Equal(rows[0], exportColumns) {
		t.Fatalf("no CSV of an export: %.300q: %v", text, err)
	}
	for _, row := range rows[1:] {
		for i := range row {
			row[i] = strings.TrimPrefix(row[i], "'")
		}
		sequence, err := strconv.ParseInt(row[1], 10, 64)
		at, wrong := time.Parse(time.RFC3339Nano, row[2])
		if err != nil || wrong != nil {
			t.Fatalf("%q: %v, %v", row, err, wrong)
		}
		list = append(list, api.Event{Chain: row[0], Sequence: sequence, At: at, Actor: row[3], Subject: row[4], Action: row[5], Target: row[6],
			Address: row[7], Request: row[8], Detail: row[9], Previous: row[10], Hash: row[11]})
	}
	return list
}

// hashed is an event with the fields that the hash chain is made of.
func hashed(t testing.TB, e api.Event) *audit.Event {
	t.Helper()
	previous, err := hex.DecodeString(e.Previous)
	hash, wrong := hex.DecodeString(e.Hash)
	if err != nil || wrong != nil {
		t.Fatalf("%+v: %v, %v", e, err, wrong)
	}
	return &audit.Event{Chain: uuid.MustParse(e.Chain), Sequence: e.Sequence, At: e.At, Actor: e.Actor, Subject: e.Subject, Action: e.Action, Target: e.Target,
		Address: e.Address, Request: e.Request, Detail: e.Detail, Previous: previous, Hash: hash}
}

// exported is what an export has, all of it.
func (w *world) exported(t testing.TB, as, format string, f client.EventFilter) []api.Event {
	t.Helper()
	body, err := w.as(as).Audit().Export(t.Context(), f, format)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return asEvents(t, format, text)
}

// An export holds what the list does, in each format, and is proved by itself.
func TestExportOfTheAudit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		w.must(t, "PATCH", "/v1/credentials/"+w.records["key"].ID, api.UpdateCredential{Name: new("=1+1, \"x\" 'y' 🔑")}, nil)
		for name, f := range map[string]client.EventFilter{
			"all": {}, "an action": {Action: "credential."}, "a target": {Target: "credential:" + w.records["key"].ID}, "behind": {After: 5},
			"none": {Action: "x"}, "a time": {Since: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour)}, "named": {Organization: w.acme.ID, Actor: "operator"},
		} {
			var want []api.Event
			for e, err := range w.as("owner").Audit().Events(t.Context(), f) {
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, e)
			}
			for _, format := range []string{"jsonl", "csv"} {
				got := w.exported(t, "owner", format, f)
				if !slices.EqualFunc(got, want, func(a, b api.Event) bool { at := a.At.Equal(b.At); a.At = b.At; return at && a == b }) {
					t.Errorf("%s as %s: got %+v, want %+v", name, format, got, want)
				}
				v := audit.NewVerifier(uuid.MustParse(w.acme.ID))
				for _, e := range got {
					if err := v.Next(hashed(t, e)); name == "all" && err != nil {
						t.Errorf("%s: %v", format, err)
					}
				}
			}
		}
		if got := w.exported(t, "far", "jsonl", client.EventFilter{}); len(got) == 0 || got[0].Chain != w.other.ID {
			t.Errorf("another organization gets %+v", got)
		}
		exportForms(t, w)
	})
}

// exportForms: the format is named, or that which is accepted.
func exportForms(t *testing.T, w *world) {
	jsonl, comma := "application/jsonl", "text/csv; charset=utf-8; header=present"
	for _, c := range []struct{ query, accept, media, name string }{
		{"", "", jsonl, "jsonl"}, {"", "*/*", jsonl, "jsonl"}, {"", "text/html, text/csv;q=0.9, */*;q=0.1", comma, "csv"}, {"", "application/jsonl, text/csv", jsonl, "jsonl"},
		{"&format=csv", "", comma, "csv"}, {"&format=jsonl", "text/csv", jsonl, "jsonl"},
	} {
		a := w.do(t, request{method: "GET", path: "/v1/audit/export?after=1" + c.query, as: "owner", header: http.Header{"Accept": {c.accept}}})
		file := `attachment; filename="audit-` + w.acme.ID + "." + c.name + `"`
		if a.status != 200 || a.header.Get("Content-Type") != c.media || a.header.Get("Content-Disposition") != file {
			t.Errorf("%+v: got %d, %v", c, a.status, a.header)
		}
		a = w.do(t, request{method: "HEAD", path: "/v1/audit/export?after=1" + c.query, as: "owner", header: http.Header{"Accept": {c.accept}}})
		if a.status != 200 || a.header.Get("Content-Type") != c.media || len(a.body) != 0 {
			t.Errorf("HEAD %+v: got %d, %v", c, a.status, a.header)
		}
	}
	for path, field := range map[string]string{
		"format=xml": "format", "format=": "format", "limit=5": "limit", "after=-1": "after", "since=x": "since", "organization=99999": "organization", "cursor=x": "cursor",
	} {
		if a := w.do(t, request{method: "GET", path: "/v1/audit/export?" + path, as: "owner"}); a.status < 400 || a.problem(t).Field != field && a.status != 404 {
			t.Errorf("%s: got %d %s", path, a.status, a.body)
		}
	}
}

// H-5: a cell of an exported table is text to a spreadsheet, and what makes it
// one can be taken away again.
func TestH5_CellsAreNoFormulas(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	texts := []string{"=1+1", "+1", "-1", "@x", "\tx", "\rx", "'=1", "'", "a=1", ""}
	w.plant(t, w.other.ID, "CASE s.i "+planted(texts)+" ELSE '' END", len(texts))
	a := w.do(t, request{method: "GET", path: "/v1/audit/export?format=csv&action=planted", as: "far"})
	rows, err := csv.NewReader(bytes.NewReader(a.body)).ReadAll()
	if err != nil || len(rows) != len(texts)+1 {
		t.Fatalf("got %q: %v", a.body, err)
	}
	for i, row := range rows[1:] {
		want := texts[i]
		if want != "" && strings.Contains("=+-@\t\r'", want[:1]) {
			want = "'" + want
		}
		if row[6] != want {
			t.Errorf("%q: got %q, want %q", texts[i], row[6], want)
		}
	}
}

// planted are the branches of a CASE that give the texts their numbers.
func planted(texts []string) string {
	var sql strings.Builder
	for i, text := range texts {
		fmt.Fprintf(&sql, " WHEN %d THEN '%s'", i+1, strings.ReplaceAll(text, "'", "''"))
	}
	return sql.String()
}

// plant adds events behind those of a chain, in no way that proves anything.
func (w *world) plant(t testing.TB, chain, target string, n int) {
	t.Helper()
	storetest.Exec(t, storetest.Raw(t, w.cfg), `INSERT INTO audit_events (chain, sequence, at, actor, subject, action, target, address, request, detail, previous, hash)
		SELECT e.chain, e.sequence + s.i, e.at, e.actor, e.subject, 'planted', `+target+`, e.address, e.request, e.detail, e.previous, e.hash
		FROM audit_events e, (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < `+strconv.Itoa(n)+`) SELECT i FROM n) AS s
		WHERE e.chain = '`+chain+`' AND e.sequence = (SELECT MAX(sequence) FROM audit_events WHERE chain = '`+chain+`')`, `ANALYZE`)
}

// wantIdle fails unless every connection to a PostgreSQL database comes to rest.
func wantIdle(t *testing.T, db *sql.DB) {
	t.Helper()
	var open int
	for began := time.Now(); time.Since(began) < 10*time.Second; {
		err := db.QueryRow(`SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'`).Scan(&open)
		if err != nil {
			t.Fatal(err)
		}
		if open == 0 {
			return
		}
	}
	t.Errorf("%d connections do something while nobody reads", open)
}

// piped takes an answer in as far as it is read.
type piped struct {
	*io.PipeWriter
	header http.Header
}

// Header implements http.ResponseWriter.
func (p piped) Header() http.Header { return p.header }

// WriteHeader implements http.ResponseWriter.
func (piped) WriteHeader(int) {}

// resting is how much memory is in use while the server waits for its reader.
func resting() uint64 {
	least := ^uint64(0)
	for range 3 { // it may be at work still
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		least = min(least, m.HeapAlloc)
	}
	return least
}

// An export of any length takes no more memory than a short one, and while its
// reader rests nothing is held: not in the database, and no change waits.
func TestExportIsSteady(t *testing.T) {
	const events = 2_000
	storetest.Each(t, func(t *testing.T, cfg storeConfig) {
		w := newWorld(t, cfg)
		w.plant(t, w.acme.ID, "'"+strings.Repeat("x", 1500)+"'", events)
		body, answer := io.Pipe()
		go func() {
			w.edge.ServeHTTP(piped{answer, http.Header{}}, w.build(t, request{method: "GET", path: "/v1/audit/export?action=planted", as: "owner"}))
			_ = answer.Close()
		}()
		lines := bufio.NewScanner(body)
		least, most, n := uint64(1<<63), uint64(0), 0
		for ; lines.Scan(); n++ {
			if n == 0 {
				w.must(t, "POST", "/v1/organizations/"+w.other.ID+"/projects", api.CreateProject{Name: "Meanwhile"}, nil)
				if cfg.DatabaseURL != "" {
					wantIdle(t, storetest.Raw(t, cfg))
				}
			}
			if n%300 == 0 {
				now := resting()
				least, most = min(least, now), max(most, now)
			}
		}
		if n != events || lines.Err() != nil {
			t.Errorf("got %d events, want %d: %v", n, events, lines.Err())
		}
		if most-least > 2<<20 {
			t.Errorf("it took from %d to %d kB", least>>10, most>>10)
		}
	})
}
