// Package figures is the table that the benchmark prints: figures beside their goals.
package figures

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Goal is what a figure should be at least, or at most.
type Goal struct {
	value float64
	most  bool
}

// AtLeast is the goal of a figure that should be large.
func AtLeast(v float64) *Goal { return &Goal{v, false} }

// AtMost is that of one that should be small.
func AtMost(v float64) *Goal { return &Goal{v, true} }

// verdict tells whether a figure meets the goal, or by how much it misses it.
func (g *Goal) verdict(v float64) (wanted, met string) {
	if g == nil {
		return "", ""
	}
	wanted, ok := "at least "+number(g.value), v >= g.value
	if g.most {
		wanted, ok = "at most "+number(g.value), v <= g.value
	}
	switch {
	case ok:
		return wanted, "met"
	case g.value == 0:
		return wanted, "missed"
	}
	return wanted, fmt.Sprintf("missed by %.0f %%", math.Abs(v/g.value-1)*100)
}

// Table is what is printed: a figure a row, with its median and its spread over the rounds.
type Table struct{ rows [][]string }

// Add adds a row; without values, none.
func (t *Table) Add(what, unit string, g *Goal, values ...float64) {
	if len(values) == 0 {
		return
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := Quantile(sorted, 0.5)
	spread := ""
	if len(sorted) > 1 {
		spread = number(sorted[0]) + " .. " + number(sorted[len(sorted)-1])
	}
	wanted, met := g.verdict(middle)
	t.rows = append(t.rows, []string{what, number(middle), spread, unit, strconv.Itoa(len(values)), wanted, met})
}

// Quantile of sorted values, the nearest of them; of an even number the mean of the two in the middle.
func Quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	low, high := sorted[int(math.Floor(at))], sorted[int(math.Ceil(at))]
	return (low + high) / 2
}

// number shows three digits, or all of a larger one.
func number(v float64) string {
	if v >= 100 || v == math.Trunc(v) {
		return strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// Print writes the table as Markdown.
func (t *Table) Print(w io.Writer) error {
	return markdown(w, append([][]string{{"figure", "median", "min .. max", "unit", "n", "goal", ""}}, t.rows...))
}

// markdown writes rows, of which the first is the head, in columns.
func markdown(w io.Writer, rows [][]string) error {
	width := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			width[i] = max(width[i], len(cell))
		}
	}
	rule := make([]string, len(width))
	for i, n := range width {
		rule[i] = strings.Repeat("-", n)
	}
	for _, r := range slices.Insert(rows, 1, rule) {
		line := "|"
		for i, cell := range r {
			line += fmt.Sprintf(" %-*s |", width[i], cell)
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}
