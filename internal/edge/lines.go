package edge

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"reflect"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

// Bounds of a body of JSON lines, beside that of the route.
const (
	MaxLines = 1000
	MaxLine  = 16 << 10 // bytes of one line
)

// LinesMedia is the content type of JSON lines.
const LinesMedia = "application/x-ndjson"

// Line is one line of a body of JSON lines: a value, or what is wrong with it.
type Line[T any] struct {
	Number int // from 1, blank ones counted
	Value  T
	Err    error
}

// Lines is a route whose body is JSON lines: a JSON object on each. A line that
// is wrong is an error of that line alone.
func Lines[In, Out any](pattern string, access Access, most int64, fn func(*Request, []Line[In]) (Out, error)) Route {
	serve := func(r *Request) (any, error) {
		lines, err := readLines[In](r)
		if err != nil {
			return nil, err
		}
		return fn(r, lines)
	}
	return Route{Method: http.MethodPost, Pattern: pattern, Access: access, MaxBody: most,
		Endpoint: Endpoint{In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](), Lines: true, serve: serve}}
}

// readLines reads the body line by line, within its bounds. That there is none
// is an error of the endpoint.
func readLines[T any](r *Request) (list []Line[T], err error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	if err := r.expectMedia(LinesMedia, "send one JSON object a line as Content-Type: "+LinesMedia); err != nil {
		return nil, err
	}
	if r.ContentLength > r.max {
		return nil, tooLarge(r.max)
	}
	in := bufio.NewReaderSize(http.MaxBytesReader(r.writer, r.Request.Body, r.max), MaxLine+1)
	for number := 1; ; number++ {
		text, err := in.ReadSlice('\n')
		var over *http.MaxBytesError
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, credential.Errorf(credential.TooLarge, "line %d is longer than %d bytes", number, MaxLine)
		case errors.As(err, &over):
			return nil, tooLarge(r.max)
		case err != nil && !errors.Is(err, io.EOF):
			return nil, credential.Errorf(credential.BadRequest, "the body ended too early")
		}
		if text = bytes.TrimSpace(text); len(text) > 0 {
			if len(list) == MaxLines {
				return nil, credential.Errorf(credential.TooLarge, "the body may have at most %d lines", MaxLines)
			}
			list = append(list, lineOf[T](number, text, r.nulls))
		}
		if err != nil {
			break
		}
	}
	return list, nil
}

// lineOf decodes one line, by the rules of a body.
func lineOf[T any](number int, text []byte, nulls bool) Line[T] {
	line := Line[T]{Number: number}
	if line.Err = checkShape(text, nulls); line.Err != nil {
		return line
	}
	if err := json.Unmarshal(text, &line.Value, json.RejectUnknownMembers(true)); err != nil {
		line.Err = explain(err)
	}
	return line
}
