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
	Link          string // of the export's table; it holds the id of the mirrored row
	Time          string // column of both tables that matches rows without another key
	Number        string // column of both tables that identifies a row where it has a value; "" = there is none
	Deletable     bool   // Polar deletes such rows in normal operation
	Fields        []PairField
}

// PairField is a field of both sources, as SQL expressions over the mirrored row o and the export's row e.
type PairField struct {
	Name   string
	Mirror string // "" = o.Name
	Other  string // "" = e.Name
	Text   bool   // the export cannot tell an empty text from none
	// Money: the export divided the amount by 100 as a binary floating point number. The comparison does the same: beyond 2^53
	// the digits of the export are not those of the amount.
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

// byThen is an SQL condition: the mirrored row o was requested by $1, as far as can be told.
const byThen = `(o._requested_at <= $1::timestamptz OR o._requested_at > ` + clock.Present + `)`

// live is an SQL condition: Polar should have the mirrored row. It excludes rows known only from copies.
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

// exported keeps the fields that the export has. A column without a single value was not in the file.
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

// Differences are the fields that differ between a mirrored row and its row of the export. Rows stored after asOf are left out,
// as the export may be older; a zero asOf leaves out none.
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

// twin is an SQL condition: a row without a match on either side has the same time as one on the other side. They are the same
// thing; a name or an address that tells rows apart changed between the reads.
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

// ExtraRows are the live mirrored rows that the export does not have. Settled: the row was not simply deleted at Polar since it
// was mirrored. If Polar deletes such rows, that means that no export ever had it, although earlier exports have later rows.
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

// LostRows are the rows of the export that the mirror does not have. Settled: the row is older than rows that the mirror has, so
// it could have been mirrored.
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
