-- What an audit found different. Creates an empty table: touches nothing that exists, so it waits for no lock, holds none
-- that others need and takes milliseconds.

-- +goose Up
CREATE TABLE sync_findings (
    stream       text        NOT NULL,
    key          text        NOT NULL,
    kind         text        NOT NULL,
    field        text        NOT NULL DEFAULT '',
    mirror_value text,
    other_value  text,
    evidence     text        NOT NULL,
    first_seen   timestamptz NOT NULL DEFAULT now(),
    last_seen    timestamptz NOT NULL DEFAULT now(),
    resolved_at  timestamptz,
    PRIMARY KEY (stream, key, kind, field)
);
COMMENT ON TABLE sync_findings IS 'Where the mirror differed from a second source in an audit: an export, a count, Polar''s metrics, its own references. Only what could not be explained by time passing between the reads.';
COMMENT ON COLUMN sync_findings.stream IS 'Name of the stream whose row differed.';
COMMENT ON COLUMN sync_findings.key IS 'id of the row; where the mirror lacked it and the source names no id, what the source calls it by.';
COMMENT ON COLUMN sync_findings.kind IS 'different: a field. lost: a row that the mirror lacked. extra: a row that Polar does not have. children: rows of a child table that are missing or wrong. count: the number of rows.';
COMMENT ON COLUMN sync_findings.field IS 'different: the field. children: the child table. Else empty.';
COMMENT ON COLUMN sync_findings.mirror_value IS 'What the mirror had; money in the smallest unit of the currency.';
COMMENT ON COLUMN sync_findings.other_value IS 'What the other source had; money in the smallest unit of the currency.';
COMMENT ON COLUMN sync_findings.evidence IS 'The other source, and what was done to be sure.';
COMMENT ON COLUMN sync_findings.first_seen IS 'When an audit found it first (UTC).';
COMMENT ON COLUMN sync_findings.last_seen IS 'When an audit found it last (UTC).';
COMMENT ON COLUMN sync_findings.resolved_at IS 'When an audit no longer found it, such as after a refresh of the row (UTC); null while it is open.';

-- +goose Down
DROP TABLE sync_findings;
