package terminal

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"syncd/internal/mirror"
	"syncd/internal/store"
)

// glass is a terminal as far as frames need one: lines that scroll away at the top, and the sequences that move and erase.
type glass struct {
	t             *testing.T
	columns, rows int
	lines         [][]rune // on the screen
	row, column   int
	scrolled      []string
}

func (g *glass) Write(b []byte) (int, error) {
	text := []rune(string(b))
	for len(text) > 0 {
		for g.row >= len(g.lines) {
			g.lines = append(g.lines, nil)
		}
		switch text[0] {
		case '\n':
			g.row, g.column = g.row+1, 0
			for g.row >= g.rows {
				g.scrolled, g.lines = append(g.scrolled, string(g.lines[0])), g.lines[1:]
				g.row--
			}
		case '\r':
			g.column = 0
		case 0x1b:
			var n int
			switch rest := string(text[1:]); {
			case strings.HasPrefix(rest, "[J"):
				g.lines[g.row] = g.lines[g.row][:g.column]
				g.lines = g.lines[:g.row+1]
				text = text[3:]
				continue
			default:
				if _, err := fmt.Sscanf(rest, "[%dA", &n); err != nil {
					g.t.Fatalf("unknown sequence %q", rest[:min(10, len(rest))])
				}
				if n > g.row {
					g.t.Errorf("the cursor is moved up %d lines from line %d", n, g.row)
				}
				g.row = max(0, g.row-n)
				text = text[len(fmt.Sprint(n))+3:]
				continue
			}
		default:
			if g.column++; g.column > g.columns {
				g.t.Errorf("a line is wider than the terminal: %q", string(g.lines[g.row]))
			}
			g.lines[g.row] = append(g.lines[g.row], text[0])
		}
		text = text[1:]
	}
	return len(b), nil
}

// shown are all lines that there ever were, as a person sees them in the end.
func (g *glass) shown() []string {
	shown := g.scrolled
	for _, line := range g.lines {
		if len(line) > 0 {
			shown = append(shown, string(line))
		}
	}
	return shown
}

// onGlass is a progress on a terminal of this size, and its clock.
func onGlass(t *testing.T, columns, rows int) (p *Progress, g *glass, pass func(time.Duration)) {
	t.Helper()
	now := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	g = &glass{t: t, columns: columns, rows: rows}
	p = newProgress(Live, g, func() time.Time { return now })
	p.screen.size = func() (int, int) { return g.columns, g.rows }
	p.logs = NewSwapWriter(p.screen)
	close(p.ended)
	return p, g, func(d time.Duration) { now = now.Add(d) }
}

// However many streams are read and however long, a terminal never holds more than one frame, and at the end the sum stays.
func TestFramesFitTheTerminal(t *testing.T) {
	t.Parallel()
	for _, size := range []struct{ columns, rows int }{{80, 24}, {40, 6}, {20, 3}, {200, 50}, {10, 2}} {
		t.Run(fmt.Sprintf("%dx%d", size.columns, size.rows), func(t *testing.T) {
			t.Parallel()
			p, g, pass := onGlass(t, size.columns, size.rows)
			const streams = 40
			p.Expect(streams)
			for i := range streams {
				p.RunStarted(fmt.Sprintf("stream_with_a_long_name_%d", i))
				for page := range 20 {
					p.PageStored(fmt.Sprintf("stream_with_a_long_name_%d", i), page*100, 12_345_678)
					pass(time.Second)
					p.show()
				}
				if i%2 == 0 {
					p.RunFinished(mirror.Result{Stream: fmt.Sprintf("stream_with_a_long_name_%d", i), Outcome: mirror.Succeeded, Distinct: 2000, RunID: 1})
				}
			}
			if len(g.scrolled) > 0 {
				t.Errorf("%d lines have scrolled away: %q", len(g.scrolled), g.scrolled[0])
			}
			if _, err := p.logs.Write([]byte("a line\n")); err != nil {
				t.Fatal(err)
			}
			p.show()
			p.Close()
			shown := g.shown()
			if len(shown) != 2 || shown[0] != "a line" || !strings.HasPrefix(shown[1], "20 of 40 "[:min(9, size.columns-1)]) {
				t.Errorf("what stays: %q", shown)
			}
		})
	}
}

// A terminal that became smaller meanwhile gets frames of its new size.
func TestFramesFollowTheTerminal(t *testing.T) {
	t.Parallel()
	p, g, _ := onGlass(t, 80, 24)
	for i := range 30 {
		p.RunStarted(fmt.Sprint("s", i))
	}
	p.show()
	if n := len(p.screen.frame); n != 23 {
		t.Errorf("%d lines on 24 rows", n)
	}
	p.screen.size = func() (int, int) { return 80, 12 }
	p.show()
	if n := len(p.screen.frame); n != 11 || !strings.HasPrefix(p.screen.frame[9], "and 21 more") || g.row != 11 {
		t.Errorf("%d lines on 12 rows: %q", n, p.screen.frame)
	}
}

// The frame names what is read and how far it is; its last line sums up, with the time that is left.
func TestFrame(t *testing.T) {
	t.Parallel()
	p, _, pass := onGlass(t, 80, 24)
	sent := int64(0)
	p.CountRequests(func() int64 { return sent })
	p.Expect(3)
	p.RunStarted("customers")
	p.PageStored("customers", 334, 139) // rows came twice
	p.RunFinished(mirror.Result{Stream: "customers", Outcome: mirror.Succeeded, Distinct: 139})
	p.RunStarted("orders")
	p.PageStored("orders", 10_000, 40_000)
	pass(65 * time.Second)
	sent = 130
	want := []string{
		"orders                     [#####             ]  10,000 of 40,000 rows     1:05",
		"1 of 3 streams  1:05  at least 2:30 left  10,139 rows  130 requests  155 rows/s",
	}
	got := p.frame(79, 23)
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("line %d:\n%q, want\n%q", i, got, want[i])
		}
	}
	p.ExpectRequests(map[string]int{"orders": 400, "payments": 100})
	if sum := p.frame(100, 23)[1]; sum != "1 of 3 streams  1:05  about 3:20 left  10,139 rows  130 of about 530 requests  155 rows/s" {
		t.Errorf("with a plan: %q", sum)
	}
	if rows, total := p.At("orders"); rows != 10_000 || total != 40_000 {
		t.Errorf("at %d of %d", rows, total)
	}
}

// Where nothing can be drawn, each stream that has ended has a line, and no line has a control character.
func TestLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newProgress(Lines, &out, time.Now)
	p.logs = NewSwapWriter(&out)
	close(p.ended)
	p.RunStarted("orders")
	p.PageStored("orders", 100, 200)
	p.show()
	p.RunFinished(mirror.Result{Stream: "orders", Outcome: mirror.Partial, Reason: "one\nis missing", RunID: 1, Distinct: 199, Counts: store.Counts{Requests: 3}, Duration: 90 * time.Second})
	p.RunFinished(mirror.Result{Stream: "events", Outcome: mirror.Interrupted})
	p.Close()
	want := "0 of 1 streams  0:00  100 rows  0 requests\norders: 199 rows, 3 requests, 1 min 30 s: partial: one is missing\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	for _, mode := range []Mode{ModeOf(&out, "xterm"), ModeOf(&out, "dumb")} {
		if mode != Lines {
			t.Errorf("mode %d without a terminal", mode)
		}
	}
}

// Where an interrupted sync goes on is said in pages, as far as Polar counts.
func TestGoesOn(t *testing.T) {
	t.Parallel()
	at := map[string][2]int{"payments": {3_950, 20_600}, "events": {500, -1}, "orders": {100, 100}, "refunds": {1, 300}}
	read := func(streams ...string) (results []mirror.Result) {
		for _, s := range streams {
			results = append(results, mirror.Result{Stream: s, Outcome: mirror.Interrupted, RunID: 1})
		}
		return results
	}
	for want, results := range map[string][]mirror.Result{
		"":                              {{Stream: "files", Outcome: mirror.Succeeded, RunID: 1}},
		"at page 40 of 206 of payments": read("payments"),
		"with 1 stream":                 {{Stream: "files", Outcome: mirror.Interrupted}},
		"at page 40 of 206 of payments; 1 stream is not begun":                                           read("payments", "files"),
		"at page 40 of 206 of payments, after 500 rows of events, at page 1 of 1 of orders, with 1 more": read("payments", "events", "orders", "refunds"),
	} {
		got := GoesOn(results, func(stream string) (int, int) { return at[stream][0], at[stream][1] })
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Durations in a log have their unit in the name, and what repeats shown results is left out beside them.
func TestLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := NewLog(&out, true, slog.LevelInfo)
	log.Info("x", "left", 577*time.Millisecond)
	if !strings.Contains(out.String(), `"left_ms":577}`) {
		t.Error(out.String())
	}
	out.Reset()
	quiet := Beside(log).With("stream", "orders")
	quiet.Info("x")
	quiet.Warn(mirror.FinishedRun)
	if out.Len() > 0 {
		t.Errorf("said %q", out.String())
	}
	if quiet.Warn("Polar does not answer"); out.Len() == 0 {
		t.Error("a warning is lost")
	}
}
