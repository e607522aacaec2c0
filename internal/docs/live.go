package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"syncd/internal/catalog"
)

// liveView is the name of the view that shows the rows of a table which Polar still has.
func liveView(table string) string { return table + "_live" }

// source is a table of a stream, or of a list inside its objects.
type source struct {
	table           string
	parent, foreign string // of a list: the table of the objects, and the column that names them
}

// sources are the tables of all streams, by name.
func sources() []source {
	var all []source
	for _, s := range catalog.Entries() {
		all = append(all, source{table: s.Name})
		for _, c := range s.Children {
			all = append(all, source{c.Name, s.Name, c.Parent})
		}
	}
	slices.SortFunc(all, func(a, b source) int { return strings.Compare(a.table, b.table) })
	return all
}

// live makes the views TABLE_live. A row of a list goes with its object: a deleted order has no live items, though nobody has removed
// them from it.
func live(_ context.Context, _ querier, tables []table) (string, error) {
	var b strings.Builder
	b.WriteString("-- Tables without what Polar no longer has. Made by make generate from the table of streams and the database; not to be edited.\n")
	for _, s := range sources() {
		columns, err := polarColumns(tables, s.table)
		if err != nil {
			return "", err
		}
		where, what := "t._deleted_at IS NULL", "that are not deleted"
		if s.parent != "" {
			where = fmt.Sprintf("t._removed_at IS NULL AND EXISTS (SELECT FROM %s p WHERE p.id = t.%s AND p._deleted_at IS NULL)", s.parent, s.foreign)
			what = fmt.Sprintf("that are neither removed nor in the list of a deleted row of %s", s.parent)
		}
		fmt.Fprintf(&b, `
CREATE OR REPLACE VIEW %[1]s AS
SELECT %[2]s
FROM %[3]s t
WHERE %[4]s;
COMMENT ON VIEW %[1]s IS 'The rows of %[3]s %[5]s, without syncd''s own columns.';
%[6]s`, liveView(s.table), selected("t.", columns), s.table, where, what, comments(liveView(s.table), columns))
	}
	return b.String(), nil
}

// liveNames is the table of the names of these views.
func liveNames() string {
	var b strings.Builder
	b.WriteString("| view | of the table |\n|---|---|\n")
	for _, s := range sources() {
		fmt.Fprintf(&b, "| `%s` | [`%s`](#%s) |\n", liveView(s.table), s.table, s.table)
	}
	return b.String()
}

// withoutLive leaves these views out: their columns are those of their tables.
func withoutLive(tables []table) []table {
	views := map[string]bool{}
	for _, s := range sources() {
		views[liveView(s.table)] = true
	}
	return slices.DeleteFunc(slices.Clone(tables), func(t table) bool { return views[t.name] })
}
