-- customer_seats.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE customer_seats (
    id                          uuid        PRIMARY KEY,
    created_at                  timestamptz,
    modified_at                 timestamptz,
    subscription_id             uuid,
    order_id                    uuid,
    status                      text,
    customer_id                 uuid,
    member_id                   uuid,
    email                       text,
    customer_email              text,
    invitation_token_expires_at timestamptz,
    claimed_at                  timestamptz,
    revoked_at                  timestamptz,
    seat_metadata               jsonb,
    _extra                      jsonb       NOT NULL DEFAULT '{}',
    _hash                       bytea       NOT NULL,
    _requested_at               timestamptz NOT NULL,
    _synced_at                  timestamptz NOT NULL DEFAULT now(),
    _deleted_at                 timestamptz
);
-- Seats of a subscription.
CREATE INDEX customer_seats_subscription_id_idx ON customer_seats (subscription_id);
-- Seats of an order.
CREATE INDEX customer_seats_order_id_idx ON customer_seats (order_id);
-- Seats of a customer.
CREATE INDEX customer_seats_customer_id_idx ON customer_seats (customer_id);
COMMENT ON TABLE customer_seats IS 'Seats of seat-based subscriptions and one-time orders that were given to somebody. How many were bought is seats of the subscription or order.';
COMMENT ON COLUMN customer_seats.id IS 'Polar id.';
COMMENT ON COLUMN customer_seats.created_at IS 'When Polar created the seat (UTC).';
COMMENT ON COLUMN customer_seats.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN customer_seats.subscription_id IS 'Subscription that the seat belongs to: subscriptions.id; null for a seat of an order.';
COMMENT ON COLUMN customer_seats.order_id IS 'One-time order that the seat belongs to: orders.id; null for a seat of a subscription.';
COMMENT ON COLUMN customer_seats.status IS 'State. Known today: pending (invited), claimed, revoked; new ones may come.';
COMMENT ON COLUMN customer_seats.customer_id IS 'Customer who pays for the seat, or in organizations without members the one who sits on it: customers.id.';
COMMENT ON COLUMN customer_seats.member_id IS 'Member who has the seat: members.id; null where there is none.';
COMMENT ON COLUMN customer_seats.email IS 'Address that the invitation went to; null in organizations without members.';
COMMENT ON COLUMN customer_seats.customer_email IS 'Address of whom the seat was assigned to.';
COMMENT ON COLUMN customer_seats.invitation_token_expires_at IS 'When the invitation ends (UTC); null without one.';
COMMENT ON COLUMN customer_seats.claimed_at IS 'When the invitation was accepted (UTC); null before.';
COMMENT ON COLUMN customer_seats.revoked_at IS 'When the seat was taken away (UTC); null before.';
COMMENT ON COLUMN customer_seats.seat_metadata IS 'Your own keys and values, as an object; null without any.';
COMMENT ON COLUMN customer_seats._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN customer_seats._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN customer_seats._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN customer_seats._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN customer_seats._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE customer_seats;
