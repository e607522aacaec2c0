-- The balance, as Polar's metrics read it.

CREATE OR REPLACE VIEW balance_ledger AS
SELECT b.id AS event_id, b.name, b.timestamp, b.customer_id, b.order_id, b.subscription_id, b.product_id,
    coalesce(b.order_created_at, b.timestamp) AS booked_at, b.amount, lower(b.currency) AS currency, b.net_amount,
    b.presentment_amount, lower(b.presentment_currency) AS presentment_currency, coalesce(b.fee, 0) AS fee, r.exchange_rate,
    round(coalesce(b.net_amount, b.amount)::float8 * CASE
        WHEN b.name IN ('balance.order', 'balance.credit_order') THEN coalesce(r.exchange_rate, CASE WHEN b.amount <> 0 THEN b.amount::float8 / nullif(b.presentment_amount, 0) END, earlier.rate, 1)
        ELSE coalesce(r.exchange_rate, 1) END)::bigint AS settled_amount
FROM balance_events b
CROSS JOIN LATERAL (SELECT nullif(b.exchange_rate, 0)::float8 AS exchange_rate) r
LEFT JOIN LATERAL (
    SELECT coalesce(nullif(e.exchange_rate, 0)::float8, e.amount::float8 / nullif(e.presentment_amount, 0)) AS rate FROM balance_events e
    WHERE b.name = 'balance.credit_order' AND r.exchange_rate IS NULL AND b.amount <> 0
        AND e.name = 'balance.order' AND e.customer_id = b.customer_id AND lower(coalesce(e.presentment_currency, e.currency)) = lower(b.currency)
        AND e.timestamp < b.timestamp AND e.order_id <> b.order_id AND e._deleted_at IS NULL
    ORDER BY (e.subscription_id = b.subscription_id) IS TRUE DESC, e.timestamp DESC
    LIMIT 1
) earlier ON true
WHERE b._deleted_at IS NULL;
COMMENT ON VIEW balance_ledger IS 'What was booked to the balance of the organization: one row for each system event balance.* (payments, credits, refunds, disputes and their reversals). Revenue in Polar''s metrics is made of it. From the stream balance_events.';
COMMENT ON COLUMN balance_ledger.event_id IS 'Event: balance_events.id.';
COMMENT ON COLUMN balance_ledger.name IS 'Kind: balance.order, balance.credit_order, balance.refund, balance.refund_reversal, balance.dispute, balance.dispute_reversal.';
COMMENT ON COLUMN balance_ledger.timestamp IS 'Time of the event (UTC). Of an order it is when the order was created, even if it was paid later.';
COMMENT ON COLUMN balance_ledger.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN balance_ledger.order_id IS 'Order: orders.id.';
COMMENT ON COLUMN balance_ledger.subscription_id IS 'Subscription: subscriptions.id.';
COMMENT ON COLUMN balance_ledger.product_id IS 'Product, where Polar names one: products.id.';
COMMENT ON COLUMN balance_ledger.booked_at IS 'Moment that it counts for in metrics (UTC): when the order was created where the event says so, else timestamp.';
COMMENT ON COLUMN balance_ledger.amount IS 'Amount without tax, negative for what goes out. Smallest unit of currency.';
COMMENT ON COLUMN balance_ledger.currency IS 'Currency that Polar settles in, of a credit that of the order: ISO 4217, lower case.';
COMMENT ON COLUMN balance_ledger.net_amount IS 'Amount without inclusive tax, in the currency the customer saw; null on old events and on credits, refunds and disputes.';
COMMENT ON COLUMN balance_ledger.presentment_amount IS 'Amount in the currency the customer saw, its smallest unit.';
COMMENT ON COLUMN balance_ledger.presentment_currency IS 'Currency the customer saw: ISO 4217, lower case.';
COMMENT ON COLUMN balance_ledger.fee IS 'Fee of Polar. Smallest unit of the currency that Polar settles in.';
COMMENT ON COLUMN balance_ledger.exchange_rate IS 'Rate from presentment_currency to currency, between smallest units; null where the event has none.';
COMMENT ON COLUMN balance_ledger.settled_amount IS 'What Polar''s metrics count: converted by the rule of its pipes, which convert refunds and disputes a second time (server/tinybird/endpoints/metrics_revenue.pipe). US cents.';

CREATE OR REPLACE FUNCTION settlement_rate(exchange_rate double precision, amount bigint, presentment_amount bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(exchange_rate::numeric(30, 12), amount::numeric(30, 12) / nullif(presentment_amount, 0));
COMMENT ON FUNCTION settlement_rate(double precision, bigint, bigint) IS 'The rate at which a payment was settled, between smallest units: that of the booking, else what was settled divided by what the customer saw; null without either (server/polar/metrics/queries.py).';

CREATE OR REPLACE VIEW fx_daily AS
SELECT date_trunc('day', o.created_at, 'UTC')::date AS day, l.presentment_currency AS currency,
    avg(settlement_rate(l.exchange_rate, l.amount, l.presentment_amount)) AS rate, count(*) AS payments
FROM balance_ledger l JOIN orders o ON o.id = l.order_id
WHERE l.name = 'balance.order' AND l.presentment_currency IS NOT NULL
GROUP BY 1, 2;
COMMENT ON VIEW fx_daily IS 'Rates at which payments were settled: the mean by day of the order (UTC) and currency. Days without a payment in a currency have no row.';
COMMENT ON COLUMN fx_daily.day IS 'Day (UTC).';
COMMENT ON COLUMN fx_daily.currency IS 'Currency the customer saw: ISO 4217, lower case.';
COMMENT ON COLUMN fx_daily.rate IS 'US cents for one smallest unit of currency, the mean of all payments.';
COMMENT ON COLUMN fx_daily.payments IS 'Payments that it is the mean of.';
