package figures

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Beside are figures of two programs that were measured in turn, a value of each a round.
type Beside struct {
	order         []key
	before, after map[key][]float64
}

type key struct{ what, unit string }

// Before reads what Table.Print wrote of a round of the one program, and After of the other. Of each figure the median counts. Other text is passed
// over, but it is an error if there is no figure.
func (b *Beside) Before(r io.Reader) error { return b.read(r, &b.before) }

// After is told at Before.
func (b *Beside) After(r io.Reader) error { return b.read(r, &b.after) }

func (b *Beside) read(r io.Reader, into *map[key][]float64) error {
	if *into == nil {
		*into = map[key][]float64{}
	}
	found := false
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		cells := strings.Split(lines.Text(), "|")
		if len(cells) < 6 {
			continue
		}
		for i, cell := range cells {
			cells[i] = strings.TrimSpace(cell)
		}
		value, err := strconv.ParseFloat(cells[2], 64)
		if err != nil { // the head, or its rule
			continue
		}
		k := key{cells[1], cells[4]}
		if !slices.Contains(b.order, k) {
			b.order = append(b.order, k)
		}
		(*into)[k] = append((*into)[k], value)
		found = true
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("no figure was printed")
	}
	return nil
}

// Print writes a table as Markdown. A figure that only one of the programs has stands there without the other, and without a ratio.
func (b *Beside) Print(w io.Writer) error {
	rows := [][]string{{"figure", "unit", "before: median (min .. max)", "after: median (min .. max)", "after / before", "n"}}
	for _, k := range b.order {
		before, after := b.before[k], b.after[k]
		ratio, n := "", strconv.Itoa(len(before))
		if len(before) > 0 && len(after) > 0 {
			if was := middle(before); was != 0 {
				ratio = number(middle(after) / was)
			}
		}
		if len(before) != len(after) {
			n += ", " + strconv.Itoa(len(after))
		}
		rows = append(rows, []string{k.what, k.unit, spread(before), spread(after), ratio, n})
	}
	return markdown(w, rows)
}

func middle(values []float64) float64 { return Quantile(slices.Sorted(slices.Values(values)), 0.5) }

func spread(values []float64) string {
	switch len(values) {
	case 0:
		return ""
	case 1:
		return number(values[0])
	}
	return fmt.Sprintf("%s (%s .. %s)", number(middle(values)), number(slices.Min(values)), number(slices.Max(values)))
}
