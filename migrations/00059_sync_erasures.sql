-- sync_erasures: whose personal data are cleared, and stay so.
-- Creates two empty tables, and adds a column to a table of one row, which it rewrites: a lock on that for an instant. Triggers by which
-- writers obey are made by the first erasure, and not here.
-- The tables are made in the schema of the bookkeeping at once: in that of the data, default privileges would give them to readers.

-- +goose Up
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE format('
        CREATE TABLE %1$I.sync_erasures (
            customer_id  uuid        PRIMARY KEY,
            reason       text        NOT NULL,
            asked_by     text        NOT NULL,
            noted_at     timestamptz NOT NULL DEFAULT now(),
            cleared_at   timestamptz,
            rows_cleared bigint      NOT NULL DEFAULT 0
        )', current_schema() || '_sync');
    EXECUTE format('
        CREATE TABLE %1$I.sync_erasure_hashes (
            hash        bytea NOT NULL,
            customer_id uuid  NOT NULL,
            PRIMARY KEY (hash, customer_id)
        )', current_schema() || '_sync');
    ALTER TABLE sync_safe
        ADD COLUMN erasure_key bytea NOT NULL DEFAULT sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')),
        ADD COLUMN erasure_made_by text NOT NULL DEFAULT '';
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
DO $$
BEGIN
    COMMENT ON TABLE sync_erasures IS 'Customers whose personal data are cleared everywhere in this database, and are not written again: see docs/personal-data.md.';
    COMMENT ON COLUMN sync_erasures.customer_id IS 'Polar id of the customer: customers.id. It stays in all tables.';
    COMMENT ON COLUMN sync_erasures.reason IS 'asked: by syncd erase. anonymized: Polar shows the customer as anonymized.';
    COMMENT ON COLUMN sync_erasures.asked_by IS 'Who has run syncd erase: user, host and role of the database; syncd, where it follows what Polar shows.';
    COMMENT ON COLUMN sync_erasures.noted_at IS 'Since when the customer is to be erased (UTC).';
    COMMENT ON COLUMN sync_erasures.cleared_at IS 'When all tables were last cleared (UTC); null: they are not yet.';
    COMMENT ON COLUMN sync_erasures.rows_cleared IS 'Rows that were cleared so far.';
    COMMENT ON TABLE sync_erasure_hashes IS 'By what else than its id an erased customer is known again: email addresses, and ids in your own system. The values themselves are not kept.';
    COMMENT ON COLUMN sync_erasure_hashes.hash IS 'SHA-256 of the value with the key sync_safe.erasure_key; of an email address in lower case.';
    COMMENT ON COLUMN sync_erasure_hashes.customer_id IS 'Whose it was: sync_erasures.customer_id.';
    COMMENT ON COLUMN sync_safe.erasure_key IS 'Random key of sync_erasure_hashes.hash. Without it nobody can tell whose they are; with another one erased customers are known by their ids alone.';
    COMMENT ON COLUMN sync_safe.erasure_made_by IS 'SHA-256 of what the triggers were made by that keep erased customers out, in hexadecimal; empty while there are none.';
END $$;
-- +goose StatementEnd

-- +goose Down
-- Triggers that keep erased customers out go with what they stand on.
-- +goose StatementBegin
DO $$
DECLARE
    books text := current_schema() || '_sync';
    f regprocedure;
BEGIN
    FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = quote_ident(books)::regnamespace AND obj_description(oid, 'pg_proc') LIKE 'Of erasures:%' LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', f);
    END LOOP;
    ALTER TABLE sync_safe DROP COLUMN erasure_key, DROP COLUMN erasure_made_by;
    EXECUTE format('DROP TABLE %1$I.sync_erasure_hashes, %1$I.sync_erasures', books);
END $$;
-- +goose StatementEnd
