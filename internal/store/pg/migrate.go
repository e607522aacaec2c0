package pg

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"syncd/migrations"
	"syncd/views"
)

var (
	// ErrSchemaNewer: the schema was migrated by a newer syncd than this one.
	ErrSchemaNewer = errors.New("schema is newer than this syncd")
	// ErrSchemaBehind: migrations of this syncd have not been applied.
	ErrSchemaBehind = errors.New("schema is not migrated")
	// ErrSchemaEmpty: the schema holds no tables of syncd, or is not there. It is an ErrSchemaBehind and reads like one.
	ErrSchemaEmpty = fmt.Errorf("%w", ErrSchemaBehind)
)

// Migration is one step of the schema, or one file of its views.
type Migration struct {
	Version   int64     // 0 of a file of views
	Name      string    // of the file
	AppliedAt time.Time // zero: pending
}

// Migrate creates a missing schema and applies pending migrations, in order, one transaction each, or one for all of an empty schema.
// Then it makes the views, in one transaction, if they are not those of this syncd. Several processes may call it at once: a lock makes
// them take turns. It returns the names of what it applied. If everything is up to date, it writes nothing.
//
// The lock belongs to each transaction and not to the session, so a pooler cannot lose it, and one connection suffices. Obstacles
// are looked for before the first migration. Before there is anything to migrate, it does what first says: what fails there leaves all as it is.
func (p *Pool) Migrate(ctx context.Context, first ...func(context.Context) error) (applied []string, err error) {
	files, err := p.views()
	if err != nil {
		return nil, err
	}
	err = p.CheckSchema(ctx)
	if errors.Is(err, ErrSchemaBehind) {
		for _, do := range first {
			if err := do(ctx); err != nil {
				return nil, err
			}
		}
		applied, err = p.migrate(ctx, files)
	}
	if err != nil {
		return applied, err
	}
	made, err := p.makeViews(ctx, files)
	applied = append(applied, made...)
	if err == nil {
		err = p.keepSafeViews(ctx, files, len(applied) > 0)
	}
	return applied, err
}

func (p *Pool) migrate(ctx context.Context, files []views.File) (applied []string, err error) {
	all, err := migrations.All()
	if err != nil {
		return nil, err
	}
	pending, err := p.makeSchema(ctx, all, files)
	if err == nil && len(pending) > 0 {
		err = again(ctx, func() error {
			names, err := p.up(ctx, all)
			applied = append(applied, names...)
			return err
		})
	}
	if err != nil {
		return applied, fmt.Errorf("migrate schema %q: %w", p.session.schema, err)
	}
	return applied, nil
}

// lockSchema makes the migrations of one schema take turns until the end of a transaction. It comes first in the transaction,
// which then sees what the previous one has written.
func (p *Pool) lockSchema() string {
	return fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", lockID(p.session.schema))
}

// up has goose apply pending migrations: those of an empty schema at once, which costs a fraction, else one by one. What the server
// refuses at once, as where it has too few locks for so many tables, is done one by one, too; the error names the file then.
func (p *Pool) up(ctx context.Context, all []migrations.Migration) ([]string, error) {
	at, err := applied(ctx, p, p.session.schema)
	if err != nil {
		return nil, err
	}
	if len(at) == 0 && len(all) > 0 {
		names, err := p.upAtOnce(ctx, all)
		if _, refused := errors.AsType[*pgconn.PgError](err); !refused && (err != nil || len(names) > 0) {
			return names, err
		}
	}
	return p.upByStep(ctx, all)
}

// upAtOnce applies migrations to an empty schema, in one transaction and one request, and notes each of them.
// It applies none where another process was first.
func (p *Pool) upAtOnce(ctx context.Context, all []migrations.Migration) (names []string, err error) {
	var text strings.Builder
	for _, m := range all {
		fmt.Fprintf(&text, "%s\n;INSERT INTO %s (version_id, is_applied) VALUES (%d, true);\n", m.SQL, VersionTable, m.Version)
	}
	err = p.goose(ctx, []*goose.Migration{p.step(all[0], func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, text.String()); err != nil {
			return err
		}
		for _, m := range all {
			names = append(names, m.Name)
		}
		return nil
	})})
	if err != nil {
		return nil, err
	}
	return names, nil
}

// upByStep applies migrations in a transaction each.
func (p *Pool) upByStep(ctx context.Context, all []migrations.Migration) (names []string, err error) {
	steps := make([]*goose.Migration, len(all))
	for i, m := range all {
		steps[i] = p.step(m, func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "SAVEPOINT migration;\n"+m.SQL)
			if needsViewsGone(err) {
				err = migrateWithoutViews(ctx, tx, m, err)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
			names = append(names, m.Name)
			return nil
		})
	}
	err = p.goose(ctx, steps)
	return names, err
}

// step is a migration as goose knows it. It runs under the lock of the schema, unless another process has applied it meanwhile.
func (p *Pool) step(m migrations.Migration, run func(context.Context, *sql.Tx) error) *goose.Migration {
	begin := "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; " + p.session.set("LOCAL") + "; " + p.lockSchema()
	return goose.NewGoMigration(m.Version, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, begin); err != nil {
			return err
		}
		if done, err := isApplied(ctx, tx, m.Version); err != nil || done {
			return err
		}
		return run(ctx, tx)
	}}, nil)
}

// goose runs those steps that are pending.
func (p *Pool) goose(ctx context.Context, steps []*goose.Migration) (err error) {
	base, err := database.NewStore(database.DialectPostgres, asciiIdentifier(p.session.schema)+"."+VersionTable)
	if err != nil {
		return fmt.Errorf("table of migrations: %w", err)
	}
	conn := stdlib.OpenDBFromPool(p.Pool)
	defer func() { err = errors.Join(err, conn.Close()) }()
	provider, err := goose.NewProvider("", conn, nil, goose.WithStore(versions{base, p.session.schema}), goose.WithGoMigrations(steps...),
		goose.WithDisableGlobalRegistry(true), goose.WithSlog(p.log))
	if err != nil {
		return fmt.Errorf("load migrations: %w", err)
	}
	_, err = provider.Up(ctx)
	if partial, is := errors.AsType[*goose.PartialError](err); is {
		err = partial.Err
	}
	return p.told(err)
}

// VersionTable is where the migrations are put down that have been applied.
const VersionTable = "sync_migrations"

// versions is goose's table of applied migrations. It is in the chosen schema, so that two schemas of one database are migrated
// independently, and its name includes the schema: a pooled connection has no settings outside of a transaction. It is not with
// the rest of the bookkeeping: an older syncd looks for it here, and would take the schema for one that is not migrated if it found none.
type versions struct {
	database.Store
	schema string
}

// TableExists implements database.StoreExtender.
func (v versions) TableExists(ctx context.Context, db database.DBTxConn) (exists bool, err error) {
	err = db.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = $2)", v.schema, VersionTable).Scan(&exists)
	return exists, err
}

// Insert records a migration, unless another process has applied it since goose listed the pending ones.
func (v versions) Insert(ctx context.Context, db database.DBTxConn, req database.InsertRequest) error {
	if req.Version > 0 { // 0 is that of the table itself
		if done, err := isApplied(ctx, db, req.Version); err != nil || done {
			return err
		}
	}
	return v.Store.Insert(ctx, db, req)
}

// isApplied asks within a transaction that has the lock.
func isApplied(ctx context.Context, db database.DBTxConn, version int64) (done bool, err error) {
	err = db.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM "+VersionTable+" WHERE version_id = $1 AND is_applied)", version).Scan(&done)
	return done, err
}

// lockID separates the migration locks of schemas in one database (FNV-1a).
func lockID(schema string) int64 {
	h := uint64(14695981039346656037)
	for _, b := range []byte("syncd migrations " + schema) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return int64(h >> 1)
}

// Migrations lists every migration of this syncd, and every file of views, applied or pending. It writes nothing.
func (p *Pool) Migrations(ctx context.Context) ([]Migration, error) {
	list, _, err := p.migrationStatus(ctx)
	if err != nil {
		return nil, err
	}
	files, err := p.views()
	if err != nil {
		return nil, err
	}
	made, err := madeViews(ctx, p, p.session.schema)
	if err != nil {
		return nil, err
	}
	return append(list, viewsStatus(files, made)...), nil
}

// migrationStatus also gives the latest version of the schema, which may be one that this syncd does not know.
func (p *Pool) migrationStatus(ctx context.Context) (list []Migration, latest int64, err error) {
	all, err := migrations.All()
	if err != nil {
		return nil, 0, err
	}
	at, err := applied(ctx, p, p.session.schema)
	if err != nil {
		return nil, 0, err
	}
	for _, m := range all {
		list = append(list, Migration{Version: m.Version, Name: m.Name, AppliedAt: at[m.Version]})
	}
	for v := range at {
		latest = max(latest, v)
	}
	known := list[len(list)-1].Version
	if _, is := at[bookkeepingSince]; is && latest <= known {
		err = p.checkBookkeeping(ctx)
	}
	return list, latest, err
}

// applied reads the table of versions. It names the schema, so that a role without the right to see it is told so, instead of
// that the table is missing.
func applied(ctx context.Context, q Querier, schema string) (map[int64]time.Time, error) {
	at := map[int64]time.Time{}
	rows, err := q.Query(ctx, "SELECT version_id, tstamp FROM "+pgx.Identifier{schema, VersionTable}.Sanitize()+" WHERE is_applied AND version_id > 0")
	if err == nil {
		var version int64
		var t time.Time
		_, err = pgx.ForEachRow(rows, []any{&version, &t}, func() error { at[version] = t; return nil })
	}
	if err != nil && !IsCode(err, "42P01", "3F000") { // no such table or schema: nothing is applied
		return nil, fmt.Errorf("read the migrations of schema %q: %w", schema, err)
	}
	return at, nil
}

// usualSchema is the default of the setting schema: a remedy need not name it.
const usualSchema = "polar"

// CheckSchema returns ErrSchemaNewer, which keeps an old syncd from writing tables of a newer one, or ErrSchemaBehind,
// which is ErrSchemaEmpty where nothing is there.
func (p *Pool) CheckSchema(ctx context.Context) error {
	list, latest, err := p.migrationStatus(ctx)
	if err != nil {
		return err
	}
	if known := list[len(list)-1].Version; latest > known {
		return fmt.Errorf("%w: schema %q is at migration %d, this syncd knows up to %d: upgrade syncd, or choose another schema (--schema)", ErrSchemaNewer, p.session.schema, latest, known)
	}
	for _, m := range list {
		if !m.AppliedAt.IsZero() {
			continue
		}
		remedy := "run `syncd migrate up`"
		if p.session.schema != usualSchema {
			remedy = fmt.Sprintf("run `syncd migrate up --schema %s`", p.session.schema)
		}
		if latest == 0 {
			return fmt.Errorf("%w: schema %q holds no tables of syncd: %s", ErrSchemaEmpty, p.session.schema, remedy)
		}
		return fmt.Errorf("%w: schema %q lacks %s: %s", ErrSchemaBehind, p.session.schema, m.Name, remedy)
	}
	return nil
}

// CheckWrites checks whether the database accepts writes. A replica and a frozen database can be read, but not synced into.
func (p *Pool) CheckWrites(ctx context.Context) error {
	const readOnly = "25006"
	var takes bool
	if err := p.QueryRow(ctx, "SELECT NOT (pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean)").Scan(&takes); err != nil {
		return fmt.Errorf("ask whether the database takes writes: %w", err)
	}
	if !takes {
		return &Error{Err: fmt.Errorf("nothing can be synced into a database that is read-only (SQLSTATE %s)", readOnly), Remedy: remedies[readOnly]}
	}
	return nil
}
