-- Rows known only from copies of them inside other objects. Creates an empty table: touches nothing that exists, so it
-- waits for no lock, holds none that others need and takes milliseconds.

-- +goose Up
CREATE TABLE sync_stubs (
    stream      text        NOT NULL,
    id          uuid        NOT NULL,
    copied_from text        NOT NULL,
    copied_id   uuid        NOT NULL,
    run_id      bigint      NOT NULL,
    noticed_at  timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    PRIMARY KEY (stream, id)
);
COMMENT ON TABLE sync_stubs IS 'Rows that were copied from inside another object, because Polar does not list them: deleted or hidden there, yet referred to. Such a copy can be partial, and never overwrites a row that was read for itself.';
COMMENT ON COLUMN sync_stubs.stream IS 'Name of the stream whose table has the row.';
COMMENT ON COLUMN sync_stubs.id IS 'id of the row.';
COMMENT ON COLUMN sync_stubs.copied_from IS 'The stream of the object that held the copy.';
COMMENT ON COLUMN sync_stubs.copied_id IS 'id of the object that held the copy.';
COMMENT ON COLUMN sync_stubs.run_id IS 'The run that copied it: sync_runs.id.';
COMMENT ON COLUMN sync_stubs.noticed_at IS 'When it was copied (UTC).';
COMMENT ON COLUMN sync_stubs.resolved_at IS 'When the row was read for itself (UTC); null while there is only the copy.';

-- +goose Down
DROP TABLE sync_stubs;
