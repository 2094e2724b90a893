package testresult_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/gatehouse-dev/gatehouse/internal/testresult"
)

// benchTests is how many tests are in a file.
const benchTests = 20_000

// BenchmarkRead reads a file of each format into cases, beside what reads its
// tokens and does nothing with them.
func BenchmarkRead(b *testing.B) {
	for _, format := range slices.Sorted(maps.Keys(many)) {
		file, err := io.ReadAll(&generated{d: many[format], tests: benchTests})
		if err != nil {
			b.Fatal(err)
		}
		run := func(name string, read func() error) {
			b.Run(format+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(file)))
				b.ReportAllocs()
				for b.Loop() {
					if err := read(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("cases", func() error {
			_, err := testresult.Read(bytes.NewReader(file), testresult.Options{}, func(*testresult.Case) error { return nil })
			return err
		})
		switch file[0] {
		case '<':
			run("encoding-xml", func() error { return tokensXML(file) })
		case '{', '[':
			run("jsontext", func() error { return tokensJSON(file) })
		}
	}
}

func tokensXML(file []byte) error {
	for d := xml.NewDecoder(bytes.NewReader(file)); ; {
		if _, err := d.RawToken(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func tokensJSON(file []byte) error {
	for d := jsontext.NewDecoder(bytes.NewReader(file), jsontext.AllowDuplicateNames(true)); ; {
		if _, err := d.ReadToken(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// A file of many cases is read into cases at least half as fast as encoding/xml
// reads its tokens and does nothing with them.
func TestSpeed(t *testing.T) {
	if raceDetector {
		return // it slows down what is ours alone
	}
	file, err := io.ReadAll(&generated{d: many["junit"], tests: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	ours := fastest(t, func() error {
		_, err := testresult.Read(bytes.NewReader(file), testresult.Options{}, func(*testresult.Case) error { return nil })
		return err
	})
	theirs := fastest(t, func() error { return tokensXML(file) })
	if t.Logf("cases in %v, tokens by encoding/xml in %v", ours, theirs); ours > 2*theirs {
		t.Errorf("cases take %v, and tokens %v", ours, theirs)
	}
}

// fastest is the shortest of a few times.
func fastest(t *testing.T, do func() error) time.Duration {
	t.Helper()
	least := time.Hour
	for range 3 {
		from := time.Now()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		least = min(least, time.Since(from))
	}
	return least
}
