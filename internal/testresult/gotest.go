package testresult

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
	"time"
)

// goTest reads what go test -json writes: an event on each line. It remembers
// the tests that run, and of each test that ever failed whether it passed the
// last time.
type goTest struct {
	*sink
	j        *jsonScanner
	event    goEvent
	packages map[string]*goPackage
	size     int // about what packages and runs take that are open, in bytes
	began    int64
	kept     int // bytes of output that wait
	spare    []*goRun
	seed     maphash.Seed
	fates    map[uint64]goFate // of tests that failed, by package and name
	t        draft
	odd      int64 // lines that are no events
}

// What is remembered at most.
const (
	mostOpen   = 16 << 20 // bytes of the names of open tests, with what each of them takes
	mostFates  = 250_000
	mostOutput = 8 << 20 // bytes of all open tests
	mostOfRun  = 16 << 10
	mostOfHead = 4 << 10
)

// sizeOpen is about what an open test takes beside its texts.
const sizeOpen = 200

type goEvent struct {
	action, pkg, test, output, at text
	elapsed                       float64
}

// goPackage is one whose tests run.
type goPackage struct {
	name   string
	runs   map[string]*goRun
	failed bool // a test of it did
	output goOutput
}

// goRun is a test that has begun.
type goRun struct {
	name    string
	seq     int64
	started time.Time
	output  goOutput
}

// goFate is what became of a test that failed once.
type goFate struct {
	runs   int32
	passed bool
}

// goOutput is what was printed: where it is long its beginning and its end.
type goOutput struct{ b []byte }

func (o *goOutput) write(p []byte) {
	o.b = append(o.b, p[:min(len(p), mostOfRun)]...)
	if over := len(o.b) - mostOfRun; over > mostOfRun {
		o.b = append(o.b[:mostOfHead], o.b[mostOfHead+over:]...)
	}
}

func (g *goTest) read() error {
	g.packages, g.fates, g.seed = map[string]*goPackage{}, map[uint64]goFate{}, maphash.MakeSeed()
	g.j.lines = true
	for g.j.more(1) {
		if g.j.buf[g.j.pos] == '{' && g.parse() {
			if err := g.happen(); err != nil {
				return err
			}
		} else if g.j.isCut {
			return &Error{Line: g.j.line(), Text: "the file ends inside an event"}
		} else if g.j.buf[min(g.j.pos, g.j.end-1)] != '\n' {
			g.odd++
		}
		g.j.err, g.j.stack = nil, g.j.stack[:0]
		g.j.skipLine()
	}
	if err := g.j.failed(); err != nil {
		return err
	}
	return g.last()
}

// last tells of what never ended, and counts.
func (g *goTest) last() error {
	var open []*goPackage
	for _, p := range g.packages {
		open = append(open, p)
	}
	slices.SortFunc(open, func(a, b *goPackage) int { return strings.Compare(a.name, b.name) })
	for _, p := range open {
		if err := g.unended(p, false); err != nil {
			return err
		}
	}
	g.sum.Flaky = 0
	for _, f := range g.fates {
		if f.passed {
			g.sum.Flaky++
		}
	}
	if len(g.fates) >= mostFates {
		g.warn("more than %d tests failed; of the others it isn't told whether they passed later", mostFates)
	}
	if len(open) > 0 {
		g.warn("the file ends before %d packages did", len(open))
	}
	if g.odd > 0 {
		g.warn("%d lines that are no events were passed over", g.odd)
	}
	g.sum.Repaired = g.j.repaired
	return nil
}

// parse reads the event of a line, and tells whether it is one.
func (g *goTest) parse() bool {
	e := &g.event
	e.elapsed = 0
	for _, t := range []*text{&e.action, &e.pkg, &e.test, &e.output, &e.at} {
		t.reset()
	}
	for ok := g.j.begin('{'); ok; {
		var key string
		if key, ok = g.j.key(); !ok {
			break
		}
		switch key {
		case "Action":
			g.j.text(&e.action)
		case "Package":
			g.j.text(&e.pkg)
		case "Test":
			g.j.text(&e.test)
		case "Output":
			g.j.text(&e.output)
		case "Time":
			g.j.text(&e.at)
		case "Elapsed":
			e.elapsed = g.j.number()
		default:
			g.j.skip()
		}
	}
	e.pkg.b, e.test.b = e.pkg.b[:min(len(e.pkg.b), mostValue)], e.test.b[:min(len(e.test.b), mostValue)]
	return g.j.err == nil && len(e.action.b) > 0
}

// happen does what an event says.
func (g *goTest) happen() error {
	e := &g.event
	if len(e.pkg.b) == 0 {
		return nil // of a build, whose package is told of later
	}
	if g.size > mostOpen {
		return g.j.at("too many tests run at the same time")
	}
	switch string(e.action.b) {
	case "run":
		return g.run()
	case "output":
		g.print()
	case "pass", "fail", "skip", "bench":
		if len(e.test.b) == 0 {
			return g.packageEnds()
		}
		return g.testEnds()
	}
	return nil
}

// of is the package of the event.
func (g *goTest) of() *goPackage {
	if p := g.packages[string(g.event.pkg.b)]; p != nil {
		return p
	}
	p := &goPackage{name: string(g.event.pkg.b), runs: map[string]*goRun{}}
	g.packages[p.name] = p
	g.size += sizeOpen + len(p.name)
	return p
}

func (g *goTest) run() error {
	p, e := g.of(), &g.event
	if r := p.runs[string(e.test.b)]; r != nil {
		delete(p.runs, r.name)
		if err := g.tell(p, r, Errored); err != nil {
			return err
		}
	}
	r := &goRun{}
	if last := len(g.spare) - 1; last >= 0 {
		r, g.spare = g.spare[last], g.spare[:last]
	}
	g.began++
	*r = goRun{name: string(e.test.b), seq: g.began, started: moment(e.at.b), output: goOutput{r.output.b[:0]}}
	p.runs[r.name] = r
	g.size += sizeOpen + len(r.name)
	return nil
}

// print keeps what a test or a package printed, as long as there is room.
func (g *goTest) print() {
	p, e := g.of(), &g.event
	to := &p.output
	if r := p.runs[string(e.test.b)]; r != nil {
		to = &r.output
	}
	line := bytes.TrimLeft(e.output.b, " ")
	if bytes.HasPrefix(line, []byte("=== ")) || bytes.HasPrefix(line, []byte("--- ")) || g.kept > mostOutput {
		return
	}
	before := len(to.b)
	to.write(e.output.b)
	g.kept += len(to.b) - before
}

func (g *goTest) testEnds() error {
	p, e := g.of(), &g.event
	status := map[string]Status{"fail": Failed, "skip": Skipped}[string(e.action.b)]
	r := p.runs[string(e.test.b)]
	if r == nil {
		r = &goRun{name: string(e.test.b)}
	} else {
		delete(p.runs, r.name)
	}
	return g.tell(p, r, cmp.Or(status, Passed))
}

// tell hands over what came of a run.
func (g *goTest) tell(p *goPackage, r *goRun, status Status) error {
	t := &g.t
	t.reset()
	t.name.set([]byte(r.name))
	t.class.set([]byte(p.name))
	t.suite.set([]byte(p.name))
	t.status, t.startedAt = status, r.started
	switch status {
	case Passed, Failed, Skipped:
		t.duration = seconds(g.event.elapsed)
	}
	if status != Passed {
		t.message.set(goReason(r.output.b))
		t.detail.set(r.output.b)
	}
	if status == Errored && t.message.blank() {
		t.message.set([]byte("it began, and did not end"))
	}
	if status == Failed || status == Errored {
		p.failed = true
	}
	g.fate(p, r, t)
	if r.seq > 0 {
		g.size -= sizeOpen + len(r.name)
		g.kept -= len(r.output.b)
		if cap(r.output.b) > 4<<10 {
			r.output.b = nil
		}
		if len(g.spare) < 1000 {
			g.spare = append(g.spare, r)
		}
	}
	return g.done(t)
}

// fate remembers what came of a test that failed once.
func (g *goTest) fate(p *goPackage, r *goRun, t *draft) {
	var h maphash.Hash
	h.SetSeed(g.seed)
	_, _ = h.WriteString(p.name)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(r.name)
	id := h.Sum64()
	f, failedOnce := g.fates[id]
	if !failedOnce && t.status != Failed && t.status != Errored || !failedOnce && len(g.fates) >= mostFates {
		return
	}
	f.runs++
	f.passed = t.status == Passed
	t.attempt, t.flaky = int(f.runs), f.passed
	g.fates[id] = f
}

// packageEnds tells of the tests that did not end, and whether the package
// failed without any.
func (g *goTest) packageEnds() error {
	p := g.of()
	action := string(g.event.action.b)
	if err := g.unended(p, action == "pass"); err != nil {
		return err
	}
	if action == "fail" && !p.failed {
		reason := goReason(p.output.b)
		if len(reason) == 0 {
			reason = []byte("it failed, and none of its tests did")
		}
		g.suiteError(clean([]byte(p.name+": "+string(reason)), mostMessage))
	}
	g.kept -= len(p.output.b)
	g.size -= sizeOpen + len(p.name)
	delete(g.packages, p.name)
	return nil
}

// unended tells of the tests of a package that began and did not end. Of
// benchmarks none says so that ends well.
func (g *goTest) unended(p *goPackage, passed bool) error {
	var open []*goRun
	for _, r := range p.runs {
		open = append(open, r)
	}
	slices.SortFunc(open, func(a, b *goRun) int { return cmp.Compare(a.seq, b.seq) })
	for _, r := range open {
		status := Errored
		if passed && strings.HasPrefix(r.name, "Benchmark") {
			status = Passed
			g.event.elapsed = 0
		}
		delete(p.runs, r.name)
		if err := g.tell(p, r, status); err != nil {
			return err
		}
	}
	return nil
}

// goReason is the line of an output that most likely says why.
func goReason(output []byte) []byte {
	var first []byte
	for line := range bytes.Lines(output) {
		line = bytes.TrimSpace(line)
		if bytes.HasPrefix(line, []byte("panic: ")) || bytes.Contains(line, []byte(".go:")) {
			return line
		}
		if first == nil && len(line) > 0 && !bytes.HasPrefix(line, []byte("FAIL")) {
			first = line
		}
	}
	return first
}
