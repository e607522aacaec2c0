-- Bookkeeping moves to a schema of its own: the name of the schema, and _sync. The other one has what readers want.
-- Changes the catalog alone: a lock on each table of the bookkeeping and each partition of changes until the end, for which it
-- waits for those who read or write them, that is other syncds. Tables of streams are not touched, and nothing is rewritten.
-- Rights on what moves stay, and views upon it. The table of migrations stays: an older syncd looks for it there, and
-- refuses to work where it is newer. If it found none, it would take the schema for one that is not migrated.

-- +goose Up
-- +goose StatementBegin
DO $$
BEGIN
    IF to_regnamespace(quote_ident(current_schema() || '_sync')) IS NULL THEN
        EXECUTE format('CREATE SCHEMA %I', current_schema() || '_sync');
    END IF;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION move_bookkeeping(VARIADIC tables regclass[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    t regclass;
BEGIN
    FOREACH t IN ARRAY tables LOOP
        EXECUTE format('ALTER TABLE %s SET SCHEMA %I', t, current_schema() || '_sync');
    END LOOP;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION move_bookkeeping(regclass[]) IS 'Moves tables from the schema of the data to that of the bookkeeping. A migration calls it for a table that it makes and whose name begins with sync_.';

SELECT move_bookkeeping('sync_budget', 'sync_budget_holders', 'sync_changes', 'sync_clock', 'sync_drift', 'sync_feed_entries', 'sync_feeds', 'sync_findings',
    'sync_history_dropped', 'sync_meta', 'sync_polar', 'sync_rejects', 'sync_runs', 'sync_seen', 'sync_streams', 'sync_stubs', 'sync_suspects', 'sync_tombstones',
    'sync_views');

-- +goose StatementBegin
DO $$
DECLARE
    f regprocedure;
BEGIN
    PERFORM move_bookkeeping(VARIADIC array_agg(relid)) FROM pg_partition_tree('changes') WHERE level > 0;
    FOREACH f IN ARRAY '{move_bookkeeping(regclass[]),lock_changes(),record_change(),"keep_history(regclass,text,text,text,text)",announce_changes()}'::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s SET SCHEMA %I', f, current_schema() || '_sync');
    END LOOP;
END $$;
-- +goose StatementEnd

COMMENT ON COLUMN sync_views.hash IS 'SHA-256 of the search_path and the file by which it was made, in hexadecimal; empty while it is dropped.';

-- +goose Down
COMMENT ON COLUMN sync_views.hash IS 'SHA-256 of the file that made it, in hexadecimal; empty while it is dropped.';
-- The schema stays, empty: it may be somebody else's.
-- +goose StatementBegin
DO $$
DECLARE
    moved regclass;
    f     regprocedure;
    books regnamespace := quote_ident(current_schema() || '_sync')::regnamespace;
BEGIN
    FOR moved IN SELECT oid FROM pg_class WHERE relnamespace = books AND relkind IN ('r', 'p') LOOP
        EXECUTE format('ALTER TABLE %s SET SCHEMA %I', moved, current_schema());
    END LOOP;
    FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = books LOOP
        EXECUTE format('ALTER FUNCTION %s SET SCHEMA %I', f, current_schema());
    END LOOP;
    DROP FUNCTION move_bookkeeping(regclass[]);
END $$;
-- +goose StatementEnd
