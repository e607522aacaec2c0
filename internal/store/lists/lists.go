// Package lists sets right what is stored of the lists inside objects, where their parents say otherwise.
package lists

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"syncd/internal/store/clock"
	"syncd/internal/store/pg"
)

// Table is one with the elements of a list.
type Table struct {
	Name   string
	Parent string // column that holds the parent's id
	Key    string // column that holds the element's own id
}

// Parents are rows, and when the replies with them were requested.
type Parents struct {
	ids []uuid.UUID
	at  []time.Time
}

// Add adds one.
func (ps *Parents) Add(id uuid.UUID, at time.Time) {
	ps.ids, ps.at = append(ps.ids, id), append(ps.at, at)
}

// joined is the SQL that joins rows c of a child table to the parents p.
func joined(table, column, set string) string {
	return `UPDATE ` + pgx.Identifier{table}.Sanitize() + ` c SET ` + set + `
		FROM ROWS FROM (unnest($1::uuid[]), unnest($2::timestamptz[])) AS p(id, at)
		WHERE c.` + pgx.Identifier{column}.Sanitize() + ` = p.id`
}

// Redate sets the date of misdated rows to that of the reply.
func (ps *Parents) Redate(p *pg.Pipeline, table string) {
	if len(ps.ids) > 0 {
		p.Add(joined(table, "id", "_requested_at = p.at"), []any{ps.ids, ps.at}, nil)
	}
}

// Distrust makes the child rows of these parents differ from anything that Polar may send, so that all are written anew, except
// rows of a later reply.
func (ps *Parents) Distrust(p *pg.Pipeline, t Table) {
	if len(ps.ids) > 0 {
		p.Add(joined(t.Name, t.Parent, `_hash = '', _requested_at = LEAST(c._requested_at, p.at)`)+
			` AND (c._requested_at <= p.at OR c._requested_at > `+clock.Present+`)`, []any{ps.ids, ps.at}, nil)
	}
}

// Element identifies an element of a list.
type Element struct{ Parent, Key uuid.UUID }

// RemoveUnlisted marks the child rows of these parents that the parents' lists no longer name. The rows stay, because other rows
// may refer to them. A reply requested before the stored row's does not count.
func (ps *Parents) RemoveUnlisted(ctx context.Context, q interface {
	Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
}, t Table, listed []Element,
) error {
	if len(ps.ids) == 0 {
		return nil
	}
	of, keys := make([]uuid.UUID, len(listed)), make([]uuid.UUID, len(listed))
	for i, l := range listed {
		of[i], keys[i] = l.Parent, l.Key
	}
	_, err := q.Exec(ctx, joined(t.Name, t.Parent, "_removed_at = now(), _synced_at = now(), _requested_at = p.at")+`
		  AND c._removed_at IS NULL AND c._requested_at <= p.at
		  AND NOT EXISTS (
		      SELECT FROM ROWS FROM (unnest($3::uuid[]), unnest($4::uuid[])) AS l(p, k)
		      WHERE l.p = p.id AND l.k = c.`+pgx.Identifier{t.Key}.Sanitize()+`)`, ps.ids, ps.at, of, keys)
	if err != nil {
		return fmt.Errorf("mark unlisted rows of %s: %w", t.Name, err)
	}
	return nil
}
