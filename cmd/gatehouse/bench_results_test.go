package main

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/testresult"
)

var onlyResults = flag.Int("bench.results", 0, "measure a report of so many test results, and nothing else")

// benchResultsMany is how many results the report is of that is measured.
const benchResultsMany = 200_000

// TestBenchResults is the part of the report about test results, where it is asked for.
func TestBenchResults(t *testing.T) {
	if *onlyResults > 0 {
		var out strings.Builder
		benchResults(t, *onlyResults).write(&out)
		t.Log(out.String())
	}
}

// resultsBench is what reading and reporting one file came to.
type resultsBench struct {
	cases, batches        int
	bytes                 int64
	parse, tokens         time.Duration // the best of several
	prepare, first, again time.Duration // of the reporter: a dry run, a report, the same again
	reporter, dry, server int64         // peak memory, in bytes
	serverBefore          int64
}

// benchResults reads a file of results, and reports it to a server on SQLite.
func benchResults(t *testing.T, cases int) (b resultsBench) {
	r := newReported(t)
	file := junitFile(t, cases, cases/100)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	b.cases, b.bytes = cases, info.Size()
	for range 3 { // in turn
		b.parse = fastest(b.parse, benchRead(t, file, func(from io.Reader) error {
			n := 0
			_, err := testresult.Read(from, testresult.Options{Format: "junit"}, func(*testresult.Case) error { n++; return nil })
			if n != cases {
				return fmt.Errorf("%d results", n)
			}
			return err
		}))
		b.tokens = fastest(b.tokens, benchRead(t, file, func(from io.Reader) error {
			d := xml.NewDecoder(from)
			for {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					return nil
				} else if err != nil {
					return err
				}
			}
		}))
	}
	b.serverBefore = peakMemory(r.server.cmd.Process.Pid)
	environment := []string{"GATEHOUSE_URL=" + r.server.url, "GATEHOUSE_TOKEN=" + r.token}
	b.prepare, b.dry = r.measured(environment, "--results-file", file, "--dry-run")
	b.first, b.reporter = r.measured(environment, "--results-file", file)
	b.again, _ = r.measured(environment, "--results-file", file)
	b.server = peakMemory(r.server.cmd.Process.Pid)
	if n, runs := r.stored(); n != cases || runs != 1 {
		t.Errorf("%d results in %d runs", n, runs)
	}
	stdout, _ := r.want(0, environment, "--results-file", file, "--json")
	var d struct {
		Run     api.Run `json:"run"`
		Batches int     `json:"batches"`
	}
	if err := json.Unmarshal([]byte(stdout), &d); err != nil || d.Run.Counts.Total != int64(cases) || d.Run.Status != "failed" {
		t.Errorf("%v: %+v", err, d.Run)
	}
	b.batches = d.Batches
	return b
}

func fastest(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}

func benchRead(t *testing.T, name string, read func(io.Reader) error) time.Duration {
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	begin := time.Now()
	if err := read(bufio.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	return time.Since(begin)
}

// measured runs the reporter, and returns how long it took and its peak memory.
func (r *reported) measured(environment []string, args ...string) (time.Duration, int64) {
	r.t.Helper()
	cmd := r.reporter(environment, args...)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	const often = 5 * time.Millisecond
	var peak int64
	for {
		select {
		case err := <-done:
			if err != nil {
				r.t.Fatalf("%v\n%s", err, said.String())
			}
			return time.Since(begin), peak
		case <-time.After(often):
			peak = max(peak, peakMemory(cmd.Process.Pid))
		}
	}
}

// peakMemory is the most memory that a process has had, in bytes: VmHWM.
func peakMemory(pid int) int64 {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

func (b resultsBench) write(w io.Writer) {
	rate := func(d time.Duration) string { return count(int(float64(b.cases) / d.Seconds())) }
	fmt.Fprintf(w, `
## Test results

One JUnit file of %s results, %d MB, of which one in a hundred failed. *Read* is the reader of this program in one goroutine;
beside it, in the same run, `+"`encoding/xml`"+` takes the tokens of the same file and does nothing with them. *Reported* is
`+"`gatehouse report`"+` in a process of its own to a server on SQLite: it reads the file to its end, packs the results
into %d batches, and sends them one after the other; each is one transaction, with the history and the test cases of all
its tests. *Again* is the same command once more, which sends nothing.

| | time | results/s | times encoding/xml |
|---|---|---|---|
| encoding/xml, tokens alone | %.2f s | %s | 1.00 |
| read | %.2f s | %s | %.2f |
| read and packed (`+"`--dry-run`"+`) | %.2f s | %s | %.2f |
| reported | %.2f s | %s | %.2f |
| again | %.2f s | | |

Peak memory (VmHWM): the reporter %d MB, of a dry run %d MB; the server %d MB, %d MB of it before the first result. Most of what
the server adds is SQLite's cache of pages, 64 MB at most for each connection.
`, count(b.cases), b.bytes>>20, b.batches, b.tokens.Seconds(), rate(b.tokens), b.parse.Seconds(), rate(b.parse), ratio(b.parse, b.tokens),
		b.prepare.Seconds(), rate(b.prepare), ratio(b.prepare, b.tokens), b.first.Seconds(), rate(b.first), ratio(b.first, b.tokens), b.again.Seconds(),
		b.reporter>>20, b.dry>>20, b.server>>20, b.serverBefore>>20)
}
