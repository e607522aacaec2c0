-- benefit_grants.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE benefit_grants (
    id              uuid        PRIMARY KEY,
    created_at      timestamptz,
    modified_at     timestamptz,
    granted_at      timestamptz,
    is_granted      boolean,
    revoked_at      timestamptz,
    is_revoked      boolean,
    subscription_id uuid,
    order_id        uuid,
    customer_id     uuid,
    member_id       uuid,
    benefit_id      uuid,
    error           jsonb,
    properties      jsonb,
    _extra          jsonb       NOT NULL DEFAULT '{}',
    _hash           bytea       NOT NULL,
    _requested_at   timestamptz NOT NULL,
    _synced_at      timestamptz NOT NULL DEFAULT now(),
    _deleted_at     timestamptz
);
-- Grants of a customer.
CREATE INDEX benefit_grants_customer_id_idx ON benefit_grants (customer_id);
-- Grants of a benefit.
CREATE INDEX benefit_grants_benefit_id_idx ON benefit_grants (benefit_id);
-- Grants of a subscription.
CREATE INDEX benefit_grants_subscription_id_idx ON benefit_grants (subscription_id);
-- Grants of an order.
CREATE INDEX benefit_grants_order_id_idx ON benefit_grants (order_id);
-- Grants of a member.
CREATE INDEX benefit_grants_member_id_idx ON benefit_grants (member_id);
COMMENT ON TABLE benefit_grants IS 'Benefits as given to customers, one row for each benefit of each subscription or order. A grant that was taken back keeps its row; one that is neither granted nor revoked is under way or failed.';
COMMENT ON COLUMN benefit_grants.id IS 'Polar id.';
COMMENT ON COLUMN benefit_grants.created_at IS 'When Polar created the grant (UTC).';
COMMENT ON COLUMN benefit_grants.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN benefit_grants.granted_at IS 'When the benefit was given (UTC); null before.';
COMMENT ON COLUMN benefit_grants.is_granted IS 'Whether the customer has the benefit now.';
COMMENT ON COLUMN benefit_grants.revoked_at IS 'When the benefit was taken back (UTC); null before.';
COMMENT ON COLUMN benefit_grants.is_revoked IS 'Whether the benefit was taken back.';
COMMENT ON COLUMN benefit_grants.subscription_id IS 'Subscription that it comes from: subscriptions.id; null when it comes from an order.';
COMMENT ON COLUMN benefit_grants.order_id IS 'Order that it comes from: orders.id; null when it comes from a subscription.';
COMMENT ON COLUMN benefit_grants.customer_id IS 'Customer who has it: customers.id.';
COMMENT ON COLUMN benefit_grants.member_id IS 'Member of the customer who has it: members.id; null when it is for no member.';
COMMENT ON COLUMN benefit_grants.benefit_id IS 'Benefit that was given: benefits.id.';
COMMENT ON COLUMN benefit_grants.error IS 'Why it could not be given, as an object: message, type, timestamp; null when it could.';
COMMENT ON COLUMN benefit_grants.properties IS 'Details by kind of benefit, as an object: account_id, files, display_key. Polars list shows those of a meter credit as empty; what a webhook brought of them is kept. A license key that the customer chose and a link of invitation are secrets and are not stored.';
COMMENT ON COLUMN benefit_grants._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN benefit_grants._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN benefit_grants._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN benefit_grants._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN benefit_grants._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE benefit_grants;
