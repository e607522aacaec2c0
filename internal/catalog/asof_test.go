package catalog_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// An organization changes at random for a hundred steps: time passes, people buy, cancel and go. After each step the mirror follows, by
// a round of tails or by sweeps, and each table with history is copied. In the end TABLE_as_of gives for each step what was copied.
// Nobody is anonymized: that clears the past, too.
func TestTablesAsOfEachStepOfAWorld(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	const steps, seed = 100, 11
	h := worldtest.Start(t, worldtest.Setup{World: polarsim.Options{Customers: 8, Seed: seed, Named: true, Now: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}, Mirror: worldtest.Tailing})
	random := rand.New(rand.NewPCG(seed, seed))
	h.SyncAll(t)
	tables := h.Texts(t, `SELECT table_name FROM history WHERE recorded_since IS NOT NULL ORDER BY 1`)
	if len(tables) < 25 {
		t.Fatalf("only these have a history: %q", tables)
	}
	const row = `to_jsonb(r) - '{_hash,_requested_at,_synced_at}'::text[]`
	h.Exec(t, `CREATE UNLOGGED TABLE steps (step int, at timestamptz)`)
	for _, table := range tables {
		h.Exec(t, fmt.Sprintf(`CREATE UNLOGGED TABLE copy_of_%[1]s AS SELECT 0 AS step, %[2]s AS held FROM %[1]s r`, table, row))
	}
	for step := 1; step <= steps; step++ {
		switch random.IntN(5) {
		case 0:
			h.World.Advance(time.Duration(1+random.IntN(60)) * time.Hour)
		case 1:
			h.Remove(t, 1)
		default:
			h.World.Churn(1 + random.IntN(5))
		}
		if step%25 == 0 {
			h.SyncAll(t)
		} else {
			h.Round(t)
		}
		copies := fmt.Sprintf("INSERT INTO steps VALUES (%d, clock_timestamp());", step)
		for _, table := range tables {
			copies += fmt.Sprintf("INSERT INTO copy_of_%[1]s SELECT %[3]d, %[2]s FROM %[1]s r;", table, row, step)
		}
		h.Exec(t, "DO $$ BEGIN "+copies+" END $$")
	}
	h.Exec(t, "ANALYZE")
	for _, table := range tables {
		// A row too many counts 1 and one too few -1: each of the two is made once for a step, and none is looked for in the other.
		if wrong := h.Texts(t, fmt.Sprintf(`
			SELECT DISTINCT step::text FROM (
				SELECT s.step, %[2]s AS held, 1 AS n FROM steps s, %[1]s_as_of(s.at) r
				UNION ALL
				SELECT step, held, -1 FROM copy_of_%[1]s WHERE step > 0) both_of_them
			GROUP BY step, held HAVING sum(n) <> 0 ORDER BY 1`, table, row)); len(wrong) > 0 {
			t.Errorf("%s is otherwise as of %d steps: %q", table, len(wrong), wrong[:min(5, len(wrong))])
		}
	}
	kinds := h.Texts(t, "SELECT stream || ' ' || operation FROM changes GROUP BY stream, operation ORDER BY 1")
	for _, want := range []string{"orders insert", "orders update", "subscriptions update", "customers delete", "order_items insert"} {
		if !slices.Contains(kinds, want) {
			t.Errorf("no %s was made: %q", want, kinds)
		}
	}
	t.Logf("%d changes: %q", worldtest.Query[int](t, h, "SELECT count(*) FROM changes"), kinds)
}
