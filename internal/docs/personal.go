package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"syncd/internal/catalog"
	"syncd/internal/store/pg"
)

// personal makes the functions by which the views without personal data are made, and erased customers are kept out.
func personal(_ context.Context, _ pg.Querier, _ []table) (string, error) {
	var b strings.Builder
	b.WriteString(`-- Which columns hold personal data. Made by make generate from the table of streams; not to be edited.

CREATE OR REPLACE FUNCTION personal_columns() RETURNS TABLE (relation text, column_name text, treatment text)
LANGUAGE sql IMMUTABLE AS $$
    SELECT of.relation, c.column_name, of.treatment
    FROM (VALUES`)
	data := catalog.PersonalData()
	comma := ""
	for _, relation := range slices.Sorted(maps.Keys(data)) {
		columns := map[catalog.Treatment][]string{catalog.None: nil} // a table without such columns is named, too
		for name, treatment := range data[relation] {
			columns[treatment] = append(columns[treatment], name)
		}
		for _, treatment := range slices.Sorted(maps.Keys(columns)) {
			slices.Sort(columns[treatment])
			fmt.Fprintf(&b, "%s\n        ('%s', '%s', '{%s}'::text[])", comma, relation, treatment, strings.Join(columns[treatment], ","))
			comma = ","
		}
	}
	b.WriteString(`
    ) AS of (relation, treatment, columns) LEFT JOIN LATERAL unnest(of.columns) AS c (column_name) ON true
$$;
COMMENT ON FUNCTION personal_columns() IS 'Columns of text and JSON of tables and views, and whether they hold personal data: identifier (an address, an id of the organization''s own), text, document (JSON that may hold anything), region (part of an address by which taxes are summed), or none. A table without such columns has one row without a column.';
`)
	return b.String() + owners(), nil
}

// owners makes the function personal_owners, by which erased customers are kept out.
func owners() string {
	var b strings.Builder
	b.WriteString(`
CREATE OR REPLACE FUNCTION personal_owners() RETURNS TABLE (place integer, relation text, customer text, emails text[], names text[], parents text[], is_child boolean, cleared jsonb)
LANGUAGE sql IMMUTABLE AS $$
    SELECT * FROM (VALUES`)
	for i, o := range catalog.Owners() {
		comma := ","
		if i == 0 {
			comma = ""
		}
		cleared := make([]string, 0, len(o.Columns))
		for _, column := range slices.Sorted(maps.Keys(o.Columns)) {
			cleared = append(cleared, fmt.Sprintf("%q: %q", column, o.Columns[column]))
		}
		fmt.Fprintf(&b, "%s\n        (%d, '%s', '%s', '{%s}'::text[], '{%s}'::text[], '{%s}'::text[], %t, '{%s}'::jsonb)",
			comma, i, o.Table, o.Customer, strings.Join(o.Emails, ","), strings.Join(o.Names, ","), strings.Join(o.Parents, ","), o.Child, strings.Join(cleared, ", "))
	}
	b.WriteString(`
    ) AS of (place, relation, customer, emails, names, parents, is_child, cleared)
$$;
COMMENT ON FUNCTION personal_owners() IS 'Tables whose rows belong to a customer: the columns that tell whose they are (the customer''s id, addresses, ids of the organization''s own, or the rows that they belong to), and the columns that syncd erase clears.';
`)
	return b.String()
}
