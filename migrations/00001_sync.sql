-- The bookkeeping tables of syncd: whose data this is, what ran, how far it came,
-- what could not be stored. Creates empty tables only: no lock on anything that exists.

-- +goose Up
CREATE TABLE sync_meta (
    singleton       boolean     PRIMARY KEY DEFAULT true CHECK (singleton),
    organization_id uuid        NOT NULL,
    server          text        NOT NULL,
    bound_at        timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sync_meta IS 'The one Polar organization that this schema mirrors. syncd refuses to write another organization''s data here.';
COMMENT ON COLUMN sync_meta.singleton IS 'Always true: the table holds one row.';
COMMENT ON COLUMN sync_meta.organization_id IS 'Polar id of the organization.';
COMMENT ON COLUMN sync_meta.server IS 'Base URL of the Polar API the organization was first read from (production and sandbox ids are unrelated).';
COMMENT ON COLUMN sync_meta.bound_at IS 'When this schema was first filled (UTC).';

CREATE TABLE sync_runs (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream        text        NOT NULL,
    kind          text        NOT NULL,
    holder        text        NOT NULL,
    sweep_id      bigint,
    started_at    timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz,
    outcome       text,
    reason        text,
    error_class   text,
    error         text,
    pages         bigint      NOT NULL DEFAULT 0,
    requests      bigint      NOT NULL DEFAULT 0,
    rows_read     bigint      NOT NULL DEFAULT 0,
    rows_inserted bigint      NOT NULL DEFAULT 0,
    rows_updated  bigint      NOT NULL DEFAULT 0,
    rows_unchanged bigint     NOT NULL DEFAULT 0,
    rows_stale    bigint      NOT NULL DEFAULT 0,
    rows_rejected bigint      NOT NULL DEFAULT 0,
    total_first   bigint,
    total_last    bigint,
    distinct_ids  bigint,
    duplicates    bigint,
    rows_appeared bigint,
    rows_vanished bigint,
    verdict       text
);
CREATE INDEX sync_runs_stream_id_idx ON sync_runs (stream, id DESC);
COMMENT ON TABLE sync_runs IS 'One row per attempt at one stream, written when it starts and closed when it ends. A row without finished_at is running, or its process died.';
COMMENT ON COLUMN sync_runs.id IS 'Number of the run, ascending in order of start.';
COMMENT ON COLUMN sync_runs.stream IS 'Name of the stream, which is also the name of its table.';
COMMENT ON COLUMN sync_runs.kind IS 'sweep: reads the stream from end to end. approval: marks as deleted what the brake had held, on an operator''s word.';
COMMENT ON COLUMN sync_runs.holder IS 'Process that made the run: host, process id and a random part.';
COMMENT ON COLUMN sync_runs.sweep_id IS 'Number of the run that began this sweep: a resumed sweep carries the id of the run it goes on from.';
COMMENT ON COLUMN sync_runs.started_at IS 'When the run took the lease (UTC, database clock).';
COMMENT ON COLUMN sync_runs.finished_at IS 'When the run ended (UTC, database clock); null while it runs.';
COMMENT ON COLUMN sync_runs.outcome IS 'succeeded: everything was read and stored. partial: something is missing, see reason. failed: the run broke off on an error. interrupted: it was stopped or its process died; the next run goes on from its last page. skipped: it did not read anything. Null while it runs.';
COMMENT ON COLUMN sync_runs.reason IS 'Why the outcome is not succeeded, in words; null otherwise.';
COMMENT ON COLUMN sync_runs.error_class IS 'Class of the error: auth, scope, not_found, rate_limited, transient, contract, canceled, store, unknown; null without an error.';
COMMENT ON COLUMN sync_runs.error IS 'The error as logged, without secrets; null without an error.';
COMMENT ON COLUMN sync_runs.pages IS 'Pages stored.';
COMMENT ON COLUMN sync_runs.requests IS 'HTTP requests sent to Polar, retries included.';
COMMENT ON COLUMN sync_runs.rows_read IS 'Items received, repeats included.';
COMMENT ON COLUMN sync_runs.rows_inserted IS 'Rows new to the table.';
COMMENT ON COLUMN sync_runs.rows_updated IS 'Rows whose content changed.';
COMMENT ON COLUMN sync_runs.rows_unchanged IS 'Items that the table already held as they came; nothing was written for them.';
COMMENT ON COLUMN sync_runs.rows_stale IS 'Items left out because the table held a reply that was requested later.';
COMMENT ON COLUMN sync_runs.rows_rejected IS 'Items that could not be stored; they are in sync_rejects.';
COMMENT ON COLUMN sync_runs.total_first IS 'total_count that Polar reported on the first page of the sweep; null where the endpoint gives none.';
COMMENT ON COLUMN sync_runs.total_last IS 'total_count of the whole list as Polar told it last, the hidden parts that are asked for separately included; before the sweep has reached its end, that of the last page. Null where the endpoint gives none.';
COMMENT ON COLUMN sync_runs.distinct_ids IS 'Different ids received during the whole sweep.';
COMMENT ON COLUMN sync_runs.duplicates IS 'Items that this run received again: rows that moved from page to page, ties, pages and passes read again. Null when the sweep did not reach its end.';
COMMENT ON COLUMN sync_runs.rows_appeared IS 'By how much the total_count of the whole list rose while this run read, summed over its rises; rows that came and went between two counts do not show. Null when it was told less than twice.';
COMMENT ON COLUMN sync_runs.rows_vanished IS 'By how much the total_count of the whole list fell while this run read, summed over its falls. Null when it was told less than twice.';
COMMENT ON COLUMN sync_runs.verdict IS 'complete: the distinct ids account for the total_count that Polar reported. incomplete: they do not. Null when the sweep did not reach its end.';

CREATE TABLE sync_streams (
    stream       text        PRIMARY KEY,
    lease_run    bigint,
    lease_holder text,
    leased_until timestamptz,
    sweep_id     bigint,
    sweep_pages  bigint      NOT NULL DEFAULT 0,
    sweep_total  bigint,
    checkpoint   jsonb,
    checkpoint_at timestamptz,
    complete_at  timestamptz,
    unavailable  text
);
COMMENT ON TABLE sync_streams IS 'State of each stream between runs: who may write it, how far the sweep came, when it was last whole.';
COMMENT ON COLUMN sync_streams.stream IS 'Name of the stream, which is also the name of its table.';
COMMENT ON COLUMN sync_streams.lease_run IS 'The run that may write this stream; null when nobody holds the lease.';
COMMENT ON COLUMN sync_streams.lease_holder IS 'Process that holds the lease; null when nobody does.';
COMMENT ON COLUMN sync_streams.leased_until IS 'When the lease expires unless it is renewed (UTC, database clock).';
COMMENT ON COLUMN sync_streams.sweep_id IS 'The sweep that is under way or was broken off; null when the last one reached its end.';
COMMENT ON COLUMN sync_streams.sweep_pages IS 'Pages of that sweep stored so far.';
COMMENT ON COLUMN sync_streams.sweep_total IS 'total_count on the first page of that sweep.';
COMMENT ON COLUMN sync_streams.checkpoint IS 'Where that sweep goes on: part, page or time bound. Moves in the transaction that stores the page before it.';
COMMENT ON COLUMN sync_streams.checkpoint_at IS 'When the checkpoint moved last (UTC).';
COMMENT ON COLUMN sync_streams.complete_at IS 'When the last complete sweep of this stream began (UTC): the table held everything that Polar listed at that time.';
COMMENT ON COLUMN sync_streams.unavailable IS 'Why Polar does not give this stream to this token, as of the last run; null when it does.';

-- Not logged: it only serves a sweep that is under way. After a crash of the
-- database it is empty, the resuming run notices that pages are missing and
-- begins the sweep again.
CREATE UNLOGGED TABLE sync_seen (
    stream   text   NOT NULL,
    sweep_id bigint NOT NULL,
    page     bigint NOT NULL,
    ids      uuid[] NOT NULL,
    PRIMARY KEY (stream, sweep_id, page)
);
COMMENT ON TABLE sync_seen IS 'The ids that a sweep under way has received, one row a page; emptied when the sweep ends.';
COMMENT ON COLUMN sync_seen.stream IS 'Name of the stream.';
COMMENT ON COLUMN sync_seen.sweep_id IS 'The sweep: number of the run that began it.';
COMMENT ON COLUMN sync_seen.page IS 'Count of pages stored in this sweep before this one.';
COMMENT ON COLUMN sync_seen.ids IS 'The ids on that page.';

CREATE TABLE sync_rejects (
    stream      text        NOT NULL,
    key         text        NOT NULL,
    item_id     uuid,
    run_id      bigint      NOT NULL,
    reason      text        NOT NULL,
    body        bytea       NOT NULL,
    first_seen  timestamptz NOT NULL DEFAULT now(),
    last_seen   timestamptz NOT NULL DEFAULT now(),
    times_seen  bigint      NOT NULL DEFAULT 1,
    resolved_at timestamptz,
    PRIMARY KEY (stream, key)
);
COMMENT ON TABLE sync_rejects IS 'Items that Polar sent and that could not be stored, whole, with the reason. Nothing is dropped silently: a run that rejects an item ends partial.';
COMMENT ON COLUMN sync_rejects.stream IS 'Name of the stream.';
COMMENT ON COLUMN sync_rejects.key IS 'The item''s id where it has a usable one, else the SHA-256 of its bytes in hexadecimal.';
COMMENT ON COLUMN sync_rejects.item_id IS 'The item''s id where it has a usable one.';
COMMENT ON COLUMN sync_rejects.run_id IS 'The run that met it last.';
COMMENT ON COLUMN sync_rejects.reason IS 'Why it could not be stored.';
COMMENT ON COLUMN sync_rejects.body IS 'The item, byte for byte as received: JSON, though perhaps not valid. Secrets are left out as they are from the tables.';
COMMENT ON COLUMN sync_rejects.first_seen IS 'When it was met first (UTC).';
COMMENT ON COLUMN sync_rejects.last_seen IS 'When it was met last (UTC).';
COMMENT ON COLUMN sync_rejects.times_seen IS 'How often it was met.';
COMMENT ON COLUMN sync_rejects.resolved_at IS 'When a later run stored an item with this id (UTC); null while open.';

-- +goose Down
DROP TABLE sync_rejects;
DROP TABLE sync_seen;
DROP TABLE sync_streams;
DROP TABLE sync_runs;
DROP TABLE sync_meta;
