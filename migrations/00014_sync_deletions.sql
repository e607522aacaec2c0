-- What may be gone in Polar, and what is known to be. Creates empty tables: touches nothing that exists, so it waits
-- for no lock, holds none that others need and takes milliseconds.

-- +goose Up
CREATE TABLE sync_suspects (
    stream     text        NOT NULL,
    id         uuid        NOT NULL,
    first_run  bigint      NOT NULL,
    last_run   bigint      NOT NULL,
    held       boolean     NOT NULL,
    noticed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, id)
);
COMMENT ON TABLE sync_suspects IS 'Rows that the last complete sweep did not meet, and whose deletion is not proven (yet). Absence from a list is no proof: Polar hides some rows from lists.';
COMMENT ON COLUMN sync_suspects.stream IS 'Name of the stream.';
COMMENT ON COLUMN sync_suspects.id IS 'id of the row.';
COMMENT ON COLUMN sync_suspects.first_run IS 'The complete sweep that missed it first: sync_runs.id.';
COMMENT ON COLUMN sync_suspects.last_run IS 'The complete sweep that missed it last: sync_runs.id.';
COMMENT ON COLUMN sync_suspects.held IS 'Whether the brake holds it: too many rows would go at once, so an operator has to approve.';
COMMENT ON COLUMN sync_suspects.noticed_at IS 'When it was missed first (UTC).';

CREATE TABLE sync_tombstones (
    stream         text        NOT NULL,
    id             uuid        NOT NULL,
    run_id         bigint      NOT NULL,
    evidence       text        NOT NULL,
    tombstoned_at  timestamptz NOT NULL DEFAULT now(),
    resurrected_at timestamptz,
    PRIMARY KEY (stream, id, run_id)
);
COMMENT ON TABLE sync_tombstones IS 'Why each row was marked as deleted, and by which run. The row itself stays in its table with _deleted_at set.';
COMMENT ON COLUMN sync_tombstones.stream IS 'Name of the stream.';
COMMENT ON COLUMN sync_tombstones.id IS 'id of the row.';
COMMENT ON COLUMN sync_tombstones.run_id IS 'The run that marked it: sync_runs.id.';
COMMENT ON COLUMN sync_tombstones.evidence IS 'What proved that Polar no longer has it, in words.';
COMMENT ON COLUMN sync_tombstones.tombstoned_at IS 'When it was marked (UTC).';
COMMENT ON COLUMN sync_tombstones.resurrected_at IS 'When Polar listed it again and the mark was taken back (UTC); null while it is gone.';

-- +goose Down
DROP TABLE sync_tombstones;
DROP TABLE sync_suspects;
