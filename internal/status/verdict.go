package status

import "syncd/internal/humanize"

// The verdicts on a stream, as `syncd verify` gives them.
const (
	Off         = "off"         // it is not synced, and nothing is claimed
	Unavailable = "unavailable" // Polar refuses it to this token
	Missing     = "missing"     // it is not known to be whole
	Whole       = "whole"       // as of the last complete sweep
)

// Verdict judges a stream by why it is off, why Polar refuses it, and why it may lack rows; "" where that is not so.
func Verdict(off, unavailable, missing string) string {
	switch {
	case off != "":
		return Off
	case unavailable != "":
		return Unavailable
	case missing != "":
		return Missing
	}
	return Whole
}

// Verdict is what `syncd verify` says of the stream.
func (s Stream) Verdict() string { return Verdict(s.Off, s.Unavailable, s.Missing) }

// CountMissing counts the streams that are not known to be whole.
func (r *Report) CountMissing() (n int) {
	for _, s := range r.Streams {
		if s.Verdict() == Missing {
			n++
		}
	}
	return n
}

// MoreOrFewer says by how many rows a table differs from what was known of it.
func MoreOrFewer(n int64) string {
	if n < 0 {
		return humanize.Plural(-n, "row", "rows") + " fewer"
	}
	return humanize.Plural(n, "row", "rows") + " more"
}
