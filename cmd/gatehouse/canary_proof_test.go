package main

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// files reads everything in the data directory but the root key.
func (r *canaryRun) files(when string) {
	r.t.Helper()
	err := filepath.WalkDir(r.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || entry.Name() == "root.key" {
			return err
		}
		text, err := os.ReadFile(path)
		r.others = append(r.others, haystack{entry.Name() + ", " + when, string(text)})
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// dump is what pg_dump says of the database.
func (r *canaryRun) dump(database string) {
	r.t.Helper()
	program, err := exec.LookPath("pg_dump")
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump"); err != nil && len(found) > 0 {
		program, err = found[len(found)-1], nil
	}
	if err != nil {
		r.t.Fatal(err)
	}
	for _, format := range [][]string{{"--inserts"}, {"--format=tar"}} {
		out, err := exec.Command(program, append(format, "--dbname="+database)...).Output()
		if err != nil || len(out) == 0 {
			r.t.Fatalf("pg_dump: %v", err)
		}
		r.others = append(r.others, haystack{"pg_dump " + format[0], string(out)})
	}
}

// K-2: each secret is seen in the one answer that hands it out, and in no
// other answer, log, file, dump, argument, audit event or crash.
func TestK2_EachSecretIsSeenOnce(t *testing.T) {
	binary := program(t)
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); canariesAreSeenOnce(t, binary, "") })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); canariesAreSeenOnce(t, binary, storetest.Database(t)) })
}

func canariesAreSeenOnce(t *testing.T, binary, database string) {
	r := newCanaryRun(t, binary, database)
	key, token := r.prepare(r.start())
	if text, err := os.ReadFile(filepath.Join(r.dir, "root.key")); err != nil {
		t.Fatal(err)
	} else {
		r.canaries = append(r.canaries, canary{"the root key", strings.TrimSpace(string(text))})
	}
	r.webhooks(key)
	for scheme, request := range canaryRequests() {
		as := key
		if strings.HasSuffix(scheme, "_pat") {
			as = token
		}
		r.live(scheme, request, as, key)
	}
	r.tokens(key, token)
	r.sessions(key)
	r.call("GET", "/v1/credentials?limit=200", "", "Authorization", "Bearer "+key)
	r.call("GET", "/v1/audit/events?limit=200", "", "Authorization", "Bearer "+key)
	r.command(key+"\n", "verify")
	for _, args := range []string{"audit export", "audit export --organization 1", "audit verify", "credential list", "org list", "user list", "project list", "config"} {
		r.command("", strings.Fields(args)...)
	}
	r.collect(database, "while it runs")
	for begin := time.Now(); !strings.Contains(r.told.String(), "credential.revoked") && time.Since(begin) < patience; {
		time.Sleep(10 * time.Millisecond) // until the endpoint has been told
	}
	r.end(syscall.SIGTERM)
	r.collect(database, "after its end")
	r.start()
	r.call("GET", "/v1/self", "", "Authorization", "Bearer "+key)
	r.call("POST", "/v1/self/revoke", "", "Authorization", "Bearer "+token)
	r.end(syscall.SIGQUIT) // prints every goroutine
	r.judge(database)
}

func (r *canaryRun) collect(database, when string) {
	r.t.Helper()
	r.files(when)
	if database != "" {
		r.dump(database)
	}
}

// judge looks for every canary in everything.
func (r *canaryRun) judge(database string) {
	r.t.Helper()
	if n := len(r.canaries); n < 30 || len(r.answers) < 500 {
		r.t.Errorf("only %d secrets and %d answers", n, len(r.answers))
	}
	r.others = append(r.others, haystack{"what a webhook got", r.told.String()})
	for _, c := range r.canaries {
		want := 1
		if strings.Contains(c.name, "password") || c.name == "the root key" {
			want = 0
		}
		raw, other := c.sightings(r.answers)
		if len(raw) != want || len(other) > 0 {
			r.t.Errorf("%s: seen raw in %d answers %v, want %d; in another form in %v", c.name, len(raw), raw, want, other)
		}
		if raw, other := c.sightings(r.others); len(raw)+len(other) > 0 {
			r.t.Errorf("%s: seen in %v %v", c.name, raw, other)
		}
		stem := canary{c.name, c.text[:len(c.text)-8]} // the checksum is no secret
		if raw, _ := stem.sightings(r.others); len(raw) > 0 {
			r.t.Errorf("%s: seen without its end in %v", c.name, raw)
		}
	}
	// The search finds what is there: a name in the audit, the lists and the database; the log's own words; a crash.
	raw, _ := canary{"planted", planted}.sightings(r.answers)
	for _, where := range []string{"gatehouse audit", "gatehouse credential", "GET (a path)"} {
		if !strings.Contains(strings.Join(raw, ", "), where) {
			r.t.Errorf("what was planted isn't found in %s, but in %v", where, raw)
		}
	}
	raw, _ = canary{"planted", planted}.sightings(r.others)
	where := map[bool]string{true: "gatehouse.db", false: "pg_dump"}[database == ""]
	if !strings.Contains(strings.Join(raw, ", "), where) {
		r.t.Errorf("what was planted isn't found in %s, but in %v", where, raw)
	}
	for text, where := range map[string]string{"credential.revoked": "what a webhook got", "msg=request": "the log", "goroutine ": "the log", "serve\x00--json": "/proc/PID/cmdline"} {
		if raw, _ := (canary{"", text}).sightings(r.others); !strings.Contains(strings.Join(raw, ", "), where) {
			r.t.Errorf("%q isn't found in %s", text, where)
		}
	}
}

// The search finds a secret in every form, at any place.
func TestCanarySearchFinds(t *testing.T) {
	const secret = "gate_0123456789abcdefghijABCDEFGHIJ0123456789"
	c := canary{"planted", secret}
	if raw, other := c.sightings([]haystack{{"empty", ""}, {"nearly", secret[:len(secret)-1]}, {"other", strings.ToUpper(secret)}}); len(raw)+len(other) != 0 {
		t.Errorf("found in %v %v where there is nothing", raw, other)
	}
	if raw, _ := c.sightings([]haystack{{"one", "x" + secret + "y" + secret}, {"two", secret}}); fmt.Sprint(raw) != "[one one two]" {
		t.Errorf("raw: got %v, want one one two", raw)
	}
	backwards := ""
	for _, b := range secret {
		backwards = string(b) + backwards
	}
	planted := map[string]string{"reversed": backwards, "hex": hex.EncodeToString([]byte(secret)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(secret))), "escaped": ""}
	for _, b := range []byte(secret) {
		planted["escaped"] += fmt.Sprintf("%%%02x", b)
	}
	for before := range 7 {
		for after := range 4 {
			text := strings.Repeat("\xff", before) + secret + strings.Repeat("\xff", after)
			for name, encoding := range map[string]*base64.Encoding{"base64": base64.StdEncoding, "raw base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
				planted[fmt.Sprint(name, before, after)] = encoding.EncodeToString([]byte(text))
			}
		}
	}
	for name, text := range planted {
		if _, other := c.sightings([]haystack{{"here", "before " + text + " after"}}); len(other) == 0 {
			t.Errorf("%s: not found in %s", name, text)
		}
	}
}

// D-12: the server as it is run refuses headers beyond its bound.
func TestD12_HeaderOverItsBound(t *testing.T) {
	r := newCanaryRun(t, program(t), "")
	r.start()
	for size, want := range map[int]int{8 << 10: 401, 21 << 10: 431, 1 << 20: 431} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		go func() { // the server may answer before it has read all
			_, _ = fmt.Fprintf(conn, "GET /v1/self HTTP/1.1\r\nHost: x\r\nX-Filler: %s\r\n\r\n", strings.Repeat("x", size))
		}()
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if resp.StatusCode != want {
			t.Errorf("%d bytes: got %d, want %d", size, resp.StatusCode, want)
		}
		_ = resp.Body.Close()
		_ = conn.Close()
	}
	r.end(syscall.SIGTERM)
}
