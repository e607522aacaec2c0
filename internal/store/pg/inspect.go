package pg

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"syncd/migrations"
)

// Facts are what can be learned of a database and of syncd's schemas in it without writing anything.
type Facts struct {
	Version, Database, Role, Encoding string
	Pooled                            bool // a pooler stands in between
	Size                              int64
	Directory                         string // of the data, on the host of the server; "" where the role may not know it
	Address                           string // of the server: a host, or the directory of a socket

	There   bool // the schema of the data exists
	Tables  int  // in it, whoever made them
	Pending int  // migrations of this syncd that were not applied
	Applied int
	// Obstacle is what keeps syncd from using the schema: what somebody else has made there, or that it is a newer one. Lacks is
	// which rights a pending migration lacks. nil = nothing.
	Obstacle, Lacks error
	// Closed are tables of syncd's that the role may not write.
	Closed int
}

// Inspect learns the Facts, in one transaction that may write nothing.
func (p *Pool) Inspect(ctx context.Context) (f Facts, err error) {
	all, err := migrations.All()
	if err != nil {
		return f, err
	}
	files, err := p.views()
	if err != nil {
		return f, err
	}
	f.Pooled, f.Address = p.session.pooled, p.Config().ConnConfig.Host
	err = p.Snapshot(ctx, func(tx pgx.Tx) error {
		var begun bool
		err := tx.QueryRow(ctx, `
			SELECT current_setting('server_version'), current_database()::text, current_user::text, current_setting('server_encoding'),
			       pg_database_size(current_database()),
			       COALESCE((SELECT setting FROM pg_settings WHERE name = 'data_directory'), ''),
			       n.oid IS NOT NULL, (SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')),
			       EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = $2),
			       (SELECT count(*) FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
			        WHERE s.nspname IN ($1, $3) AND c.relkind IN ('r', 'p') AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
			              AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')))
			FROM (SELECT 1) one LEFT JOIN pg_namespace n ON n.nspname = $1`, p.session.schema, VersionTable, p.session.bookkeeping()).Scan(
			&f.Version, &f.Database, &f.Role, &f.Encoding, &f.Size, &f.Directory, &f.There, &f.Tables, &begun, &f.Closed)
		if err != nil {
			return err
		}
		pending := all
		if begun {
			if pending, err = p.unapplied(ctx, tx, all); err != nil {
				return err
			}
		}
		f.Pending, f.Applied = len(pending), len(all)-len(pending)
		if f.Obstacle = p.refuseForeign(ctx, tx, pending, files); f.Obstacle == nil && len(pending) > 0 {
			f.Lacks = p.needRights(ctx, tx)
		}
		return nil
	})
	if err != nil {
		return f, fmt.Errorf("look at the database: %w", err)
	}
	if f.Applied > 0 && f.Obstacle == nil {
		if err := p.CheckSchema(ctx); err != nil && !errors.Is(err, ErrSchemaBehind) {
			f.Obstacle = err
		}
	}
	return f, nil
}
