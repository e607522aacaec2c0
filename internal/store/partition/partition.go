// Package partition keeps tables that are divided by ranges of a time: it makes their partitions, and drops those whose time is over.
//
// A partition is named after its table and its time, as in events_2026_11; what falls into none goes to the default one, events_default,
// so no row is refused. A table that was divided late has one for all that was there before, as in events_before_2026_12. Partitions are in
// the schema of the bookkeeping: readers go by the table.
package partition

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/store/pg"
)

// Unit is the time that one partition covers.
type Unit struct {
	layout        string // of the time in the names of partitions
	years, months int
}

// The units there are.
var (
	Year  = Unit{"2006", 1, 0}
	Month = Unit{"2006_01", 0, 1}
)

// start is the beginning of the unit that a time falls into.
func (u Unit) start(at time.Time) time.Time {
	at = at.UTC()
	if u.months > 0 {
		return time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(at.Year(), time.January, 1, 0, 0, 0, 0, time.UTC)
}

func (u Unit) end(at time.Time) time.Time { return u.start(at).AddDate(u.years, u.months, 0) }

// Table is a table that is divided.
type Table struct {
	Name   string
	Column string // the time by which it is divided
	Unit   Unit
	// Key is the column that is unique in each partition; "" = none.
	Key string
	// Settles: what the default partition holds of the time of a new one moves there. Else it stays, and there is no new one.
	Settles bool
	// Lock comes before any lock of a table, where writers have one that comes first; nil = they have none.
	Lock func(context.Context, pgx.Tx) error
	// Dropping is told of a time that is dropped, in the same transaction; nil = nobody is.
	Dropping func(ctx context.Context, tx pgx.Tx, from, until time.Time) error
}

// Partitions is the handle on the partitions of a table.
type Partitions struct {
	Table
	pool *pg.Pool

	mu    sync.Mutex
	known map[time.Time]bool // beginnings of partitions that have been seen
	tried time.Time          // when some could not be made, on this machine; zero = the last try made them
	now   func() time.Time   // which time it is on this machine
}

// pause is how long Cover does not try again what failed: a try may wait two seconds for a lock, and so would each page.
const pause = time.Minute

// New returns the handle.
func New(pool *pg.Pool, t Table) *Partitions {
	return &Partitions{Table: t, pool: pool, known: map[time.Time]bool{}, now: time.Now}
}

// before is in the name of the partition of all that was there when the table was divided.
const before = "before_"

// one is a partition; from is zero in that of all that was before.
type one struct {
	name        string
	from, until time.Time
}

// of is the partition that a time falls into, if it is made.
func (p *Partitions) of(at time.Time) one {
	from := p.Unit.start(at)
	return one{p.Name + "_" + from.Format(p.Unit.layout), from, p.Unit.end(at)}
}

// IsDivided tells whether the table has partitions at all: who distributes tables over several servers may have made it one table.
func (p *Partitions) IsDivided(ctx context.Context) (is bool, err error) {
	err = p.pool.QueryRow(ctx, "SELECT relkind = 'p' FROM pg_class WHERE oid = $1::text::regclass", name(p.Name)).Scan(&is)
	if err != nil {
		return false, fmt.Errorf("ask whether %s is divided: %w", p.Name, err)
	}
	return is, nil
}

// list are the partitions there are, but for the default one.
func (p *Partitions) list(ctx context.Context) (list []one, err error) {
	rows, err := p.pool.Query(ctx, `
		SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::text::regclass`, name(p.Name))
	if err != nil {
		return nil, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, is := range names {
		when := strings.TrimPrefix(is, p.Name+"_")
		if at, err := time.Parse(p.Unit.layout, strings.TrimPrefix(when, before)); err == nil {
			if strings.HasPrefix(when, before) {
				list = append(list, one{name: is, until: at})
			} else {
				list = append(list, p.of(at))
			}
		}
	}
	return list, err
}

// Ahead makes the partitions of a time and of what comes next.
func (p *Partitions) Ahead(ctx context.Context, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cover(ctx, now, p.Unit.end(now))
}

// Cover makes the partitions that these times fall into, where there are none. For those that were there before, it asks nothing.
// It is called for each page, so after a failure it does nothing for a minute.
func (p *Partitions) Cover(ctx context.Context, times ...time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.tried.IsZero() && p.now().Sub(p.tried) < pause {
		return nil
	}
	return p.cover(ctx, times...)
}

func (p *Partitions) cover(ctx context.Context, times ...time.Time) (err error) {
	defer func() {
		p.tried = time.Time{}
		if err != nil {
			p.tried = p.now()
		}
	}()
	wanted := map[time.Time]one{}
	for _, at := range times {
		if from := p.Unit.start(at); !p.known[from] {
			wanted[from] = p.of(from)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	list, err := p.list(ctx)
	if err != nil {
		return fmt.Errorf("look for the partitions of %s: %w", p.Name, err)
	}
	for from, of := range wanted {
		covered := slices.ContainsFunc(list, func(is one) bool { return !from.Before(is.from) && from.Before(is.until) })
		if !covered {
			if err := p.make(ctx, of); err != nil {
				return fmt.Errorf("make the partition %s: %w", of.name, err)
			}
		}
		p.known[from] = true
	}
	return nil
}

// Drop drops the partitions whose time is all before another, and returns their names.
func (p *Partitions) Drop(ctx context.Context, until time.Time) (dropped []string, err error) {
	list, err := p.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for the partitions of %s: %w", p.Name, err)
	}
	for _, is := range list {
		if is.until.After(until) {
			continue
		}
		p.mu.Lock()
		clear(p.known)
		p.mu.Unlock()
		if err := p.drop(ctx, is); err != nil {
			return dropped, fmt.Errorf("drop the partition %s: %w", is.name, err)
		}
		dropped = append(dropped, is.name)
	}
	return dropped, nil
}

// lockWait bounds how long a partition is waited for that somebody reads: others who want to read queue behind.
const lockWait = "SET LOCAL lock_timeout TO '2s'"

// alone is a transaction that changes partitions, while writers who have a lock that comes first are kept out.
func (p *Partitions) alone(ctx context.Context, work func(pgx.Tx) error) error {
	return p.pool.InTx(ctx, func(tx pgx.Tx) error {
		if p.Lock != nil {
			if err := p.Lock(ctx, tx); err != nil {
				return err
			}
		}
		return work(tx)
	}, lockWait)
}

func name(parts ...string) string { return pgx.Identifier(parts).Sanitize() }

// make makes a partition, unless another process has. It is made apart and attached: that keeps neither readers nor writers of the table
// waiting, but for those of the default partition, which is empty or small and looked through meanwhile.
func (p *Partitions) make(ctx context.Context, of one) error {
	return p.alone(ctx, func(tx pgx.Tx) error {
		rest, made := name(p.Name+"_default"), name(p.pool.Bookkeeping(), of.name)
		if _, err := tx.Exec(ctx, "LOCK TABLE ONLY "+name(p.Name)+" IN SHARE UPDATE EXCLUSIVE MODE; LOCK TABLE "+rest+" IN ACCESS EXCLUSIVE MODE"); err != nil {
			return err
		}
		within := fmt.Sprintf("%s >= '%s' AND %[1]s < '%[3]s'", name(p.Column), of.from.Format(time.RFC3339), of.until.Format(time.RFC3339))
		var there, taken bool
		err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL, EXISTS (SELECT FROM `+rest+` WHERE `+within+`)`, made).Scan(&there, &taken)
		if err != nil || there || taken && !p.Settles {
			return err
		}
		statements := []string{fmt.Sprintf("CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS)", made, name(p.Name))}
		if p.Key != "" {
			statements = append(statements, fmt.Sprintf("ALTER TABLE %s ADD PRIMARY KEY (%s)", made, name(p.Key)))
		}
		if taken {
			statements = append(statements, fmt.Sprintf("WITH moved AS (DELETE FROM %s WHERE %s RETURNING *) INSERT INTO %s SELECT * FROM moved", rest, within, made))
		}
		statements = append(statements, fmt.Sprintf("ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM ('%s') TO ('%s')",
			name(p.Name), made, of.from.Format(time.RFC3339), of.until.Format(time.RFC3339)))
		for _, sql := range statements { // one by one: Citus hands each on as it came
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
}

// drop tells of what was in a partition, and drops it.
func (p *Partitions) drop(ctx context.Context, is one) error {
	return p.alone(ctx, func(tx pgx.Tx) error {
		if p.Dropping != nil {
			if err := p.Dropping(ctx, tx, is.from, is.until); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "DROP TABLE IF EXISTS "+name(p.pool.Bookkeeping(), is.name))
		return err
	})
}
