package db_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"syncd/internal/store/db"
)

// jitAboveCost is from which cost on Postgres compiles a query, which takes up to a second (default of jit_above_cost).
const jitAboveCost = 100_000

// Each round of tails begins with this query. Postgres knows nothing of the tables of a new schema, and takes them for large.
func TestWhereTailsStandIsNotWorthCompiling(t *testing.T) {
	t.Parallel()
	conn := connect(t)
	var text statement
	_, _ = db.New(&text).TailStates(t.Context(), nil) // only its text is wanted
	streams := make([]string, 40)
	for i := range streams {
		streams[i] = fmt.Sprintf("stream %d", i)
	}
	var plan []struct {
		Plan struct {
			Cost float64 `json:"Total Cost"`
		}
	}
	var body []byte
	if err := conn.QueryRow(t.Context(), "EXPLAIN (FORMAT json) "+string(text), streams).Scan(&body); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &plan); err != nil {
		t.Fatal(err)
	}
	if cost := plan[0].Plan.Cost; cost == 0 || cost > jitAboveCost/10 {
		t.Errorf("its cost is %g", cost)
	}
}
