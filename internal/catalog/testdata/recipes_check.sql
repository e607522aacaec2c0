-- The answers of docs/recipes.md, found in another way: by hand from the tables, without a view or function of the mirror where a part does not say otherwise,
-- or from what Polar itself said (polar_metrics: its recorded answer for months). One part for each question, one statement for each query of it.

-- ## What is MRR, by currency and product?
WITH last_tax AS (
    SELECT DISTINCT ON (subscription_id) subscription_id, net_amount AS net, CASE WHEN net_amount + tax_amount = subtotal_amount - discount_amount THEN tax_amount ELSE 0 END AS tax
    FROM orders WHERE subscription_id IS NOT NULL AND net_amount + tax_amount > 0 ORDER BY subscription_id, created_at DESC
), s AS (
    SELECT s.*, coalesce(round(s.amount * net / (net + tax)), s.amount) AS without_tax, date '2026-11-25' AS day FROM subscriptions s LEFT JOIN last_tax l ON l.subscription_id = s.id
)
SELECT s.currency, p.name, count(*), sum(CASE WHEN s.trial_end::date > s.day THEN 0 ELSE round(s.without_tax / s.recurring_interval_count / CASE s.recurring_interval WHEN 'month' THEN 1 WHEN 'year' THEN 12 WHEN 'week' THEN 12 / 52.0 ELSE 12 / 365.0 END)
    END) / CASE s.currency WHEN 'jpy' THEN 1 ELSE 100 END
FROM s JOIN products p ON p.id = s.product_id
WHERE s.started_at::date <= s.day AND (coalesce(s.ended_at, s.ends_at) IS NULL OR coalesce(s.ended_at, s.ends_at)::date > s.day) AND s.status NOT IN ('paused', 'past_due', 'unpaid')
GROUP BY s.currency, p.name ORDER BY 1, 2;

-- ## How has MRR moved from month to month?
SELECT date_trunc('month', day::timestamp)::date, currency, sum(mrr) / CASE currency WHEN 'jpy' THEN 1 ELSE 100 END FROM mrr_by_hand WHERE day >= '2026-06-30' GROUP BY 1, currency ORDER BY 1, 2;

-- ## What is ARR?
-- The test around holds metrics_own() against Polar's recorded answers, with the subscriptions that Polar lists nowhere put in.

-- ## What moved MRR: new, lost, up, down?
WITH m AS (
    SELECT d.day, c.customer_id, c.currency, coalesce(n.mrr, 0) AS now, coalesce(b.mrr, 0) AS before, coalesce((SELECT max(e.mrr) FROM mrr_by_hand e WHERE e.customer_id = c.customer_id AND e.currency = c.currency AND e.day < d.day), 0) > 0 AS paid_once
    FROM (SELECT DISTINCT day FROM mrr_by_hand WHERE day > '2026-06-01') d CROSS JOIN (SELECT DISTINCT customer_id, currency FROM mrr_by_hand) c
    LEFT JOIN mrr_by_hand n ON n.day = d.day AND n.customer_id = c.customer_id AND n.currency = c.currency
    LEFT JOIN mrr_by_hand b ON b.day = date_trunc('month', d.day::timestamp)::date - 1 AND b.customer_id = c.customer_id AND b.currency = c.currency
)
SELECT date_trunc('month', day::timestamp)::date, currency, CASE WHEN before > 0 AND now > before THEN 'expansion' WHEN now = 0 THEN 'churned' WHEN before > 0 THEN 'contraction' WHEN paid_once THEN 'reactivation' ELSE 'new' END,
    count(*), sum(now - before) / CASE currency WHEN 'jpy' THEN 1 ELSE 100 END
FROM m WHERE now <> before GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- ## How many customers are lost in a month?
WITH r AS (SELECT month, customer_id, start_of.n AS before, end_of.n AS after
    FROM unnest(ARRAY['2026-06-01', '2026-07-01', '2026-08-01', '2026-09-01', '2026-10-01']::timestamptz[]) month CROSS JOIN (SELECT DISTINCT customer_id FROM subscriptions) c
    CROSS JOIN LATERAL (SELECT count(*) AS n FROM subscriptions s WHERE s.customer_id = c.customer_id AND s.started_at < month AND coalesce(s.ended_at, s.ends_at, 'infinity') >= month) start_of
    CROSS JOIN LATERAL (SELECT count(*) AS n FROM subscriptions s WHERE s.customer_id = c.customer_id AND s.started_at < month + interval '1 month' AND coalesce(s.ended_at, s.ends_at, 'infinity') >= month + interval '1 month') end_of)
SELECT month::date, count(*), count(*) - count(nullif(after, 0)), round(100 - 100.0 * count(nullif(after, 0)) / count(*), 2) FROM r WHERE before > 0 GROUP BY 1 ORDER BY 1;

-- ## What is net revenue retention over twelve months?
SELECT b.currency, count(*), sum(b.mrr) / CASE b.currency WHEN 'jpy' THEN 1 ELSE 100 END, coalesce(sum(n.mrr), 0) / CASE b.currency WHEN 'jpy' THEN 1 ELSE 100 END, round(coalesce(sum(n.mrr), 0) / sum(b.mrr), 4)
FROM mrr_by_hand b LEFT JOIN mrr_by_hand n ON n.day = '2026-10-31' AND n.customer_id = b.customer_id AND n.currency = b.currency
WHERE b.day = '2025-10-31' AND b.mrr > 0 GROUP BY b.currency ORDER BY 1;

-- ## How many customers of a month are still there?
WITH first_starts AS (SELECT customer_id, min(started_at) AS at FROM subscriptions GROUP BY 1)
SELECT month::date, count(*), age, count(*) FILTER (WHERE stays), round(avg(stays::int), 3)
FROM unnest(ARRAY['2025-10-01', '2025-11-01', '2025-12-01', '2026-01-01']::timestamptz[]) month CROSS JOIN unnest(ARRAY[0, 3, 6, 9]) age
JOIN first_starts f ON to_char(f.at, 'YYYY-MM') = to_char(month, 'YYYY-MM')
CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM subscriptions s WHERE s.customer_id = f.customer_id AND s.started_at < month + make_interval(months => age + 1)
    AND coalesce(s.ended_at, s.ends_at, 'infinity') >= month + make_interval(months => age + 1)) AS stays) e
GROUP BY 1, 3 ORDER BY 1, 3;

-- ## What is a customer worth so far?
WITH v AS (SELECT customer_id, currency, sum(net_amount - refunded_amount) / CASE currency WHEN 'jpy' THEN 1.0 ELSE 100.0 END AS value FROM orders WHERE paid GROUP BY 1, 2),
p AS (SELECT *, row_number() OVER (PARTITION BY currency ORDER BY value) AS place, count(*) OVER (PARTITION BY currency) AS n FROM v)
SELECT currency, n, round(avg(value), 2), round(avg(value) FILTER (WHERE place IN ((n + 1) / 2, n / 2 + 1)), 2) FROM p GROUP BY 1, 2 ORDER BY 1;

-- ## What does a customer bring in a month, and in a lifetime?
-- As the MRR by month.

-- ## How many trials are paid for afterwards?
SELECT date_trunc('month', trial_end)::date, count(*), count(*) FILTER (WHERE id IN (SELECT subscription_id FROM orders WHERE status IN ('paid', 'refunded', 'partially_refunded') AND total_amount > 0 AND created_at >= trial_end - interval '1 day'))
FROM subscriptions WHERE trial_end < '2026-11-01' GROUP BY 1 ORDER BY 1;

-- ## Who are the best customers?
SELECT c.email, false, 'usd', count(*), sum(o.subtotal_amount - o.discount_amount - CASE WHEN o.net_amount + o.tax_amount = o.subtotal_amount - o.discount_amount THEN o.tax_amount ELSE 0 END - o.refunded_amount) / 100.0
FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.currency = 'usd' AND o.status IN ('paid', 'refunded', 'partially_refunded') GROUP BY 1 ORDER BY 5 DESC LIMIT 5;

-- ## Why do customers cancel?
-- Polar's own count. It puts those without a reason under other, so these are taken apart by the list.
WITH m AS (SELECT replace(slug, 'canceled_subscriptions_', '') AS reason, sum(value) AS n FROM polar_metrics WHERE slug LIKE 'canceled_subscriptions_%' GROUP BY 1),
n AS (SELECT count(*) AS n FROM subscriptions WHERE canceled_at IS NOT NULL AND customer_cancellation_reason IS NULL),
r AS (SELECT reason, m.n - CASE reason WHEN 'other' THEN n.n ELSE 0 END AS n FROM m, n UNION ALL SELECT 'none given', n FROM n)
SELECT reason, n, round(100 * n / (SELECT sum(value) FROM polar_metrics WHERE slug = 'canceled_subscriptions'), 1) FROM r ORDER BY 2 DESC, 1;

-- ## How many subscriptions ran on a day in the past, and in which state?
-- The test's own history: one that is paused today was active then.
SELECT CASE status WHEN 'paused' THEN 'active' ELSE status END, count(*)
FROM subscriptions WHERE started_at <= '2026-07-01' AND coalesce(ended_at, ends_at, 'infinity') > '2026-07-01' GROUP BY 1 ORDER BY 1;

-- ## How much is refunded?
-- The refunds themselves, in the month of their order.
SELECT m.month, m.currency, round(100.0 * r.refunded / m.sold, 2)
FROM (SELECT date_trunc('month', created_at)::date AS month, currency, sum(net_amount) AS sold FROM orders WHERE paid GROUP BY 1, 2) m
JOIN (SELECT date_trunc('month', o.created_at)::date AS month, o.currency, sum(r.amount) AS refunded FROM refunds r JOIN orders o ON o.id = r.order_id WHERE r.status = 'succeeded' GROUP BY 1, 2) r USING (month, currency)
ORDER BY 1, 2;
-- The events of the orders, each of which says what has been refunded so far.
WITH e AS (
    SELECT (metadata->>'order_id')::uuid AS order_id, metadata->>'currency' AS currency, row_number() OVER w AS place,
        (metadata->>'refunded_amount')::numeric - coalesce(lag((metadata->>'refunded_amount')::numeric) OVER w, 0) AS amount
    FROM events WHERE name = 'order.refunded' WINDOW w AS (PARTITION BY metadata->>'order_id' ORDER BY timestamp)
), r AS (SELECT *, row_number() OVER (PARTITION BY order_id ORDER BY created_at) AS place FROM refunds WHERE status = 'succeeded')
SELECT date_trunc('month', r.created_at)::date, e.currency, r.reason, count(*), sum(e.amount) / 100
FROM r JOIN e USING (order_id, place) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- ## Where does revenue come from?
SELECT billing_address->>'country', currency, count(*), sum(net_amount - refunded_amount) / CASE currency WHEN 'jpy' THEN 1 ELSE 100.0 END
FROM orders WHERE status IN ('paid', 'refunded', 'partially_refunded') GROUP BY 1, 2 ORDER BY 1, 2;

-- ## What does each product bring in a month?
SELECT '2026-10-01', p.name, o.currency, sum(o.net_amount - o.refunded_amount) / CASE o.currency WHEN 'jpy' THEN 1 ELSE 100.0 END
FROM orders o JOIN products p ON p.id = o.product_id WHERE o.paid AND to_char(o.created_at, 'YYYY-MM') = '2026-10' GROUP BY 2, 3 ORDER BY 2, 3;

-- ## What is revenue in one currency?
-- Polar's own revenue and net_revenue.
SELECT r.period_start::date, r.value / 100, n.value / 100 FROM polar_metrics r JOIN polar_metrics n USING (period_start) WHERE r.slug = 'revenue' AND n.slug = 'net_revenue' ORDER BY 1;

-- ## What do discounts cost, and what do they bring?
SELECT d.code, o.currency, count(*), sum(o.subtotal_amount - (o.net_amount + CASE WHEN o.net_amount + o.discount_amount = o.subtotal_amount THEN 0 ELSE o.tax_amount END)) / CASE o.currency WHEN 'jpy' THEN 1 ELSE 100.0 END,
    sum(o.net_amount - o.refunded_amount) / CASE o.currency WHEN 'jpy' THEN 1 ELSE 100.0 END
FROM orders o JOIN discounts d ON d.id = o.discount_id WHERE o.paid GROUP BY 1, 2 ORDER BY 1, 2;

-- ## How much tax was charged, and where?
-- The total less the amount without tax, less what was refunded.
SELECT o.billing_address->>'country', o.billing_address->>'state', o.currency, sum(o.total_amount - o.net_amount - o.refunded_tax_amount) / CASE o.currency WHEN 'jpy' THEN 1 ELSE 100.0 END
FROM orders o WHERE o.paid AND to_char(o.created_at, 'YYYY-MM') BETWEEN '2026-07' AND '2026-09' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- ## What is left after refunds, disputes and fees?
-- Fees are those of the orders, and 15 dollars for each dispute; the rest is from the events.
WITH e AS (SELECT date_trunc('month', timestamp)::date AS month, name, (metadata->>'amount')::numeric / 100 AS amount FROM events WHERE source = 'system' AND name LIKE 'balance.%' AND name <> 'balance.credit_order'),
f AS (SELECT month, sum(fee) AS fee FROM (
    SELECT date_trunc('month', created_at)::date AS month, platform_fee_amount / 100.0 AS fee FROM orders WHERE paid
    UNION ALL SELECT month, 15 FROM e WHERE name = 'balance.dispute') x GROUP BY 1)
SELECT month, sum(amount) FILTER (WHERE name = 'balance.order'), sum(amount) FILTER (WHERE name IN ('balance.refund', 'balance.refund_reversal')),
    sum(amount) FILTER (WHERE name IN ('balance.dispute', 'balance.dispute_reversal')), -fee, sum(amount) - fee
FROM e JOIN f USING (month) GROUP BY 1, fee ORDER BY 1;

-- ## What becomes of failed payments?
SELECT date_trunc('month', f.at)::date, count(*), count(*) FILTER (WHERE o.paid), count(*) FILTER (WHERE o.status = 'pending'), round(avg(extract(epoch FROM s.at - f.at) / 86400) FILTER (WHERE o.paid), 1)
FROM orders o JOIN (SELECT order_id, min(created_at) AS at FROM payments WHERE status = 'failed' GROUP BY 1) f ON f.order_id = o.id
LEFT JOIN (SELECT order_id, min(created_at) AS at FROM payments WHERE status = 'succeeded' GROUP BY 1) s ON s.order_id = o.id
GROUP BY 1 ORDER BY 1;
SELECT 'past_due', o.currency, count(DISTINCT s.id), sum(o.net_amount) / 100.0 FROM subscriptions s JOIN orders o ON o.subscription_id = s.id WHERE o.status = 'pending' GROUP BY 2;

-- ## How far do checkouts come?
-- Succeeded ones are Polar's own count.
SELECT c.*, m.value, m.value, round(100 * m.value / c.n, 1)
FROM (SELECT date_trunc('month', created_at)::timestamptz::date AS month, count(*) AS n, count(nullif(customer_email, '')) FROM checkouts GROUP BY 1) c
JOIN polar_metrics m ON m.period_start::date = c.month AND m.slug = 'succeeded_checkouts' ORDER BY 1;

-- ## Why do payments fail?
SELECT decline_reason, method, method_metadata->>'brand', count(*), count(*) - count(order_id) FROM payments WHERE status <> 'succeeded' GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3;

-- ## How much metered usage is due, and who is at the cap?
SELECT m.name, s.currency, count(*), 0, 0, sum(sm.amount) / 100.0
FROM subscription_meters sm JOIN meters m ON m.id = sm.meter_id JOIN subscriptions s ON s.id = sm.subscription_id WHERE s.status IN ('active', 'trialing', 'past_due', 'paused') GROUP BY 1, 2;

-- ## How many seats are bought, given and claimed?
WITH s AS (SELECT s.id, p.name, s.seats FROM subscriptions s JOIN products p ON p.id = s.product_id WHERE s.seats > 0 AND coalesce(s.ended_at, s.ends_at, 'infinity') > '2026-11-25')
SELECT name, sum(seats), (SELECT count(*) FROM customer_seats c JOIN s x ON x.id = c.subscription_id WHERE x.name = s.name AND c.revoked_at IS NULL),
    (SELECT count(*) FROM customer_seats c JOIN s x ON x.id = c.subscription_id WHERE x.name = s.name AND c.revoked_at IS NULL AND c.claimed_at IS NOT NULL)
FROM s GROUP BY 1 ORDER BY 1;
