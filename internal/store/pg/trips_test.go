package pg_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/bench/distant"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/pg"
)

// counted is a pool of one connection whose round trips are counted.
func counted(t *testing.T, dsn string) (*distant.Proxy, *pg.Pool) {
	t.Helper()
	proxy, through, err := distant.Start(t.Context(), dsn, 0)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pg.Open(t.Context(), pg.Config{DSN: through, Schema: "polar", MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		pool.Close()
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	return proxy, pool
}

// A connection takes two round trips. The first time a statement takes one; the second time, as it is prepared, two; and then one again.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	proxy, pool := counted(t, pgtest.Empty(t))
	took := func(what string, want int, err error) {
		t.Helper()
		if got := proxy.Counted().All; err != nil || got != want {
			t.Errorf("%s: %d round trips, %v; want %d", what, got, err, want)
		}
	}
	took("connecting", 2, nil)
	for i, want := range []int{1, 2, 1, 1} {
		var n int
		err := pool.QueryRow(t.Context(), "SELECT $1::int + 1", int64(i)).Scan(&n)
		took("a statement", want, err)
	}
	for _, want := range []int{1, 2, 1} {
		var p pg.Pipeline
		for range 3 {
			p.Add("SELECT $1::text", []any{"a"}, nil)
		}
		took("three statements at once", want, pool.AtOnce(t.Context(), &p))
	}
	for _, want := range []int{4, 6, 4} {
		took("a transaction of two", want, pool.InTx(t.Context(), func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "SELECT $1::bigint", int64(1)); err != nil {
				return err
			}
			var s string
			return tx.QueryRow(t.Context(), "SELECT $1::text || 'b'", "a").Scan(&s)
		}))
	}
}

// kinds are values of all kinds that statements take and give.
type kinds struct {
	ID     uuid.UUID
	Twin   *uuid.UUID
	None   *uuid.UUID
	IDs    []uuid.UUID
	NoIDs  []uuid.UUID
	Text   string
	Texts  []string
	Number int64
	Ints   []int64
	Real   float64
	Yes    bool
	At     time.Time
	Times  []time.Time
	Never  *time.Time
	JSON   json.RawMessage
	NoJSON json.RawMessage
	Wait   time.Duration
}

// Whether a statement is prepared changes nothing in what it takes and gives.
func TestValuesAsTextAndInBinary(t *testing.T) {
	t.Parallel()
	pool := open(t, pgtest.Empty(t))
	at := time.Date(2026, 2, 28, 23, 59, 59, 123456000, time.UTC)
	id := uuid.MustParse("6f1e5a4e-8f3a-4e8f-9d46-0d2f6a9b8c11")
	want := kinds{
		id, &id, nil, []uuid.UUID{id, {}}, nil, `ä"\',{}` + "\n", []string{"", "NULL", `a,"b"\{}`, "ü"}, -1 << 62, []int64{1, -2}, 0.1 + 0.2, true,
		at, []time.Time{at, time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)}, nil, json.RawMessage(`{"a": ["\\", "é"]}`), nil, 90 * time.Second,
	}
	for n := range 3 {
		rows, err := pool.Query(t.Context(), `
			SELECT $1::uuid, $2::uuid, $3::uuid, $4::uuid[], $5::uuid[], $6::text, $7::text[], $8::bigint, $9::bigint[], $10::float8, $11::boolean,
			       $12::timestamptz, $13::timestamptz[], $14::timestamptz, $15::jsonb, $16::jsonb, interval '90 s'`,
			want.ID, want.Twin, want.None, want.IDs, want.NoIDs, want.Text, want.Texts, want.Number, want.Ints, want.Real, want.Yes, want.At, want.Times, want.Never, want.JSON, want.NoJSON)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[kinds])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("run %d (-want +got):\n%s", n, diff)
		}
	}
}

// What a start asks of a schema that is up to date takes few round trips: after a takeover, all organizations are opened at once. What comes
// before migrations is not done then.
func TestRoundTripsOfAnUpToDateSchema(t *testing.T) {
	t.Parallel()
	proxy, pool := counted(t, pgtest.Migrated(t))
	proxy.Counted()
	applied, err := pool.Migrate(t.Context(), func(context.Context) error { return errors.New("there is nothing to migrate") })
	if err != nil || len(applied) > 0 {
		t.Errorf("applied %v, %v", applied, err)
	}
	if n := proxy.Counted().All; n > 5 {
		t.Errorf("%d round trips, want at most 5", n)
	}
}
