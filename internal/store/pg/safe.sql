-- Makes the views of the schema without personal data anew: for each table and view of the schema of the data one of the same name,
-- with the same columns. Whatever nobody has classified is null. So it does with functions that give nothing personal.
DO $$
DECLARE
    data  text := current_schema();
    safe  text := data || '_safe';
    books text := data || '_sync';
    path  text := current_setting('search_path');
    taken text;
    r     record;
    c     record;
BEGIN
    -- What is taken out of each object in changes: the personal columns of its table.
    SELECT format('CASE t.stream %s END', string_agg(format('WHEN %L THEN %L::text[]', p.relation, p.columns), ' '))
    INTO taken FROM (
        SELECT relation, COALESCE(array_agg(column_name) FILTER (WHERE treatment <> 'none'), '{}') AS columns
        FROM personal_columns() WHERE relation <> 'changes' GROUP BY relation
    ) p;

    FOR r IN
        WITH shown AS (
            SELECT t.oid, t.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) AS type,
                CASE
                    WHEN p.treatment = 'none' OR y.typname IN ('bool', 'int4', 'int8', '_int8', 'float8', 'numeric', 'uuid', '_uuid', 'date', 'timestamp', 'timestamptz', 'interval')
                        THEN format('t.%I', a.attname)
                    WHEN t.relname = 'changes' AND p.treatment = 'document' THEN format('t.%I - %s', a.attname, taken)
                    WHEN p.treatment = 'identifier' AND y.typname = 'text'
                        THEN format('left(encode(sha256((SELECT key FROM %I.sync_safe) || sha256(convert_to(t.%I, ''UTF8''))), ''hex''), 32)', books, a.attname)
                    WHEN p.treatment = 'document' AND y.typname = 'jsonb' THEN format('CASE WHEN t.%I IS NOT NULL THEN ''{}''::jsonb END', a.attname)
                    ELSE format('NULL::%s', format_type(a.atttypid, a.atttypmod))
                END AS expression
            FROM pg_class t
            JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
            JOIN pg_type y ON y.oid = a.atttypid
            LEFT JOIN personal_columns() p ON p.relation = t.relname AND p.column_name = a.attname
            WHERE t.relnamespace = quote_ident(data)::regnamespace AND t.relkind IN ('r', 'p', 'v') AND NOT t.relispartition
              AND (EXISTS (SELECT FROM sync_views v WHERE v.name = t.relname AND v.kind = 'VIEW')
                OR EXISTS (SELECT FROM personal_columns() k WHERE k.relation = t.relname))
        )
        SELECT s.oid, s.relname AS name, obj_description(s.oid, 'pg_class') AS comment,
            string_agg(format('%s AS %I', s.expression, s.attname), ', ' ORDER BY s.attnum) AS list,
            string_agg(format('%I %s', s.attname, s.type), ', ' ORDER BY s.attnum) AS types,
            -- Functions in a view are run with the rights of whoever reads it, and these read tables.
            EXISTS (SELECT FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_proc'::regclass
                    JOIN pg_proc f ON f.oid = d.refobjid
                    WHERE w.ev_class = s.oid AND f.proretset AND f.pronamespace = quote_ident(data)::regnamespace) AS calls
        FROM shown s GROUP BY s.oid, s.relname ORDER BY s.relname
    LOOP
        FOR attempt IN 1..2 LOOP
            BEGIN
                IF r.calls THEN
                    EXECUTE format('CREATE OR REPLACE FUNCTION %I.%I() RETURNS TABLE (%s) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %I, %I, pg_temp AS %L',
                        safe, r.name || '_rows', r.types, data, books, format('SELECT %s FROM %I.%I t', r.list, data, r.name));
                    EXECUTE format('COMMENT ON FUNCTION %I.%I() IS %L', safe, r.name || '_rows', format('The rows of the view %s.', r.name));
                    EXECUTE format('CREATE OR REPLACE VIEW %1$I.%2$I AS SELECT * FROM %1$I.%3$I()', safe, r.name, r.name || '_rows');
                ELSE
                    EXECUTE format('CREATE OR REPLACE VIEW %I.%I AS SELECT %s FROM %I.%I t', safe, r.name, r.list, data, r.name);
                END IF;
                EXIT;
            EXCEPTION WHEN invalid_table_definition OR invalid_function_definition THEN -- a column has changed its name, type or place
                IF attempt = 2 THEN
                    RAISE;
                END IF;
                EXECUTE format('DROP VIEW IF EXISTS %I.%I', safe, r.name);
                EXECUTE format('DROP FUNCTION IF EXISTS %I.%I()', safe, r.name || '_rows');
            END;
        END LOOP;
        EXECUTE format('COMMENT ON VIEW %I.%I IS %L', safe, r.name, r.comment || ' Without personal data.');
        FOR c IN SELECT attname, col_description(r.oid, attnum) AS comment FROM pg_attribute WHERE attrelid = r.oid AND attnum > 0 AND NOT attisdropped LOOP
            EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', safe, r.name, c.attname, c.comment);
        END LOOP;
    END LOOP;

    -- Functions that compute from their arguments alone are copied, and call each other. Those that give figures keep their rights, as they read what
    -- is personal to count it. The state of a customer is told by the views that were made here. Those with bodies of text hold no view in its place.
    PERFORM set_config('search_path', quote_ident(data) || ', ' || quote_ident(books), true); -- so bodies are told without schemas
    FOR r IN
        SELECT p.proname AS name, obj_description(p.oid, 'pg_proc') AS comment, pg_get_function_identity_arguments(p.oid) AS arguments,
            CASE
                WHEN p.proname IN ('metrics_own', 'metrics_compared', 'mrr_difference') THEN
                    format('CREATE OR REPLACE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE sql STABLE SECURITY DEFINER SET search_path = %I, %I, pg_temp AS %L',
                        safe, p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), data, books,
                        format('SELECT * FROM %I(%s)', p.proname, (SELECT string_agg('$' || n, ', ' ORDER BY n) FROM generate_series(1, p.pronargs) n)))
                WHEN p.proname = 'customer_state' THEN
                    format('CREATE OR REPLACE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE sql STABLE PARALLEL SAFE SET search_path = %I, pg_temp AS %L',
                        safe, p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), safe,
                        regexp_replace(pg_get_function_sqlbody(p.oid), '^BEGIN ATOMIC|END$', '', 'g'))
                ELSE replace(pg_get_functiondef(p.oid), format('FUNCTION %I.%I(', data, p.proname), format('FUNCTION %I.%I(', safe, p.proname))
            END AS made
        FROM sync_views v JOIN pg_proc p ON p.proname = v.name
        WHERE v.kind = 'FUNCTION' AND p.pronamespace = quote_ident(data)::regnamespace
          AND (p.proname IN ('metrics_own', 'metrics_compared', 'mrr_difference', 'polar_time', 'customer_state') OR p.provolatile = 'i' AND NOT p.proretset)
        ORDER BY v.place
    LOOP
        PERFORM set_config('search_path', quote_ident(safe), true);
        BEGIN
            EXECUTE r.made;
        EXCEPTION WHEN invalid_function_definition THEN -- a parameter has changed its name, or the result its type
            EXECUTE format('DROP FUNCTION %I.%I(%s)', safe, r.name, r.arguments);
            EXECUTE r.made;
        END;
        EXECUTE format('COMMENT ON FUNCTION %I.%I(%s) IS %L', safe, r.name, r.arguments, r.comment);
    END LOOP;
    PERFORM set_config('search_path', path, true);

    -- What the schema of the data does not have any more.
    FOR r IN
        SELECT v.relname AS name FROM pg_class v
        WHERE v.relnamespace = quote_ident(safe)::regnamespace AND v.relkind = 'v' AND v.relname <> ALL (SELECT relname FROM pg_class WHERE relnamespace = quote_ident(data)::regnamespace)
          AND EXISTS (SELECT FROM pg_proc f WHERE f.pronamespace = v.relnamespace AND f.proname = v.relname || '_rows')
    LOOP
        EXECUTE format('DROP VIEW %I.%I', safe, r.name);
        EXECUTE format('DROP FUNCTION %I.%I()', safe, r.name || '_rows');
    END LOOP;

    UPDATE sync_safe SET made_by = 'somebody' WHERE made_by = ''; -- from now on they are kept
END $$
