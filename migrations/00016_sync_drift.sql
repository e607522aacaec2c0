-- Where Polar's answers differ from what this syncd knows of them. Creates an empty table and changes comments: the
-- comments take a lock on sync_rejects and sync_runs for an instant, nothing else is touched.

-- +goose Up
CREATE TABLE sync_drift (
    stream     text        NOT NULL,
    kind       text        NOT NULL,
    field      text        NOT NULL,
    value      text        NOT NULL DEFAULT '',
    sample_id  uuid,
    first_run  bigint      NOT NULL,
    last_run   bigint      NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen  timestamptz NOT NULL DEFAULT now(),
    runs       bigint      NOT NULL DEFAULT 1,
    PRIMARY KEY (stream, kind, field, value)
);
COMMENT ON TABLE sync_drift IS 'Where Polar''s answers differ from what this syncd knows of the API. Nothing is lost by it, except where a value has a type that its column does not take: that item is in sync_rejects.';
COMMENT ON COLUMN sync_drift.stream IS 'Name of the stream.';
COMMENT ON COLUMN sync_drift.kind IS 'new_field: a field without a column, kept in _extra. missing_field: a column''s field that was not sent, the column is null. type: a value of another JSON type than the column takes. new_value: a value that is not on the list of those known. version: Polar answers in another version of its API than asked for.';
COMMENT ON COLUMN sync_drift.field IS 'Name of the field; prices[].amount for one of an element of a list; Polar-Version for the kind version.';
COMMENT ON COLUMN sync_drift.value IS 'new_value: the value. type: the JSON type that came. version: the version that came. Else empty.';
COMMENT ON COLUMN sync_drift.sample_id IS 'id of the first item of the last run that showed it; null where it has no usable one.';
COMMENT ON COLUMN sync_drift.first_run IS 'The run that met it first: sync_runs.id.';
COMMENT ON COLUMN sync_drift.last_run IS 'The run that met it last: sync_runs.id.';
COMMENT ON COLUMN sync_drift.first_seen IS 'When the first run that met it ended (UTC).';
COMMENT ON COLUMN sync_drift.last_seen IS 'When the last run that met it ended (UTC).';
COMMENT ON COLUMN sync_drift.runs IS 'How many runs met it.';

COMMENT ON TABLE sync_rejects IS 'Items that Polar sent and that could not be stored, whole, with the reason, and rows that Polar itself cannot send. Nothing is dropped silently: a run that meets one ends partial.';
COMMENT ON COLUMN sync_rejects.key IS 'The item''s id where it has a usable one, else the SHA-256 of its bytes in hexadecimal. For a row that Polar cannot render: gap:, its place in the list from 1, and the query of the list.';
COMMENT ON COLUMN sync_rejects.body IS 'The item, byte for byte as received: JSON, though perhaps not valid. Secrets are left out as they are from the tables. For a row that Polar cannot render: the error that came in its place.';
COMMENT ON COLUMN sync_rejects.resolved_at IS 'When a later run stored an item with this id, or a complete sweep no longer met it (UTC); null while open.';
COMMENT ON COLUMN sync_runs.verdict IS 'complete: the distinct ids account for the total_count that Polar reported. incomplete: they do not, or, with the number of them, rows that Polar cannot render are missing. Null when the sweep did not reach its end.';

-- +goose Down
DROP TABLE sync_drift;
