-- sync_history_events, the numbers of changes that are rebuilt from it, and an aggregate for the views of history.
-- Creates an empty table, its indexes, a sequence and an aggregate: touches nothing that exists, so it waits for no lock, holds none that
-- others need and takes milliseconds.

-- +goose Up
CREATE TABLE sync_history_events (
    id              uuid        PRIMARY KEY,
    timestamp       timestamptz,
    organization_id uuid,
    name            text,
    customer_id     uuid,
    metadata        jsonb,
    _extra          jsonb       NOT NULL DEFAULT '{}',
    _hash           bytea       NOT NULL,
    _requested_at   timestamptz NOT NULL,
    _synced_at      timestamptz NOT NULL DEFAULT now(),
    _deleted_at     timestamptz
);
-- Events of a subscription.
CREATE INDEX sync_history_events_subscription_idx ON sync_history_events ((metadata->>'subscription_id'));
COMMENT ON TABLE sync_history_events IS 'Polar''s own events about subscriptions from before changes were recorded, as syncd backfill history has read them where the table events does not hold them. Kept for good.';
COMMENT ON COLUMN sync_history_events.id IS 'Polar id.';
COMMENT ON COLUMN sync_history_events.timestamp IS 'When it happened (UTC).';
COMMENT ON COLUMN sync_history_events.organization_id IS 'Organization: organizations.id.';
COMMENT ON COLUMN sync_history_events.name IS 'What happened, such as subscription.canceled.';
COMMENT ON COLUMN sync_history_events.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN sync_history_events.metadata IS 'What the event tells, by its name; subscription_id is in all of them.';
COMMENT ON COLUMN sync_history_events._extra IS 'Fields that Polar sent and that have no column here.';
COMMENT ON COLUMN sync_history_events._hash IS 'Digest of the content, to find unchanged rows.';
COMMENT ON COLUMN sync_history_events._requested_at IS 'When the reply that is stored here was requested (UTC).';
COMMENT ON COLUMN sync_history_events._synced_at IS 'When the row was last written (UTC).';
COMMENT ON COLUMN sync_history_events._deleted_at IS 'Always null: events are not deleted (UTC).';

SELECT move_bookkeeping('sync_history_events');

CREATE AGGREGATE merge_jsonb(jsonb) (SFUNC = jsonb_concat, STYPE = jsonb, INITCOND = '{}');
COMMENT ON AGGREGATE merge_jsonb(jsonb) IS 'One object of several: of a key that several have, the value of the last of them. Objects that are null are left out.';

CREATE SEQUENCE changes_rebuilt_seq MINVALUE -1000000000000000 START -1000000000000000 MAXVALUE -1 OWNED BY changes.seq;

COMMENT ON COLUMN changes.seq IS 'Number of the change, ascending in the order of commits. There are gaps; nothing appears in them later. Below zero: a change from before changes were recorded, as syncd backfill history has rebuilt it; these ascend for each row, and changes_after() leaves them out.';
COMMENT ON COLUMN changes.source IS 'How the change is known. observed: the row came from Polar otherwise than it was stored. event: one of Polar''s events tells of it. order: an order tells of it, which bills another amount or begins a period. baseline: the row itself tells, as it was when changes began to be recorded.';
COMMENT ON COLUMN changes.seen_at IS 'When it was stored (UTC, clock of the database). Of a rebuilt change (seq below zero): changed_at, as if it had been seen then.';

-- +goose Down
COMMENT ON COLUMN changes.seq IS 'Number of the change, ascending in the order of commits. There are gaps; nothing appears in them later.';
COMMENT ON COLUMN changes.source IS 'How the change is known. observed: the row came from Polar otherwise than it was stored. event: one of Polar''s events tells of it.';
COMMENT ON COLUMN changes.seen_at IS 'When it was stored (UTC, clock of the database).';
DELETE FROM changes WHERE seq < 0;
DROP AGGREGATE merge_jsonb(jsonb);
DROP SEQUENCE changes_rebuilt_seq;
DROP TABLE sync_history_events;
