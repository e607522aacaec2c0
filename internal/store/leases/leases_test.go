package leases_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/leases"
	"syncd/internal/store/pg"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

type fleet struct {
	*pg.Connections
	names []string
}

func newFleet(t *testing.T, organizations int) *fleet {
	t.Helper()
	conns, err := pg.Share(t.Context(), pg.Config{DSN: pgtest.Empty(t), MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conns.Close)
	f := &fleet{Connections: conns}
	for n := range organizations {
		f.names = append(f.names, fmt.Sprintf("org%02d", n))
	}
	return f
}

func (f *fleet) join(t *testing.T, id string) *leases.Leases {
	t.Helper()
	l, err := leases.Open(t.Context(), leases.Config{Connections: f.Connections, ID: id, Host: "here", Lease: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Join(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

func (f *fleet) claim(t *testing.T, l *leases.Leases, most int) leases.Share {
	t.Helper()
	s, err := l.Claim(t.Context(), f.names, most)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// silent makes a replica one that has not been heard of for its lease.
func (f *fleet) silent(t *testing.T, id string) {
	t.Helper()
	if _, err := f.Exec(t.Context(), "UPDATE syncd_fleet.replicas SET holds_until = clock_timestamp() WHERE id = $1", id); err != nil {
		t.Fatal(err)
	}
}

// Every organization has one holder; the others take what a replica gives back or is too late to renew.
func TestLeases(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 10)
	a := f.join(t, "a")
	if s := f.claim(t, a, 4); len(s.Held) != 4 || s.Fair != 10 {
		t.Errorf("a claims at most 4 at once: %+v", s)
	}
	b := f.join(t, "b")
	if s := f.claim(t, b, 100); len(s.Held) != 5 || s.Replicas != 2 {
		t.Errorf("b takes what is fair: %+v", s)
	}
	if s := f.claim(t, a, 100); len(s.Held) != 5 {
		t.Errorf("a takes the last: %+v", s)
	}
	c := f.join(t, "c")
	if s := f.claim(t, c, 100); len(s.Held) != 0 || s.Fair != 4 {
		t.Errorf("c finds none that is free: %+v", s)
	}
	held := f.claim(t, a, 100)
	if len(held.Held) <= held.Fair {
		t.Errorf("a is to give back what is too much: %+v", held)
	}
	if err := a.GiveBack(t.Context(), held.Held[4]); err != nil {
		t.Fatal(err)
	}
	if s := f.claim(t, c, 100); !slices.Equal(s.Held, held.Held[4:]) {
		t.Errorf("c takes what a gave back, %v: %+v", held.Held[4:], s)
	}

	guarded := func(l *leases.Leases, name string, want bool) {
		t.Helper()
		if _, err := f.Exec(t.Context(), l.Guard(name)); want && err != nil || !want && !pg.IsCode(err, pg.Refused) {
			t.Errorf("whether %s may write %s: %v, want %v", l.ID, name, err, want)
		}
	}
	of := f.claim(t, b, 100).Held
	guarded(b, of[0], true)
	guarded(a, of[0], false)
	if s := f.claim(t, a, 100); s.Taken != 0 || s.Next < 50*time.Minute || s.Next > time.Hour {
		t.Errorf("a takes nothing, and the first lease of another ends in an hour: %+v", s)
	}

	// b dies, and others wait for no word of it.
	f.silent(t, "b")
	guarded(b, of[0], false) // also where nobody has taken it yet
	if s := f.claim(t, c, 100); len(s.Held) != 5 || s.Replicas != 2 {
		t.Errorf("c takes what is fair of what b had: %+v", s)
	}
	if err := b.Renew(t.Context()); !errors.Is(err, leases.ErrOver) {
		t.Errorf("b comes back: %v", err)
	}
	if s, err := b.Claim(t.Context(), f.names, 100); !errors.Is(err, leases.ErrOver) {
		t.Errorf("b, which others do not know any more, claims: %+v, %v", s, err)
	}

	// c ends: first it takes nothing more, then it gives everything back.
	if err := errors.Join(c.Leaving(t.Context()), c.Renew(t.Context())); err != nil {
		t.Fatal(err)
	}
	if s := f.claim(t, a, 100); s.Fair != 10 || len(s.Held) != 5 {
		t.Errorf("what is fair while c leaves: %+v", s)
	}
	if err := c.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := f.claim(t, a, 100); len(s.Held) != 10 {
		t.Errorf("a holds all: %+v", s)
	}
	holders, err := a.Holders(t.Context(), f.names)
	if err != nil || len(holders) != 10 || holders[f.names[0]] != "a" {
		t.Errorf("%v, %v", holders, err)
	}
}

// A replica that renews while another one removes those that are over is either removed or not: never both.
func TestRenewalAndRemovalTakeTurns(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	a, b := f.join(t, "a"), f.join(t, "b")
	f.claim(t, a, 1)
	tx, err := f.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.silent(t, "a")
	// a has renewed in time, by a transaction that takes long.
	if _, err := tx.Exec(t.Context(), "UPDATE syncd_fleet.replicas SET holds_until = clock_timestamp() + interval '1 hour' WHERE id = 'a'"); err != nil {
		t.Fatal(err)
	}
	claimed := make(chan leases.Share, 1)
	go func() {
		s, err := b.Claim(t.Context(), f.names, 1)
		if err != nil {
			t.Error(err)
		}
		claimed <- s
	}()
	for waits := false; !waits; {
		if err := f.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'transactionid')").Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := <-claimed; len(s.Held) > 0 {
		t.Errorf("b took what a holds: %+v", s)
	}
	if err := a.Renew(t.Context()); err != nil {
		t.Error(err)
	}
}

// Tables of a newer syncd are not touched.
func TestNewerTablesAreRefused(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.join(t, "a")
	if _, err := f.Exec(t.Context(), "UPDATE syncd_fleet.version SET number = number + 1"); err != nil {
		t.Fatal(err)
	}
	_, err := leases.Open(t.Context(), leases.Config{Connections: f.Connections, ID: "b", Lease: time.Hour})
	if err == nil || !pg.IsError(err) || pg.IsAway(err) || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("tables of another version: %v", err)
	}
}

// What is noted of an organization goes to whoever holds it, once, and to nobody after an hour.
func TestNotices(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	a, b := f.join(t, "a"), f.join(t, "b")
	f.claim(t, a, 1)
	f.claim(t, b, 1)
	note := func(list ...leases.Notice) {
		t.Helper()
		if err := b.Note(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	noted := func(l *leases.Leases, want ...leases.Notice) {
		t.Helper()
		if got, err := l.Noted(t.Context(), f.names); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is told %v, want %v: %v", l.ID, got, want, err)
		}
	}
	first, second, old := leases.Notice{Organization: f.names[0], Changed: "x"}, leases.Notice{Organization: f.names[1], Changed: "x"}, leases.Notice{Organization: f.names[0], Changed: "old"}
	note(old)
	if _, err := f.Exec(t.Context(), "UPDATE syncd_fleet.notices SET at = at - interval '61 minutes'"); err != nil {
		t.Fatal(err)
	}
	note(first, second, first)
	noted(a, first)
	noted(a)
	noted(b, second)
	noted(b)
	if left := pgtest.List(t, pgtest.Connect(t, f.Config().ConnString()), "SELECT changed FROM syncd_fleet.notices"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
