package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"syncd/internal/catalog"
)

// personal makes the function personal_columns, by which the views without personal data are made.
func personal(_ context.Context, _ querier, _ []table) (string, error) {
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
COMMENT ON FUNCTION personal_columns() IS 'Columns of text and JSON of tables and views, and whether they hold personal data: identifier (an address, an id of the organization''s own), text, document (JSON that may hold anything), or none. A table without such columns has one row without a column.';
`)
	return b.String(), nil
}
