-- metrics, metrics_export: smaller indexes, links that are there from the beginning, and statistics and a history that cost less.
-- Locks: builds two indexes on metrics, which takes two tenths of a second for 75,000 rows, and drops an index of each table. The lock for that waits for
-- readers of these two tables, and lets none read them until it is done. It rewrites nothing: what links have left in the file of metrics_export is used
-- again, or given back by VACUUM FULL.

-- +goose Up
-- A key of the old index was nearly unique, and each entry held a slug. These have few keys, and Postgres stores each once (deduplication).
DROP INDEX metrics_slug_interval_period_start_idx;
CREATE INDEX metrics_interval_period_start_idx ON metrics ("interval", period_start);
CREATE INDEX metrics_slug_interval_idx ON metrics (slug, "interval");
-- All rows are joined with metrics, or none: nobody looks for one of them. Without it, a new link needs no new entries in indexes.
DROP INDEX metrics_export_metric_id_idx;

-- Values of each column are spread evenly, so a small sample says as much as a large one. Nobody searches the last ones.
ALTER TABLE metrics
    ALTER COLUMN id SET STATISTICS 0, ALTER COLUMN "interval" SET STATISTICS 10, ALTER COLUMN timezone SET STATISTICS 10, ALTER COLUMN period_start SET STATISTICS 10,
    ALTER COLUMN slug SET STATISTICS 10, ALTER COLUMN value SET STATISTICS 10, ALTER COLUMN type SET STATISTICS 10, ALTER COLUMN display_name SET STATISTICS 10,
    ALTER COLUMN _extra SET STATISTICS 0, ALTER COLUMN _hash SET STATISTICS 0, ALTER COLUMN _requested_at SET STATISTICS 10,
    ALTER COLUMN _synced_at SET STATISTICS 10, ALTER COLUMN _deleted_at SET STATISTICS 10;
ALTER TABLE metrics_export
    ALTER COLUMN id SET STATISTICS 0, ALTER COLUMN "interval" SET STATISTICS 10, ALTER COLUMN timezone SET STATISTICS 10, ALTER COLUMN period_start SET STATISTICS 10,
    ALTER COLUMN display_name SET STATISTICS 10, ALTER COLUMN value SET STATISTICS 10, ALTER COLUMN metric_id SET STATISTICS 10,
    ALTER COLUMN _extra SET STATISTICS 0, ALTER COLUMN _hash SET STATISTICS 0, ALTER COLUMN _requested_at SET STATISTICS 10,
    ALTER COLUMN _synced_at SET STATISTICS 10, ALTER COLUMN _deleted_at SET STATISTICS 10;

-- VOLATILE, though it changes nothing: the planner runs a stable function once more, to estimate how many rows its array makes.
-- +goose StatementBegin
CREATE FUNCTION metric_ids(intervals text[], timezones text[], starts timestamptz[], names text[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE SET enable_nestloop = off SET enable_mergejoin = off AS $$
BEGIN
    RETURN (
        WITH m AS MATERIALIZED (
            SELECT id, "interval", timezone, period_start, display_name FROM metrics
            WHERE "interval" = ANY (ARRAY(SELECT DISTINCT unnest(intervals))) AND period_start = ANY (ARRAY(SELECT DISTINCT unnest(starts))) AND _deleted_at IS NULL
        )
        SELECT array_agg(m.id ORDER BY n.ord)
        FROM ROWS FROM (unnest(intervals), unnest(timezones), unnest(starts), unnest(names)) WITH ORDINALITY AS n ("interval", timezone, period_start, display_name, ord)
        LEFT JOIN m ON m."interval" = n."interval" AND m.timezone = n.timezone AND m.period_start = n.period_start AND m.display_name = n.display_name
            AND m.display_name <> ALL (ARRAY(SELECT display_name FROM m WHERE display_name IS NOT NULL GROUP BY "interval", timezone, period_start, display_name HAVING count(*) > 1))
    );
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION metric_ids(text[], text[], timestamptz[], text[]) IS 'Rows of metrics by interval, time zone, start of the period and display name, in the order of the arguments; null where there is none, or several have the name.';
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION metric_ids(text[], text[], timestamptz[], text[]) SET SCHEMA %I', current_schema() || '_sync');
END $$;
-- +goose StatementEnd
COMMENT ON COLUMN metrics_export.metric_id IS 'Row of metrics that it belongs to: metrics.id; null where the mirror lacks it or several have the name. Filled in by syncd with the row, and corrected after each complete run.';

-- The condition is asked for every row of a first sweep: to take the list of streams apart takes longer than to search it.
DROP TRIGGER record_change ON metrics;
CREATE CONSTRAINT TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON metrics DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (position(',metrics,' IN ',' || current_setting('syncd.history', true) || ',') > 0) EXECUTE FUNCTION record_change('limited', 'id', '', 'metrics');

-- The ids of a page are random, so they are stored as they are: trying to compress them takes longer than writing them.
ALTER TABLE sync_seen ALTER COLUMN ids SET STORAGE EXTERNAL;

-- +goose Down
ALTER TABLE sync_seen ALTER COLUMN ids SET STORAGE EXTENDED;
DROP TRIGGER record_change ON metrics;
SELECT keep_history('metrics', 'metrics', 'limited', 'id');
COMMENT ON COLUMN metrics_export.metric_id IS 'Row of metrics that it belongs to: metrics.id; null where the mirror lacks it or several have the name. Filled in by syncd after each complete run.';
DROP FUNCTION metric_ids(text[], text[], timestamptz[], text[]);
-- +goose StatementBegin
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT attrelid::regclass AS t, attname FROM pg_attribute WHERE attrelid IN ('metrics'::regclass, 'metrics_export'::regclass) AND attnum > 0 AND NOT attisdropped LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS -1', c.t, c.attname);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE INDEX metrics_export_metric_id_idx ON metrics_export (metric_id);
DROP INDEX metrics_slug_interval_idx, metrics_interval_period_start_idx;
CREATE INDEX metrics_slug_interval_period_start_idx ON metrics (slug, "interval", period_start);
