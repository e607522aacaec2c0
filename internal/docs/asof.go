package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"syncd/internal/store/pg"
)

// versioned are the tables of whose rows a view shows each version, and its name.
var versioned = map[string]string{"subscriptions": "subscription_history", "product_prices": "product_price_history"}

// asOf makes the functions TABLE_as_of of all tables whose changes are recorded, and the views of versions.
func asOf(ctx context.Context, db pg.Querier, tables []table) (string, error) {
	rows, err := db.Query(ctx, `SELECT table_name, key, parent FROM recorded_tables() ORDER BY table_name COLLATE "C"`)
	if err != nil {
		return "", fmt.Errorf("read which tables have a history: %w", err)
	}
	var b strings.Builder
	b.WriteString("-- Tables as they were at a time. Made by make generate from the tables whose changes are recorded; not to be edited.\n")
	var name, key, parent string
	_, err = pgx.ForEachRow(rows, []any{&name, &key, &parent}, func() error {
		fmt.Fprintf(&b, `
CREATE OR REPLACE FUNCTION %[1]s_as_of(at timestamptz) RETURNS SETOF %[1]s
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::%[1]s, at, '%[2]s', '%[3]s') $$;
COMMENT ON FUNCTION %[1]s_as_of(timestamptz) IS 'The table %[1]s as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';
`, name, key, parent)
		if view := versioned[name]; view != "" {
			return versions(&b, view, name, key, parent, tables)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("read which tables have a history: %w", err)
	}
	return b.String(), nil
}

// versions makes the view with each version of the rows of a table, without syncd's own columns.
func versions(b *strings.Builder, view, name, key, parent string, tables []table) error {
	columns, err := polarColumns(tables, name)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, `
CREATE OR REPLACE VIEW %[1]s AS
SELECT h.valid_from, h.valid_to, h.source AS version_source,
       %[2]s
FROM row_versions(NULL::%[3]s, '%[4]s', '%[5]s') h;
COMMENT ON VIEW %[1]s IS 'The rows of %[3]s in each version that is known of them, but for the times at which they were deleted or removed.';
COMMENT ON COLUMN %[1]s.valid_from IS 'When the version began to be so at Polar, as far as that is told: changes.changed_at (UTC). Of a version that was there when changes began to be recorded: when the object was created, though it may have been otherwise since.';
COMMENT ON COLUMN %[1]s.valid_to IS 'When the next version began (UTC); null: it is the present one.';
COMMENT ON COLUMN %[1]s.version_source IS 'baseline: it was there when changes began to be recorded. observed: syncd saw it come. event: one of Polar''s events tells of it. order: an order does. Of a rebuilt version (valid_from lies before history.recorded_since) baseline means that only the row itself tells of it.';
%[6]s`, view, selected("(h.version).", columns), name, key, parent, comments(view, columns))
	return nil
}
