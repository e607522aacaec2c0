-- changes: what has changed in the tables of streams, kept for good or for a time.
-- Creates empty tables and functions, adds a nullable column to a small table, and a trigger to each table of a stream: a lock
-- on each for an instant that waits for writers and not for readers. It rewrites nothing.

-- +goose Up
CREATE SEQUENCE changes_seq;
CREATE TABLE changes (
    seq        bigint      NOT NULL DEFAULT nextval('changes_seq'),
    stream     text        NOT NULL,
    id         uuid        NOT NULL,
    parent_id  uuid,
    operation  text        NOT NULL,
    source     text        NOT NULL DEFAULT 'observed',
    seen_at    timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    run_id     bigint,
    old        jsonb,
    new        jsonb,
    retention  text        NOT NULL
) PARTITION BY LIST (retention);
ALTER SEQUENCE changes_seq OWNED BY changes.seq;
CREATE INDEX changes_seq_idx ON changes (seq);
CREATE INDEX changes_stream_id_seq_idx ON changes (stream, id, seq);
CREATE INDEX changes_stream_seen_at_idx ON changes (stream, seen_at);
CREATE TABLE changes_permanent PARTITION OF changes FOR VALUES IN ('permanent') PARTITION BY RANGE (seen_at);
CREATE TABLE changes_limited PARTITION OF changes FOR VALUES IN ('limited') PARTITION BY RANGE (seen_at);
CREATE TABLE changes_permanent_default PARTITION OF changes_permanent DEFAULT;
CREATE TABLE changes_limited_default PARTITION OF changes_limited DEFAULT;
COMMENT ON TABLE changes IS 'What has changed in the tables of streams since their first sweep: one row for each change of a row that syncd has seen. Rows are added and never changed. Read it on with WHERE seq > the last one read: a change that commits later never has a lower seq.';
COMMENT ON COLUMN changes.seq IS 'Number of the change, ascending in the order of commits. There are gaps; nothing appears in them later.';
COMMENT ON COLUMN changes.stream IS 'Table whose row has changed: that of a stream, or of a list inside its objects, such as product_prices.';
COMMENT ON COLUMN changes.id IS 'Polar id of the row; product_benefits, discount_products, checkout_products and checkout_link_products: that of the benefit or product.';
COMMENT ON COLUMN changes.parent_id IS 'Object that the row is in the list of, as products.id for product_prices; null for the rows of streams.';
COMMENT ON COLUMN changes.operation IS 'insert: the row is new here. update: its content changed. delete: it was marked as deleted or removed (_deleted_at, _removed_at), or taken out of the table. restore: the mark was taken back.';
COMMENT ON COLUMN changes.source IS 'How the change is known. observed: the row came from Polar otherwise than it was stored. event: one of Polar''s events tells of it.';
COMMENT ON COLUMN changes.seen_at IS 'When it was stored (UTC, clock of the database).';
COMMENT ON COLUMN changes.changed_at IS 'When it happened at Polar (UTC), as far as that is told: created_at of a new row, else modified_at where it moved; where it did not, or lies in the future, when the reply that shows the change was requested.';
COMMENT ON COLUMN changes.run_id IS 'Run that stored it: sync_runs.id.';
COMMENT ON COLUMN changes.old IS 'Columns that changed, as an object, with the values that they had; null for an insert. Of a row taken out of the table, all of them.';
COMMENT ON COLUMN changes.new IS 'The same columns with the values that they have since; null for a row taken out of the table. Of an insert, all of them.';
COMMENT ON COLUMN changes.retention IS 'permanent: never removed (money and subscriptions). limited: removed after the time that history_retention says.';

CREATE TABLE sync_history_dropped (
    stream  text        PRIMARY KEY,
    seq     bigint      NOT NULL,
    seen_at timestamptz NOT NULL
);
COMMENT ON TABLE sync_history_dropped IS 'Up to where changes are no longer kept, by table. A table that is missing has all of them.';
COMMENT ON COLUMN sync_history_dropped.stream IS 'Table whose rows changed: changes.stream.';
COMMENT ON COLUMN sync_history_dropped.seq IS 'The highest changes.seq that was removed.';
COMMENT ON COLUMN sync_history_dropped.seen_at IS 'The latest changes.seen_at that was removed (UTC).';

ALTER TABLE sync_streams ADD COLUMN history_since timestamptz;
COMMENT ON COLUMN sync_streams.history_since IS 'Since when changes of the stream are recorded in changes: the end of its first sweep (UTC). Null: they are not yet.';
UPDATE sync_streams SET history_since = now() WHERE complete_at IS NOT NULL;

CREATE FUNCTION lock_changes() RETURNS void
LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('syncd changes ' || current_schema(), 0))
$$;
COMMENT ON FUNCTION lock_changes() IS 'Makes the transactions that record changes take turns: until the end of this one nobody else does. Whoever has the lock waits for nothing else.';

-- +goose StatementBegin
CREATE FUNCTION record_change() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    bookkeeping CONSTANT text[] := '{_hash,_requested_at,_synced_at}';
    before    jsonb;
    after     jsonb;
    is_row    jsonb;
    requested timestamptz;
    changed   timestamptz;
    seen      timestamptz;
    operation text := lower(TG_OP);
    is_first  boolean := COALESCE(current_setting('syncd.first_change', true), '') = '';
    n         bigint;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        before := to_jsonb(OLD) - bookkeeping;
        requested := OLD._requested_at;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        after := to_jsonb(NEW) - bookkeeping;
        requested := NEW._requested_at;
    END IF;
    is_row := COALESCE(after, before);
    IF TG_OP = 'INSERT' THEN
        changed := COALESCE(after->>'created_at', after->>'modified_at');
    ELSIF TG_OP = 'UPDATE' THEN
        IF before = after THEN
            RETURN NULL;
        END IF;
        IF after->'modified_at' IS DISTINCT FROM before->'modified_at' THEN
            changed := after->>'modified_at';
        END IF;
        operation := CASE COALESCE(before->>'_deleted_at', before->>'_removed_at') IS NULL
            WHEN COALESCE(after->>'_deleted_at', after->>'_removed_at') IS NULL THEN 'update'
            WHEN true THEN 'delete'
            ELSE 'restore'
        END;
        SELECT jsonb_object_agg(e.key, before->e.key), jsonb_object_agg(e.key, e.value) INTO before, after
        FROM jsonb_each(after) e WHERE e.value IS DISTINCT FROM before->e.key;
    END IF;

    -- Whoever has the lock has committed before the next one gets it. So numbers are given in the order of commits.
    IF is_first THEN
        PERFORM lock_changes();
    END IF;
    seen := clock_timestamp();
    IF changed IS NULL OR changed > seen THEN
        changed := requested;
    END IF;
    IF changed > seen OR changed < '1970-01-01Z' THEN
        changed := seen;
    END IF;
    INSERT INTO changes (stream, id, parent_id, operation, seen_at, changed_at, run_id, old, new, retention)
    VALUES (TG_TABLE_NAME, (is_row->>TG_ARGV[1])::uuid, (is_row->>TG_ARGV[2])::uuid, operation, seen, changed,
        NULLIF(current_setting('syncd.run', true), '')::bigint, before, after, TG_ARGV[0])
    RETURNING seq INTO n;
    IF is_first THEN
        PERFORM set_config('syncd.first_change', n::text, true);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION record_change() IS 'Adds a row to changes. It is run by the triggers named record_change, at the end of the transactions in which syncd writes.';

-- +goose StatementBegin
CREATE FUNCTION keep_history(changing regclass, stream text, retention text, key text, parent text DEFAULT '') RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF retention NOT IN ('permanent', 'limited') THEN
        RAISE EXCEPTION 'the retention of % is permanent or limited, not %', changing, retention;
    END IF;
    EXECUTE format(
        'CREATE CONSTRAINT TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON %s DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW WHEN (%L = ANY (string_to_array(current_setting(''syncd.history'', true), '','')))
         EXECUTE FUNCTION record_change(%L, %L, %L, %L)', changing, stream, retention, key, parent, stream);
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION keep_history(regclass, text, text, text, text) IS 'Has the changes of a table recorded: of which stream it is, how long they are kept (permanent or limited), the column with the id of a row, and that with the id of its parent. Migrations call it for a new table.';

-- +goose StatementBegin
CREATE FUNCTION announce_changes() RETURNS void
LANGUAGE plpgsql AS $$
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
    WHERE c.seq >= first -- all of them of this transaction, as it has the lock
    GROUP BY c.stream, c.operation, c.run_id
    ORDER BY min(c.seq);
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION announce_changes() IS 'Records the changes of the transaction, and has Postgres tell of them on the channel with the name of the schema once it is committed. syncd calls it at the end of transactions that write rows.';

-- +goose StatementBegin
DO $$
BEGIN
    PERFORM keep_history(t::regclass, t, 'permanent', 'id') FROM unnest('{discounts,disputes,orders,payments,products,refunds,subscriptions}'::text[]) t;
    PERFORM keep_history(t::regclass, t, 'limited', 'id')
    FROM unnest('{benefit_grants,benefits,checkout_links,checkouts,custom_fields,customer_meters,customer_seats,customers,files,
        license_key_activations,license_keys,members,meters,metric_dashboards,metrics,organization_access_tokens,organizations,
        payment_methods,webhook_endpoints}'::text[]) t;
    PERFORM keep_history('product_prices', 'products', 'permanent', 'id', 'product_id');
    PERFORM keep_history('product_benefits', 'products', 'permanent', 'benefit_id', 'product_id');
    PERFORM keep_history('discount_products', 'discounts', 'permanent', 'product_id', 'discount_id');
    PERFORM keep_history('subscription_prices', 'subscriptions', 'permanent', 'id', 'subscription_id');
    PERFORM keep_history('subscription_meters', 'subscriptions', 'limited', 'id', 'subscription_id');
    PERFORM keep_history('order_items', 'orders', 'permanent', 'id', 'order_id');
    PERFORM keep_history('checkout_products', 'checkouts', 'limited', 'product_id', 'checkout_id');
    PERFORM keep_history('checkout_link_products', 'checkout_links', 'limited', 'product_id', 'checkout_link_id');
END $$;
-- +goose StatementEnd

-- +goose Down
DROP VIEW IF EXISTS history, metrics_history;
DROP FUNCTION IF EXISTS changes_after(bigint, text[], bigint);
-- +goose StatementBegin
DO $$
DECLARE
    t regclass;
BEGIN
    FOR t IN SELECT tgrelid::regclass FROM pg_trigger WHERE tgfoid = 'record_change()'::regprocedure LOOP
        EXECUTE format('DROP TRIGGER record_change ON %s', t);
    END LOOP;
END $$;
-- +goose StatementEnd
DROP FUNCTION announce_changes();
DROP FUNCTION keep_history(regclass, text, text, text, text);
DROP FUNCTION record_change();
DROP FUNCTION lock_changes();
ALTER TABLE sync_streams DROP COLUMN history_since;
DROP TABLE sync_history_dropped;
DROP TABLE changes;
