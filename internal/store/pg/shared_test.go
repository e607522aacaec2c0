package pg_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/pg"
)

// shared opens the pools of two schemas on few connections. Each has a table of the same name, which holds its own name.
func shared(t *testing.T, most int32) (pools [2]*pg.Pool) {
	t.Helper()
	dsn := pgtest.Empty(t)
	conns, err := pg.Share(t.Context(), pg.Config{DSN: dsn, MaxConns: most})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conns.Close)
	admin := pgtest.Connect(t, dsn)
	for i, name := range []string{"first", "second"} {
		pgtest.Exec(t, admin, fmt.Sprintf("CREATE SCHEMA %s; CREATE TABLE %[1]s.named AS SELECT text '%[1]s' AS name", name))
		if pools[i], err = pg.Open(t.Context(), pg.Config{Connections: conns, Schema: name}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pools[i].Close)
	}
	return pools
}

// A statement finds the tables of its own schema, whoever had the connection before, however it is sent.
func TestSharedConnectionsHaveTheirOwnTables(t *testing.T) {
	t.Parallel()
	const text = "SELECT name FROM named"
	pools := shared(t, 2)
	g, ctx := errgroup.WithContext(t.Context())
	for n := range 8 {
		p, want := pools[n%2], []string{"first", "second"}[n%2]
		g.Go(func() error {
			for range 25 {
				var got [3]string
				if err := p.QueryRow(ctx, text).Scan(&got[0]); err != nil {
					return err
				}
				// A transaction that ends badly leaves the path behind that it began with.
				if err := p.InTx(ctx, func(tx pgx.Tx) error {
					if err := tx.QueryRow(ctx, text).Scan(&got[1]); err != nil {
						return err
					}
					_, err := tx.Exec(ctx, "SELECT 1/0")
					return err
				}); !pg.IsCode(err, "22012") {
					return err
				}
				if err := p.InSteps(ctx, func(s *pg.Steps) error {
					step := &pg.Pipeline{}
					step.Add(text, nil, func(rows pgx.Rows) (err error) { got[2], err = pgx.CollectOneRow(rows, pgx.RowTo[string]); return err })
					return s.Commit(ctx, step)
				}); err != nil {
					return err
				}
				if got != [3]string{want, want, want} {
					return fmt.Errorf("schema %s was given the tables of %v", want, got)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	if n := pools[0].Stat().TotalConns(); n > 2 {
		t.Errorf("%d connections, at most 2 are allowed", n)
	}
}

// A connection that has worked for many schemas ends: its process at the server remembers the tables of each of them.
func TestSharedConnectionsStayLean(t *testing.T) {
	t.Parallel()
	conns, err := pg.Share(t.Context(), pg.Config{DSN: pgtest.Empty(t), MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conns.Close)
	pids := map[int]int{}
	visit := func(ctx context.Context, schema string) {
		p, err := pg.Open(ctx, pg.Config{Connections: conns, Schema: schema})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		var pid int
		if err := p.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
			t.Fatal(err)
		}
		pids[pid]++
	}
	for range 100 {
		visit(t.Context(), "again")
	}
	if len(pids) != 1 {
		t.Errorf("one schema used %d connections", len(pids))
	}
	for n := range 300 {
		visit(t.Context(), fmt.Sprint("s", n))
	}
	if len(pids) < 3 { // the time that a connection has lets it work for 129 at most
		t.Errorf("301 schemas used %d connections one after the other, want 3 or more: %v", len(pids), pids)
	}
}

// Pages that are being written leave most of the connections to what is short.
func TestBulkLeavesConnections(t *testing.T) {
	t.Parallel()
	pools := shared(t, 8)
	g, ctx := errgroup.WithContext(t.Context())
	writes, hold := make(chan struct{}), make(chan struct{})
	for n := range 12 {
		g.Go(func() error {
			return pools[n%2].InBulk(ctx, func(*pg.Steps) error {
				writes <- struct{}{}
				<-hold
				return nil
			})
		})
	}
	<-writes
	<-writes
	short := make(chan error, 1)
	go func() {
		_, err := pools[0].Exec(t.Context(), "SELECT 1")
		short <- err
	}()
	select {
	case err := <-short:
		if err != nil {
			t.Error(err)
		}
	case <-writes:
		t.Error("a third connection of eight writes pages")
	}
	close(hold)
	go func() {
		for range writes {
		}
	}()
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	close(writes)
}

// The cost of handing a connection from one schema to another.
func BenchmarkShared(b *testing.B) {
	dsn := pgtest.Empty(b)
	conns, err := pg.Share(b.Context(), pg.Config{DSN: dsn, MaxConns: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(conns.Close)
	var pools [2]*pg.Pool
	for i, name := range []string{"first", "second"} {
		if pools[i], err = pg.Open(b.Context(), pg.Config{Connections: conns, Schema: name}); err != nil {
			b.Fatal(err)
		}
		if _, err := pools[i].Migrate(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	const text = "SELECT c.stream, c.data_through FROM freshness c"
	for _, other := range []int{0, 1} {
		b.Run(fmt.Sprintf("hand=%v", other == 1), func(b *testing.B) {
			for i := range b.N {
				rows, err := pools[i%2*other].Query(b.Context(), text)
				if err != nil {
					b.Fatal(err)
				}
				rows.Close()
			}
		})
	}
}
