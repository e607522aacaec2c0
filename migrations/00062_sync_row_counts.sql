-- sync_row_counts: how many live rows the table of each stream has, kept by whoever writes it. And indexes on what is open: status asks for it.
-- Locks: adds triggers to the tables of streams and counts their rows once, under a lock on each that lets readers read and makes writers
-- wait until the end: about a second for two million rows. The three indexes take milliseconds for each ten thousand rows of the bookkeeping.

-- +goose Up
CREATE TABLE sync_row_counts (
    stream text   NOT NULL,
    writer text   NOT NULL,
    rows   bigint NOT NULL,
    PRIMARY KEY (stream, writer)
) WITH (fillfactor = 50); -- rows are updated in place: no index has the number
COMMENT ON TABLE sync_row_counts IS 'How many live rows the table of each stream has: the sum over its writers. Triggers keep it, in the transactions that write.';
COMMENT ON COLUMN sync_row_counts.stream IS 'Name of the stream, which is also the name of its table.';
COMMENT ON COLUMN sync_row_counts.writer IS 'Stream whose turn the writing transaction had: orders bring rows of customers, too. No two of them write the same row here, so none waits for another. Empty: whoever writes without a turn, and what a count of the table has corrected.';
COMMENT ON COLUMN sync_row_counts.rows IS 'Rows that came, less those that went or were marked as deleted. It may be below zero.';
SELECT move_bookkeeping('sync_row_counts');

ALTER TABLE sync_streams
    ADD COLUMN rows_counted_at timestamptz,
    ADD COLUMN rows_corrected_at timestamptz,
    ADD COLUMN rows_corrected_by bigint;
COMMENT ON COLUMN sync_streams.rows_counted_at IS 'When the rows of the table were last counted, to compare them with sync_row_counts (UTC). Each complete sweep does it.';
COMMENT ON COLUMN sync_streams.rows_corrected_at IS 'When the count last differed, and sync_row_counts was corrected (UTC); null: never.';
COMMENT ON COLUMN sync_streams.rows_corrected_by IS 'What was added to sync_row_counts then.';

-- The table is that of the schema beside the one of the trigger's table, whatever the search_path of the session, and whatever name the schemas get.
-- +goose StatementBegin
CREATE FUNCTION count_rows() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    counts CONSTANT text := quote_ident(TG_TABLE_SCHEMA || '_sync') || '.sync_row_counts';
    n      bigint := 0;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE 'DELETE FROM ' || counts || ' WHERE stream = $1' USING TG_TABLE_NAME;
        RETURN NULL;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        n := (SELECT count(*) FROM added WHERE _deleted_at IS NULL);
    END IF;
    IF TG_OP <> 'INSERT' THEN
        n := n - (SELECT count(*) FROM removed WHERE _deleted_at IS NULL);
    END IF;
    IF n <> 0 THEN
        EXECUTE 'INSERT INTO ' || counts || ' AS c VALUES ($1, $2, $3) ON CONFLICT (stream, writer) DO UPDATE SET rows = c.rows + EXCLUDED.rows'
        USING TG_TABLE_NAME, COALESCE(current_setting('syncd.writer', true), ''), n;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION count_rows() IS 'Keeps sync_row_counts. It is run by the triggers named count_rows_*, once for each statement.';

-- +goose StatementBegin
CREATE FUNCTION keep_row_count(VARIADIC tables regclass[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    t regclass;
BEGIN
    FOREACH t IN ARRAY tables LOOP
        EXECUTE format('
            CREATE TRIGGER count_rows_inserted AFTER INSERT ON %1$s REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_rows();
            CREATE TRIGGER count_rows_updated AFTER UPDATE ON %1$s REFERENCING NEW TABLE AS added OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION count_rows();
            CREATE TRIGGER count_rows_deleted AFTER DELETE ON %1$s REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION count_rows();
            CREATE TRIGGER count_rows_truncated AFTER TRUNCATE ON %1$s FOR EACH STATEMENT EXECUTE FUNCTION count_rows();
            INSERT INTO sync_row_counts SELECT %2$L, '''', count(*) FROM %1$s WHERE _deleted_at IS NULL HAVING count(*) > 0',
            t, (SELECT relname FROM pg_class WHERE oid = t));
    END LOOP;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION keep_row_count(regclass[]) IS 'Has the live rows of tables of streams counted, from now on. A migration calls it for the table of a stream that it makes.';

-- +goose StatementBegin
DO $$
DECLARE
    f regprocedure;
BEGIN
    FOREACH f IN ARRAY '{count_rows(),keep_row_count(regclass[])}'::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s SET SCHEMA %I', f, current_schema() || '_sync');
    END LOOP;
    PERFORM keep_row_count(VARIADIC array_agg(c.oid::regclass ORDER BY c.relname))
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attname = '_deleted_at';
END $$;
-- +goose StatementEnd

CREATE INDEX sync_rejects_open_idx ON sync_rejects (stream) WHERE resolved_at IS NULL;
CREATE INDEX sync_findings_open_idx ON sync_findings (stream, kind) WHERE resolved_at IS NULL;
CREATE INDEX sync_changes_pending_idx ON sync_changes (stream) WHERE known_at IS NULL OR known_at < noted_at;

-- +goose Down
DROP INDEX sync_rejects_open_idx, sync_findings_open_idx, sync_changes_pending_idx;
DROP FUNCTION keep_row_count(regclass[]);
DROP FUNCTION count_rows() CASCADE;
ALTER TABLE sync_streams DROP COLUMN rows_counted_at, DROP COLUMN rows_corrected_at, DROP COLUMN rows_corrected_by;
DROP TABLE sync_row_counts;
