package edge

import (
	"context"
	"strings"
)

// Table is a stream of lines of cells as CSV (RFC 4180), under a line with the
// names of the columns. What next returns is written part by part, until it
// returns io.EOF.
func Table(file string, columns []string, next func(context.Context) ([][]string, error)) Stream {
	head := record(nil, columns)
	return Stream{Media: "text/csv; charset=utf-8; header=present", Name: file, Next: func(ctx context.Context) ([]byte, error) { // section 3
		lines, err := next(ctx)
		if err != nil {
			return nil, err
		}
		part := head
		head = nil
		for _, cells := range lines {
			part = record(part, cells)
		}
		return part, nil
	}}
}

// record writes a line (RFC 4180 section 2). It changes nothing in a cell, but
// for what Inert puts before it.
func record(out []byte, cells []string) []byte {
	for i, cell := range cells {
		if i > 0 {
			out = append(out, ',')
		}
		if cell = Inert(cell); strings.ContainsAny(cell, "\",\r\n") {
			cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
		}
		out = append(out, cell...)
	}
	return append(out, "\r\n"...)
}

// Inert keeps a spreadsheet from taking a cell for a formula: an apostrophe
// stands before what would begin one. It stands before an apostrophe too, so
// that it can be taken away again.
func Inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n'", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
