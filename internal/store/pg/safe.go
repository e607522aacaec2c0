package pg

import (
	"context"
	"crypto/sha256"
	_ "embed" // safe.sql
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgx/v5"

	"syncd/views"
)

// safeSuffix follows the name of the schema of the data in that of its views without personal data. safe.sql has it, too.
const safeSuffix = "_safe"

// Safe names the schema of views without personal data beside a schema of data.
func Safe(schema string) string { return schema + safeSuffix }

// SafeViews is SQL that makes the views of that schema, which exists, or makes them anew.
//
//go:embed safe.sql
var SafeViews string

// Exclusively runs work in a transaction while nobody else migrates the schema.
func (p *Pool) Exclusively(ctx context.Context, work func(pgx.Tx) error) error {
	return p.InTx(ctx, work, p.lockSchema())
}

// MakeSafeViews makes the views without personal data, and puts down that they are kept from now on.
func (p *Pool) MakeSafeViews(ctx context.Context, tx pgx.Tx) error {
	files, err := p.views()
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, SafeViews); err != nil {
		return fmt.Errorf("make the views of schema %q: %w", Safe(p.session.schema), dependents(err))
	}
	_, err = tx.Exec(ctx, "UPDATE sync_safe SET made_by = $1", madeBy(files))
	return err
}

// madeBy is a sum of what safe views follow from, but for migrations.
func madeBy(files []views.File) string {
	sum := sha256.New()
	sum.Write([]byte(SafeViews))
	for _, f := range files {
		sum.Write([]byte(f.Hash))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// keepSafeViews makes them anew where somebody needs them, and tables or views have changed.
func (p *Pool) keepSafeViews(ctx context.Context, files []views.File, changed bool) error {
	stale := func(q Querier) (is bool, err error) {
		err = q.QueryRow(ctx, `
			SELECT EXISTS (SELECT 1 FROM sync_safe WHERE made_by <> '' AND (made_by <> $2 OR $3))
			   AND EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)`, Safe(p.session.schema), madeBy(files), changed).Scan(&is)
		return is, err
	}
	if is, err := stale(p); err != nil || !is {
		return err
	}
	return p.Exclusively(ctx, func(tx pgx.Tx) error {
		if is, err := stale(tx); err != nil || !is {
			return err
		}
		return p.MakeSafeViews(ctx, tx)
	})
}

// dropSafe is SQL that drops all safe views, which are in the way where a table changes. They are made again when all is migrated,
// and default privileges give the rights again.
const dropSafe = `
DO $$
DECLARE
	v record;
BEGIN
	IF to_regclass('sync_safe') IS NULL THEN
		RETURN;
	END IF;
	FOR v IN
		SELECT s.oid::regclass::text AS name FROM pg_class s JOIN pg_class d ON d.relname = s.relname
		WHERE s.relnamespace = to_regnamespace(quote_ident(current_schema() || '_safe')) AND d.relnamespace = to_regnamespace(quote_ident(current_schema())) AND s.relkind = 'v'
		  AND EXISTS (SELECT FROM sync_safe WHERE made_by <> '')
	LOOP
		EXECUTE 'DROP VIEW ' || v.name;
	END LOOP;
END $$;`
