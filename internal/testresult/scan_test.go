package testresult

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// seeds adds the small ones of the files of results that end so.
func seeds(f *testing.F, ends string) {
	for _, dir := range []string{"junit", "malformed", "derived", "robot", "trx", "xunit", "ctrf", "mocha", "playwright"} {
		names, err := filepath.Glob("testdata/results/" + dir + "/*" + ends)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			if len(text) < 1<<10 {
				f.Add(text)
			}
		}
	}
}

// scanXML lists the tokens of a file as text.
func scanXML(from io.Reader) (list []string, repaired int64, err error) {
	x := &xmlScanner{input: newInput(from)}
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			list = append(list, "text "+text.String())
			text.Reset()
		}
	}
	for {
		token, err := x.next()
		if err != nil {
			return nil, 0, err
		}
		switch token {
		case xmlEnd:
			flush()
			return list, x.repaired, nil
		case xmlText:
			text.Write(x.text)
		case xmlOpens:
			flush()
			list = append(list, "begin "+string(local(x.name)))
			for i := range x.attrs {
				list = append(list, "attribute "+string(x.attrName(i))+"="+string(x.attrValue(i)))
			}
		case xmlCloses:
			flush()
			list = append(list, "end "+string(local(x.name)))
		}
	}
}

var errDirective = errors.New("a directive")

// decodeXML lists the same by encoding/xml.
func decodeXML(file []byte) (list []string, err error) {
	d := xml.NewDecoder(bytes.NewReader(file))
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			list = append(list, "text "+text.String())
			text.Reset()
		}
	}
	for {
		token, err := d.Token()
		if err == io.EOF {
			flush()
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		switch e := token.(type) {
		case xml.Directive:
			return nil, errDirective
		case xml.CharData:
			text.Write(e)
		case xml.StartElement:
			flush()
			list = append(list, "begin "+e.Name.Local)
			for _, a := range e.Attr {
				list = append(list, "attribute "+a.Name.Local+"="+a.Value)
			}
		case xml.EndElement:
			flush()
			list = append(list, "end "+e.Name.Local)
		}
	}
}

// What the strict parser of the standard library reads without a document type,
// we read alike, however the file comes in parts.
func FuzzXML(f *testing.F) {
	seeds(f, ".xml")
	f.Add([]byte("<a b='1' c = \"&#x41;&#10;\r\n\t&lt;\"><!-- - --><?p q?>x]]&gt;<![CDATA[<]]]]>\r</a >"))
	f.Add([]byte("<p:a xmlns:p='u' p:b='\xc3\xa9'><:c/><d:/></p:a>"))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, repaired, gotErr := scanXML(bytes.NewReader(file))
		slow, again, slowErr := scanXML(iotest.OneByteReader(bytes.NewReader(file)))
		if !cmp.Equal(got, slow) || repaired != again || (gotErr == nil) != (slowErr == nil) {
			t.Fatalf("read byte by byte: %v, %v\n%s", gotErr, slowErr, cmp.Diff(got, slow))
		}
		want, err := decodeXML(file)
		if err != nil || len(file) > 600 { // beyond which our bounds may matter
			return
		}
		if !cmp.Equal(got, want) {
			t.Errorf("%v\n%s", gotErr, cmp.Diff(want, got))
		}
	})
}

// scanJSON lists the values of a file as text.
func scanJSON(from io.Reader) (list []string, err error) {
	j := newJSON(newInput(from))
	var value func()
	value = func() {
		switch c := j.peek(); c {
		case '{':
			list = append(list, "{")
			for ok := j.begin('{'); ok; {
				if _, ok = j.key(); ok {
					list = append(list, string(j.scratch.b))
					value()
				}
			}
			list = append(list, "}")
		case '[':
			list = append(list, "[")
			for ok := j.begin('['); ok && j.item(); {
				value()
			}
			list = append(list, "]")
		case 'n':
			list = append(list, "null")
			j.skip()
		default:
			var t text
			j.text(&t)
			list = append(list, string(t.b))
		}
	}
	value()
	j.finish()
	return list, j.err
}

// What jsontext reads we read alike, and what it refuses we refuse.
func FuzzJSON(f *testing.F) {
	seeds(f, ".json")
	f.Add([]byte(`{"a":[1,-0.5e+7,true,false,null,"\u00e9\ud83d\ude00\n\/é"],"a":{}}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := scanJSON(bytes.NewReader(file))
		slow, slowErr := scanJSON(iotest.OneByteReader(bytes.NewReader(file)))
		if (err == nil) != (slowErr == nil) || err == nil && !cmp.Equal(got, slow) {
			t.Fatalf("read byte by byte: %v, %v\n%s", err, slowErr, cmp.Diff(got, slow))
		}
		skipping := newJSON(newInput(bytes.NewReader(file)))
		skipping.skip()
		skipping.finish()
		if (err == nil) != (skipping.err == nil) {
			t.Errorf("read: %v, passed over: %v", err, skipping.err)
		}
		if !utf8.Valid(file) || len(file) > mostDigits {
			return
		}
		loose := []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
		if valid := jsontext.Value(file).IsValid(loose...); valid != (err == nil) {
			t.Fatalf("valid is %t, and we say %v", valid, err)
		} else if !valid {
			return
		}
		var want []string
		for d := jsontext.NewDecoder(bytes.NewReader(file), loose...); ; {
			token, err := d.ReadToken()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, token.String())
		}
		if !cmp.Equal(got, want) {
			t.Error(cmp.Diff(want, got))
		}
	})
}
