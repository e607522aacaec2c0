// Package removal drops the schemas of a mirror, if nothing in them or of them is somebody else's.
package removal

import (
	"context"
	_ "embed" // removal.sql
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"syncd/internal/store/pg"
	"syncd/migrations"
	"syncd/views"
)

// ErrForeign: what somebody else made would be dropped, too.
var ErrForeign = errors.New("others need the schema")

//go:embed removal.sql
var foreignSQL string

// Schemas are the schemas of a mirror whose data are in this one: the data, the bookkeeping, the data without personal data.
func Schemas(schema string) []string {
	return []string{schema, pg.Bookkeeping(schema), pg.Safe(schema)}
}

// Drop drops the schemas of a mirror. It returns the names of those that there were. With trial it drops nothing, and says only
// whether it could.
func Drop(ctx context.Context, pool *pg.Pool, schema string, trial bool) (there []string, err error) {
	err = pool.Exclusively(ctx, func(tx pgx.Tx) error {
		if there, err = texts(ctx, tx, "SELECT nspname FROM pg_namespace WHERE nspname = ANY ($1) ORDER BY nspname", Schemas(schema)); err != nil || len(there) == 0 {
			return err
		}
		names, err := made()
		if err != nil {
			return err
		}
		foreign, err := texts(ctx, tx, foreignSQL, there, names)
		if err != nil {
			return fmt.Errorf("look for what others made in the schema %s: %w", schema, err)
		}
		if len(foreign) > 0 {
			return &pg.Error{Err: fmt.Errorf("%w %s: syncd did not make %s", ErrForeign, schema, listed(foreign)), Remedy: "move or drop it first"}
		}
		if trial {
			return nil
		}
		quoted := make([]string, len(there))
		for i, name := range there {
			quoted[i] = pgx.Identifier{name}.Sanitize()
		}
		_, err = tx.Exec(ctx, "DROP SCHEMA "+strings.Join(quoted, ", ")+" CASCADE")
		return err
	})
	return there, err
}

// made are the names of what syncd makes: by migrations, as views and functions, and of both without personal data.
func made() ([]string, error) {
	all, err := migrations.All()
	if err != nil {
		return nil, err
	}
	files, err := views.All()
	if err != nil {
		return nil, err
	}
	names := []string{pg.VersionTable}
	for _, m := range all {
		names = append(names, m.Makes()...)
	}
	for _, f := range files {
		for _, o := range f.Makes {
			names = append(names, o.Name)
		}
	}
	for _, name := range names[:len(names):len(names)] {
		names = append(names, name+"_rows")
	}
	return names, nil
}

// listed are the first few of a list.
func listed(list []string) string {
	const most = 5
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}

func texts(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
