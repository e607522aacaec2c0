-- What the table changes tells: rows as they were, and what has changed since.

CREATE OR REPLACE FUNCTION recorded_tables() RETURNS TABLE (table_name text, retention text, key text, parent text, stream text)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT c.relname::text, a.args[1], a.args[2], a.args[3], a.args[4]
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid CROSS JOIN LATERAL (SELECT string_to_array(encode(t.tgargs, 'escape'), '\000')) AS a (args)
    WHERE t.tgname = 'record_change' AND c.relnamespace = quote_ident(current_schema())::regnamespace
$$;
COMMENT ON FUNCTION recorded_tables() IS 'Tables whose changes are recorded, how long these are kept, the columns that hold the id of a row and that of the object it is in the list of (empty for the rows of streams), and the stream: what the view history and the functions TABLE_as_of() are made of.';

CREATE OR REPLACE VIEW history AS
SELECT t.table_name, t.stream, t.retention, s.history_since AS recorded_since, GREATEST(s.history_since, d.seen_at) AS exact_from,
       d.seq AS removed_through,
       (SELECT min(c.seen_at) FROM changes c WHERE c.stream = t.table_name AND c.seen_at < s.history_since AND c.source = 'event') AS events_from
FROM recorded_tables() t
LEFT JOIN sync_streams s ON s.stream = t.stream
LEFT JOIN sync_history_dropped d ON d.stream = t.table_name;
COMMENT ON VIEW history IS 'Tables whose changes are recorded in changes, and since when.';
COMMENT ON COLUMN history.table_name IS 'Table whose rows change: changes.stream.';
COMMENT ON COLUMN history.stream IS 'Stream of the table: itself, or that of the objects in which its rows are listed.';
COMMENT ON COLUMN history.retention IS 'permanent: changes are never removed. limited: they are, after the time that history_retention says.';
COMMENT ON COLUMN history.recorded_since IS 'When the first sweep of the stream ended, since when changes are recorded (UTC); null: they are not yet.';
COMMENT ON COLUMN history.exact_from IS 'From when on the functions TABLE_as_of are exact (UTC): recorded_since, or later where old changes have been removed. For a time before it they give the rows as they were then, or as they were rebuilt (events_from).';
COMMENT ON COLUMN history.removed_through IS 'The highest changes.seq of the table that was removed, as it was older than history_retention says; null: none was.';
COMMENT ON COLUMN history.events_from IS 'From when on Polar''s events tell of the time before recorded_since (UTC), as syncd backfill history has rebuilt it; what they do not tell is as it was at recorded_since. Null: nothing was rebuilt.';

CREATE OR REPLACE FUNCTION rows_as_of(of anyelement, at timestamptz, key text, parent text) RETURNS SETOF anyelement
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
    of_table regclass := pg_typeof(of)::text::regclass;
    same text := format('l.id = t.%I', key) || CASE WHEN parent = '' THEN '' ELSE format(' AND l.parent_id = t.%I', parent) END;
BEGIN
    IF at IS NULL THEN
        RAISE EXCEPTION 'the time is null: give the one as of which rows are wanted' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    RETURN QUERY EXECUTE format($q$
        WITH later AS (
            SELECT c.id, c.parent_id, (array_agg(c.operation ORDER BY c.seq DESC))[count(*)] AS first, merge_jsonb(c.old ORDER BY c.seq DESC) AS old
            FROM changes c
            WHERE c.stream = %2$L AND c.seen_at > $1
            GROUP BY c.id, c.parent_id
        )
        SELECT t.* FROM %1$s t WHERE NOT EXISTS (SELECT FROM later l WHERE %3$s)
        UNION ALL
        SELECT r.* FROM later l LEFT JOIN %1$s t ON %3$s
        CROSS JOIN LATERAL jsonb_populate_record(t, l.old) r
        WHERE l.first <> 'insert'
        $q$, of_table, (SELECT relname FROM pg_class WHERE oid = of_table), same) USING at;
END $$;
COMMENT ON FUNCTION rows_as_of(anyelement, timestamptz, text, text) IS 'The rows of a table as they were at a time: what the functions TABLE_as_of are made of. A row with later changes is the present one with the oldest of their old values.';

CREATE OR REPLACE FUNCTION row_versions(of anyelement, key text, parent text) RETURNS TABLE (version anyelement, valid_from timestamptz, valid_to timestamptz, source text)
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
    of_table regclass := pg_typeof(of)::text::regclass;
    same text := format('l.id = t.%I', key) || CASE WHEN parent = '' THEN '' ELSE format(' AND l.parent_id = t.%I', parent) END;
BEGIN
    RETURN QUERY EXECUTE format($q$
        WITH c AS MATERIALIZED (
            SELECT c.id, c.parent_id, c.seq, c.operation, c.source, max(c.changed_at) OVER (w ORDER BY c.seq) AS began, row_number() OVER (w ORDER BY c.seq) AS n,
                   merge_jsonb(c.old) OVER (w ORDER BY c.seq DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS old,
                   merge_jsonb(c.old) OVER (w ORDER BY c.seq DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before
            FROM changes c WHERE c.stream = %2$L
            WINDOW w AS (PARTITION BY c.id, c.parent_id)
        ), l AS (
            SELECT c.id, c.parent_id, c.seq, c.operation, c.source, c.began, c.old FROM c
            UNION ALL
            SELECT c.id, c.parent_id, 0, 'baseline', 'baseline', NULL, c.before FROM c WHERE c.n = 1 AND c.operation <> 'insert'
            UNION ALL
            SELECT t.%4$I, %5$s, 0, 'baseline', 'baseline', NULL, '{}' FROM %1$s t WHERE NOT EXISTS (SELECT FROM c l WHERE %3$s)
        ), v AS (
            SELECT l.*, lead(l.began) OVER (PARTITION BY l.id, l.parent_id ORDER BY l.seq) AS ended FROM l
        ), r AS (
            SELECT jsonb_populate_record(t, l.old) AS version, l.operation, l.began, l.ended, l.source
            FROM v l LEFT JOIN %1$s t ON %3$s
        )
        SELECT r.version, COALESCE(r.began, LEAST((to_jsonb(r.version)->>'created_at')::timestamptz, r.ended), '-infinity'), r.ended, r.source
        FROM r
        WHERE r.operation <> 'delete' AND COALESCE(to_jsonb(r.version)->>'_deleted_at', to_jsonb(r.version)->>'_removed_at') IS NULL
        $q$, of_table, (SELECT relname FROM pg_class WHERE oid = of_table), same, key, CASE WHEN parent = '' THEN 'NULL::uuid' ELSE format('t.%I', parent) END);
END $$;
COMMENT ON FUNCTION row_versions(anyelement, text, text) IS 'The rows of a table in each of the versions that are known of them: what subscription_history and product_price_history are made of.';

CREATE OR REPLACE FUNCTION changes_after(after bigint, streams text[] DEFAULT NULL, most bigint DEFAULT 1000) RETURNS SETOF changes
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT AS $$
DECLARE
    dropped bigint := (SELECT max(h.removed_through) FROM history h WHERE h.removed_through > after AND (streams IS NULL OR h.table_name = ANY (streams)));
    last bigint := GREATEST((SELECT max(c.seq) FROM changes c), (SELECT max(h.removed_through) FROM history h), 0);
BEGIN
    IF after IS NULL THEN
        RAISE EXCEPTION 'after is null: give the last seq that was read, or 0' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF dropped IS NOT NULL THEN
        RAISE EXCEPTION 'changes behind % are no longer all kept: those up to % have been removed', after, dropped
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = format('Read the tables anew, and go on with changes_after(%s). --history-retention keeps changes for longer.', dropped);
    END IF;
    IF after > last THEN
        RAISE EXCEPTION 'there is no change % yet: the last one has the number %', after, last
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'The number is of another database, or of this one before it was restored: read the tables anew.';
    END IF;
    RETURN QUERY
        SELECT c.* FROM changes c
        WHERE c.seq > changes_after.after AND (changes_after.streams IS NULL OR c.stream = ANY (changes_after.streams))
        ORDER BY c.seq LIMIT most;
END $$;
COMMENT ON FUNCTION changes_after(bigint, text[], bigint) IS 'The changes behind a number, of all tables or of some, in order, at most so many. An error where some of them are no longer kept; it says from where to go on.';

CREATE OR REPLACE VIEW metrics_history AS
SELECT m.id AS metric_id, m."interval", m.timezone, m.period_start, m.slug,
       (c.old->>'value')::numeric AS old_value, (c.new->>'value')::numeric AS new_value,
       c.seen_at, c.run_id
FROM changes c JOIN metrics m ON m.id = c.id
WHERE c.stream = 'metrics' AND c.operation = 'update' AND c.old ? 'value';
COMMENT ON VIEW metrics_history IS 'Figures of Polar''s that have changed: one row for each time that syncd saw another value. As long as changes of metrics are kept.';
COMMENT ON COLUMN metrics_history.metric_id IS 'The figure: metrics.id.';
COMMENT ON COLUMN metrics_history."interval" IS 'Length of the period. Known today: hour, day, week, month, year; new ones may come.';
COMMENT ON COLUMN metrics_history.timezone IS 'IANA time zone in which periods begin at midnight; null means UTC.';
COMMENT ON COLUMN metrics_history.period_start IS 'Start of the period (UTC).';
COMMENT ON COLUMN metrics_history.slug IS 'Which metric, such as revenue or monthly_recurring_revenue.';
COMMENT ON COLUMN metrics_history.old_value IS 'The figure before, in the unit that metrics.type says.';
COMMENT ON COLUMN metrics_history.new_value IS 'The figure after.';
COMMENT ON COLUMN metrics_history.seen_at IS 'When syncd saw that it had changed (UTC).';
COMMENT ON COLUMN metrics_history.run_id IS 'Run that saw it: sync_runs.id.';
