package testresult

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// xmlFile walks the elements of a file.
type xmlFile struct {
	*file
	raw     *xml.Decoder // what decoder reads, which knows the line
	decoder *xml.Decoder
	// within are the names of the elements around the present one, by what they
	// say of themselves.
	within []string
}

// mostDeep is how many elements may stand in each other.
const mostDeep = 200

// tokens are those of a file. The decoder keeps all elements around the present
// one, so that these are bounded.
type tokens struct {
	raw   *xml.Decoder
	depth int
}

// Token implements xml.TokenReader.
func (t *tokens) Token() (xml.Token, error) {
	token, err := t.raw.RawToken()
	switch token.(type) {
	case xml.StartElement:
		t.depth++
	case xml.EndElement:
		t.depth--
	}
	if t.depth > mostDeep {
		return nil, fmt.Errorf("its elements are nested deeper than %d levels", mostDeep)
	}
	return token, err
}

// tags reads a file in which no tag has too many attributes: each has two
// quotation marks, and "<" stands in none of them.
type tags struct {
	from         io.Reader
	quotes, most int
}

// Read implements io.Reader.
func (t *tags) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	for _, c := range p[:n] {
		switch c {
		case '<':
			t.quotes = 0
		case '"', '\'':
			t.quotes++
		}
		if t.quotes > t.most {
			return 0, fmt.Errorf("more than %d quotation marks follow each other without a tag", t.most)
		}
	}
	return n, err
}

// walk calls visit for each element, of which the first is one of roots. Visit
// reads an element to its end and says so, or goes on into it.
func (f *file) walk(format string, roots []string, visit func(*xmlFile, xml.StartElement) (read bool, err error)) error {
	raw := xml.NewDecoder(&tags{from: f.from, most: f.most * mostQuotes})
	raw.CharsetReader = func(charset string, text io.Reader) (io.Reader, error) {
		if !strings.EqualFold(charset, "us-ascii") {
			return nil, fmt.Errorf("it is written in %s, not in UTF-8", charset)
		}
		return text, nil
	}
	x := &xmlFile{file: f, raw: raw, decoder: xml.NewTokenDecoder(&tokens{raw: raw})}
	begun := false
	for {
		token, err := x.decoder.Token()
		if err == io.EOF && begun {
			return nil
		}
		if err == io.EOF {
			return fmt.Errorf("it is empty, and no file of %s", format)
		}
		if err != nil {
			return x.broken(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			if !begun && !slices.Contains(roots, e.Name.Local) {
				return fmt.Errorf("it begins with <%s>, and a file of %s with <%s>", e.Name.Local, format, strings.Join(roots, "> or <"))
			}
			begun = true
			read, err := visit(x, e)
			if err != nil {
				return err
			}
			if !read {
				x.within = append(x.within, attribute(e, "name"))
			}
		case xml.EndElement:
			x.within = x.within[:len(x.within)-1]
		}
	}
}

// read decodes an element to its end.
func (x *xmlFile) read(e xml.StartElement, v any) error {
	if err := x.decoder.DecodeElement(v, &e); err != nil {
		return x.broken(err)
	}
	return nil
}

// broken is the error about a file that can't be read, and where.
func (x *xmlFile) broken(err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		syntax.Line, _ = x.raw.InputPos()
	}
	return fmt.Errorf("it is no XML: %w", err)
}

// around is the name of the nearest element around that has one.
func (x *xmlFile) around() string {
	for _, name := range slices.Backward(x.within) {
		if name != "" {
			return name
		}
	}
	return ""
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// number reads a number as test programs write it, 1,234.5 for one; what is
// none is 0.
func number(text string) float64 {
	n, _ := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(text), ",", ""), 64)
	return n
}

// outcome is an element that says why a test failed or was skipped.
type outcome struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit has a testcase for each test, in suites of suites. Of its many writers
// some say by an attribute that a test was not run.
func readJUnit(f *file) error {
	return f.walk("JUnit", []string{"testsuites", "testsuite"}, func(x *xmlFile, e xml.StartElement) (bool, error) {
		if e.Name.Local != "testcase" {
			return false, nil
		}
		var t struct {
			Name    string   `xml:"name,attr"`
			Class   string   `xml:"classname,attr"`
			Time    string   `xml:"time,attr"`
			Status  string   `xml:"status,attr"`
			Failure *outcome `xml:"failure"`
			Error   *outcome `xml:"error"`
			Skipped *outcome `xml:"skipped"`
		}
		if err := x.read(e, &t); err != nil {
			return true, err
		}
		r := result{Name: t.Name, Class: first(t.Class, x.around()), Status: pass, Duration: seconds(number(t.Time))}
		switch {
		case t.Failure != nil:
			r.Status, r.Message = fail, first(t.Failure.Message, t.Failure.Text)
		case t.Error != nil:
			r.Status, r.Message = fail, first(t.Error.Message, t.Error.Text)
		case t.Skipped != nil:
			r.Status, r.Message = skipped, first(t.Skipped.Message, t.Skipped.Text)
		case slices.Contains([]string{"notrun", "skipped", "disabled"}, strings.ToLower(t.Status)):
			r.Status = skipped
		}
		return true, x.add(r)
	})
}

// TestNG has a test-method for each test, and for what prepares them.
func readTestNG(f *file) error {
	return f.walk("TestNG", []string{"testng-results"}, func(x *xmlFile, e xml.StartElement) (bool, error) {
		if e.Name.Local != "test-method" {
			return false, nil
		}
		var t struct {
			Name        string `xml:"name,attr"`
			Description string `xml:"description,attr"`
			Status      string `xml:"status,attr"`
			Duration    string `xml:"duration-ms,attr"`
			Config      string `xml:"is-config,attr"`
			Exception   struct {
				Class   string `xml:"class,attr"`
				Message string `xml:"message"`
			} `xml:"exception"`
		}
		if err := x.read(e, &t); err != nil || t.Config == "true" {
			return true, err
		}
		r := result{Name: described(t.Name, t.Description), Class: x.around(), Status: pass, Duration: seconds(number(t.Duration) / 1000), Message: first(t.Exception.Message, t.Exception.Class)}
		switch strings.ToUpper(t.Status) {
		case "FAIL":
			r.Status = fail
		case "SKIP":
			r.Status = skipped
		}
		return true, x.add(r)
	})
}

// NUnit has a test-case for each test: of version 3 in a test-run, before that
// in test-results.
func readNUnit(f *file) error {
	return f.walk("NUnit", []string{"test-run", "test-results"}, func(x *xmlFile, e xml.StartElement) (bool, error) {
		if e.Name.Local != "test-case" {
			return false, nil
		}
		var t struct {
			Name       string `xml:"name,attr"`
			Class      string `xml:"classname,attr"`
			Result     string `xml:"result,attr"`
			Duration   string `xml:"duration,attr"`
			Time       string `xml:"time,attr"`
			Properties []struct {
				Name  string `xml:"name,attr"`
				Value string `xml:"value,attr"`
			} `xml:"properties>property"`
			Failure string `xml:"failure>message"`
			Reason  string `xml:"reason>message"`
		}
		if err := x.read(e, &t); err != nil {
			return true, err
		}
		r := result{Name: t.Name, Class: first(t.Class, x.around()), Status: skipped, Duration: seconds(number(first(t.Duration, t.Time))), Message: first(t.Failure, t.Reason)}
		for _, p := range t.Properties {
			if p.Name == "Description" {
				r.Name = described(r.Name, p.Value)
			}
		}
		switch strings.ToLower(t.Result) {
		case "passed", "success", "warning":
			r.Status = pass
		case "failed", "failure", "error", "invalid", "notrunnable":
			r.Status = fail
		}
		return true, x.add(r)
	})
}
