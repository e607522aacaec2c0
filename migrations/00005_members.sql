-- members.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE members (
    id            uuid        PRIMARY KEY,
    created_at    timestamptz,
    modified_at   timestamptz,
    customer_id   uuid,
    email         text,
    name          text,
    external_id   text,
    role          text,
    _extra        jsonb       NOT NULL DEFAULT '{}',
    _hash         bytea       NOT NULL,
    _requested_at timestamptz NOT NULL,
    _synced_at    timestamptz NOT NULL DEFAULT now(),
    _deleted_at   timestamptz
);
-- Members of a customer.
CREATE INDEX members_customer_id_idx ON members (customer_id);
-- Look-up by your own id.
CREATE INDEX members_external_id_idx ON members (external_id);
COMMENT ON TABLE members IS 'Members of customers: the people of a team, and the owner of every customer.';
COMMENT ON COLUMN members.id IS 'Polar id; who leaves and comes back gets a new one.';
COMMENT ON COLUMN members.created_at IS 'When Polar created the member, or the date given on import, (UTC).';
COMMENT ON COLUMN members.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN members.customer_id IS 'Customer that the member belongs to: customers.id.';
COMMENT ON COLUMN members.email IS 'Email address.';
COMMENT ON COLUMN members.name IS 'Name.';
COMMENT ON COLUMN members.external_id IS 'Id of the member in your own system.';
COMMENT ON COLUMN members.role IS 'What the member may do for the customer. Known today: owner, billing_manager, member; new ones may come.';
COMMENT ON COLUMN members._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN members._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN members._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN members._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN members._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE members;
