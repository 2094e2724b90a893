// Package gatehouse_test holds the code to the rules of the house, which ARCHITECTURE.md explains. It reads the source
// with the standard library alone. Every rule is a row of rules; every message names a place and says what to do there.
package gatehouse_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/gatehouse-dev/gatehouse"

// house has a line for each level, the lowest first: a package imports from lower lines only.
var house = [][]string{
	{"api"},
	{"internal/credential", "internal/testresult", "internal/limit", "internal/usage", "internal/seal", "internal/audit"},
	{"internal/webhook"},
	{"internal/store", "internal/artifact", "internal/jwt", "internal/outbound", "internal/limit/shared", "client"},
	{"internal/authority", "internal/workspace", "internal/report", "internal/store/storetest", "internal/outbound/mailtest", "internal/limit/redistest", "internal/console/pagetest"},
	{"internal/edge", "internal/deliver"},
	{"internal/rest", "internal/oauth", "internal/openapi", "internal/console", "internal/dialect/*"},
	{"cmd/gatehouse"},
}

var (
	command  = []string{"cmd/gatehouse"}
	testOnly = []string{"internal/store/storetest", "internal/outbound/mailtest", "internal/limit/redistest", "internal/console/pagetest"} // imported by _test.go files alone, and held to their rules
	stdOnly  = []string{"api"}
	banned   = []string{"util", "utils", "common", "models", "services", "repository", "helpers", "config"}
)

const (
	maxFileLines, maxFuncLines, maxMedianLines = 600, 100, 12
	maxParameters, maxMethods, maxOurImports   = 4, 3, 8
	minDocumentedPct                           = 90
)

// restricted says which imports only some packages may have outside tests.
var restricted = []struct {
	imports, to []string
	instead     string
}{
	{[]string{"database/sql", "database/sql/*"}, []string{"internal/store"}, "give the store a method that does it"},
	{[]string{"net/http", "net/http/*"}, []string{"client", "internal/outbound", "internal/report", "internal/edge", "internal/rest",
		"internal/oauth", "internal/openapi", "internal/console", "internal/dialect/*", "cmd/gatehouse"}, "leave HTTP to edge and what stands above it"},
	{[]string{"github.com/redis/*"}, []string{"internal/limit/shared"}, "leave Redis to internal/limit/shared"},
	{[]string{"flag", "github.com/spf13/pflag", "github.com/spf13/cobra"}, command, "take the value as an argument"},
}

// ambient lists what only commands may reach for, since a caller can't see it and a test can't set it.
var ambient = []struct {
	pkg     string
	names   []string
	calling bool // the name may be used as a value, but not called
	instead string
}{
	{"os", []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Args"}, false, "read it in cmd and pass the value down"},
	{"time", []string{"Now", "Since", "Until"}, true, "take now as an argument, or call the Now field of the config"},
}

// readsClock finds SQL that asks the database for the time.
var readsClock = regexp.MustCompile(`(?i)'now'|\b(current_(timestamp|date|time)|localtimestamp)\b|` +
	`\b(now|(clock|statement|transaction)_timestamp|date|time|datetime|julianday|unixepoch)\s*\(\s*\)`)

// A reporter reports a broken rule.
type reporter func(at token.Pos, format string, args ...any)

type rule struct {
	name  string
	check func(*tree, reporter)
}

var rules = []rule{
	{"imports go down", importsGoDown},
	{"imports are few", importsAreFew},
	{"imports are kept to their packages", importsAreRestricted},
	{"nothing ambient", nothingAmbient},
	{"no init functions", noInit},
	{"package variables stay as declared", variablesStay},
	{"names say something", namesSaySomething},
	{"sizes", sizes},
	{"signatures", signatures},
	{"packages are documented", packagesDocumented},
	{"exported names are documented", namesDocumented},
	{"SQL reads no clock", sqlReadsNoClock},
}

func TestHouse(t *testing.T) {
	tree, err := load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			for _, message := range tree.broken(rule.check) {
				t.Error(message)
			}
		})
	}
}

// A tree is the source of the module.
type tree struct {
	fset     *token.FileSet
	packages []*pkg // by directory
	sql      map[*token.File]string
}

// A pkg is a directory with Go files. Only the code outside tests is resolved, and without what it imports: identifiers
// find the package's own declarations and the names of imports, which is what the rules ask for.
type pkg struct {
	dir   string
	files []*file
	scope *types.Scope
	names map[*ast.Ident]types.Object // what they declare or refer to
}

type file struct {
	*ast.File
	name            string
	test, generated bool
}

// load reads a tree. What starts with a dot or an underscore, testdata and bin are no part of it.
func load(fsys fs.FS) (*tree, error) {
	tr := &tree{fset: token.NewFileSet(), sql: map[*token.File]string{}}
	packages := map[string]*pkg{}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		base, ext := path.Base(name), path.Ext(name)
		switch {
		case err != nil || name == ".":
			return err
		case entry.IsDir() && (strings.ContainsAny(base[:1], "._") || base == "testdata" || base == "bin"):
			return fs.SkipDir
		case entry.IsDir() || ext != ".go" && ext != ".sql":
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		if ext == ".go" {
			return tr.parse(name, text, packages)
		}
		f := tr.fset.AddFile(name, -1, len(text))
		f.SetLinesForContent(text)
		tr.sql[f] = string(text)
		return nil
	})
	for _, p := range packages {
		p.resolve(tr.fset)
		tr.packages = append(tr.packages, p)
	}
	slices.SortFunc(tr.packages, func(a, b *pkg) int { return strings.Compare(a.dir, b.dir) })
	return tr, err
}

func (tr *tree) parse(name string, text []byte, packages map[string]*pkg) error {
	parsed, err := parser.ParseFile(tr.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	dir := path.Dir(name)
	if packages[dir] == nil {
		packages[dir] = &pkg{dir: dir}
	}
	packages[dir].files = append(packages[dir].files, &file{
		File:      parsed,
		name:      name,
		test:      strings.HasSuffix(name, "_test.go") || matches(testOnly, dir),
		generated: ast.IsGenerated(parsed),
	})
	return nil
}

func (p *pkg) resolve(fset *token.FileSet) {
	var files []*ast.File
	for _, f := range p.code() {
		files = append(files, f.File)
	}
	p.names = map[*ast.Ident]types.Object{}
	config := types.Config{Error: func(error) {}}
	checked, _ := config.Check(p.dir, fset, files, &types.Info{Defs: p.names, Uses: p.names}) // errors are the compiler's business
	p.scope = checked.Scope()
}

// code returns the files that are not tests.
func (p *pkg) code() []*file {
	return slices.DeleteFunc(slices.Clone(p.files), func(f *file) bool { return f.test })
}

// imported returns the path that an identifier stands for when it names an import, or "".
func (p *pkg) imported(e ast.Expr) string {
	id, _ := e.(*ast.Ident)
	if name, ok := p.names[id].(*types.PkgName); ok {
		return name.Imported().Path()
	}
	return ""
}

// broken returns what a rule reports of a tree.
func (tr *tree) broken(check func(*tree, reporter)) (messages []string) {
	check(tr, func(at token.Pos, format string, args ...any) {
		position := tr.fset.Position(at)
		messages = append(messages, fmt.Sprintf("%s:%d: ", position.Filename, position.Line)+fmt.Sprintf(format, args...))
	})
	return messages
}

// eachFile calls yield for every file, tests among them, that a person wrote.
func (tr *tree) eachFile(yield func(*pkg, *file)) {
	for _, p := range tr.packages {
		for _, f := range p.files {
			if !f.generated {
				yield(p, f)
			}
		}
	}
}

// eachNode calls yield for every node of the code outside tests.
func (tr *tree) eachNode(yield func(*pkg, ast.Node)) {
	for _, p := range tr.packages {
		for _, f := range p.code() {
			for n := range ast.Preorder(f.File) {
				yield(p, n)
			}
		}
	}
}

func matches(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, dir)
		return ok
	})
}

// level returns the line of house that a directory stands on, or -1.
func level(dir string) int {
	return slices.IndexFunc(house, func(line []string) bool { return matches(line, dir) })
}

func importPath(spec *ast.ImportSpec) string { return strings.Trim(spec.Path.Value, "`\"") }

func importsGoDown(tr *tree, report reporter) {
	tr.eachFile(func(p *pkg, f *file) {
		if p.dir != "." && level(p.dir) < 0 {
			report(f.Package, "package %s is unknown: add it to the table house in arch_test.go and to ARCHITECTURE.md", p.dir)
			return
		}
		for _, spec := range f.Imports {
			name := importPath(spec)
			target, ours := strings.CutPrefix(name, module+"/")
			foreign := strings.Contains(strings.Split(name, "/")[0], ".")
			switch {
			case foreign && !f.test && matches(stdOnly, p.dir):
				report(spec.Pos(), "%s imports %s: it may import the standard library only", p.dir, name)
			case !ours || target == p.dir:
			case matches(testOnly, target) && f.test:
			case matches(testOnly, target):
				report(spec.Pos(), "%s imports %s: only _test.go files may", p.dir, target)
			case level(target) >= level(p.dir):
				report(spec.Pos(), "%s imports %s, which does not stand below it: move what both need further down", p.dir, target)
			}
		}
	})
}

func importsAreFew(tr *tree, report reporter) {
	for _, p := range tr.packages {
		ours := map[string]bool{}
		for _, f := range p.code() {
			for _, spec := range f.Imports {
				if strings.HasPrefix(importPath(spec), module+"/") {
					ours[importPath(spec)] = true
				}
			}
		}
		if len(ours) > maxOurImports && !matches(command, p.dir) {
			report(p.files[0].Package, "%s imports %d of our packages, at most %d: give part of its work to another", p.dir, len(ours), maxOurImports)
		}
	}
}

func importsAreRestricted(tr *tree, report reporter) {
	tr.eachFile(func(p *pkg, f *file) {
		for _, spec := range f.Imports {
			for _, r := range restricted {
				if !f.test && matches(r.imports, importPath(spec)) && !matches(r.to, p.dir) {
					report(spec.Pos(), "%s may not import %s: %s", p.dir, importPath(spec), r.instead)
				}
			}
		}
	})
}

func nothingAmbient(tr *tree, report reporter) {
	called := map[ast.Expr]bool{}
	tr.eachNode(func(p *pkg, n ast.Node) {
		if call, ok := n.(*ast.CallExpr); ok {
			called[ast.Unparen(call.Fun)] = true
		}
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || matches(command, p.dir) {
			return
		}
		for _, a := range ambient {
			if p.imported(sel.X) == a.pkg && slices.Contains(a.names, sel.Sel.Name) && (called[sel] || !a.calling) {
				report(sel.Pos(), "%s.%s outside cmd: %s", a.pkg, sel.Sel.Name, a.instead)
			}
		}
	})
}

func noInit(tr *tree, report reporter) {
	tr.eachFunc(func(_ *file, fn *ast.FuncDecl) {
		if fn.Name.Name == "init" && fn.Recv == nil {
			report(fn.Pos(), "func init: have the caller do it, in sight")
		}
	})
}

// eachFunc calls yield for every function declared in a file that a person wrote.
func (tr *tree) eachFunc(yield func(*file, *ast.FuncDecl)) {
	tr.eachFile(func(_ *pkg, f *file) {
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				yield(f, fn)
			}
		}
	})
}

func variablesStay(tr *tree, report reporter) {
	tr.eachNode(func(p *pkg, n ast.Node) {
		for _, e := range p.changed(n) {
			if name := p.variable(e); name != "" {
				report(n.Pos(), "package variable %s changes, or may through its address: keep it in a struct that the caller owns", name)
			}
		}
	})
}

// changed returns what a node writes to, takes the address of, or declares in order to change (sync.Map, atomic.Int64).
func (p *pkg) changed(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			return []ast.Expr{n.X}
		}
	case *ast.ValueSpec:
		if sel, ok := n.Type.(*ast.SelectorExpr); ok && strings.HasPrefix(p.imported(sel.X), "sync") {
			return []ast.Expr{n.Names[0]}
		}
	case *ast.CallExpr:
		fun, ok := n.Fun.(*ast.Ident)
		if ok && slices.Contains([]string{"clear", "copy", "delete"}, fun.Name) && len(n.Args) > 0 {
			return n.Args[:1]
		}
	}
	return nil
}

// variable returns the package variable that an expression is a part of, as it is written, or "".
func (p *pkg) variable(e ast.Expr) string {
	for n := range ast.Preorder(e) {
		switch n := n.(type) {
		case *ast.CallExpr, *ast.CompositeLit:
			return ""
		case *ast.Ident: // the leftmost
			if v, ok := p.names[n].(*types.Var); p.imported(n) != "" || ok && v.Parent() == p.scope {
				return types.ExprString(e)
			}
			return ""
		}
	}
	return ""
}

func namesSaySomething(tr *tree, report reporter) {
	tr.eachFile(func(p *pkg, f *file) {
		if slices.Contains(banned, path.Base(p.dir)) || slices.Contains(banned, f.Name.Name) {
			report(f.Package, "package %s in %s: name it for what it does", f.Name.Name, p.dir)
		}
	})
}

// lines counts from the word func to the closing brace.
func (tr *tree) lines(fn *ast.FuncDecl) int {
	return tr.fset.Position(fn.End()).Line - tr.fset.Position(fn.Pos()).Line + 1
}

func sizes(tr *tree, report reporter) {
	tr.eachFile(func(_ *pkg, f *file) {
		if n := tr.fset.File(f.Package).LineCount(); n > maxFileLines {
			report(f.Package, "%d lines, at most %d: split the file by noun", n, maxFileLines)
		}
	})
	var code []*ast.FuncDecl
	tr.eachFunc(func(f *file, fn *ast.FuncDecl) {
		if n := tr.lines(fn); n > maxFuncLines {
			report(fn.Pos(), "func %s has %d lines, at most %d: name its parts", fn.Name.Name, n, maxFuncLines)
		}
		if !f.test {
			code = append(code, fn)
		}
	})
	slices.SortFunc(code, func(a, b *ast.FuncDecl) int { return tr.lines(a) - tr.lines(b) })
	if n := len(code); n > 0 && tr.lines(code[n/2]) > maxMedianLines {
		report(code[n-1].Pos(), "the median function has %d lines, at most %d: begin with the longest, %s",
			tr.lines(code[n/2]), maxMedianLines, code[n-1].Name.Name)
	}
}

func signatures(tr *tree, report reporter) {
	tr.eachFunc(func(f *file, fn *ast.FuncDecl) {
		whole := f.name == "cmd/gatehouse/main.go" && fn.Name.Name == "run" // it takes the process apart
		if n := parameters(fn.Type); n > maxParameters && !whole {
			report(fn.Pos(), "func %s has %d parameters, at most %d: take a struct", fn.Name.Name, n, maxParameters)
		}
	})
	tr.eachNode(func(_ *pkg, n ast.Node) {
		if i, ok := n.(*ast.InterfaceType); ok && i.Methods.NumFields() > maxMethods {
			report(i.Pos(), "an interface with %d methods, at most %d: ask for what is called here", i.Methods.NumFields(), maxMethods)
		}
	})
}

// parameters counts those of a function, except the context and the test.
func parameters(fn *ast.FuncType) int {
	n := fn.Params.NumFields()
	for _, field := range fn.Params.List {
		of := strings.TrimPrefix(types.ExprString(field.Type), "*")
		if strings.HasPrefix(of, "context.") || strings.HasPrefix(of, "testing.") {
			n--
		}
	}
	return n
}

func packagesDocumented(tr *tree, report reporter) {
	for _, p := range tr.packages {
		documented := slices.ContainsFunc(p.files, func(f *file) bool {
			return strings.HasPrefix(f.Doc.Text(), "Package "+f.Name.Name+" ") || f.Name.Name == "main" && f.Doc != nil
		})
		if !documented {
			report(p.files[0].Package, "package %s has no comment: say above one package clause what it hides and keeps true", p.dir)
		}
	}
}

func namesDocumented(tr *tree, report reporter) {
	total := 0
	var missing []*ast.Ident
	tr.eachFile(func(_ *pkg, f *file) {
		for _, decl := range f.Decls {
			eachName(decl, func(name *ast.Ident, doc string) {
				if f.test || !name.IsExported() {
					return
				}
				total++
				if doc == "" {
					missing = append(missing, name)
				}
			})
		}
	})
	if 100*(total-len(missing)) >= minDocumentedPct*total {
		return
	}
	for _, name := range missing {
		report(name.Pos(), "exported %s needs a sentence (%d of %d have one, at least %d %% must)",
			name.Name, total-len(missing), total, minDocumentedPct)
	}
}

// eachName calls yield for every name declared, but for methods of unexported types, with its comment or its group's.
func eachName(decl ast.Decl, yield func(name *ast.Ident, doc string)) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv == nil || ast.IsExported(strings.TrimPrefix(types.ExprString(decl.Recv.List[0].Type), "*")) {
			yield(decl.Name, decl.Doc.Text())
		}
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				yield(spec.Name, spec.Doc.Text()+decl.Doc.Text())
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					yield(name, spec.Doc.Text()+spec.Comment.Text()+decl.Doc.Text())
				}
			}
		}
	}
}

func sqlReadsNoClock(tr *tree, report reporter) {
	check := func(start token.Pos, text string) {
		for _, at := range readsClock.FindAllStringIndex(text, -1) {
			line := text[strings.LastIndex(text[:at[0]], "\n")+1 : at[0]]
			if !strings.Contains(line, "--") { // a comment
				report(start+token.Pos(at[0]), "SQL reads a clock, %s: pass the time in as a parameter", text[at[0]:at[1]])
			}
		}
	}
	for f, text := range tr.sql {
		check(f.Pos(0), text)
	}
	tr.eachNode(func(p *pkg, n ast.Node) {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && p.dir == "internal/store" {
			check(lit.Pos(), lit.Value)
		}
	})
}

type example struct{ rule, name, code, want string }

// examples has, for every rule, code that breaks it and what the report says, or code that keeps it and "".
var examples = []example{
	{"imports go down", "internal/novel/a.go", "package a", "internal/novel/a.go:1: package internal/novel is unknown"},
	{"imports go down", "internal/dialect/onetest/a.go", "package a", ""},
	{"imports go down", "internal/audit/a.go", imports("internal/store"), "does not stand below"},
	{"imports go down", "internal/rest/a_test.go", imports("internal/dialect/onetest"), "does not stand below"},
	{"imports go down", "internal/edge/a.go", imports("internal/store/storetest"), "only _test.go files may"},
	{"imports go down", "internal/store/a_test.go", imports("internal/store", "internal/store/storetest", "api"), ""},
	{"imports go down", "api/a.go", `package a; import "github.com/google/uuid"`, "the standard library only"},
	{"imports are few", "internal/edge/a.go", imports("1", "2", "3", "4", "5", "6", "7", "8", "9"), "imports 9 of our packages"},
	{"imports are kept to their packages", "internal/audit/a.go", `package a; import "net/http/httputil"`, "leave HTTP to edge"},
	{"imports are kept to their packages", "internal/edge/a.go", `package a; import "database/sql"`, "give the store a method"},
	{"imports are kept to their packages", "internal/edge/a.go", `package a; import "net/http"`, ""},
	{"nothing ambient", "api/a.go", `package a; import o "os"; var home = o.Getenv("HOME")`, "os.Getenv outside cmd"},
	{"nothing ambient", "api/a.go", `package a; import "time"; func f() { g(time.Now()) }`, "time.Now outside cmd"},
	{"nothing ambient", "api/a.go", `package a; import "time"; var _ = Config{Now: time.Now}`, ""},
	{"no init functions", "api/a.go", "package a; func init() {}", "func init"},
	{"package variables stay as declared", "api/a.go", "package a; var v T; func f() { v.field[0]++ }", "v.field[0] changes"},
	{"package variables stay as declared", "api/a.go", "package a; var v int; func f() { g(&v) }", "v changes"},
	{"package variables stay as declared", "api/a.go", "package a; var v = M{}; func f() { delete(v, 1) }", "v changes"},
	{"package variables stay as declared", "api/a.go", `package a; import "b"; func f() { b.V = 1 }`, "b.V changes"},
	{"package variables stay as declared", "api/a.go", `package a; import "sync"; var v sync.Map`, "v changes"},
	{"package variables stay as declared", "api/a.go", "package a; var v int; func f(v T) { v.x = 1; v++; g(&b.T{}) }", ""},
	{"names say something", "internal/helpers/a.go", "package a", "name it"},
	{"sizes", "api/a.go", "package a" + strings.Repeat("\n", 601), "601 lines, at most 600"},
	{"sizes", "api/a.go", function(101), "func f has 101 lines"},
	{"sizes", "api/a.go", "// Code generated by x. DO NOT EDIT.\n\n" + function(700), ""},
	{"sizes", "api/a.go", function(13), "the median function has 13 lines"},
	{"signatures", "api/a.go", "package a; func f(a, b, c int, d, e string) {}", "func f has 5 parameters"},
	{"signatures", "api/a.go", "package a; func (t *T) f(ctx context.Context, a, b, c, d int) {}", ""},
	{"signatures", "api/a.go", "package a; type I interface { A(); B(); C(); D() }", "an interface with 4 methods"},
	{"packages are documented", "api/a.go", "package a", "package api has no comment"},
	{"packages are documented", "api/a.go", "// Package a is.\npackage a", ""},
	{"exported names are documented", "api/a.go", "package a; func (*T[K]) F() {}; func (t) G() {}", "exported F needs a sentence (0 of 1"},
	{"SQL reads no clock", "internal/store/a.go", "package a; const q = `\nSELECT now()`", "internal/store/a.go:2: SQL reads a clock, now()"},
	{"SQL reads no clock", "internal/store/migrations/1.sql", "-- now()\nDEFAULT CURRENT_TIMESTAMP", "1.sql:2: SQL reads a clock"},
}

func imports(names ...string) string {
	return "package a; import (\"" + module + "/" + strings.Join(names, "\"; \""+module+"/") + "\")"
}

func function(lines int) string {
	return "package a; func f() {" + strings.Repeat("\n", lines-1) + "}\n"
}

func TestRules(t *testing.T) {
	for _, rule := range rules {
		if !slices.ContainsFunc(examples, func(e example) bool { return e.rule == rule.name }) {
			t.Errorf("%s: no example: add one that breaks the rule", rule.name)
		}
	}
	for _, e := range examples {
		tree, err := load(fstest.MapFS{e.name: {Data: []byte(e.code)}})
		if err != nil {
			t.Fatal(err)
		}
		rule := slices.IndexFunc(rules, func(r rule) bool { return r.name == e.rule })
		got := strings.Join(tree.broken(rules[rule].check), "\n")
		if !strings.Contains(got, e.want) || (got == "") != (e.want == "") {
			t.Errorf("%s: %s: %.200s\ngot  %q\nwant %q", e.rule, e.name, e.code, got, e.want)
		}
	}
}
