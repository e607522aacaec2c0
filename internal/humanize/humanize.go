// Package humanize writes counts and times as people read them.
package humanize

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Count writes a count with separators, 1,234,567.
func Count[N int | int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Plural writes a count of things: 1 stream, 1,234 streams.
func Plural[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

// Bytes writes a number of bytes in its largest unit, 1.5 GB.
func Bytes(n int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB"}
	size, i := float64(n), 0
	for ; size >= 1000 && i < len(units)-1; i++ {
		size /= 1000
	}
	if i == 0 || size >= 100 {
		return fmt.Sprintf("%.0f %s", size, units[i])
	}
	return fmt.Sprintf("%.1f %s", size, units[i])
}

// Elapsed writes a duration as people say it, in one unit or two: 30 ms, 2.5 s, 1 min 39 s, 1 h 04 min.
func Elapsed(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}

// Ago writes how long ago at was; "" for the zero time.
func Ago(at, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	return Span(now.Sub(at)) + " ago"
}

// Age writes the time from one moment to a later one in one unit and few letters: 59s, 16m, 47h, 12d; "-" where there is none.
func Age(at, now time.Time) string {
	d := max(0, now.Sub(at))
	switch {
	case at.IsZero():
		return "-"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// Until writes how long it is until at; "" for the zero time.
func Until(at, now time.Time) string {
	switch {
	case at.IsZero():
		return ""
	case !at.After(now):
		return "due"
	}
	return "in " + Span(at.Sub(now))
}

// Span writes a duration in its largest unit and the next one.
func Span(d time.Duration) string {
	d = max(0, d)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// Interval writes a duration without the units that are zero: 5m, 6h.
func Interval(d time.Duration) string {
	d = d.Round(time.Second)
	text := ""
	for _, unit := range []struct {
		d    time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / unit.d; n > 0 {
			text += fmt.Sprintf("%d%s", n, unit.name)
		}
		d %= unit.d
	}
	if text == "" {
		return "0s"
	}
	return text
}

// Line keeps a text on one line and within n bytes: control characters become blanks, the rest is cut off.
func Line(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// Wrap puts words into lines of at most width bytes; a longer word has a line of its own.
func Wrap(words []string, width int) string {
	var b strings.Builder
	used := 0
	for _, word := range words {
		switch {
		case used == 0:
		case used+1+len(word) > width:
			b.WriteString("\n")
			used = 0
		default:
			b.WriteString(" ")
			used++
		}
		b.WriteString(word)
		used += len(word)
	}
	return b.String()
}

// Some lists the first few texts, and says how many more there are.
func Some(texts []string) string {
	const named = 3
	if more := len(texts) - named; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(texts[:named], ", "), more)
	}
	return strings.Join(texts, ", ")
}
