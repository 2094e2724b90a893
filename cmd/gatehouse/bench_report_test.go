package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// write prints the report as a page of the documentation.
func (r *benchReport) write(w io.Writer) {
	fmt.Fprintf(w, `# Performance

Made by `+"`make bench`"+`, which anyone can run. Machine: %s, %d cores, %s, local disk. Everything
stands beside something measured in the same run, because machines differ and are busy with other things:
read the ratios, not the numbers.

## In process

One `+"`authority.Verify`"+` of a `+"`gatehouse_key`"+` with two scopes, on SQLite, each time another credential drawn
at random from all of them. *Warm*: the credential has been used before and is in memory. *Uncached*: the
cache is off and every verification reads the database. One HMAC-SHA-256 of the same secret took %d ns.

| credentials | | time | allocations | times one HMAC |
|---|---|---|---|---|
`, cpuModel(), runtime.NumCPU(), runtime.Version(), r.hmac)
	for _, row := range r.rows {
		r.line(w, row.credentials, "warm", row.warm)
		r.line(w, row.credentials, "uncached", row.cold)
	}
	fmt.Fprint(w, `
## Over HTTP

`+"`POST /v1/verify`"+` beside a handler that reads the body and answers `+"`{}`"+`, on the same server and port, loaded in
turn by 16 callers in another process on the same machine. Each verification is authenticated, decides about
another credential drawn at random, notes its use and writes a line of the log; the no-op does none of that.
CPU is the server's, user and system, for one request.

| credentials | | requests/s | CPU a request | p50 | p99 | CPU, times the no-op |
|---|---|---|---|---|---|---|
`)
	for _, row := range r.rows {
		row.line(w, "no-op", row.noop)
		row.line(w, "verify, warm", row.verify)
		row.line(w, "verify, uncached", row.verifyUncached)
	}
	first, last := r.rows[0], r.rows[len(r.rows)-1]
	fmt.Fprintf(w, `
From %s to %s credentials the CPU of a warm verification, beside the no-op's, grows %.2f times, of an uncached one %.2f
times.

## Start

| credentials | from the start of the process to the first answer | memory then | memory with all of them in use |
|---|---|---|---|
`, count(first.credentials), count(last.credentials), ratio(last.verify.cpu*first.noop.cpu, first.verify.cpu*last.noop.cpu),
		ratio(last.verifyUncached.cpu*first.noop.cpu, first.verifyUncached.cpu*last.noop.cpu))
	for _, row := range r.rows {
		fmt.Fprintf(w, "| %s | %d ms | %d MB | %d MB |\n", count(row.credentials), row.start.Milliseconds(), row.residentAtStart>>20, row.residentVerify>>20)
	}
	fmt.Fprint(w, `
The last column is the process of the benchmark, which also holds the secrets that it draws from.
`+"`--cache-size`"+` bounds how many credentials are kept in memory.
`)
	r.tokens.write(w)
	r.metered.write(w)
	r.results.write(w)
}

func (r *benchReport) line(w io.Writer, n int, name string, b testing.BenchmarkResult) {
	fmt.Fprintf(w, "| %s | %s | %.2f µs | %d | %.1f |\n", count(n), name, float64(b.NsPerOp())/1000, b.AllocsPerOp(), float64(b.NsPerOp())/float64(r.hmac))
}

func (row *benchRow) line(w io.Writer, name string, l load) {
	fmt.Fprintf(w, "| %s | %s | %.0f | %.1f µs | %.2f ms | %.2f ms | %.2f |\n", count(row.credentials), name,
		l.rate(), float64(l.cpu.Nanoseconds())/1000, l.P50.Seconds()*1000, l.P99.Seconds()*1000, ratio(l.cpu, row.noop.cpu))
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// count writes a number with its thousands apart.
func count(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", count(n/1000), n%1000)
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, model, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return runtime.GOARCH
}
