package testresult

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// decode reads a whole file of JSON. Members that nobody asks for are let be.
func (f *file) decode(format string, v any) error {
	err := json.UnmarshalRead(f.from, v, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true),
		json.WithUnmarshalers(json.UnmarshalFromFunc(f.keep)))
	var syntax *jsontext.SyntacticError
	var meaning *json.SemanticError
	switch {
	case errors.Is(err, errTooMuch):
		return errTooMuch
	case errors.As(err, &syntax):
		return fmt.Errorf("it is no JSON, from byte %d on", syntax.ByteOffset)
	case errors.As(err, &meaning):
		return fmt.Errorf("it is no file of %s: at %q stands something else", format, meaning.JSONPointer)
	}
	return err
}

var errTooMuch = errors.New("there is too much in it; split it")

// keep counts a value before it is read, which it leaves to others.
func (f *file) keep(_ *jsontext.Decoder, value any) error {
	if f.kept += int(reflect.TypeOf(value).Elem().Size()); f.kept > f.most*mostKept {
		return errTooMuch
	}
	return errors.ErrUnsupported
}

// Playwright has suites of suites with specs, and each of these a test for
// each project, with as many attempts as it took.
type (
	playwrightSuite struct {
		Title  string            `json:"title"`
		Specs  []playwrightSpec  `json:"specs"`
		Suites []playwrightSuite `json:"suites"`
	}

	playwrightSpec struct {
		Title string           `json:"title"`
		Tests []playwrightTest `json:"tests"`
	}

	playwrightTest struct {
		Project string              `json:"projectName"`
		Status  string              `json:"status"` // whether it went as expected
		Results []playwrightAttempt `json:"results"`
	}

	playwrightAttempt struct {
		Status   string  `json:"status"`
		Duration float64 `json:"duration"` // milliseconds
		Error    struct {
			Message string `json:"message"`
		} `json:"error"`
	}
)

func readPlaywright(f *file) error {
	var report playwrightSuite
	if err := f.decode("Playwright", &report); err != nil {
		return err
	}
	return f.playwright(&report, nil)
}

func (f *file) playwright(s *playwrightSuite, path []string) error {
	if s.Title != "" {
		path = append(path, s.Title)
	}
	for _, spec := range s.Specs {
		for _, t := range spec.Tests {
			r := result{Name: spec.Title, Class: strings.Join(path, " › "), Status: fail}
			if t.Project != "" {
				r.Class += " (" + t.Project + ")"
			}
			var last playwrightAttempt
			if len(t.Results) > 0 {
				last = t.Results[len(t.Results)-1]
			}
			r.Duration, r.Message = seconds(last.Duration/1000), last.Error.Message
			switch {
			case t.Status == "skipped", last.Status == "skipped":
				r.Status = skipped
			case t.Status == "expected", t.Status == "flaky", t.Status == "" && last.Status == "passed":
				r.Status, r.Message = pass, ""
			}
			if err := f.add(r); err != nil {
				return err
			}
		}
	}
	for i := range s.Suites {
		if err := f.playwright(&s.Suites[i], path); err != nil {
			return err
		}
	}
	return nil
}

// Cypress writes what its reporter does: that of Mocha a list of tests and one
// of those that wait, Mochawesome results with suites of suites.
type (
	cypressReport struct {
		Tests   []cypressTest  `json:"tests"`
		Pending []cypressTest  `json:"pending"`
		Results []cypressSuite `json:"results"`
	}

	cypressSuite struct {
		Title  string         `json:"title"`
		File   string         `json:"file"`
		Tests  []cypressTest  `json:"tests"`
		Suites []cypressSuite `json:"suites"`
	}

	cypressTest struct {
		Title    string  `json:"title"`
		Full     string  `json:"fullTitle"`
		Duration float64 `json:"duration"` // milliseconds
		State    string  `json:"state"`
		Pending  bool    `json:"pending"`
		Skipped  bool    `json:"skipped"`
		Error    struct {
			Message string `json:"message"`
			Stack   string `json:"stack"`
		} `json:"err"`
	}
)

func readCypress(f *file) error {
	var report cypressReport
	if err := f.decode("Cypress", &report); err != nil {
		return err
	}
	waits := map[string]bool{}
	for _, t := range report.Pending {
		waits[t.Full] = true
	}
	for _, t := range report.Tests {
		t.Pending = t.Pending || waits[t.Full]
		if err := f.add(t.result(strings.TrimSpace(strings.TrimSuffix(t.Full, t.Title)))); err != nil {
			return err
		}
	}
	for i := range report.Results {
		if err := f.mochawesome(&report.Results[i], nil); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) mochawesome(s *cypressSuite, path []string) error {
	if title := first(s.Title, s.File); title != "" {
		path = append(path, title)
	}
	for _, t := range s.Tests {
		if err := f.add(t.result(strings.Join(path, " › "))); err != nil {
			return err
		}
	}
	for i := range s.Suites {
		if err := f.mochawesome(&s.Suites[i], path); err != nil {
			return err
		}
	}
	return nil
}

// result is the result of a test in a class.
func (t *cypressTest) result(class string) result {
	r := result{Name: t.Title, Class: class, Status: pass, Duration: seconds(t.Duration / 1000), Message: first(t.Error.Message, t.Error.Stack)}
	switch {
	case t.State == "failed", t.State == "" && r.Message != "":
		r.Status = fail
	case t.Pending, t.Skipped, t.State == "pending", t.State == "skipped":
		r.Status = skipped
	}
	return r
}

// Cucumber has features with scenarios, of which each step has a result. What
// comes before a scenario and is told apart belongs to the next one.
type (
	cucumberFeature struct {
		Name     string             `json:"name"`
		URI      string             `json:"uri"`
		Elements []cucumberScenario `json:"elements"`
	}

	cucumberScenario struct {
		Type   string         `json:"type"`
		Name   string         `json:"name"`
		Before []cucumberStep `json:"before"`
		Steps  []cucumberStep `json:"steps"`
		After  []cucumberStep `json:"after"`
	}

	cucumberStep struct {
		Name   string `json:"name"`
		Result struct {
			Status   string  `json:"status"`
			Duration float64 `json:"duration"` // nanoseconds
			Message  string  `json:"error_message"`
		} `json:"result"`
	}
)

func readCucumber(f *file) error {
	var features []cucumberFeature
	if err := f.decode("Cucumber", &features); err != nil {
		return err
	}
	for _, feature := range features {
		var background []cucumberStep
		for _, s := range feature.Elements {
			steps := append(append(s.Before, s.Steps...), s.After...)
			if s.Type == "background" {
				background = steps
				continue
			}
			r := ofSteps(append(background, steps...))
			r.Name, r.Class, background = s.Name, first(feature.Name, feature.URI), nil
			if err := f.add(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// ofSteps is how a scenario went: as the worst of its steps.
func ofSteps(steps []cucumberStep) result {
	r := result{Status: pass}
	for _, s := range steps {
		r.Duration += seconds(s.Result.Duration / float64(time.Second))
		switch s.Result.Status {
		case "passed", "":
		case "skipped", "pending":
			if r.Status == pass {
				r.Status = skipped
			}
		default: // failed, undefined, ambiguous
			if r.Status != fail {
				r.Status, r.Message = fail, first(s.Result.Message, "the step "+s.Name+" is "+s.Result.Status)
			}
		}
	}
	return r
}
