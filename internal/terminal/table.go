package terminal

import (
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"
)

// PrintJSON writes a value for other programs.
func PrintJSON(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

// Table is text in columns. Align has a letter for each column, r for right-aligned; other and further columns are left-aligned.
type Table struct {
	Head  []string
	Align string
	rows  [][]string
}

// Add adds a row.
func (t *Table) Add(cells ...string) { t.rows = append(t.rows, cells) }

// Print writes the table.
func (t *Table) Print(w io.Writer) error {
	_, err := io.WriteString(w, t.Text())
	return err
}

// Text returns the table, a line for each row.
func (t *Table) Text() string {
	all := append([][]string{t.Head}, t.rows...)
	width := make([]int, len(t.Head))
	for _, row := range all {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range all {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				line.WriteString("  ")
			}
			if i < len(t.Align) && t.Align[i] == 'r' {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}
