package streams

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"syncd/internal/fetch/scan"
	"syncd/internal/store"
)

// ours are the columns of syncd's own that every stream's table has.
var ours = []string{"_extra", "_hash", "_requested_at"}

// Check finds mistakes in an entry of the table of streams.
func (s Stream) Check() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("stream %q: "+format, append([]any{s.Name}, args...)...))
	}
	if s.Name == "" || s.Scan == nil || len(s.Table.List) == 0 || s.Scope == "" {
		bad("name, scope, scan and table are all needed")
	}
	if !strings.HasPrefix(s.Path, "/v1/") {
		bad("path %q does not begin with /v1/", s.Path)
	}
	columns := func(what string, t store.Table, more ...string) {
		for _, c := range append(more, ours...) {
			if !t.Has(c) {
				bad("%s has no column %q", what, c)
			}
		}
	}
	columns("its table", s.Table, "id")
	if s.Months != "" && !s.Table.Has(s.Months) {
		bad("its table is divided by %q, and has no such column", s.Months)
	}
	for _, f := range s.Embedded {
		if s.Table.Has(f) {
			bad("%q is both dropped and a column", f)
		}
	}
	for f := range s.Copies {
		if !slices.Contains(s.Embedded, f) {
			bad("the copy %q is not dropped", f)
		}
	}
	for column, f := range s.Lifted {
		if !s.Table.Has(column) || s.Copies[f] == "" {
			bad("the column %q for the id in the copy %q: there is no such column, or no such copy", column, f)
		}
	}
	for _, column := range s.Inside.Columns {
		if !s.Table.Has(column) || s.Table.Has(s.Inside.Field) {
			bad("the column %q for a member of %q: there is no such column, or one for the whole", column, s.Inside.Field)
		}
	}
	for _, of := range s.Invalidates {
		if i, is := s.Table.Index(of.Column); !is || s.Table.List[i].Takes != `"` || of.Stream == "" || of.Filter == "" {
			bad("rows of %q show its column %q: there is no such column of text, or no filter that finds them", of.Stream, of.Column)
		}
	}
	if _, nested := s.Scan.(scan.Nested); nested != (len(s.Parents) > 0) {
		bad("parents and a nested scan go together")
	}
	for _, p := range s.Parents {
		if !s.Table.Has(p.Column) {
			bad("no column %q names its parent in %s", p.Column, p.Stream)
		}
	}
	if _, windows := s.Scan.(scan.Bounded); windows != (s.Blind != "") {
		bad("a list that can be read by windows, and no other, says what these do not show")
	}
	for _, c := range s.Children {
		columns("child table "+c.Name, c.Table, c.Parent, c.Key, "_position")
		if s.Table.Has(c.Field) {
			bad("%q is both a list of children and a column", c.Field)
		}
		for _, f := range c.Embedded {
			if c.Table.Has(f) {
				bad("child %s: %q is both dropped and a column", c.Name, f)
			}
		}
	}
	return errors.Join(errs...)
}
