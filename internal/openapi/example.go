package openapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// example is a call as people write it: in a shell, in JavaScript and in Python.
// Each reads its variables from the environment, so that none holds a secret.
type example struct {
	ID                       string
	Curl, JavaScript, Python string // those but the first may be empty
}

// callOf is a call that examples are written of. Variables stand in it as in a
// shell.
type callOf struct {
	id, method, url string
	header          string // that presents the credential; empty for none
	body            string // empty for none; options of curl begin with -
	form            bool
}

// examples writes a call in every language. A body that is a file is curl's alone.
func (c callOf) examples() example {
	out := example{ID: "ex-" + c.id, Curl: c.curl()}
	if !strings.HasPrefix(c.body, "-") {
		out.JavaScript, out.Python = c.javaScript(), c.python()
	}
	return out
}

func (c callOf) curl() string {
	line := "curl"
	if c.method != http.MethodGet {
		line += " -X " + c.method
	}
	line += ` "` + c.url + `"`
	if c.header != "" {
		line += " \\\n  -H \"" + c.header + "\""
	}
	switch {
	case c.body == "":
	case strings.HasPrefix(c.body, "-"):
		line += " \\\n  " + c.body
	case c.form:
		line += " \\\n  -d " + quoted(c.body)
	default:
		line += " \\\n  -H 'Content-Type: application/json' \\\n  -d " + quoted(c.body)
	}
	return line
}

// headers are those of a call, in order.
func (c callOf) headers() (list [][2]string) {
	if name, value, found := strings.Cut(c.header, ": "); found {
		list = append(list, [2]string{name, value})
	}
	if c.body != "" {
		media := "application/json"
		if c.form {
			media = "application/x-www-form-urlencoded"
		}
		list = append(list, [2]string{"Content-Type", media})
	}
	return list
}

func (c callOf) javaScript() string {
	options := []string{"method: " + strconv.Quote(c.method)}
	var headers []string
	for _, h := range c.headers() {
		headers = append(headers, strconv.Quote(h[0])+": "+inJavaScript(h[1]))
	}
	if headers != nil {
		options = append(options, "headers: { "+strings.Join(headers, ", ")+" }")
	}
	if c.body != "" {
		options = append(options, "body: "+inJavaScript(c.body))
	}
	return "const answer = await fetch(" + inJavaScript(c.url) + ", {\n  " + strings.Join(options, ",\n  ") + ",\n});\nconsole.log(answer.status, await answer.text());"
}

// inJavaScript writes a text, with variables of the environment for those of a
// shell.
func inJavaScript(text string) string {
	if !variable.MatchString(text) {
		return strconv.Quote(text)
	}
	text = strings.NewReplacer(`\`, `\\`, "`", "\\`", "${", "\\${").Replace(text)
	return "`" + variable.ReplaceAllStringFunc(text, func(name string) string { return "${process.env." + name[1:] + "}" }) + "`"
}

func (c callOf) python() string {
	filled := slices.ContainsFunc([]string{c.url, c.header, c.body}, variable.MatchString)
	var b strings.Builder
	b.WriteString("import os, string, urllib.request\n\n")
	if !filled {
		b.Reset()
		b.WriteString("import urllib.request\n\n")
	}
	if filled {
		b.WriteString("fill = lambda text: string.Template(text).safe_substitute(os.environ)\n")
	}
	b.WriteString("request = urllib.request.Request(\n    " + inPython(c.url) + ",\n    method=" + strconv.Quote(c.method) + ",\n")
	if headers := c.headers(); headers != nil {
		var list []string
		for _, h := range headers {
			list = append(list, strconv.Quote(h[0])+": "+inPython(h[1]))
		}
		b.WriteString("    headers={" + strings.Join(list, ", ") + "},\n")
	}
	if c.body != "" {
		b.WriteString("    data=" + inPython(c.body) + ".encode(),\n")
	}
	b.WriteString(")\nwith urllib.request.urlopen(request) as answer:\n    print(answer.status, answer.read().decode())")
	return b.String()
}

// inPython writes a text, whose variables are filled in from the environment.
func inPython(text string) string {
	if !variable.MatchString(text) {
		return strconv.Quote(text)
	}
	return "fill(" + strconv.Quote(text) + ")"
}

// Site is where the pages stand.
type Site struct {
	Address string // of the installation
	Assets  string // where the style and the script of its pages are
}

// frame is what every page has.
type frame struct {
	Site
	Title, Base string
	Pages       []pageLink // to the others
	Nav         []navGroup
}

type (
	pageLink struct {
		Title, To string
		Current   bool
	}
	navGroup struct {
		Title string
		Links []navLink
	}
	navLink struct{ Method, Title, To string }
)

// policy lets a page load what the console's pages do, and run that one script.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types gatehouse"
