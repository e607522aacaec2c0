package audits

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/store/clock"
)

// Pair is a table and the table of its export.
type Pair struct {
	Table, Export string
	Link          string // column of the export's table that holds the id of the mirrored row
	Time          string // column of both by which rows without another name are told apart
	Number        string // column of both that names a row for sure, where it has a value; "" = there is none
	Deletable     bool   // Polar deletes such rows in the course of things
	Fields        []PairField
}

// PairField is a field that both sources have, as SQL expressions over the mirrored row o and the export's row e.
type PairField struct {
	Name   string
	Mirror string // "" = o.Name
	Other  string // "" = e.Name
	Text   bool   // the export cannot tell an empty text from none
	// Money: the export divided the amount by 100 as a binary floating point number, which is done here too: beyond 2^53 the
	// digits of the export are not those of the amount.
	Money bool
}

func (f PairField) sql() (mirror, other, differs string) {
	mirror, other = f.Mirror, f.Other
	if mirror == "" {
		mirror = "o." + pgx.Identifier{f.Name}.Sanitize()
	}
	if other == "" {
		other = "e." + pgx.Identifier{f.Name}.Sanitize()
	}
	if f.Text {
		mirror, other = "NULLIF("+mirror+", '')", "NULLIF("+other+", '')"
	}
	differs = "(" + mirror + ") IS DISTINCT FROM (" + other + ")"
	if f.Money {
		differs = "((" + mirror + ")::float8 / 100) IS DISTINCT FROM (e." + pgx.Identifier{f.Name + "_major"}.Sanitize() + ")::float8"
	}
	return mirror, other, differs
}

// byThen says of a row o of the mirror that it was requested by $1, as far as can be told.
const byThen = `(o._requested_at <= $1::timestamptz OR o._requested_at > ` + clock.Present + `)`

// live is a row of the mirror that Polar may be expected to have: not one that was only ever copied from another object.
func (p Pair) live() string {
	return `o._deleted_at IS NULL AND NOT EXISTS (SELECT FROM sync_stubs b WHERE b.stream = '` + p.Table + `' AND b.id = o.id AND b.resolved_at IS NULL)`
}

// Against compares a table with its export.
type Against struct {
	Audits
	Pair
}

// Against returns the handle that compares the tables of a pair.
func (a Audits) Against(p Pair) Against { return Against{a, p} }

// exported keeps the fields that the export has. A column without a single value is one that the file did not have.
func (a Against) exported(ctx context.Context) (fields []PairField, err error) {
	var ask []string
	for _, f := range a.Fields {
		_, other, _ := f.sql()
		ask = append(ask, "COALESCE(bool_or(("+other+") IS NOT NULL), false)")
	}
	rows, err := a.pool.Query(ctx, "SELECT ARRAY["+strings.Join(ask, ", ")+"] FROM "+a.Export+" e WHERE e._deleted_at IS NULL")
	if err != nil {
		return nil, err
	}
	has, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[[]bool])
	for i, is := range has {
		if is {
			fields = append(fields, a.Fields[i])
		}
	}
	return fields, err
}

// Differences are the fields in which rows of the mirror and of the export differ that belong together. Rows that the mirror
// stored after asOf are left out, as the export may be older; with the zero time none are.
func (a Against) Differences(ctx context.Context, asOf time.Time) ([]Difference, error) {
	fields, err := a.exported(ctx)
	if err != nil || len(fields) == 0 {
		return nil, audited(a.Table, err)
	}
	var values []string
	for _, f := range fields {
		mirror, other, differs := f.sql()
		values = append(values, fmt.Sprintf("('%s', (%s)::text, (%s)::text, %s)", f.Name, mirror, other, differs))
	}
	return a.differences(ctx, a.Table, `
		SELECT o.id, o.id::text, v.field, COALESCE(v.mirror, ''), COALESCE(v.other, ''), encode(o._hash, 'hex'), '-infinity'::timestamptz, true
		FROM `+a.Table+` o JOIN `+a.Export+` e ON e.`+a.Link+` = o.id
		CROSS JOIN LATERAL (VALUES `+strings.Join(values, ", ")+`) AS v(field, mirror, other, differs)
		WHERE v.differs AND e._deleted_at IS NULL AND `+byThen+` AND `+a.live()+`
		ORDER BY o.id, v.field LIMIT $2`, bound(asOf), MostDifferences)
}

// twin is a row that nothing belongs to on either side and that has the same time as one on the other: the same thing, told
// apart by a name or an address that changed between the reads.
func (p Pair) twin() string {
	if p.Time == "" {
		return "false"
	}
	twin := "e." + p.Time + " = o." + p.Time
	if p.Number != "" {
		twin += " AND e." + p.Number + " IS NULL AND NULLIF(o." + p.Number + ", '') IS NULL"
	}
	return twin
}

// ExtraRows are the live rows of the mirror that the export does not have. Settled: the row was not merely deleted at Polar since
// it was mirrored; where that can happen, no export ever had it, though earlier ones have later rows.
func (a Against) ExtraRows(ctx context.Context, asOf, since time.Time) ([]Difference, error) {
	settled, listed := "$3::timestamptz IS NOT NULL", ""
	if a.Deletable {
		settled = `NOT EXISTS (SELECT FROM ` + a.Export + ` e WHERE e.id = o.id)
			AND o.created_at <= (SELECT max(e.created_at) FROM ` + a.Export + ` e WHERE e._synced_at < $3)`
	}
	if a.Time != "" {
		listed = " AND o." + a.Time + " IS NOT NULL"
	}
	return a.differences(ctx, a.Table, `
		SELECT o.id, o.id::text, '', 'there', 'absent', encode(o._hash, 'hex'), '-infinity'::timestamptz, COALESCE(`+settled+`, false)
		FROM `+a.Table+` o
		WHERE `+byThen+` AND `+a.live()+listed+`
		  AND NOT EXISTS (SELECT FROM `+a.Export+` e WHERE e.`+a.Link+` = o.id AND e._deleted_at IS NULL)
		  AND NOT EXISTS (SELECT FROM `+a.Export+` e WHERE e.`+a.Link+` IS NULL AND e._deleted_at IS NULL AND `+a.twin()+`)
		ORDER BY o.id LIMIT $2`, bound(asOf), MostDifferences, since)
}

// LostRows are the rows of the export that the mirror does not have. Settled: the row is older than others that the mirror does
// have, so it had been there to be mirrored.
func (a Against) LostRows(ctx context.Context) ([]Difference, error) {
	at, key, id := "e.created_at", "e.id::text", "e.id"
	if a.Time != "" {
		at, id = "e."+a.Time, "'00000000-0000-0000-0000-000000000000'::uuid"
		key = "e." + a.Time + "::text || ' ' || COALESCE(e.email, '')"
	}
	if a.Number != "" {
		key = "COALESCE(e." + a.Number + ", " + key + ")"
	}
	column := strings.TrimPrefix(at, "e.")
	return a.differences(ctx, a.Table, `
		SELECT `+id+`, COALESCE(`+key+`, e.id::text), '', 'absent', 'there', '', COALESCE(`+at+`, '-infinity'),
		       COALESCE(`+at+` < (SELECT max(n.`+column+`) FROM `+a.Table+` n WHERE n._deleted_at IS NULL) - interval '10 minutes', false)
		FROM `+a.Export+` e LEFT JOIN `+a.Table+` m ON m.id = e.`+a.Link+` AND m._deleted_at IS NULL
		WHERE m.id IS NULL AND e._deleted_at IS NULL
		  AND NOT EXISTS (SELECT FROM `+a.Table+` o WHERE `+a.live()+` AND `+a.twin()+`
		                  AND NOT EXISTS (SELECT FROM `+a.Export+` x WHERE x.`+a.Link+` = o.id AND x._deleted_at IS NULL))
		ORDER BY 2 LIMIT $1`, MostDifferences)
}
