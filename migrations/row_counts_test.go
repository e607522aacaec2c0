package migrations_test

import (
	"slices"
	"testing"
)

// Rows that are there before are counted once; what is written since is added.
func TestRowsAreCountedOnce(t *testing.T) {
	t.Parallel()
	conn, provider := open(t)
	if _, err := provider.UpTo(t.Context(), 61); err != nil {
		t.Fatal(err)
	}
	add := func() {
		t.Helper()
		if _, err := conn.ExecContext(t.Context(), `INSERT INTO orders (id, _hash, _requested_at, _deleted_at) SELECT gen_random_uuid(), '', now(), CASE WHEN n > 5 THEN now() END FROM generate_series(1, 7) n`); err != nil {
			t.Fatal(err)
		}
	}
	add()
	up(t, provider)
	add()
	if got, want := lines(t, conn, "SELECT concat_ws(' ', stream, writer, rows) FROM sync_row_counts"), []string{"orders  10"}; !slices.Equal(got, want) {
		t.Errorf("kept %q, want %q", got, want)
	}
}
