package report

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gatehouse-dev/gatehouse/api"
)

// What a batch holds at most. The server takes four times as many bytes.
const (
	mostResults = 1000
	mostBytes   = 1 << 20
)

// spool keeps batches, ready to be sent, in a file without a name: nothing of
// it is left behind, however the program ends. What is sent again is the very
// same, and files that change meanwhile don't matter.
type spool struct {
	file    *os.File
	packed  *gzip.Writer
	encoder *json.Encoder
	one     bytes.Buffer // result
	batch   bytes.Buffer
	results int // in the batch
	count   int64
	end     int64
	batches []piece
}

// piece is where a batch lies in the spool.
type piece struct {
	from, length int64
	results      int
}

// errSpool is that there is no room for the batches.
var errSpool = errors.New("keep what is to be sent in the directory for temporary files (TMPDIR)")

func newSpool() (*spool, error) {
	file, err := os.CreateTemp("", "gatehouse-report-*")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSpool, reason(err))
	}
	_ = os.Remove(file.Name()) // where that isn't possible, close does it
	s := &spool{file: file}
	s.packed, _ = gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // fails for unknown levels only
	s.encoder = json.NewEncoder(&s.one)
	s.encoder.SetEscapeHTML(false)
	return s, nil
}

func (s *spool) close() {
	_ = s.file.Close()
	_ = os.Remove(s.file.Name())
}

// add takes a result in. Which batch it gets into follows from the results
// alone, so that another process makes the same batches of the same files.
func (s *spool) add(r *api.Result) error {
	s.one.Reset()
	if err := s.encoder.Encode(r); err != nil {
		return fmt.Errorf("%w: %w", errSpool, err)
	}
	if s.results == mostResults || s.results > 0 && s.batch.Len()+s.one.Len() > mostBytes {
		if err := s.finish(); err != nil {
			return err
		}
	}
	separator := ","
	if s.results == 0 {
		separator = `{"results":[`
	}
	s.batch.WriteString(separator)
	s.batch.Write(s.one.Bytes()[:s.one.Len()-1]) // without its line end
	s.results++
	s.count++
	return nil
}

// finish puts the batch that was begun into the file.
func (s *spool) finish() error {
	if s.results == 0 {
		return nil
	}
	s.batch.WriteString("]}")
	begin := s.end
	s.packed.Reset(&placed{s})
	_, err := s.packed.Write(s.batch.Bytes())
	if err == nil {
		err = s.packed.Close()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errSpool, reason(err))
	}
	s.batches = append(s.batches, piece{begin, s.end - begin, s.results})
	s.batch.Reset()
	s.results = 0
	return nil
}

// placed writes at the end of a spool.
type placed struct{ s *spool }

// Write implements io.Writer.
func (p *placed) Write(text []byte) (int, error) {
	n, err := p.s.file.WriteAt(text, p.s.end)
	p.s.end += int64(n)
	return n, err
}

// open reads a batch, from 1, as it is sent.
func (s *spool) open(batch int) (io.ReadCloser, error) {
	p := s.batches[batch-1]
	return io.NopCloser(io.NewSectionReader(s.file, p.from, p.length)), nil
}
