package main

import (
	"bufio"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/audit"
)

// verifyFile checks the events of an export, which begins with the first of a
// chain. What was cut off at its end can't be seen there.
func verifyFile(path string) ([]api.AuditReport, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text := bufio.NewReader(file)
	next := eventsAsCSV(text)
	if begin, err := text.Peek(1); err != nil || begin[0] == '{' {
		next = eventsAsLines(text)
	}
	var v *audit.Verifier
	report := api.AuditReport{OK: true}
	for line := 1; ; line++ {
		shown, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		var e audit.Event
		if err == nil {
			e, err = eventOf(shown)
		}
		if err != nil {
			return nil, fmt.Errorf("event %d of %s can't be read: %w", line, path, err)
		}
		if v == nil {
			v, report.Chain = audit.NewVerifier(e.Chain), e.Chain.String()
		}
		var broken *audit.Break
		if errors.As(v.Next(&e), &broken) {
			report.OK, report.Broken, report.Reason = false, broken.Sequence, broken.Reason
			break
		}
	}
	if v == nil {
		return nil, fmt.Errorf("%s has no event", path)
	}
	report.Events = v.Count()
	return []api.AuditReport{report}, nil
}

// eventsAsLines reads events as JSON.
func eventsAsLines(text io.Reader) func() (*api.Event, error) {
	lines := json.NewDecoder(text)
	lines.DisallowUnknownFields()
	return func() (*api.Event, error) {
		e := &api.Event{}
		return e, lines.Decode(e)
	}
}

// eventsAsCSV reads events as CSV, below a line with the names of the columns.
func eventsAsCSV(text io.Reader) func() (*api.Event, error) {
	rows := csv.NewReader(text)
	named := false
	return func() (*api.Event, error) {
		if !named {
			names, err := rows.Read()
			if err != nil {
				return nil, err
			}
			if got := strings.Join(names, ","); got != "chain,sequence,at,actor,subject,action,target,address,request,detail,previous,hash" {
				return nil, errors.New("it is neither JSON lines nor CSV with the columns of an export")
			}
			named = true
		}
		cells, err := rows.Read()
		if err != nil {
			return nil, err
		}
		for i, cell := range cells {
			cells[i] = strings.TrimPrefix(cell, "'") // which keeps a cell from being a formula
		}
		sequence, err := strconv.ParseInt(cells[1], 10, 64)
		if err != nil {
			return nil, err
		}
		at, err := time.Parse(time.RFC3339Nano, cells[2])
		return &api.Event{
			Chain: cells[0], Sequence: sequence, At: at, Actor: cells[3], Subject: cells[4], Action: cells[5], Target: cells[6],
			Address: cells[7], Request: cells[8], Detail: cells[9], Previous: cells[10], Hash: cells[11],
		}, err
	}
}

// eventOf is the event that was shown.
func eventOf(shown *api.Event) (e audit.Event, err error) {
	e = audit.Event{
		Sequence: shown.Sequence, At: shown.At, Actor: shown.Actor, Subject: shown.Subject, Action: shown.Action,
		Target: shown.Target, Address: shown.Address, Request: shown.Request, Detail: shown.Detail,
	}
	if e.Chain, err = uuid.Parse(shown.Chain); err != nil {
		return e, err
	}
	if e.Previous, err = hex.DecodeString(shown.Previous); err != nil {
		return e, err
	}
	e.Hash, err = hex.DecodeString(shown.Hash)
	return e, err
}
