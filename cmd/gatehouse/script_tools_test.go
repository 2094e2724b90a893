package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/rogpeppe/go-internal/testscript"
)

var setupCodeIn = regexp.MustCompile(`setup-[0-9A-Za-z]{32}`)

// scriptKeep keeps what was printed last, or a member of that JSON document,
// in a variable: keep NAME [MEMBER.MEMBER.0...]
func scriptKeep(ts *testscript.TestScript, neg bool, args []string) {
	text := strings.TrimSpace(ts.ReadFile("stdout"))
	if len(args) == 2 {
		var value any
		ts.Check(json.Unmarshal([]byte(text), &value))
		for name := range strings.SplitSeq(args[1], ".") {
			value = memberOf(value, name)
		}
		text = fmt.Sprint(value)
	}
	if neg || text == "" || text == "<nil>" {
		ts.Fatalf("there is nothing to keep as %s", args[0])
	}
	ts.Setenv(args[0], text)
}

func memberOf(value any, name string) any {
	switch v := value.(type) {
	case map[string]any:
		return v[name]
	case []any:
		var i int
		if _, err := fmt.Sscan(name, &i); err == nil && i < len(v) {
			return v[i]
		}
	}
	return nil
}

// scriptDocument runs gatehouse with --json, and wants one JSON document on
// standard output, and nothing on standard error: document ARGUMENT...
func scriptDocument(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec("gatehouse", append(args, "--json")...)
	if neg != (err != nil) {
		ts.Fatalf("it ended with %v", err)
	}
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	var document any
	ts.Check(decoder.Decode(&document))
	if err := decoder.Decode(&document); !errors.Is(err, io.EOF) {
		ts.Fatalf("there is more than one document on standard output")
	}
	if text := ts.ReadFile("stderr"); text != "" {
		ts.Fatalf("with --json there is something on standard error: %s", text)
	}
}

// scriptHTTP makes a request and wants a status: http STATUS METHOD URL
// [-bearer SECRET] [-header "NAME: VALUE"] [BODY]. The answer's body is standard
// output.
func scriptHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: http STATUS METHOD URL [-bearer SECRET] [-header NAME: VALUE] [BODY]")
	}
	if status, text := request(ts, args[1:]); status != args[0] {
		ts.Fatalf("%s %s answered %s, want %s:\n%s", args[1], args[2], status, args[0], text)
	}
}

// scriptForm posts a form and wants a status: form STATUS URL -basic ID:SECRET
// NAME=VALUE... The answer's body is standard output.
func scriptForm(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 || args[2] != "-basic" {
		ts.Fatalf("usage: form STATUS URL -basic ID:SECRET NAME=VALUE...")
	}
	req, err := http.NewRequest(http.MethodPost, args[1], strings.NewReader(strings.Join(args[4:], "&")))
	ts.Check(err)
	id, secret, _ := strings.Cut(args[3], ":")
	req.SetBasicAuth(id, secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, text := answerTo(ts, req); status != args[0] {
		ts.Fatalf("%s answered %s, want %s:\n%s", args[1], status, args[0], text)
	}
}

// scriptUntil makes a request until it has a status: until STATUS METHOD URL
// [-bearer SECRET] [BODY]
func scriptUntil(ts *testscript.TestScript, neg bool, args []string) {
	for range 2000 {
		if status, _ := request(ts, args[1:]); status == args[0] {
			return
		}
	}
	ts.Fatalf("%s %s never answered %s", args[1], args[2], args[0])
}

// request makes a request as the commands describe it, and puts the answer's
// body on standard output.
func request(ts *testscript.TestScript, args []string) (status, text string) {
	method, target, rest := args[0], args[1], args[2:]
	header := http.Header{}
	for len(rest) >= 2 && (rest[0] == "-bearer" || rest[0] == "-header") {
		name, value := "Authorization", "Bearer "+rest[1]
		if rest[0] == "-header" {
			name, value, _ = strings.Cut(rest[1], ": ")
		}
		header.Set(name, value)
		rest = rest[2:]
	}
	body := strings.Join(rest, " ")
	if body != "" && header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	req, err := http.NewRequest(method, target, strings.NewReader(body))
	ts.Check(err)
	req.Header = header
	return answerTo(ts, req)
}

// answerTo sends a request, and puts the answer's body on standard output.
func answerTo(ts *testscript.TestScript, req *http.Request) (status, text string) {
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	ts.Check(err)
	ts.Stdout().(interface{ Reset() }).Reset()
	fmt.Fprintf(ts.Stdout(), "%s\n", answer)
	return fmt.Sprint(resp.StatusCode), string(answer)
}

// scriptModes wants the permissions of directories and of all files below
// them: modes DIRECTORY...
func scriptModes(ts *testscript.TestScript, neg bool, args []string) {
	for _, dir := range args {
		ts.Check(filepath.WalkDir(ts.MkAbs(dir), func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := entry.Info()
			want := fs.FileMode(0o600)
			if entry.IsDir() {
				want = 0o700
			}
			if err == nil && info.Mode().Perm() != want {
				ts.Fatalf("%s has mode %o, want %o", path, info.Mode().Perm(), want)
			}
			return err
		}))
	}
}

// scriptSentence wants exactly one line on standard error that begins with
// gatehouse: and nothing on standard output: sentence
func scriptSentence(ts *testscript.TestScript, neg bool, args []string) {
	said := ts.ReadFile("stderr")
	if !strings.HasPrefix(said, "gatehouse: ") || strings.Count(said, "\n") != 1 || !strings.HasSuffix(said, "\n") {
		ts.Fatalf("standard error is not one sentence:\n%s", said)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("there is something on standard output:\n%s", out)
	}
}

// scriptSQLite changes a database behind Gatehouse's back: sqlite FILE STATEMENT
func scriptSQLite(ts *testscript.TestScript, neg bool, args []string) {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: ts.MkAbs(args[0])}).String()+"?_pragma=busy_timeout(5000)")
	ts.Check(err)
	defer db.Close()
	result, err := db.Exec(args[1])
	ts.Check(err)
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		ts.Fatalf("no row was changed: %v", err)
	}
}

// scriptIntegrity wants a database to be sound: integrity FILE
func scriptIntegrity(ts *testscript.TestScript, neg bool, args []string) {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: ts.MkAbs(args[0])}).String())
	ts.Check(err)
	defer db.Close()
	var found string
	ts.Check(db.QueryRow(`PRAGMA integrity_check`).Scan(&found))
	if found != "ok" {
		ts.Fatalf("the database is damaged: %s", found)
	}
}

// scriptMount mounts a file system, in the mounts of this process:
// mount SIZE DIRECTORY, or mount ro|rw DIRECTORY to change how it is mounted.
func scriptMount(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.MkAbs(args[1])
	flags := map[string]uintptr{"ro": syscall.MS_REMOUNT | syscall.MS_RDONLY, "rw": syscall.MS_REMOUNT}
	if again, ok := flags[args[0]]; ok {
		ts.Check(syscall.Mount("", dir, "", again, ""))
		return
	}
	ts.Check(os.MkdirAll(dir, 0o700))
	ts.Check(syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+args[0]))
	ts.Defer(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// scriptFill writes a file until the file system has no space left: fill FILE
func scriptFill(ts *testscript.TestScript, neg bool, args []string) {
	file, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer file.Close()
	for size := 64 << 10; size >= 1; { // down to the last byte
		if _, err := file.Write(make([]byte, size)); err == nil {
			continue
		} else if !errors.Is(err, syscall.ENOSPC) {
			ts.Check(err)
		}
		size /= 2
	}
}

// scriptTOTP keeps the present code of an authenticator in a variable: totp NAME SECRET
func scriptTOTP(ts *testscript.TestScript, neg bool, args []string) {
	code, err := totp.GenerateCode(args[1], time.Now())
	ts.Check(err)
	ts.Setenv(args[0], code)
}

// scriptListens takes a port for the rest of the script, as $TAKEN: listens
func scriptListens(ts *testscript.TestScript, neg bool, args []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = listener.Close() })
	ts.Setenv("TAKEN", listener.Addr().String())
}
