package testresult_test

import (
	"flag"
	"io"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/testresult"
)

var fileBytes = flag.Float64("testresult.bytes", 0, "how large the files of TestMemory are, instead of large and small ones")

// size is that of a file. Those of the formats that are used most are large.
func size(name string) int64 {
	switch {
	case *fileBytes > 0:
		return int64(*fileBytes)
	case raceDetector:
		return 1 << 20
	case name == "junit" || name == "playwright" || name == "gotest":
		return 64 << 20
	}
	return 4 << 20
}

// mostHeap is what reading takes at most, whatever the size of a file.
const mostHeap = 64 << 20

// TestMemory reads large files of every format in the same memory. Texts that
// have no end are as good as any.
func TestMemory(t *testing.T) {
	files := map[string]io.Reader{}
	for format, d := range many {
		files[format] = &generated{d: d, tests: -1, bytes: size(format)}
	}
	long := func(head, part, tail string) io.Reader {
		n := size("") / int64(len(part))
		return &generated{d: dialect{head, tail, func(int64) string { return part }}, tests: n}
	}
	part := strings.Repeat("a long text. ", 80)
	files["junit: a long message"] = long(`<testsuite><testcase name="a"><failure message="`, part, `"/></testcase></testsuite>`)
	files["junit: a long output"] = long(`<testsuite><testcase name="a"><system-out>`, part+"&lt;", `</system-out></testcase></testsuite>`)
	files["junit: a long comment"] = long(`<testsuite><testcase name="a"/><!--`, part, `--></testsuite>`)
	files["junit: a long section"] = long(`<testsuite><testcase name="a"><failure><![CDATA[`, part+"]]", `]]></failure></testcase></testsuite>`)
	files["ctrf: a long message"] = long(`{"results":{"tests":[{"name":"a","message":"`, part+`\n`, `"}]}}`)
	files["ctrf: a long name of a member"] = long(`{"results":{"tests":[{"name":"a","`, part, `":1}]}}`)
	files["ctrf: blanks"] = long(`{"results":{"tests":[{"name":"a"}`, strings.Repeat(" \n", 500), `]}}`)
	files["gotest: a long line"] = long(`{"Action":"pass","Package":"a","Test":"a","Output":"`, part, `"}`)
	files["tap: a long line"] = long("1..1\nok 1 ", part, "\n")
	for _, name := range slices.Sorted(maps.Keys(files)) {
		from := time.Now()
		sum, peak, err := watched(files[name])
		if err != nil || sum.Tests == 0 || peak > mostHeap {
			t.Errorf("%s: %d tests, %d MiB of heap, %v", name, sum.Tests, peak>>20, err)
		}
		t.Logf("%-30s %9d tests, %3d MiB of heap at most, %v", name, sum.Tests, peak>>20, time.Since(from).Round(time.Millisecond))
	}
}

// watched reads a file, and tells how much heap that took at most, of what was
// in use and what was not yet swept.
func watched(file io.Reader) (sum testresult.Summary, peak uint64, err error) {
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	sum, err = testresult.Read(file, testresult.Options{}, func(*testresult.Case) error {
		if sum.Tests++; sum.Tests%5000 == 0 {
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
		return nil
	})
	runtime.ReadMemStats(&m)
	peak = max(peak, m.HeapAlloc)
	return sum, peak - min(before, peak), err
}
