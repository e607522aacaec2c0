-- sync_safe: the key by which identifiers become pseudonyms, for readers without personal data.
-- Creates a small table, and takes no lock on any other. The table is made in the schema of the bookkeeping at once: in that of the data, default
-- privileges would give it to readers.

-- +goose Up
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE format('CREATE TABLE %I.sync_safe (key bytea NOT NULL, made_by text NOT NULL DEFAULT '''')', current_schema() || '_sync');
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
DO $$
BEGIN
    INSERT INTO sync_safe (key) VALUES (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));
    COMMENT ON TABLE sync_safe IS 'The schema without personal data, the name of which ends in _safe: one row. Readers have no right to it.';
    COMMENT ON COLUMN sync_safe.key IS 'Random key of the pseudonyms. Whoever knows it can tell which pseudonym a known address has. With another key all pseudonyms are others.';
    COMMENT ON COLUMN sync_safe.made_by IS 'SHA-256 of what the views of that schema were made by, in hexadecimal; empty while nobody needs them.';
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE format('DROP TABLE %I.sync_safe CASCADE', current_schema() || '_sync');
END $$;
-- +goose StatementEnd
