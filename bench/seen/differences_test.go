package seen

import (
	"os"
	"testing"

	"syncd/internal/localpg/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// What differs is told by its kind, rows are paired by their primary key, and rows that a fresh mirror cannot have are left out.
func TestDifferences(t *testing.T) {
	t.Parallel()
	conn := pgtest.Connect(t, pgtest.Empty(t))
	for _, schema := range []string{"here", "fresh"} {
		pgtest.Exec(t, conn, `
			CREATE SCHEMA `+schema+`; CREATE SCHEMA `+schema+`_sync;
			CREATE TABLE `+schema+`_sync.sync_suspects (stream text, id text);
			CREATE TABLE `+schema+`.orders (id int, item int, amount int, note text, _synced_at timestamptz DEFAULT clock_timestamp(), _deleted_at timestamptz, PRIMARY KEY (item, id));
			INSERT INTO `+schema+`.orders (id, item, amount, note) SELECT n, 1, n, 'same' FROM generate_series(1, 10) n`)
	}
	pgtest.Exec(t, conn, `
		UPDATE here.orders SET amount = 0, note = NULL WHERE id = 1; UPDATE here.orders SET note = 'other' WHERE id = 2;
		DELETE FROM here.orders WHERE id IN (3, 4, 5); INSERT INTO here.orders VALUES (1, 2, 3, 'more');
		INSERT INTO here.orders VALUES (20, 1, 1, 'deleted', now(), now()), (21, 1, 1, 'suspect', now(), NULL); INSERT INTO here_sync.sync_suspects VALUES ('orders', '21')`)
	found, err := Differences(t.Context(), conn, "here", "fresh", []string{"orders"})
	if err != nil {
		t.Fatal(err)
	}
	d := found["orders"]
	if want := "3 missing, 1 not in the fresh mirror, 2 changed in amount note"; d.String() != want || d.Rows != 10 || d.Wrong() != 6 {
		t.Errorf("of %.0f rows %.0f: %s, want %s", d.Rows, d.Wrong(), d, want)
	}
	if sum := d.Plus(Differing{Rows: 2, Changed: 1, Columns: []string{"note", "status"}}).String(); sum != "3 missing, 1 not in the fresh mirror, 3 changed in amount note status" {
		t.Errorf("sum: %s", sum)
	}
}
