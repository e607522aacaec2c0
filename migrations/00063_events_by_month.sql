-- events is divided by the months of its timestamp: a table for each month, so that a time is read and dropped by its months alone.
-- Nothing is rewritten, and no index is built: the table that is there becomes the partition of all that is before the next month. It is
-- read through once, to see that all of it is. Until the end of that it is locked, and readers and writers of events wait: 0.6 s of
-- processor time for a million events that are in memory, longer from disk; on an empty table, some milliseconds. Rights, comments, triggers, and views and
-- functions upon it stay, also those that syncd has not made. What cannot be moved is in the way, and the error names it: materialized
-- views, foreign keys, publications, policies, views of a role that syncd's is no member of.

-- +goose Up
-- +goose StatementBegin
DO $$
DECLARE
    books  text := current_schema() || '_sync';
    until  timestamptz := (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    past   text := 'events_before_' || to_char(until AT TIME ZONE 'UTC', 'YYYY_MM');
    old    oid := 'events'::regclass;
    types  oid[] := (SELECT ARRAY[t.oid, t.typarray] FROM pg_type t WHERE t.typrelid = 'events'::regclass);
    anew   text[];
    rights text[];
    list   text;
    sql    text;
    filled boolean;
BEGIN
    LOCK TABLE events IN ACCESS EXCLUSIVE MODE;
    SELECT string_agg(pg_describe_object(d.classid, d.objid, 0) || ' depends on table events', E'\n') INTO list
    FROM pg_depend d LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid LEFT JOIN pg_class v ON v.oid = w.ev_class
    LEFT JOIN pg_proc f ON d.classid = 'pg_proc'::regclass AND f.oid = d.objid AND f.prosqlbody IS NOT NULL AND d.refobjid = old
    WHERE (d.refclassid = 'pg_class'::regclass AND d.refobjid = old OR d.refclassid = 'pg_type'::regclass AND d.refobjid = ANY (types))
      AND (d.deptype = 'n' AND NOT COALESCE(pg_has_role(f.proowner, 'USAGE') OR v.relkind = 'v' AND pg_has_role(v.relowner, 'USAGE'), false)
        OR d.classid IN ('pg_policy'::regclass, 'pg_publication_rel'::regclass));
    IF list IS NOT NULL THEN
        RAISE EXCEPTION 'the table events cannot be divided by months' USING ERRCODE = 'dependent_objects_still_exist', DETAIL = list;
    END IF;

    -- Views, functions and triggers are told before the table moves, and made anew when another one has its name.
    SELECT array_agg(CASE d.classid WHEN 'pg_proc'::regclass THEN pg_get_functiondef(d.objid)
        ELSE format('CREATE OR REPLACE VIEW %s %s AS %s', v.oid::regclass, 'WITH (' || array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid)) END) INTO anew
    FROM (SELECT DISTINCT classid, objid FROM pg_depend WHERE refclassid = 'pg_class'::regclass AND refobjid = old AND classid IN ('pg_proc'::regclass, 'pg_rewrite'::regclass)) d
    LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid LEFT JOIN pg_class v ON v.oid = w.ev_class;
    FOR sql, list IN SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = old AND NOT tgisinternal LOOP
        EXECUTE format('DROP TRIGGER %I ON events', sql);
        anew := anew || list;
    END LOOP;
    SELECT array_agg(format('GRANT %s%s ON events TO %s%s', a.privilege_type, a.of, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
            CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)) INTO rights
    FROM (
        SELECT r.*, '' AS of, c.relowner FROM pg_class c, aclexplode(c.relacl) r WHERE c.oid = old
        UNION ALL
        SELECT r.*, format(' (%I)', t.attname), c.relowner FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid AND NOT t.attisdropped, aclexplode(t.attacl) r WHERE c.oid = old
    ) a WHERE a.grantee <> a.relowner;

    FOR sql IN SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = old LOOP
        EXECUTE format('ALTER INDEX %I RENAME TO %I', sql, regexp_replace(sql, '^events', past));
    END LOOP;
    EXECUTE format('ALTER TABLE events RENAME TO %I', past);
    EXECUTE format('ALTER TABLE %I SET SCHEMA %I', past, books);
    EXECUTE format('CREATE TABLE events (LIKE %I.%I INCLUDING DEFAULTS INCLUDING COMMENTS) PARTITION BY RANGE (timestamp)', books, past);
    COMMENT ON TABLE events IS 'Events: what Polar did (source system) and what you sent in (source user). Filled only when the stream is switched on, and kept for events_retention days; older rows are removed. Divided by the months of timestamp: where a time is asked for, only its months are read.';
    FOR list IN SELECT DISTINCT CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r.grantee)) END
        FROM pg_class c, aclexplode(c.relacl) r WHERE c.oid = 'events'::regclass AND r.grantee <> c.relowner LOOP -- by default privileges
        EXECUTE format('REVOKE ALL ON events FROM %s', list);
    END LOOP;
    CREATE INDEX events_timestamp_idx ON events (timestamp);
    CREATE INDEX events_customer_id_timestamp_idx ON events (customer_id, timestamp);
    CREATE INDEX events_name_timestamp_idx ON events (name, timestamp);
    CREATE INDEX events_parent_id_idx ON events (parent_id);

    -- The id is the key of each partition. What is dated later, or not at all, is in the default one.
    EXECUTE format('CREATE TABLE %I.events_default (LIKE events INCLUDING DEFAULTS)', books);
    EXECUTE format('ALTER TABLE %I.events_default ADD PRIMARY KEY (id)', books);
    EXECUTE format('WITH moved AS (DELETE FROM %1$I.%2$I WHERE timestamp >= %3$L OR timestamp IS NULL RETURNING *) INSERT INTO %1$I.events_default SELECT * FROM moved', books, past, until);
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I)', books, past) INTO filled;
    IF filled THEN
        EXECUTE format('ALTER TABLE events ATTACH PARTITION %I.%I FOR VALUES FROM (MINVALUE) TO (%L)', books, past, until);
    END IF;
    EXECUTE format('ALTER TABLE events ATTACH PARTITION %I.events_default DEFAULT', books);
    FOREACH sql IN ARRAY COALESCE(rights, '{}') || COALESCE(anew, '{}') LOOP
        EXECUTE sql;
    END LOOP;
    IF NOT filled THEN -- no view stands upon it any more
        EXECUTE format('DROP TABLE %I.%I', books, past);
    END IF;
END $$;
-- +goose StatementEnd

-- +goose Down
-- Copies all events. Rights and triggers are not given again.
-- +goose StatementBegin
DO $$
DECLARE
    anew text[];
    sql  text;
BEGIN
    SELECT array_agg(CASE d.classid WHEN 'pg_proc'::regclass THEN pg_get_functiondef(d.objid)
        ELSE format('CREATE OR REPLACE VIEW %s AS %s', w.ev_class::regclass, pg_get_viewdef(w.ev_class)) END) INTO anew
    FROM (SELECT DISTINCT classid, objid FROM pg_depend WHERE refclassid = 'pg_class'::regclass AND refobjid = 'events'::regclass AND classid IN ('pg_proc'::regclass, 'pg_rewrite'::regclass)) d
    LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid;
    ALTER TABLE events RENAME TO events_by_month;
    CREATE TABLE events (LIKE events_by_month INCLUDING DEFAULTS INCLUDING COMMENTS);
    INSERT INTO events SELECT * FROM events_by_month;
    FOREACH sql IN ARRAY COALESCE(anew, '{}') LOOP
        EXECUTE sql;
    END LOOP;
    DROP TABLE events_by_month;
    ALTER TABLE events ADD PRIMARY KEY (id);
    CREATE INDEX events_timestamp_idx ON events (timestamp);
    CREATE INDEX events_customer_id_timestamp_idx ON events (customer_id, timestamp);
    CREATE INDEX events_name_timestamp_idx ON events (name, timestamp);
    CREATE INDEX events_parent_id_idx ON events (parent_id);
    COMMENT ON TABLE events IS 'Events: what Polar did (source system) and what you sent in (source user). Filled only when the stream is switched on, and kept for events_retention days; older rows are removed.';
END $$;
-- +goose StatementEnd
