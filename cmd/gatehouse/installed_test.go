package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// installed is a database of its own, what serves it as everybody runs it, and
// a key of the installation that may do everything.
type installed struct {
	t       *testing.T
	program string
	place   []string // the flags that say where the data is
	config  store.Config
	key     string
}

func install(t *testing.T, database string, settings ...string) installed {
	t.Helper()
	r := installed{t: t, program: program(t), config: store.Config{Directory: t.TempDir()}}
	r.place = append([]string{"--data", r.config.Directory, "--log-level", "error"}, settings...)
	if database == "postgres" {
		r.config.DatabaseURL = storetest.Database(t)
		r.place = append(r.place, "--database-url", r.config.DatabaseURL)
	}
	r.command("migrate")
	var schemes api.List[api.Scheme]
	r.decode(r.command("credential", "schemes", "--json"), &schemes)
	native := slices.IndexFunc(schemes.Items, func(s api.Scheme) bool { return s.Name == "gatehouse_key" })
	var key api.IssuedCredential
	r.decode(r.command("credential", "create", "--installation", "--scheme", "gatehouse_key", "--name", "crash",
		"--scope", strings.Join(schemes.Items[native].Scopes, ","), "--json"), &key)
	r.key = key.Secret
	return r
}

// command runs the built program and returns what it printed.
func (r *installed) command(args ...string) []byte {
	r.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(r.program, append(args, r.place...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		r.t.Fatalf("gatehouse %v: %v\n%s%s", args, err, stdout.String(), stderr.String())
	}
	return stdout.Bytes()
}

func (r *installed) decode(text []byte, out any) {
	r.t.Helper()
	if err := json.Unmarshal(text, out); err != nil {
		r.t.Fatalf("%v: %s", err, text)
	}
}

// serve starts a server, which lasts as long as the test.
func (r *installed) serve() *process {
	r.t.Helper()
	p, err := launch(exec.Command(r.program, append([]string{"serve", "--listen", "127.0.0.1:0", "--json"}, r.place...)...))
	if p != nil {
		r.t.Cleanup(p.kill)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// ledgerLine is a line of the ledger as it stands in the database.
type ledgerLine struct {
	id, call string
	cost     int64
}

// readsLedger opens the database behind the server's back, and returns what
// reads the lines of a project.
func (r *installed) readsLedger() func(project string) []ledgerLine {
	t, db := r.t, storetest.Raw(r.t, r.config)
	return func(project string) (lines []ledgerLine) {
		rows, err := db.Query(`SELECT CAST(id AS TEXT), resource, cost FROM spends WHERE project_id = $1`, project)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var l ledgerLine
			if err := rows.Scan(&l.id, &l.call, &l.cost); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, l)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return lines
	}
}
