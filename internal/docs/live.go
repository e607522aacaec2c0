package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"syncd/internal/catalog"
	"syncd/internal/store/pg"
)

// liveView is the name of the view that shows the rows of a table which Polar still has.
func liveView(table string) string { return table + "_live" }

// live makes the views TABLE_live. A row of a list goes with its object: a deleted order has no live items, though nobody has removed
// them from it.
func live(_ context.Context, _ pg.Querier, tables []table) (string, error) {
	var b strings.Builder
	b.WriteString("-- Tables without what Polar no longer has. Made by make generate from the table of streams and the database; not to be edited.\n")
	for _, s := range catalog.Tables() {
		columns, err := polarColumns(tables, s.Name)
		if err != nil {
			return "", err
		}
		where, what := "t._deleted_at IS NULL", "that are not deleted"
		if s.Parent != "" {
			where = fmt.Sprintf("t._removed_at IS NULL AND EXISTS (SELECT FROM %s p WHERE p.id = t.%s AND p._deleted_at IS NULL)", s.Stream, s.Parent)
			what = fmt.Sprintf("that are neither removed nor in the list of a deleted row of %s", s.Stream)
		}
		fmt.Fprintf(&b, `
CREATE OR REPLACE VIEW %[1]s AS
SELECT %[2]s
FROM %[3]s t
WHERE %[4]s;
COMMENT ON VIEW %[1]s IS 'The rows of %[3]s %[5]s, without syncd''s own columns.';
%[6]s`, liveView(s.Name), selected("t.", columns), s.Name, where, what, comments(liveView(s.Name), columns))
	}
	return b.String(), nil
}

// liveNames is the table of the names of these views.
func liveNames() string {
	var b strings.Builder
	b.WriteString("| view | of the table |\n|---|---|\n")
	for _, s := range catalog.Tables() {
		fmt.Fprintf(&b, "| `%s` | [`%s`](#%s) |\n", liveView(s.Name), s.Name, s.Name)
	}
	return b.String()
}

// withoutLive leaves these views out: their columns are those of their tables.
func withoutLive(tables []table) []table {
	views := map[string]bool{}
	for _, s := range catalog.Tables() {
		views[liveView(s.Name)] = true
	}
	return slices.DeleteFunc(slices.Clone(tables), func(t table) bool { return views[t.name] })
}
