package terminal

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"syncd/internal/humanize"
)

// pageRows is the most rows that Polar puts on a page of a list.
const pageRows = 100

// pagesOf is how many pages so many rows are on.
func pagesOf(rows int) int { return (rows + pageRows - 1) / pageRows }

// frame is what the terminal shows: the streams that are being read, then the sum. It is at most as wide and as tall as told.
func (p *Progress) frame(width, height int) []string {
	if len(p.runs) == 0 || height < 1 {
		return nil
	}
	now := p.now()
	var lines []string
	for _, s := range p.runs {
		if s.running {
			lines = append(lines, clip(s.line(now, width), width))
		}
	}
	if room := height - 1; len(lines) > room {
		more := fmt.Sprintf("and %d more", len(lines)-room+1)
		lines = append(lines[:max(0, room-1)], clip(more, width))
		if room == 0 {
			lines = nil
		}
	}
	return append(lines, clip(fit(p.sum(now), width), width))
}

// line is how far a stream is: its name, a bar, rows, time.
func (s *standing) line(now time.Time, width int) string {
	rows := humanize.Count(s.rows) + " rows"
	share := -1.0
	if s.total > 0 {
		share = float64(s.rows) / float64(s.total)
		rows = fmt.Sprintf("%s of %s rows", humanize.Count(s.rows), humanize.Count(s.total))
	}
	right := fmt.Sprintf("%s  %7s", rows, clock(now.Sub(s.began)))
	const name, widest = 27, 30
	bar := ""
	if room := min(widest, width-name-2-2-utf8.RuneCountInString(right)); room >= 5 && share >= 0 {
		bar = fmt.Sprintf("[%-*s]", room, strings.Repeat("#", int(math.Round(share*float64(room)))))
	}
	pad := max(1, width-name-utf8.RuneCountInString(bar)-utf8.RuneCountInString(right))
	return fmt.Sprintf("%-*s%s%s%s", name, s.stream, bar, strings.Repeat(" ", pad), right)
}

// sum is the line that sums up, in parts; the later ones may be left out where there is no room.
func (p *Progress) sum(now time.Time) []string {
	elapsed := now.Sub(p.began)
	ended, rows := 0, 0
	for _, s := range p.runs {
		if !s.running {
			ended++
		}
		rows += s.rows
	}
	streams := fmt.Sprintf("%d of %d streams", ended, max(p.expected, len(p.runs)))
	sent := int(p.requests())
	left, known := p.left()
	parts := []string{streams, clock(elapsed)}
	if eta := remaining(elapsed, sent, left); eta > 0 {
		text := "about " + clock(eta) + " left"
		if !known {
			text = "at least " + clock(eta) + " left"
		}
		parts = append(parts, text)
	}
	parts = append(parts, humanize.Count(rows)+" rows")
	requests := humanize.Count(sent) + " requests"
	if left > 0 && known {
		requests = fmt.Sprintf("%s of about %s requests", humanize.Count(sent), humanize.Count(sent+left))
	}
	parts = append(parts, requests)
	if seconds := elapsed.Seconds(); seconds >= 1 {
		parts = append(parts, humanize.Count(int(float64(rows)/seconds))+" rows/s")
	}
	return parts
}

// left is how many requests are still to be sent, and whether that is known of every stream.
func (p *Progress) left() (requests int, known bool) {
	known = p.expected > 0
	for _, s := range p.runs {
		if !s.running {
			continue
		}
		whole, is := p.costs[s.stream]
		if !is && s.total > 0 {
			whole, is = pagesOf(s.total), true
		}
		if known = known && is; s.total > 0 {
			whole = int(math.Ceil(float64(whole) * float64(s.total-s.rows) / float64(s.total)))
		}
		requests += whole
	}
	ahead := 0
	for stream, n := range p.costs {
		if p.find(stream) == nil {
			requests += n
			ahead++
		}
	}
	return requests, known && len(p.runs)+ahead >= p.expected
}

// remaining is how long what is left will take at the pace so far; 0 where nobody can tell yet.
func remaining(elapsed time.Duration, sent, left int) time.Duration {
	const few, early = 5, 2 * time.Second
	if left == 0 || sent < few || elapsed < early {
		return 0
	}
	return time.Duration(float64(elapsed) * float64(left) / float64(sent)).Round(time.Second)
}

// fit joins as many parts as there is room for, at least one.
func fit(parts []string, width int) string {
	text := ""
	for i, part := range parts {
		if i > 0 {
			part = text + "  " + part
		}
		if i > 0 && utf8.RuneCountInString(part) > width {
			break
		}
		text = part
	}
	return text
}

// clock writes a time as a stopwatch does: 0:05, 12:30, 1:02:03.
func clock(d time.Duration) string {
	s := int(max(0, d).Seconds())
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
