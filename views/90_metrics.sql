-- Polar's own metrics, computed from the mirror by Polar's own rules, and held against what Polar says.
-- Sources: server/polar/metrics/queries.py and metrics.py; server/tinybird/endpoints/*.pipe.

CREATE OR REPLACE FUNCTION metrics_own(every text, first_day date, last_day date, zone text DEFAULT 'UTC')
RETURNS TABLE (period_start timestamptz, slug text, value numeric)
LANGUAGE sql STABLE
BEGIN ATOMIC
WITH bounds AS MATERIALIZED (
    SELECT first_day::timestamp AT TIME ZONE zone AS bs,
        ((last_day + 1)::timestamp AT TIME ZONE zone) - interval '1 microsecond' AS be,
        ((last_day + 1)::timestamp AT TIME ZONE zone) - interval '1 second' AS be_s
), buckets AS MATERIALIZED (
    SELECT t, t + interval '1 hour' AS n FROM bounds, generate_series(bs, be, interval '1 hour') t WHERE every = 'hour'
    UNION ALL
    SELECT g AT TIME ZONE zone, (g + ('1 ' || every)::interval) AT TIME ZONE zone
    FROM generate_series(date_trunc(every, first_day::timestamp), last_day::timestamp, ('1 ' || every)::interval) g WHERE every <> 'hour'
),
-- Subscriptions
subs AS MATERIALIZED (
    SELECT id, customer_id, started_at, canceled_at, lower(currency) AS currency, recurring_interval, recurring_interval_count, end_at AS fin, net_amount, trial_end,
        date_trunc(every, started_at, zone) AS start_t, date_trunc(every, end_at, zone) AS fin_t
    FROM subscriptions_enriched WHERE product_id IS NOT NULL
), payments AS MATERIALIZED (
    SELECT l.presentment_currency AS currency, o.created_at, o.product_id, settlement_rate(l.exchange_rate, l.amount, l.presentment_amount) AS rate, coalesce(p.paid_at, l.timestamp) AS paid_at
    FROM balance_ledger l JOIN orders o ON o.id = l.order_id
    LEFT JOIN (SELECT order_id, max(created_at) AS paid_at FROM payments WHERE status = 'succeeded' AND _deleted_at IS NULL GROUP BY 1) p ON p.order_id = l.order_id
    WHERE l.name = 'balance.order' AND l.presentment_currency IS NOT NULL
), own_rates AS (
    SELECT date_trunc(every, created_at, zone) AS t, currency, avg(rate) AS rate FROM payments, bounds WHERE created_at BETWEEN bs AND be AND product_id IS NOT NULL GROUP BY 1, 2
), day_rates AS (
    SELECT date_trunc('day', paid_at, zone) AS day, currency, avg(rate) AS rate FROM payments, bounds WHERE paid_at BETWEEN bs AND be GROUP BY 1, 2
), rates AS MATERIALIZED (
    SELECT b.t, c.currency, coalesce(o.rate, (SELECT d.rate FROM day_rates d WHERE d.currency = c.currency
        ORDER BY abs(extract(epoch FROM (d.day - b.t))), d.day LIMIT 1), 1) AS rate
    FROM buckets b CROSS JOIN (SELECT DISTINCT currency FROM subs WHERE currency <> 'usd') c
    LEFT JOIN own_rates o ON o.t = b.t AND o.currency = c.currency
), active AS MATERIALIZED (
    SELECT b.t, s.id, s.customer_id, s.fin IS NULL AS committed, coalesce(s.trial_end >= b.n, false) AS trial,
        monthly_amount(CASE WHEN s.currency = 'usd' THEN s.net_amount ELSE round(s.net_amount * r.rate) END, s.recurring_interval, s.recurring_interval_count) AS m
    FROM bounds x CROSS JOIN buckets b JOIN subs s ON (s.started_at IS NULL OR s.start_t <= b.t AND s.started_at <= x.be) AND (s.fin IS NULL OR s.fin_t > b.t AND s.fin >= x.bs)
    LEFT JOIN rates r ON r.t = b.t AND r.currency = s.currency
), a AS (
    SELECT t, count(*) AS active, count(*) FILTER (WHERE committed) AS committed,
        coalesce(sum(m) FILTER (WHERE NOT trial), 0) AS mrr, coalesce(sum(m) FILTER (WHERE trial), 0) AS trial_mrr,
        coalesce(sum(m) FILTER (WHERE NOT trial AND committed), 0) AS committed_mrr, coalesce(sum(m) FILTER (WHERE trial AND committed), 0) AS trial_committed_mrr,
        count(DISTINCT customer_id) AS customers
    FROM active GROUP BY t
), churned AS (
    SELECT fin_t AS t, count(*) AS n FROM subs, bounds WHERE fin BETWEEN bs AND be GROUP BY 1
), churn AS (
    SELECT b.t, count(*) FILTER (WHERE s.canceled_at >= w.w0 AND s.canceled_at < w.w1) AS canceled,
        count(*) FILTER (WHERE (s.started_at IS NULL OR s.started_at <= w.w0) AND (s.fin IS NULL OR s.fin > w.w0)) AS active
    FROM buckets b CROSS JOIN LATERAL (SELECT CASE WHEN every = 'year' THEN b.t ELSE (b.t AT TIME ZONE zone - interval '30 days') AT TIME ZONE zone END AS w0,
        CASE WHEN every = 'year' THEN b.n ELSE b.t END AS w1) w CROSS JOIN subs s GROUP BY 1
),
-- Seats
seat AS MATERIALIZED (
    SELECT coalesce(s.customer_id, o.customer_id) AS payer, c.created_at, c.claimed_at, c.revoked_at,
        date_trunc(every, c.created_at, zone) AS created_t, date_trunc(every, c.claimed_at, zone) AS claimed_t, date_trunc(every, c.revoked_at, zone) AS revoked_t
    FROM customer_seats c LEFT JOIN subscriptions s ON s.id = c.subscription_id LEFT JOIN orders o ON o.id = c.order_id
    WHERE c._deleted_at IS NULL AND coalesce(s.customer_id, o.customer_id) IS NOT NULL
), payers AS (
    SELECT payer, min(created_t) AS first_t, CASE WHEN count(revoked_at) = count(*) THEN max(revoked_t) END AS last_t FROM seat GROUP BY 1
), seats AS (
    SELECT b.t, count(*) AS total, count(*) FILTER (WHERE s.claimed_t <= b.t) AS claimed, count(DISTINCT s.payer) AS customers,
        count(DISTINCT s.payer) FILTER (WHERE s.created_t = b.t AND p.first_t = b.t) AS new_customers
    FROM bounds x CROSS JOIN buckets b JOIN seat s ON s.created_t <= b.t AND s.created_at <= x.be AND (s.revoked_at IS NULL OR s.revoked_t > b.t AND s.revoked_at >= x.bs)
    JOIN payers p USING (payer) GROUP BY 1
), seat_churn AS (SELECT last_t AS t, count(*) AS n FROM payers WHERE last_t IS NOT NULL GROUP BY 1),
-- Revenue
ledger AS MATERIALIZED (
    SELECT booked_at, date_trunc(every, booked_at, zone) AS t, CASE WHEN name IN ('balance.order', 'balance.credit_order') THEN settled_amount ELSE 0 END AS revenue,
        settled_amount - fee AS net
    FROM balance_ledger
), revenue AS (
    SELECT t, sum(revenue) AS revenue, sum(net) AS net FROM ledger, bounds WHERE booked_at BETWEEN bs AND be_s GROUP BY 1
), revenue_before AS (
    SELECT coalesce(sum(revenue), 0) AS revenue, coalesce(sum(net), 0) AS net FROM ledger, bounds WHERE booked_at < bs
),
-- Orders, one row each
system AS MATERIALIZED (SELECT * FROM events WHERE source = 'system' AND _deleted_at IS NULL),
paid AS (
    SELECT DISTINCT ON (1) (metadata->>'order_id')::uuid AS order_id, timestamp AS paid_at, (metadata->>'subscription_id')::uuid AS subscription_id
    FROM system WHERE name = 'order.paid' ORDER BY 1, timestamp DESC
), balanced AS (
    SELECT DISTINCT ON (order_id) order_id, timestamp AS balanced_at, round(coalesce(net_amount, amount)::float8 * coalesce(exchange_rate, 1))::bigint AS settled, fee
    FROM balance_ledger WHERE name IN ('balance.order', 'balance.credit_order') AND order_id IS NOT NULL
    ORDER BY order_id, name = 'balance.order' DESC, timestamp DESC
), refunded AS (
    SELECT order_id, sum(settled_amount - fee) AS refunds
    FROM balance_ledger WHERE name IN ('balance.refund', 'balance.refund_reversal') AND order_id IS NOT NULL GROUP BY 1
), act AS MATERIALIZED ( -- of a subscription, or upon it
    SELECT (metadata->>'subscription_id')::uuid AS subscription_id, name, timestamp, metadata
    FROM system WHERE name IN ('subscription.created', 'subscription.canceled', 'subscription.revoked', 'subscription.uncanceled', 'subscription.reinstated', 'subscription.cycled', 'subscription.product_updated')
), started AS (
    SELECT subscription_id, min((metadata->>'started_at')::timestamptz) AS started_at FROM act GROUP BY 1
), sale AS (
    SELECT order_id, p.subscription_id, date_trunc(every, at, zone) AS t, date_trunc(every, st.started_at, zone) AS started_t,
        coalesce(b.settled, 0) AS revenue, coalesce(b.settled, 0) - coalesce(b.fee, 0) + coalesce(r.refunds, 0) AS net
    FROM paid p FULL JOIN balanced b USING (order_id) LEFT JOIN refunded r USING (order_id) LEFT JOIN started st ON st.subscription_id = p.subscription_id
    CROSS JOIN LATERAL (SELECT least(p.paid_at, b.balanced_at) AS at) l, bounds WHERE at BETWEEN bs AND be_s
), sales AS (
    SELECT t, count(*) AS orders, sum(revenue) AS revenue, sum(net) AS net,
        count(*) FILTER (WHERE subscription_id IS NULL) AS one_time, coalesce(sum(revenue) FILTER (WHERE subscription_id IS NULL), 0) AS one_time_revenue, coalesce(sum(net) FILTER (WHERE subscription_id IS NULL), 0) AS one_time_net,
        coalesce(sum(revenue) FILTER (WHERE started_t = t), 0) AS new_revenue, coalesce(sum(net) FILTER (WHERE started_t = t), 0) AS new_net,
        count(DISTINCT subscription_id) FILTER (WHERE started_t <> t) AS renewed, coalesce(sum(revenue) FILTER (WHERE started_t <> t), 0) AS renewed_revenue, coalesce(sum(net) FILTER (WHERE started_t <> t), 0) AS renewed_net
    FROM sale GROUP BY t
),
-- What subscriptions did
state AS (
    SELECT DISTINCT ON (subscription_id) subscription_id,
        CASE name WHEN 'subscription.revoked' THEN timestamp
            WHEN 'subscription.canceled' THEN coalesce((metadata->>'ends_at')::timestamptz, (metadata->>'canceled_at')::timestamptz, timestamp)
            ELSE (metadata->>'ends_at')::timestamptz END AS ends_at
    FROM act ORDER BY subscription_id, timestamp DESC
), new AS (
    SELECT b.t, count(DISTINCT s.subscription_id) AS n
    FROM bounds, buckets b JOIN act e ON e.name = 'subscription.created' AND date_trunc(every, e.timestamp, zone) = b.t
    JOIN state s ON s.subscription_id = e.subscription_id
    WHERE e.timestamp <= be_s AND (s.ends_at IS NULL OR date_trunc(every, s.ends_at, zone) > b.t) GROUP BY 1
), cancellation AS (
    SELECT DISTINCT ON (subscription_id) subscription_id, (metadata->>'canceled_at')::timestamptz AS canceled_at,
        coalesce(nullif(metadata->>'customer_cancellation_reason', ''), 'other') AS reason
    FROM act WHERE name = 'subscription.canceled' ORDER BY subscription_id, 2 DESC, timestamp DESC
), canceled AS (
    SELECT date_trunc(every, c.canceled_at, zone) AS t, c.reason, count(*) AS n
    FROM bounds, cancellation c WHERE canceled_at >= bs AND canceled_at < be_s AND NOT EXISTS (SELECT FROM act u
        WHERE u.name IN ('subscription.uncanceled', 'subscription.reinstated') AND u.subscription_id = c.subscription_id AND u.timestamp > c.canceled_at)
    GROUP BY 1, 2
),
-- Costs and users
cost AS MATERIALIZED (
    SELECT timestamp, (metadata->'_cost'->>'amount')::numeric AS amount FROM events WHERE metadata->'_cost'->'amount' IS NOT NULL AND _deleted_at IS NULL
), costs AS (
    SELECT date_trunc(every, timestamp, zone) AS t, sum(amount) AS costs FROM cost, bounds WHERE timestamp BETWEEN bs AND be_s GROUP BY 1
), costs_before AS (SELECT coalesce(sum(amount), 0) AS costs FROM cost, bounds WHERE timestamp < bs
), users AS (
    SELECT date_trunc(every, timestamp, zone) AS t, count(DISTINCT external_customer_id) + count(DISTINCT customer_id) FILTER (WHERE external_customer_id IS NULL) AS n
    FROM events, bounds WHERE _deleted_at IS NULL AND date_bin('15 minutes', timestamp, '2000-01-01Z') BETWEEN bs AND be_s GROUP BY 1
),
-- Checkouts
opened AS (
    SELECT date_trunc(every, created_at, zone) AS t, count(*) AS n, count(*) FILTER (WHERE status = 'succeeded') AS succeeded
    FROM checkouts, bounds WHERE created_at BETWEEN bs AND be AND _deleted_at IS NULL GROUP BY 1
), wide AS (
    SELECT b.t, coalesce(a.active, 0) AS active, coalesce(a.committed, 0) AS committed, coalesce(a.mrr, 0) AS mrr, coalesce(a.trial_mrr, 0) AS trial_mrr,
        coalesce(a.committed_mrr, 0) AS committed_mrr, coalesce(a.trial_committed_mrr, 0) AS trial_committed_mrr,
        CASE WHEN a.customers > 0 THEN round(a.mrr / a.customers) ELSE 0 END AS arpu,
        coalesce(ch.n, 0) AS churned, coalesce(cr.canceled::float8 / nullif(cr.active, 0), 0) AS churn_rate,
        coalesce(s.total, 0) AS seats, coalesce(s.claimed, 0) AS claimed, coalesce(s.customers, 0) AS seat_customers, coalesce(s.new_customers, 0) AS new_seat_customers, coalesce(sc.n, 0) AS churned_seat_customers,
        coalesce(r.revenue, 0) AS revenue, coalesce(r.net, 0) AS net, rb.revenue + sum(coalesce(r.revenue, 0)) OVER w AS cumulative_revenue, rb.net + sum(coalesce(r.net, 0)) OVER w AS net_cumulative_revenue,
        coalesce(o.orders, 0) AS orders, coalesce(ceil(o.revenue::float8 / o.orders), 0) AS average, coalesce(ceil(o.net::float8 / o.orders), 0) AS net_average,
        coalesce(o.one_time, 0) AS one_time, coalesce(o.one_time_revenue, 0) AS one_time_revenue, coalesce(o.one_time_net, 0) AS one_time_net,
        coalesce(o.new_revenue, 0) AS new_revenue, coalesce(o.new_net, 0) AS new_net, coalesce(o.renewed, 0) AS renewed, coalesce(o.renewed_revenue, 0) AS renewed_revenue, coalesce(o.renewed_net, 0) AS renewed_net,
        coalesce(nw.n, 0) AS new, coalesce(c.costs, 0) AS costs, cb.costs + sum(coalesce(c.costs, 0)) OVER w AS cumulative_costs, coalesce(u.n, 0) AS users,
        coalesce(k.n, 0) AS checkouts, coalesce(k.succeeded, 0) AS succeeded
    FROM buckets b CROSS JOIN revenue_before rb CROSS JOIN costs_before cb
    LEFT JOIN a USING (t) LEFT JOIN churned ch USING (t) LEFT JOIN churn cr USING (t) LEFT JOIN seats s USING (t) LEFT JOIN seat_churn sc USING (t) LEFT JOIN revenue r USING (t)
    LEFT JOIN sales o USING (t) LEFT JOIN new nw USING (t) LEFT JOIN costs c USING (t) LEFT JOIN users u USING (t) LEFT JOIN opened k USING (t)
    WINDOW w AS (ORDER BY b.t)
)
SELECT w.t, v.slug, v.value FROM wide w
CROSS JOIN LATERAL (SELECT CASE WHEN w.users > 0 THEN w.costs::float8 / w.users ELSE 0 END AS cost_per_user) d
CROSS JOIN LATERAL (VALUES
    ('active_subscriptions', w.active::numeric), ('committed_subscriptions', w.committed), ('monthly_recurring_revenue', w.mrr), ('trial_monthly_recurring_revenue', w.trial_mrr),
    ('committed_monthly_recurring_revenue', w.committed_mrr), ('trial_committed_monthly_recurring_revenue', w.trial_committed_mrr), ('average_revenue_per_user', w.arpu),
    ('annual_recurring_revenue', 12 * w.mrr), ('committed_annual_recurring_revenue', 12 * w.committed_mrr),
    ('churned_subscriptions', w.churned), ('churn_rate', w.churn_rate::text::numeric),
    ('ltv', CASE WHEN w.churn_rate > 0 THEN greatest(0, trunc((w.arpu::float8 - d.cost_per_user) / w.churn_rate))::numeric ELSE 0 END),
    ('seats_total', w.seats), ('seats_claimed', w.claimed), ('seats_pending', w.seats - w.claimed), ('seat_customers', w.seat_customers), ('new_seat_customers', w.new_seat_customers), ('churned_seat_customers', w.churned_seat_customers),
    ('average_seats_per_customer', coalesce(w.seats::float8 / nullif(w.seat_customers, 0), 0)::text::numeric), ('seat_utilization_rate', coalesce(w.claimed::float8 / nullif(w.seats, 0), 0)::text::numeric),
    ('revenue', w.revenue), ('net_revenue', w.net), ('cumulative_revenue', w.cumulative_revenue), ('net_cumulative_revenue', w.net_cumulative_revenue),
    ('orders', w.orders), ('average_order_value', w.average::numeric), ('net_average_order_value', w.net_average::numeric),
    ('one_time_products', w.one_time), ('one_time_products_revenue', w.one_time_revenue), ('one_time_products_net_revenue', w.one_time_net),
    ('new_subscriptions', w.new), ('new_subscriptions_revenue', w.new_revenue), ('new_subscriptions_net_revenue', w.new_net),
    ('renewed_subscriptions', w.renewed), ('renewed_subscriptions_revenue', w.renewed_revenue), ('renewed_subscriptions_net_revenue', w.renewed_net),
    ('costs', w.costs), ('cumulative_costs', w.cumulative_costs), ('active_user_by_event', w.users), ('cost_per_user', d.cost_per_user::text::numeric),
    ('cashflow', w.revenue - w.costs), ('gross_margin', w.cumulative_revenue - w.cumulative_costs),
    ('gross_margin_percentage', CASE WHEN w.cumulative_revenue > 0 THEN ((w.cumulative_revenue - w.cumulative_costs)::float8 / w.cumulative_revenue::float8)::text::numeric ELSE 0 END),
    ('checkouts', w.checkouts), ('succeeded_checkouts', w.succeeded), ('checkouts_conversion', coalesce(w.succeeded::float8 / nullif(w.checkouts, 0), 0)::text::numeric)
) v (slug, value)
UNION ALL
SELECT b.t, 'canceled_subscriptions', coalesce((SELECT sum(n) FROM canceled c WHERE c.t = b.t), 0) FROM buckets b
UNION ALL
SELECT b.t, 'canceled_subscriptions_' || r, coalesce((SELECT n FROM canceled c WHERE c.t = b.t AND c.reason = r), 0)
FROM buckets b CROSS JOIN unnest(ARRAY['customer_service', 'low_quality', 'missing_features', 'switched_service', 'too_complex', 'too_expensive', 'unused', 'other']) r;
END;
COMMENT ON FUNCTION metrics_own(text, date, date, text) IS 'Polar''s metrics by hour, day, week, month or year (every) between two days, both included, of a time zone: period_start (UTC), slug, value. Amounts are US cents. Computed by Polar''s rules from subscriptions, orders, checkouts, customer_seats and events, which must be on and keep all. All but 12 equal Polar''s to the cent; why those differ: metrics_reconciled.definition. As with Polar, the numbers of a period can depend on first_day and last_day.';

CREATE OR REPLACE VIEW metrics_reconciled AS
WITH closed AS (
    SELECT *, period_start AT TIME ZONE timezone AS local_start, (period_start AT TIME ZONE timezone) + ('1 ' || "interval")::interval AS local_end
    FROM metrics WHERE _deleted_at IS NULL
), ranges AS (
    SELECT "interval", timezone, min(local_start)::date AS first_day, (max(local_end) - interval '1 day')::date AS last_day FROM closed GROUP BY 1, 2
), own AS (
    SELECT r."interval", r.timezone, o.period_start, o.slug, o.value
    FROM ranges r CROSS JOIN LATERAL metrics_own(r."interval", r.first_day, r.last_day, r.timezone) o
), both_values AS (
    SELECT c."interval", c.timezone, c.period_start, c.slug, c.value AS polar_value, o.value AS own_value, c.value - o.value AS difference
    FROM closed c JOIN own o USING ("interval", timezone, period_start, slug)
    WHERE c.local_end AT TIME ZONE c.timezone <= c._requested_at
), through AS (
    SELECT min(data_through) AS data_through FROM freshness WHERE stream IN ('subscriptions', 'orders', 'checkouts', 'events')
)
SELECT v."interval", v.timezone, v.period_start, v.slug, v.polar_value, v.own_value, v.difference,
    abs(v.difference) <= greatest(0.000001, abs(v.polar_value) * 0.000000001) AS is_equal,
    h.difference AS hidden_subscriptions,
    CASE
        WHEN v.slug IN ('active_subscriptions', 'committed_subscriptions', 'churned_subscriptions', 'churn_rate', 'ltv') THEN 'Polar counts subscriptions that it lists nowhere: those without started_at.'
        WHEN v.slug LIKE '%recurring_revenue' OR v.slug = 'average_revenue_per_user' THEN 'Polar counts subscriptions that it lists nowhere: those without started_at. Where a period has no payment of yours in a currency, it takes rates of other organizations.'
        WHEN v.slug IN ('checkouts', 'succeeded_checkouts', 'checkouts_conversion') THEN 'Polar counts checkouts that were opened, at the time of opening, which it does not list: here all count, when they were made.'
        ELSE 'The same from the mirror.'
    END AS definition,
    t.data_through
FROM both_values v
LEFT JOIN both_values h ON h."interval" = v."interval" AND h.timezone = v.timezone AND h.period_start = v.period_start AND h.slug = 'active_subscriptions'
CROSS JOIN through t;
COMMENT ON VIEW metrics_reconciled IS 'Polar''s metrics beside the same computed from the mirror, for periods that were over when Polar was asked. Needs the streams metrics and events, the latter with all events kept.';
COMMENT ON COLUMN metrics_reconciled."interval" IS 'Length of the period: day, month ...';
COMMENT ON COLUMN metrics_reconciled.timezone IS 'Time zone of the periods.';
COMMENT ON COLUMN metrics_reconciled.period_start IS 'Start of the period (UTC).';
COMMENT ON COLUMN metrics_reconciled.slug IS 'Name of the metric, as Polar has it.';
COMMENT ON COLUMN metrics_reconciled.polar_value IS 'What Polar says. Amounts are US cents.';
COMMENT ON COLUMN metrics_reconciled.own_value IS 'What the mirror says: metrics_own().';
COMMENT ON COLUMN metrics_reconciled.difference IS 'polar_value without own_value.';
COMMENT ON COLUMN metrics_reconciled.is_equal IS 'Whether both are the same, to a part in a thousand million.';
COMMENT ON COLUMN metrics_reconciled.hidden_subscriptions IS 'Active subscriptions that Polar counts in the period and lists nowhere; null where it was not asked for active_subscriptions.';
COMMENT ON COLUMN metrics_reconciled.definition IS 'What the two count differently, if anything.';
COMMENT ON COLUMN metrics_reconciled.data_through IS 'Moment up to which the streams that are counted are known to be mirrored (UTC).';
