package erasure

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/pg"
)

// Erasures are the customers of a database who are erased.
type Erasures struct{ pool *pg.Pool }

// New returns the handle on the erasures of a schema.
func New(pool *pg.Pool) Erasures { return Erasures{pool} }

// Reasons of an erasure.
const (
	Asked      = "asked"      // somebody asked for it
	Anonymized = "anonymized" // Polar has anonymized the customer
)

// Erasure is a customer who is erased, a row of sync_erasures.
type Erasure struct {
	Customer  uuid.UUID
	Reason    string
	AskedBy   string
	NotedAt   time.Time
	ClearedAt time.Time // zero: not yet
	Rows      int64     // cleared so far
}

// List returns who is erased, in the order in which they were noted.
func (e Erasures) List(ctx context.Context) ([]Erasure, error) {
	rows, err := e.pool.Query(ctx, `
		SELECT customer_id, reason, asked_by, noted_at, COALESCE(cleared_at, '0001-01-01 00:00:00+00'), rows_cleared FROM sync_erasures ORDER BY noted_at, customer_id`)
	var list []Erasure
	if err == nil {
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Erasure])
	}
	if err != nil {
		return nil, fmt.Errorf("read who is erased: %w", err)
	}
	return list, nil
}

var (
	// ErrUnknown: no customer is meant.
	ErrUnknown = errors.New("no such customer")
	// ErrAmbiguous: several customers may be meant.
	ErrAmbiguous = errors.New("several customers")
)

// Find finds the customer of a Polar id, an id of the organization's own, or an address; also one that was erased before.
func (e Erasures) Find(ctx context.Context, named string) (uuid.UUID, error) {
	id, err := uuid.Parse(named)
	isID := err == nil
	rows, err := e.pool.Query(ctx, `
		SELECT c.id, concat_ws(', ', 'made ' || to_char(c.created_at, 'YYYY-MM-DD'), CASE WHEN c._deleted_at IS NOT NULL THEN 'deleted' END)
		FROM customers c
		WHERE CASE WHEN $2 THEN c.id = $3 ELSE c.external_id = $1 OR lower(c.email) = lower($1) OR c.metadata->>'__external_id' = $1 END
		UNION
		SELECT x.customer_id, 'erased' FROM sync_erasures x
		WHERE CASE WHEN $2 THEN x.customer_id = $3 AND NOT EXISTS (SELECT FROM customers c WHERE c.id = $3) ELSE x.customer_id IN (
			SELECT h.customer_id FROM sync_erasure_hashes h, sync_safe s
			WHERE h.hash IN (sha256(s.erasure_key || sha256(convert_to($1, 'UTF8'))), sha256(s.erasure_key || sha256(convert_to(lower($1), 'UTF8'))))) END
		ORDER BY 1`, named, isID, id)
	if err != nil {
		return uuid.UUID{}, fmt.Errorf("look for the customer: %w", err)
	}
	var found []uuid.UUID
	var what, said string
	_, err = pgx.ForEachRow(rows, []any{&id, &what}, func() error {
		found, said = append(found, id), said+fmt.Sprintf("\n  %s (%s)", id, what)
		return nil
	})
	switch {
	case err != nil:
		return uuid.UUID{}, fmt.Errorf("look for the customer: %w", err)
	case len(found) == 0:
		return uuid.UUID{}, fmt.Errorf("%w is mirrored: name a Polar id, an id of your own (external id) or an address as the table customers has it", ErrUnknown)
	case len(found) > 1:
		return uuid.UUID{}, fmt.Errorf("%w may be meant; name one of them by its id:%s", ErrAmbiguous, said)
	}
	return found[0], nil
}

// Cleared is how many rows of a table held personal data of the customer.
type Cleared struct {
	Table string
	Rows  int64
}

// Report says what an erasure cleared, or would clear.
type Report struct {
	Tables []Cleared // those with rows
	Rows   int64
}

// Order asks for an erasure.
type Order struct {
	Customers []uuid.UUID
	Reason    string
	By        string // who asks
	Trial     bool   // only say what would be cleared
}

// patience is for how many seconds an erasure waits for writers, which wait for it meanwhile.
const patience = 60

// ErrBusy: writers held the tables for longer than an erasure waits.
var ErrBusy = errors.New("tables are in use")

// errTrial takes back what a trial has written.
var errTrial = errors.New("only a trial")

// Erase clears the personal data of customers in all tables, in one transaction, and has writers keep them out from then on.
func (e Erasures) Erase(ctx context.Context, o Order) (Report, error) {
	return e.pass(ctx, o, func(context.Context, pg.Querier) ([]uuid.UUID, error) { return o.Customers, nil }, (*work).erase)
}

// pass does something with the data of those whose are to go by the time that nobody else erases.
func (e Erasures) pass(ctx context.Context, o Order, whose func(context.Context, pg.Querier) ([]uuid.UUID, error), do func(*work, context.Context) error) (r Report, err error) {
	for range patience {
		err = e.pool.Exclusively(ctx, func(tx pgx.Tx) (err error) {
			if o.Customers, err = whose(ctx, tx); err != nil || len(o.Customers) == 0 {
				return err
			}
			w := work{tx: tx, order: o}
			if err := do(&w, ctx); err != nil {
				return err
			}
			r = Report{w.cleared, w.rows}
			if o.Trial {
				return errTrial
			}
			return nil
		})
		if !isWait(err) {
			break
		}
	}
	switch {
	case errors.Is(err, errTrial):
		return r, nil
	case isWait(err):
		return r, pg.Failure(fmt.Errorf("%w: another process has written for a minute without a break, and nothing was changed: try again", ErrBusy))
	case err != nil:
		return r, fmt.Errorf("erase %d customers: %w", len(o.Customers), err)
	}
	return r, nil
}

// NoteSQL notes that Polar has anonymized the customers in $1.
const NoteSQL = `
	INSERT INTO sync_erasures (customer_id, reason, asked_by) SELECT DISTINCT unnest($1::uuid[]), '` + Anonymized + `', 'syncd'
	ON CONFLICT (customer_id) DO NOTHING`

// OwnerColumn is the column with the customer whose a row is, where a table has one.
const OwnerColumn = "customer_id"

// AskedSQL asks for all rows at once whose they are: those of table $1, by their ids and customers; zero where a customer is not known.
// Triggers ask it for each row otherwise, which costs more than to write it. Until the end of the transaction, or SettledSQL, they ask for the
// rows that this finds alone. It is asked after whoever writes has the turn of the stream: nobody is erased meanwhile, and who is noted is
// cleared later. If it finds many, triggers ask for each row.
const AskedSQL = `
	SELECT set_config('syncd.asked', CASE WHEN count(*) <= 100 THEN $1::text || COALESCE(string_agg(' ' || n.id, ''), '') ELSE '' END, true)
	FROM ROWS FROM (unnest($2::uuid[]), unnest($3::uuid[])) AS n(id, owner)
	WHERE n.owner = '00000000-0000-0000-0000-000000000000' OR EXISTS (SELECT FROM sync_erasures e WHERE e.customer_id = n.owner)`

// SettledSQL takes back what AskedSQL has said.
const SettledSQL = "SELECT set_config('syncd.asked', '', true)"

// Note notes that Polar has anonymized customers, for Settle.
func (e Erasures) Note(ctx context.Context, customers []uuid.UUID) error {
	if len(customers) == 0 {
		return nil
	}
	if _, err := e.pool.Exec(ctx, NoteSQL, customers); err != nil {
		return fmt.Errorf("note who is anonymized: %w", err)
	}
	return nil
}

// settling is how long customers may take to be erased at the end of a run: many, after a first sync.
const settling = 5 * time.Minute

// Settle erases the customers that were noted and are not cleared yet: those that Polar has anonymized. Of those who were erased before it
// clears once more what belongs to rows of theirs that were written meanwhile: whoever wrote at the same moment did not see them. It is
// called after a run has committed all it wrote, so of two such the later one sees both. All customers cost one pass, also where several
// runs end at once. Where it fails it says so in the log, and the next run makes up for it.
func (e Erasures) Settle(ctx context.Context, log *slog.Logger) {
	within, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	var noted, written bool
	err := e.pool.QueryRow(within, "SELECT EXISTS ("+notedSQL+"), EXISTS ("+writtenSQL+")").Scan(&noted, &written)
	if err == nil && noted {
		_, err = e.pass(within, Order{Reason: Anonymized, By: "syncd"}, customers(notedSQL), (*work).erase)
	}
	if err == nil && written {
		_, err = e.pass(within, Order{}, customers(writtenSQL), (*work).eraseAgain)
	}
	if err != nil && ctx.Err() == nil {
		log.WarnContext(ctx, "customers whom Polar has anonymized are not erased yet; the next run tries again", "error", err)
	}
}

const (
	notedSQL = "SELECT customer_id FROM sync_erasures WHERE cleared_at IS NULL ORDER BY customer_id"
	// Who is noted, also while a pass waits, is left to a pass that clears everything.
	writtenSQL = "SELECT DISTINCT a.customer_id FROM sync_erasure_again a JOIN sync_erasures e USING (customer_id) WHERE e.cleared_at IS NOT NULL ORDER BY a.customer_id"
)

// customers reads whose data are to go.
func customers(sql string) func(context.Context, pg.Querier) ([]uuid.UUID, error) {
	return func(ctx context.Context, q pg.Querier) (whose []uuid.UUID, err error) {
		rows, err := q.Query(ctx, sql)
		if err == nil {
			whose, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		}
		if err != nil {
			return nil, fmt.Errorf("read who is to be erased: %w", err)
		}
		return whose, nil
	}
}

// Keep makes the triggers anew where somebody is erased, and tables or functions have changed. It is called after migrations.
func (e Erasures) Keep(ctx context.Context) error {
	stale, err := isStale(ctx, e.pool)
	if err == nil && stale {
		err = e.pool.Exclusively(ctx, func(tx pgx.Tx) error {
			if stale, err := isStale(ctx, tx); err != nil || !stale { // another process was first
				return err
			}
			w := work{tx: tx}
			if err := w.prepare(ctx); err != nil {
				return err
			}
			if err := w.makeFunctions(ctx); err != nil {
				return err
			}
			return w.attach(ctx)
		})
	}
	if err != nil {
		return fmt.Errorf("keep erased customers out: %w", err)
	}
	return nil
}

// isStale tells whether there are triggers, and others are wanted.
func isStale(ctx context.Context, q pg.Querier) (stale bool, err error) {
	err = q.QueryRow(ctx, "SELECT erasure_made_by <> '' AND erasure_made_by <> "+madeBy+" FROM sync_safe", functions).Scan(&stale)
	return stale, err
}
