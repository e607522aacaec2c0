package catalog_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"syncd/internal/catalog"
)

// Each column that may hold a person's data is classified, and what is classified is there.
func TestPersonalDataIsClassified(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	rows, err := h.Store.Pool().Query(t.Context(), `
		SELECT n.nspname LIKE '%\_sync', c.relname, a.attname
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type y ON y.oid = a.atttypid
		WHERE n.nspname = ANY(current_schemas(false)) AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition AND c.relname <> 'sync_migrations'
		  AND a.attnum > 0 AND NOT a.attisdropped AND y.typname NOT IN ('bool', 'int4', 'int8', '_int8', 'float8', 'numeric', 'uuid', '_uuid', 'date', 'timestamp', 'timestamptz', 'interval', 'bytea')`)
	if err != nil {
		t.Fatal(err)
	}
	data, bookkeeping := catalog.PersonalData(), catalog.PersonalBookkeeping()
	var isBookkeeping bool
	var table, column string
	n := 0
	_, err = pgx.ForEachRow(rows, []any{&isBookkeeping, &table, &column}, func() error {
		n++
		of := data
		if isBookkeeping {
			of = bookkeeping
		}
		if of[table][column] == "" {
			t.Errorf("%s.%s is not classified: say in the entry of the stream, or in personal.go, whether it holds personal data", table, column)
		}
		delete(of[table], column)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 400 {
		t.Errorf("only %d columns were found", n)
	}
	for _, of := range []map[string]map[string]catalog.Treatment{data, bookkeeping} {
		for table, columns := range of {
			for _, column := range slices.Sorted(maps.Keys(columns)) {
				t.Errorf("%s.%s is classified, and is no column of text or JSON", table, column)
			}
		}
	}
}
