-- Triggers that work where the tables of a mirror are distributed over several servers, too. There they run beside the rows, on tables whose names
-- end with the number of a shard, and the settings of a transaction are those of the server that has the rows.
-- Takes no lock that others need, and replaces functions, which takes milliseconds.

-- +goose Up
-- +goose StatementBegin
DO $$
DECLARE
    path text := current_setting('search_path');
    made text;
BEGIN
    PERFORM set_config('search_path', quote_ident(current_schema() || '_sync') || ', ' || quote_ident(current_schema()) || ', pg_temp', true);
    FOR made IN SELECT pg_get_functiondef(oid) FROM pg_proc WHERE oid IN ('record_change()'::regprocedure, 'count_rows()'::regprocedure) LOOP
        EXECUTE replace(replace(made, 'TG_TABLE_NAME', 'relation'), E'\nDECLARE\n', E'\nDECLARE\n    relation CONSTANT text := regexp_replace(TG_TABLE_NAME, ''_[0-9]{6,}$'', '''');\n');
    END LOOP;

    CREATE FUNCTION record_changes() RETURNS bigint
    LANGUAGE plpgsql AS $record_changes$
    BEGIN
        SET CONSTRAINTS ALL IMMEDIATE; -- on a shard, the trigger has the shard's name
        RETURN NULLIF(current_setting('syncd.first_change', true), '')::bigint;
    END $record_changes$;
    COMMENT ON FUNCTION record_changes() IS 'Records the changes of the transaction now, and returns the first changes.seq of them; null if there are none.';

    CREATE OR REPLACE FUNCTION announce_changes() RETURNS void
    LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $announce_changes$
    DECLARE
        first   bigint := (SELECT record_changes() FROM sync_clock); -- the table, so that it runs where the rows are
        payload text;
    BEGIN
        IF first IS NULL THEN
            RETURN;
        END IF;
        FOREACH payload IN ARRAY ARRAY(
            SELECT json_build_object('stream', c.stream, 'operation', c.operation, 'count', count(*),
                'ids', (array_agg(c.id ORDER BY c.seq))[:150], 'seq', max(c.seq), 'run', c.run_id)::text
            FROM changes c
            WHERE c.seq >= first -- all of them of this transaction, as it has the lock
            GROUP BY c.stream, c.operation, c.run_id
            ORDER BY min(c.seq)
        ) LOOP
            PERFORM pg_notify(current_schema(), payload); -- where the listeners are
        END LOOP;
    END $announce_changes$;
    PERFORM set_config('search_path', path, true);
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
DECLARE
    path text := current_setting('search_path');
    made text;
BEGIN
    PERFORM set_config('search_path', quote_ident(current_schema() || '_sync') || ', ' || quote_ident(current_schema()) || ', pg_temp', true);
    FOR made IN SELECT pg_get_functiondef(oid) FROM pg_proc WHERE oid IN ('record_change()'::regprocedure, 'count_rows()'::regprocedure) LOOP
        EXECUTE replace(regexp_replace(made, '\n    relation CONSTANT [^\n]*', ''), 'relation', 'TG_TABLE_NAME');
    END LOOP;
    CREATE OR REPLACE FUNCTION announce_changes() RETURNS void
    LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $announce_changes$
    DECLARE
        first bigint;
    BEGIN
        SET CONSTRAINTS record_change IMMEDIATE;
        first := NULLIF(current_setting('syncd.first_change', true), '')::bigint;
        IF first IS NULL THEN
            RETURN;
        END IF;
        PERFORM pg_notify(current_schema(), json_build_object('stream', c.stream, 'operation', c.operation, 'count', count(*),
                'ids', (array_agg(c.id ORDER BY c.seq))[:150], 'seq', max(c.seq), 'run', c.run_id)::text)
        FROM changes c
        WHERE c.seq >= first
        GROUP BY c.stream, c.operation, c.run_id
        ORDER BY min(c.seq);
    END $announce_changes$;
    DROP FUNCTION record_changes();
    PERFORM set_config('search_path', path, true);
END $$;
-- +goose StatementEnd
