package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// goal is what a figure should be at least, or at most.
type goal struct {
	value float64
	most  bool
}

func atLeast(v float64) *goal { return &goal{v, false} }
func atMost(v float64) *goal  { return &goal{v, true} }

// verdict tells whether a figure meets the goal, or by how much it misses it.
func (g *goal) verdict(v float64) (wanted, met string) {
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

// table is what is printed: a figure a row, with its median and its spread over the rounds.
type table struct{ rows [][]string }

func (t *table) add(what, unit string, g *goal, values ...float64) {
	if len(values) == 0 {
		return
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := quantile(sorted, 0.5)
	spread := ""
	if len(sorted) > 1 {
		spread = number(sorted[0]) + " .. " + number(sorted[len(sorted)-1])
	}
	wanted, met := g.verdict(middle)
	t.rows = append(t.rows, []string{what, number(middle), spread, unit, strconv.Itoa(len(values)), wanted, met})
}

// quantile of sorted values, the nearest of them; of an even number the mean of the two in the middle.
func quantile(sorted []float64, q float64) float64 {
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

func (t *table) print(w io.Writer) error {
	rows := append([][]string{{"figure", "median", "min .. max", "unit", "n", "goal", ""}}, t.rows...)
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
