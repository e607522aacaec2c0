package streams

import (
	"net/url"
	"slices"

	"syncd/internal/fetch/scan"
)

// Parent is a stream whose rows own the rows of another stream, where Polar lists those for one owner at a time only.
type Parent struct {
	Stream string // of the owners; its runs come first in a sync
	Where  string // which of its rows can own any, as an SQL condition; "" = all
	Column string // of the other stream's table, with the owner's id; the parameter of the list has the same name
	// Price and Filter let Polar count the owners before they are mirrored: those of products with such a price ("" = any) that
	// the list returns with this filter.
	Price  string
	Filter url.Values
}

// Fallback is another way to read the list of a stream: its path, scan and parents in place of the stream's own. Rows, table and
// evidence of deletions are the same, so nothing is lost and nothing is deleted by going over from one way to the other.
//
// One request finds out that Polar has ended a list. Tails, plans and audits keep to the other way from then on; each sweep asks for
// the list once more, as Polar may have it back.
type Fallback struct {
	Path    string
	Scan    scan.Scan
	Parents []Parent
}

// Instead is the stream as it is read when it has fallen back.
func (s Stream) Instead() Stream {
	of := *s.Fallback
	s.Path, s.Scan, s.Parents, s.Fallback, s.FellBack = of.Path, of.Scan, of.Parents, nil, true
	return s
}

// AllParents are those of the stream and of its fallback: only the stream's turn shows which way it is read.
func (s *Stream) AllParents() []Parent {
	if s.Fallback != nil {
		return append(slices.Clone(s.Parents), s.Fallback.Parents...)
	}
	return s.Parents
}

// IsExport: the rows are those of other streams, as of one moment, to compare with.
func (s *Stream) IsExport() bool { return len(s.Of) > 0 }

// Before names the streams whose runs come first when both are due: those whose copies it holds, so that a copy is stored only if
// there really is no row; those that own its rows; and those that its rows belong to.
func (s *Stream) Before() (names []string) {
	for _, of := range s.Copies {
		names = append(names, of)
	}
	for _, p := range s.AllParents() {
		names = append(names, p.Stream)
	}
	return append(names, s.Of...)
}
