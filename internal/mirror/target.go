package mirror

import (
	"maps"
	"slices"

	"syncd/internal/mirror/streams"
	"syncd/internal/store"
)

// targetOf is where the objects of a stream go. Streams whose copies it holds come before it in the table of streams.
func (e *Engine) targetOf(s *prepared) *store.Target {
	t := &store.Target{Stream: s.Name, Table: s.Table, Months: s.Months, Shape: s.shape}
	for _, c := range s.Children {
		t.Children = append(t.Children, store.ChildTarget{Name: c.Name, Parent: c.Parent, Key: c.Key, Table: c.Table})
	}
	fields := slices.SortedFunc(maps.Keys(s.Copies), func(a, b string) int {
		return e.lookUp(s.Copies[a]).place - e.lookUp(s.Copies[b]).place
	})
	for _, field := range fields {
		of := e.lookUp(s.Copies[field])
		if e.Off[of.Name] {
			// Such rows would make a stream look as if it were read.
			continue
		}
		t.Copies = append(t.Copies, store.CopyTarget{Field: field, Of: of.target})
	}
	for _, of := range s.Invalidates {
		if !e.Off[of.Stream] && slices.ContainsFunc(e.Streams, func(s streams.Stream) bool { return s.Name == of.Stream }) {
			t.Invalidates = append(t.Invalidates, of)
		}
	}
	return t
}
