package terminal

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// PrintJSON writes a value for other programs.
func PrintJSON(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

// PrintJSONOf writes a value for other programs, and says first whose it is by a name under key. What is no object is under items.
func PrintJSONOf(w io.Writer, key, name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(text, []byte("{")) {
		text = slices.Concat([]byte(`{"items":`), text, []byte("}"))
	}
	head, err := json.Marshal(map[string]string{key: name})
	if err != nil {
		return err
	}
	if rest := text[1:]; !bytes.Equal(rest, []byte("}")) {
		head = slices.Concat(head[:len(head)-1], []byte(","), rest)
	}
	return PrintJSON(w, json.RawMessage(head))
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
