package pg_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/pg"
)

// A server that has no connection to give is waited for, and its end is not.
func TestNoFreeConnectionIsWaitedFor(t *testing.T) {
	t.Parallel()
	admin := pgtest.Connect(t, pgtest.Empty(t))
	_, dsn := pgtest.NewRole(t, admin, "CONNECTION LIMIT 1")
	other := pgtest.Connect(t, dsn)
	log, lines := watched()
	opened := make(chan error, 1)
	go func() {
		s, err := pg.Open(t.Context(), pg.Config{DSN: dsn, Schema: "polar", Log: log})
		if err == nil {
			s.Close()
		}
		opened <- err
	}()
	said := await(t, lines, "waiting for a connection")
	if !strings.Contains(said["error"], "53300") || !strings.Contains(said["error"], "max_connections") {
		t.Errorf("%s", said)
	}
	if err := other.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Error(err)
	}

	_, dsn = pgtest.NewRole(t, admin, "CONNECTION LIMIT 1")
	pgtest.Connect(t, dsn)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		s, err := pg.Open(ctx, pg.Config{DSN: dsn, Schema: "polar", Log: log})
		if err == nil {
			s.Close()
		}
		opened <- err
	}()
	await(t, lines, "waiting for a connection")
	cancel()
	if err := <-opened; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
