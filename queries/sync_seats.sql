-- name: SeatPayers :many
-- The customers who pay for seats, those first whose seats changed last, and how many subscriptions and orders they pay for. An order of a
-- subscription has no seats of its own.
SELECT o.customer_id::uuid AS customer_id, count(*) AS owners
FROM (
    SELECT s.customer_id, (SELECT max(GREATEST(c.created_at, c.modified_at)) FROM customer_seats c WHERE c.subscription_id = s.id) AS changed_at
    FROM subscriptions s WHERE s.seats IS NOT NULL AND s._deleted_at IS NULL
    UNION ALL
    SELECT r.customer_id, (SELECT max(GREATEST(c.created_at, c.modified_at)) FROM customer_seats c WHERE c.order_id = r.id)
    FROM orders r WHERE r.seats IS NOT NULL AND r.subscription_id IS NULL AND r._deleted_at IS NULL
) o
WHERE o.customer_id IS NOT NULL
GROUP BY o.customer_id
ORDER BY max(o.changed_at) DESC NULLS LAST, o.customer_id;

-- name: SeatOwners :many
-- What these customers pay for.
SELECT 'subscription_id'::text AS filter, s.id FROM subscriptions s
WHERE s.seats IS NOT NULL AND s._deleted_at IS NULL AND s.customer_id = ANY(@customers::uuid[])
UNION ALL
SELECT 'order_id', r.id FROM orders r
WHERE r.seats IS NOT NULL AND r.subscription_id IS NULL AND r._deleted_at IS NULL AND r.customer_id = ANY(@customers::uuid[]);

-- name: SeatCounts :many
-- How many seats are assigned and how many claimed at the end of each of these hours, as Polar's metrics count them: by the hours in which a seat
-- was made, claimed and revoked. Source: server/polar/metrics/queries.py, get_seats_cte.
SELECT h.at::timestamptz AS hour, count(c.id) AS total,
       count(c.id) FILTER (WHERE date_trunc('hour', c.claimed_at, 'UTC') <= h.at) AS claimed
FROM unnest(@hours::timestamptz[]) AS h(at)
LEFT JOIN (
    SELECT c.id, c.created_at, c.claimed_at, c.revoked_at
    FROM customer_seats c
    LEFT JOIN subscriptions s ON s.id = c.subscription_id
    LEFT JOIN orders r ON r.id = c.order_id
    WHERE c._deleted_at IS NULL AND (@everybody::boolean OR COALESCE(s.customer_id, r.customer_id) = ANY(@customers::uuid[]))
) c ON date_trunc('hour', c.created_at, 'UTC') <= h.at AND (c.revoked_at IS NULL OR date_trunc('hour', c.revoked_at, 'UTC') > h.at)
GROUP BY h.at
ORDER BY h.at;
