package leases

import (
	"context"
	_ "embed" // tables.sql
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/store/pg"
)

// Schema is that of the tables. An organization's own schema cannot have this name: all begin with polar, unless somebody chooses so.
const Schema = "syncd_fleet"

// ErrOver: this replica was silent for too long, and others may hold what it held.
var ErrOver = errors.New("the leases of this process are over")

//go:embed tables.sql
var tables string

// Config of a replica.
type Config struct {
	Connections *pg.Connections
	ID          string        // of this replica, never used before
	Host        string        // for people
	Lease       time.Duration // how long it is believed to live after it was heard of
}

// Leases are those of one replica.
type Leases struct {
	Config
	pool *pg.Pool
}

// lock makes those who claim take turns.
const lock = "SELECT pg_advisory_xact_lock(7308890442133205862)"

// Open makes the tables where they are missing. Nobody holds anything yet.
func Open(ctx context.Context, c Config) (*Leases, error) {
	pool, err := pg.Open(ctx, pg.Config{Connections: c.Connections, Schema: Schema})
	if err != nil {
		return nil, err
	}
	l := &Leases{c, pool}
	var there bool
	if err := pool.QueryRow(ctx, "SELECT bool_and(to_regclass(name) IS NOT NULL) AND to_regprocedure('hold(text,text)') IS NOT NULL FROM unnest(ARRAY['replicas', 'organizations', 'notices', 'version']) name").Scan(&there); err != nil {
		return nil, fmt.Errorf("look for the leases of organizations: %w", err)
	}
	if there {
		return l, l.checkVersion(ctx)
	}
	err = pool.InTx(ctx, func(tx pgx.Tx) error {
		var schema bool // one that is there needs no right on the database, and IF NOT EXISTS would ask for it
		if err := tx.QueryRow(ctx, "SELECT to_regnamespace($1) IS NOT NULL", Schema).Scan(&schema); err != nil {
			return err
		}
		if !schema {
			if _, err := tx.Exec(ctx, "CREATE SCHEMA "+Schema); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, tables)
		return err
	}, lock)
	if pg.IsCode(err, "42501") {
		return nil, &pg.Error{Err: fmt.Errorf("make the leases of organizations: %w", err),
			Remedy: "have the owner of the database run CREATE SCHEMA " + Schema + " AUTHORIZATION with the name of this role"}
	}
	if err != nil {
		return nil, fmt.Errorf("make the leases of organizations: %w", err)
	}
	return l, l.checkVersion(ctx)
}

// version is that of the tables which this syncd knows.
const version = 1

// checkVersion refuses tables that a newer syncd has made: what they mean is not known here.
func (l *Leases) checkVersion(ctx context.Context) error {
	var is int
	if err := l.pool.QueryRow(ctx, "SELECT max(number) FROM version").Scan(&is); err != nil {
		return fmt.Errorf("read the version of the leases of organizations: %w", err)
	}
	if is > version {
		return &pg.Error{Err: fmt.Errorf("the schema %s has version %d, and this syncd knows version %d", Schema, is, version), Remedy: "run the syncd that the other processes run"}
	}
	return nil
}

// Join makes the replica known. What it holds is believed until Lease from now.
func (l *Leases) Join(ctx context.Context) error {
	_, err := l.pool.Exec(ctx, `
		INSERT INTO replicas (id, host, seen_at, holds_until)
		VALUES ($1, $2, clock_timestamp(), clock_timestamp() + make_interval(secs => $3))`, l.ID, l.Host, l.Lease.Seconds())
	if err != nil {
		return fmt.Errorf("join the fleet: %w", err)
	}
	return nil
}

// Renew says that the replica lives: what it holds is believed until Lease from now. ErrOver: it was not, for a moment.
func (l *Leases) Renew(ctx context.Context) error {
	tag, err := l.pool.Exec(ctx, `
		UPDATE replicas SET seen_at = clock_timestamp(), holds_until = clock_timestamp() + make_interval(secs => $2)
		WHERE id = $1 AND holds_until > clock_timestamp()`, l.ID, l.Lease.Seconds())
	switch {
	case err != nil:
		return fmt.Errorf("renew the leases of organizations: %w", err)
	case tag.RowsAffected() == 0:
		return ErrOver
	}
	return nil
}

// Share is what a replica has after a claim.
type Share struct {
	Held     []string      // names, in order
	Taken    int           // how many of these by this claim
	Replicas int           // that live and do not leave
	Fair     int           // how many organizations each of them should hold at most
	Next     time.Duration // until the first of the others is over, if it is not heard of before; 0 = there is no other
}

// Claim takes free organizations of these names: at most so many, and not more than are fair. ErrOver: see Renew.
func (l *Leases) Claim(ctx context.Context, names []string, most int) (s Share, err error) {
	err = l.pool.InTx(ctx, func(tx pgx.Tx) error {
		// A replica that renews at this moment is waited for, and stays.
		if _, err := tx.Exec(ctx, "DELETE FROM replicas WHERE holds_until <= clock_timestamp()"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO organizations (name) SELECT unnest($1::text[]) ON CONFLICT (name) DO NOTHING", names); err != nil {
			return err
		}
		var known bool
		var next float64
		if err := tx.QueryRow(ctx, `
			SELECT count(*) FILTER (WHERE NOT leaving), COALESCE(bool_or(id = $1), false), COALESCE(extract(epoch FROM min(holds_until) FILTER (WHERE id <> $1) - clock_timestamp()), 0)::float8
			FROM replicas`, l.ID).Scan(&s.Replicas, &known, &next); err != nil {
			return err
		}
		if !known {
			return ErrOver
		}
		s.Next = time.Duration(next * float64(time.Second))
		s.Fair = (len(names) + s.Replicas - 1) / max(1, s.Replicas)
		var held int
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM organizations WHERE holder = $1 AND name = ANY($2)", l.ID, names).Scan(&held); err != nil {
			return err
		}
		taken, err := tx.Exec(ctx, `
			UPDATE organizations SET holder = $1, since = clock_timestamp() WHERE name IN (
				SELECT name FROM organizations WHERE name = ANY($2) AND (holder IS NULL OR holder NOT IN (SELECT id FROM replicas)) ORDER BY name LIMIT $3)
			AND EXISTS (SELECT FROM replicas WHERE id = $1 AND NOT leaving)`, l.ID, names, max(0, min(most, s.Fair-held)))
		if err != nil {
			return err
		}
		s.Taken = int(taken.RowsAffected())
		s.Held, err = heldBy(ctx, tx, l.ID)
		return err
	}, "SET LOCAL idle_in_transaction_session_timeout TO '10s'", lock)
	if err != nil {
		return Share{}, fmt.Errorf("claim organizations: %w", err)
	}
	return s, nil
}

func heldBy(ctx context.Context, tx pgx.Tx, id string) ([]string, error) {
	rows, err := tx.Query(ctx, "SELECT name FROM organizations WHERE holder = $1 ORDER BY name", id)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Guard is the statement by which the transactions of an organization begin: it fails, with pg.Refused, where the replica does not hold
// it any more. The process cannot tell by itself: it may have stood still for longer than its lease.
//
// It is looked up and not locked. A transaction that has begun in time holds its stream's row, and whoever takes over waits for that.
func (l *Leases) Guard(name string) string {
	quote := func(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
	return "SELECT " + Schema + ".hold(" + quote(name) + ", " + quote(l.ID) + ")"
}

// GiveBack lets others take these at once.
func (l *Leases) GiveBack(ctx context.Context, names ...string) error {
	if _, err := l.pool.Exec(ctx, "UPDATE organizations SET holder = NULL, since = clock_timestamp() WHERE holder = $1 AND name = ANY($2)", l.ID, names); err != nil {
		return fmt.Errorf("give organizations back: %w", err)
	}
	return nil
}

// Leaving says that the replica takes nothing more: what is fair is reckoned without it.
func (l *Leases) Leaving(ctx context.Context) error {
	if _, err := l.pool.Exec(ctx, "UPDATE replicas SET leaving = true WHERE id = $1", l.ID); err != nil {
		return fmt.Errorf("leave the fleet: %w", err)
	}
	return nil
}

// Leave gives everything back.
func (l *Leases) Leave(ctx context.Context) error {
	return l.pool.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM replicas WHERE id = $1", l.ID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE organizations SET holder = NULL, since = clock_timestamp() WHERE holder = $1", l.ID)
		return err
	})
}

// Holders tells which replica runs which of these organizations, by their names. What nobody runs is left out.
func (l *Leases) Holders(ctx context.Context, names []string) (map[string]string, error) {
	rows, err := l.pool.Query(ctx, `
		SELECT o.name, r.id FROM organizations o JOIN replicas r ON r.id = o.holder AND r.holds_until > clock_timestamp()
		WHERE o.name = ANY($1)`, names)
	if err != nil {
		return nil, fmt.Errorf("read who runs which organization: %w", err)
	}
	holders := map[string]string{}
	var name, id string
	if _, err := pgx.ForEachRow(rows, []any{&name, &id}, func() error { holders[name] = id; return nil }); err != nil {
		return nil, fmt.Errorf("read who runs which organization: %w", err)
	}
	return holders, nil
}
