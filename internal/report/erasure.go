package report

import (
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"syncd/internal/humanize"
	"syncd/internal/store/erasure"
	"syncd/internal/terminal"
)

// PrintErasure writes what the erasure of a customer cleared, or would clear.
func PrintErasure(w io.Writer, customer uuid.UUID, r erasure.Report, trial bool) error {
	table := terminal.Table{Head: []string{"TABLE", "ROWS"}, Align: "lr"}
	for _, t := range r.Tables {
		table.Add(t.Table, humanize.Count(int(t.Rows)))
	}
	text := ""
	if len(r.Tables) > 0 {
		text = table.Text() + "\n"
	}
	rows := humanize.Count(int(r.Rows))
	if trial {
		text += fmt.Sprintf("customer %s: %s rows would be cleared; nothing was changed\n", customer, rows)
	} else {
		text += fmt.Sprintf("customer %s: %s rows were cleared, and syncd keeps the person out from now on\nnot cleared: Polar, backups, logs, and files that were fetched (see docs/personal-data.md)\n", customer, rows)
	}
	_, err := io.WriteString(w, text)
	return err
}

// PrintErasures writes who is erased.
func PrintErasures(w io.Writer, list []erasure.Erasure) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "nobody is erased")
		return err
	}
	table := terminal.Table{Head: []string{"CUSTOMER", "SINCE", "CLEARED", "ROWS", "REASON", "BY"}, Align: "lllr"}
	for _, e := range list {
		table.Add(e.Customer.String(), minute(e.NotedAt), minute(e.ClearedAt), humanize.Count(int(e.Rows)), e.Reason, e.AskedBy)
	}
	return table.Print(w)
}

func minute(at time.Time) string {
	if at.IsZero() {
		return "not yet"
	}
	return at.UTC().Format("2006-01-02 15:04 MST")
}
