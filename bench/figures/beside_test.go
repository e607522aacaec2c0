package figures

import (
	"strings"
	"testing"
)

// What two programs print in turn becomes one table, by figure and unit, whatever order they have and whichever they have.
func TestBeside(t *testing.T) {
	t.Parallel()
	var b Beside
	for _, round := range []struct {
		read   func(*Beside, string) error
		values [3]float64
	}{
		{beforeOf, [3]float64{100, 2, 0}}, {afterOf, [3]float64{150, 1, 3}},
		{afterOf, [3]float64{170, 1, 0}}, {beforeOf, [3]float64{110, 4, 0}},
		{beforeOf, [3]float64{90, 3, 0}}, {afterOf, [3]float64{160, 1, 0}},
	} {
		var table Table
		table.Add("first sync", "orders/s", AtLeast(1), round.values[0])
		table.Add("first sync", "ms", nil, round.values[1])
		table.Add("rows written", "rows", AtMost(0), round.values[2])
		var out strings.Builder
		out.WriteString("2 cores of something, in 3s\n\n")
		if err := table.Print(&out); err != nil {
			t.Fatal(err)
		}
		if err := round.read(&b, out.String()); err != nil {
			t.Fatal(err)
		}
	}
	if err := afterOf(&b, "| figure | median | min .. max | unit | n | goal | |\n| new | 7 | 6 .. 8 | s | 3 | | |\n"); err != nil {
		t.Fatal(err)
	}
	if err := afterOf(&b, "bench: it failed\n"); err == nil {
		t.Error("a round without a figure was no error")
	}
	var out strings.Builder
	if err := b.Print(&out); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	want := []string{
		"| first sync | orders/s | 100 (90 .. 110) | 160 (150 .. 170) | 1.6 | 3 |",
		"| first sync | ms | 3 (2 .. 4) | 1 (1 .. 1) | 0.333 | 3 |",
		"| rows written | rows | 0 (0 .. 0) | 0 (0 .. 3) | | 3 |",
		"| new | s | | 7 | | 0, 1 |",
	}
	if text := strings.Join(got[2:], "\n"); text != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", text, strings.Join(want, "\n"))
	}
}

func beforeOf(b *Beside, text string) error { return b.Before(strings.NewReader(text)) }

func afterOf(b *Beside, text string) error { return b.After(strings.NewReader(text)) }
