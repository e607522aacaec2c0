-- events.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE events (
    id                   uuid        PRIMARY KEY,
    timestamp            timestamptz,
    organization_id      uuid,
    name                 text,
    label                text,
    source               text,
    customer_id          uuid,
    external_customer_id text,
    member_id            uuid,
    external_member_id   text,
    parent_id            uuid,
    child_count          bigint,
    metadata             jsonb,
    _extra               jsonb       NOT NULL DEFAULT '{}',
    _hash                bytea       NOT NULL,
    _requested_at        timestamptz NOT NULL,
    _synced_at           timestamptz NOT NULL DEFAULT now(),
    _deleted_at          timestamptz
);
-- Events of a period, and what is too old to be kept.
CREATE INDEX events_timestamp_idx ON events (timestamp);
-- Events of a customer.
CREATE INDEX events_customer_id_timestamp_idx ON events (customer_id, timestamp);
-- Events of one kind.
CREATE INDEX events_name_timestamp_idx ON events (name, timestamp);
-- Parts of an event.
CREATE INDEX events_parent_id_idx ON events (parent_id);
COMMENT ON TABLE events IS 'Events: what Polar did (source system) and what you sent in (source user). Filled only when the stream is switched on, and kept for events_retention days; older rows are removed.';
COMMENT ON COLUMN events.id IS 'Polar id.';
COMMENT ON COLUMN events.timestamp IS 'When it happened (UTC). Senders set it themselves, so events may appear behind later ones.';
COMMENT ON COLUMN events.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN events.name IS 'What happened, such as order.paid; your own names for events that you sent in.';
COMMENT ON COLUMN events.label IS 'The name in words.';
COMMENT ON COLUMN events.source IS 'Who recorded it. Known today: system, user; new ones may come.';
COMMENT ON COLUMN events.customer_id IS 'Customer it is about: customers.id; null where there is none. Polar finds it when the event is read, so it may be filled in later.';
COMMENT ON COLUMN events.external_customer_id IS 'Your own id of the customer, as sent in.';
COMMENT ON COLUMN events.member_id IS 'Member of the customer it is about: members.id; null where there is none.';
COMMENT ON COLUMN events.external_member_id IS 'Your own id of the member, as sent in.';
COMMENT ON COLUMN events.parent_id IS 'Event that this one is part of: events.id; null for a root.';
COMMENT ON COLUMN events.child_count IS 'How many events have this one as their parent, in Polar.';
COMMENT ON COLUMN events.metadata IS 'Details, as an object: fixed for each name of a system event, your own for user events. Decimals inside (_cost.amount) are strings.';
COMMENT ON COLUMN events._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN events._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN events._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN events._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN events._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE events;
