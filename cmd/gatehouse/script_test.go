package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gatehouse-dev/gatehouse/internal/store/storetest"
)

// With -race a process waits a second before it ends, if it isn't told otherwise.
const raceSettings = "atexit_sleep_ms=10"

// TestMain lets scripts and tests start this code as the program gatehouse, in
// a process of its own.
func TestMain(m *testing.M) {
	if err := os.Setenv("GORACE", raceSettings); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"gatehouse": main})
}

// program is where the program lies as everybody runs it: built without the race
// detector, with which it takes three times as long to begin. It is built once.
func program(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var built = sync.OnceValues(func() (string, error) {
	this, err := exec.LookPath("gatehouse") // with the race detector, in a directory that is deleted in the end
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(this), "plain", "gatehouse")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, text)
	}
	return path, nil
})

// TestScript runs the scripts that bring their own surroundings.
func TestScript(t *testing.T) {
	testscript.Run(t, scripts("local", false, func(*testscript.Env) error { return nil }))
}

// TestEverywhere runs the operator's commands in every place where they can
// find their data: with and without a server, on SQLite and on PostgreSQL.
func TestEverywhere(t *testing.T) {
	t.Parallel()
	for _, where := range []struct {
		name             string
		server, postgres bool
	}{
		{"sqlite", false, false}, {"sqlite server", true, false}, {"postgres", false, true}, {"postgres server", true, true},
	} {
		t.Run(where.name, func(t *testing.T) {
			inWorld(t, "everywhere", where.server, where.postgres)
			if where.server != where.postgres { // two of them tell enough, and it is long
				inWorld(t, "schemes", where.server, where.postgres)
			}
		})
	}
}

// inWorld runs a directory of scripts that begin with the command world.
func inWorld(t *testing.T, dir string, server, postgres bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "script", dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no scripts in %s: %v", dir, err)
	}
	databases := map[string]string{}
	for _, file := range files {
		if postgres {
			databases["script-"+strings.TrimSuffix(filepath.Base(file), ".txtar")] = storetest.Postgres(t).DatabaseURL
		}
	}
	testscript.Run(t, scripts(dir, server, func(env *testscript.Env) error {
		env.Setenv("GATEHOUSE_DATA", env.WorkDir+"/data")
		env.Setenv("GATEHOUSE_DATABASE_URL", databases[filepath.Base(env.WorkDir)]) // it is named after the script
		if server {
			env.Setenv("WITH_SERVER", "yes")
		}
		return nil
	}))
}

// TestMounts runs the scripts that mount file systems. It runs them in a
// process with mounts of its own, so that none is left behind.
func TestMounts(t *testing.T) {
	if os.Getenv("GATEHOUSE_TEST_MOUNTS") != "" {
		testscript.Run(t, scripts("mount", false, func(*testscript.Env) error { return nil }))
		return
	}
	this, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(this, "-test.run=^TestMounts$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), "GATEHOUSE_TEST_MOUNTS=yes")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	text, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Fatalf("mounts of its own are not permitted here: %v; run the tests as root, or where user namespaces are allowed", err)
	}
	t.Logf("%s", text)
	if err != nil {
		t.Error(err)
	}
}

// scripts are the parameters of a directory of scripts. In a script the
// condition [server] holds where the command world starts one.
func scripts(dir string, server bool, setup func(*testscript.Env) error) testscript.Params {
	return testscript.Params{
		RequireUniqueNames: true,
		Deadline:           time.Now().Add(15 * time.Minute), // of which a script may spend most waiting for its turn
		Dir:                filepath.Join("testdata", "script", dir),
		Setup: func(env *testscript.Env) error {
			env.Values[serversKey{}] = running{}
			env.Setenv("GORACE", raceSettings)
			path, err := built() // for commands; servers run with the race detector
			if err != nil {
				return err
			}
			env.Setenv("PATH", filepath.Dir(path)+string(filepath.ListSeparator)+env.Getenv("PATH"))
			return setup(env)
		},
		Condition: func(name string) (bool, error) {
			if name != "server" {
				return false, fmt.Errorf("unknown condition %s", name)
			}
			return server, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": scriptExits, "start": scriptStart, "halt": scriptHalt, "signal": scriptSignal,
			"world": scriptWorld, "keep": scriptKeep, "document": scriptDocument, "http": scriptHTTP,
			"modes": scriptModes, "sentence": scriptSentence, "within": scriptWithin, "sqlite": scriptSQLite,
			"mount": scriptMount, "fill": scriptFill, "listens": scriptListens,
			"until": scriptUntil, "form": scriptForm, "integrity": scriptIntegrity, "totp": scriptTOTP,
		},
	}
}

// scriptExits runs gatehouse and wants an exit code: exits CODE ARGUMENT...
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: exits CODE ARGUMENT...")
	}
	err := ts.Exec("gatehouse", args[1:]...)
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got := fmt.Sprint(code); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// scriptWithin runs gatehouse as exits does, and wants it to be quick at least
// once in three times, for the machine may be busy: within TIME CODE ARGUMENT...
func scriptWithin(ts *testscript.TestScript, neg bool, args []string) {
	most, err := time.ParseDuration(args[0])
	ts.Check(err)
	for range 3 {
		begin := time.Now()
		scriptExits(ts, neg, args[1:])
		if time.Since(begin) <= most {
			return
		}
	}
	ts.Fatalf("it took longer than %s, three times", most)
}

// running are the servers of a script, by name.
type running map[string]*process

func servers(ts *testscript.TestScript) running {
	if r, ok := ts.Value(serversKey{}).(running); ok {
		return r
	}
	ts.Fatalf("the script has no servers")
	return nil
}

type serversKey struct{}

// scriptStart starts a server that prints where it listens, and keeps that as
// $URL, and as $CODE the set-up code: start NAME ARGUMENT...
func scriptStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME ARGUMENT...")
	}
	raced, err := exec.LookPath("gatehouse")
	ts.Check(err)
	cmd := exec.Command(raced, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range scriptEnvironment() {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	p, err := launch(cmd)
	if p != nil {
		ts.Defer(p.kill)
	}
	ts.Check(err)
	servers(ts)[args[0]] = p
	ts.Setenv("URL", p.url)
	ts.Setenv("PORT", p.url[strings.LastIndex(p.url, ":")+1:])
	ts.Setenv("CODE", setupCodeIn.FindString(p.stdout.String()))
	fmt.Fprint(ts.Stdout(), p.stdout.String())
}

// scriptEnvironment names what a server may read of a script's environment.
func scriptEnvironment() []string {
	names := []string{"GORACE", "PATH", "HOME", "TMPDIR", "XDG_DATA_HOME", "GATEHOUSE_CONFIG", "GATEHOUSE_DATABASE_URL_FILE"}
	for _, o := range options() {
		names = append(names, o.env())
	}
	return names
}

// scriptSignal sends a signal to a server: signal NAME TERM|KILL|INT. A server
// that was killed is gone when the next command runs.
func scriptSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "INT": syscall.SIGINT}
	if neg || len(args) != 2 || servers(ts)[args[0]] == nil || signals[args[1]] == 0 {
		ts.Fatalf("usage: signal NAME %s", strings.Join(slices.Sorted(maps.Keys(signals)), "|"))
	}
	if args[1] == "KILL" {
		servers(ts)[args[0]].kill()
		return
	}
	servers(ts)[args[0]].signal(signals[args[1]])
}

// scriptHalt ends a server with SIGTERM, wants an exit code, 0 if none is
// named, and shows what it printed: halt NAME [CODE]
func scriptHalt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || servers(ts)[args[0]] == nil {
		ts.Fatalf("usage: halt NAME [CODE]")
	}
	p, want := servers(ts)[args[0]], fmt.Sprint(exitDone)
	if len(args) > 1 {
		want = args[1]
	}
	p.signal(syscall.SIGTERM)
	code, ended := p.wait(patience)
	fmt.Fprint(ts.Stdout(), p.stdout.String())
	fmt.Fprint(ts.Stderr(), p.stderr.String())
	if !ended || fmt.Sprint(code) != want {
		ts.Fatalf("after SIGTERM: ended %t with code %d", ended, code)
	}
}

// scriptWorld starts a server where this run of the script wants one: world
func scriptWorld(ts *testscript.TestScript, neg bool, _ []string) {
	if ts.Getenv("WITH_SERVER") != "" {
		scriptStart(ts, neg, []string{"world", "serve", "--listen", "127.0.0.1:0"})
	}
}
