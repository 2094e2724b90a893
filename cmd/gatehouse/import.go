package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

func (a *app) importCommand() *cobra.Command {
	var organization string
	var o client.ImportOptions
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Take over credentials that another system issued", Args: oneArg,
		Long: "FILE has one JSON object a line, which says what a credential is to be and gives the\n" +
			"SHA-256 of its secret, or the secret itself. A FILE of - is standard input. Lines that\n" +
			"are refused are named, all others are imported; a second run does no harm.",
		Example: "  gatehouse import legacy.jsonl --dry-run\n" +
			"  gatehouse import legacy.jsonl --organization 1 --all-or-nothing",
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := a.inputFile(args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			into := &importing{ctx: cmd.Context(), o: o, report: api.ImportReport{Lines: []api.ImportedLine{}}}
			err = a.with(cmd.Context(), func(c *client.Client) (err error) {
				into.c = c
				if into.organization, err = a.organization(cmd.Context(), c, organization); err != nil {
					return err
				}
				return into.all(in)
			})
			if err != nil && len(into.report.Lines) == 0 {
				return err
			}
			if failed := cmp.Or(err, a.printImport(&into.report)); failed != nil {
				return failed
			}
			if into.report.Refused > 0 {
				return errSilent
			}
			return nil
		},
	}
	organizationFlag(cmd, &organization)
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "only say what would become of each line")
	cmd.Flags().BoolVar(&o.AllOrNothing, "all-or-nothing", false, "import nothing if a line is refused; for at most 1000 lines")
	return cmd
}

// inputFile opens a file, or standard input for a name of -.
func (a *app) inputFile(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(a.stdin), nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read what to import: %w", err)
	}
	return file, nil
}

// importing is a file on its way, in pieces that one call takes.
type importing struct {
	ctx          context.Context
	c            *client.Client
	organization string
	o            client.ImportOptions
	piece        []byte
	lines        int // of the piece
	before       int // lines of the pieces before it
	report       api.ImportReport
}

// maxPiece is how many bytes one call takes.
const maxPiece = 1 << 20

// all imports a file line by line; no more than a piece of it is in memory.
func (i *importing) all(in io.Reader) error {
	lines := bufio.NewReaderSize(in, edge.MaxLine+1)
	for {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return errors.Join(i.send(), fmt.Errorf("line %d is longer than %d bytes; nothing from there on was imported", i.before+i.lines+1, edge.MaxLine))
		case err != nil && !errors.Is(err, io.EOF):
			return errors.Join(i.send(), fmt.Errorf("read what to import: %w", err))
		}
		if i.lines == edge.MaxLines || len(i.piece)+len(line) > maxPiece {
			if i.o.AllOrNothing {
				return usagef("--all-or-nothing takes at most %d lines and %d bytes", edge.MaxLines, maxPiece)
			}
			if err := i.send(); err != nil {
				return err
			}
		}
		if len(line) > 0 {
			i.piece = append(i.piece, line...)
			i.lines++
		}
		if err != nil {
			return i.send()
		}
	}
}

// send imports the piece that was read, and begins the next.
func (i *importing) send() error {
	if len(strings.TrimSpace(string(i.piece))) > 0 {
		got, err := i.c.Credentials().ImportText(i.ctx, i.organization, i.piece, i.o)
		if err != nil {
			return err
		}
		r := &i.report
		r.DryRun, r.Imported, r.Existing = got.DryRun, r.Imported+got.Imported, r.Existing+got.Existing
		r.Refused, r.Skipped = r.Refused+got.Refused, r.Skipped+got.Skipped
		for _, line := range got.Lines {
			line.Line += i.before
			r.Lines = append(r.Lines, line)
		}
	}
	i.piece, i.before, i.lines = i.piece[:0], i.before+i.lines, 0
	return nil
}

// printImport names the lines that were refused, and counts all.
func (a *app) printImport(r *api.ImportReport) error {
	if a.json {
		return a.printJSON(r)
	}
	for _, line := range r.Lines {
		if line.Result == "refused" {
			fault := &api.Problem{Field: line.Field, Detail: line.Detail}
			fmt.Fprintf(a.stdout, "line %d: %v\n", line.Line, fault)
		}
	}
	done := "imported"
	if r.DryRun {
		done = "to import"
	}
	fmt.Fprintf(a.stdout, "%s %d, existing %d, refused %d", done, r.Imported, r.Existing, r.Refused)
	if r.Skipped > 0 {
		fmt.Fprintf(a.stdout, ", left out %d", r.Skipped)
	}
	_, err := fmt.Fprintln(a.stdout)
	return err
}
