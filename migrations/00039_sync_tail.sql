-- Tail runs: what they have seen so far, what is known to have changed and is
-- not fetched yet, and how fresh each stream is. Adding columns without a
-- default only locks sync_streams for a moment.

-- +goose Up
ALTER TABLE sync_streams
    ADD COLUMN polled_at    timestamptz,
    ADD COLUMN data_through timestamptz,
    ADD COLUMN tail         jsonb,
    ADD COLUMN sweep_due    text;
COMMENT ON COLUMN sync_streams.polled_at IS 'When a tail last asked Polar for changes of this stream and got an answer, an empty one included (UTC, database clock). That nothing was found does not move data_through.';
COMMENT ON COLUMN sync_streams.data_through IS 'Time of the newest change that a tail has mirrored, all earlier ones that a tail can see being mirrored too (UTC, Polar''s clock). What no tail can see is as old as complete_at at most.';
COMMENT ON COLUMN sync_streams.tail IS 'What the next tail of this stream goes on from.';
COMMENT ON COLUMN sync_streams.sweep_due IS 'Why a tail wants the next sweep brought forward: a count that does not add up, more changes than a sweep costs. Null when it does not; a complete sweep clears it.';

CREATE TABLE sync_changes (
    stream     text        NOT NULL,
    filter     text        NOT NULL,
    value      text        NOT NULL,
    owner      uuid,
    changed_at timestamptz NOT NULL,
    known_at   timestamptz,
    noted_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, filter, value)
);
COMMENT ON TABLE sync_changes IS 'Objects that Polar''s events, deliveries or lists say have changed, until they have been fetched. Repeats are one row.';
COMMENT ON COLUMN sync_changes.stream IS 'Name of the stream.';
COMMENT ON COLUMN sync_changes.filter IS 'id: value is the id of the object. Else the filter of the stream''s list that finds what changed: customer_id, order_id.';
COMMENT ON COLUMN sync_changes.value IS 'Value of the filter.';
COMMENT ON COLUMN sync_changes.owner IS 'Customer of the object, where the source names one: lists are filtered by it.';
COMMENT ON COLUMN sync_changes.changed_at IS 'When it changed last, as far as is known (UTC, Polar''s clock).';
COMMENT ON COLUMN sync_changes.known_at IS 'When what has changed was last asked for and stored (UTC, database clock); the change is pending while this is null or earlier than noted_at.';
COMMENT ON COLUMN sync_changes.noted_at IS 'When the change was noted (UTC, database clock).';

CREATE VIEW freshness AS
SELECT s.stream,
       LEAST(GREATEST(s.complete_at, s.data_through), c.oldest) AS data_through,
       s.polled_at,
       s.complete_at,
       COALESCE(c.pending, 0) AS pending_changes,
       s.sweep_due,
       s.unavailable
FROM sync_streams s
LEFT JOIN LATERAL (
    SELECT count(*) AS pending, min(changed_at) FILTER (WHERE changed_at > s.complete_at) AS oldest
    FROM sync_changes c
    WHERE c.stream = s.stream AND (c.known_at IS NULL OR c.known_at < c.noted_at)
) c ON true
WHERE s.stream NOT LIKE '%/%' AND s.stream <> 'tail';
COMMENT ON VIEW freshness IS 'How fresh each stream is, and how that is known.';
COMMENT ON COLUMN freshness.stream IS 'Name of the stream, which is also the name of its table.';
COMMENT ON COLUMN freshness.data_through IS 'Moment up to which Polar''s state is known to be mirrored, as far as tails can see it (UTC): the start of the last complete sweep, or the newest change mirrored since, but not later than the oldest change that is still to be fetched.';
COMMENT ON COLUMN freshness.polled_at IS 'When Polar was last asked for changes and answered (UTC).';
COMMENT ON COLUMN freshness.complete_at IS 'When the last complete sweep began (UTC): the table held all that Polar listed at that moment, also what no tail can see.';
COMMENT ON COLUMN freshness.pending_changes IS 'Changes that are known of and not fetched yet.';
COMMENT ON COLUMN freshness.sweep_due IS 'Why a sweep is to be brought forward; null when it is not.';
COMMENT ON COLUMN freshness.unavailable IS 'Why Polar does not give this stream to this token; null when it does.';

-- +goose Down
DROP VIEW freshness;
DROP TABLE sync_changes;
ALTER TABLE sync_streams DROP COLUMN polled_at, DROP COLUMN data_through, DROP COLUMN tail, DROP COLUMN sweep_due;
