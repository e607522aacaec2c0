-- Polar's own metrics, computed from the mirror by Polar's own rules.
-- Sources: server/polar/metrics/queries.py and metrics.py; server/tinybird/endpoints/*.pipe.

CREATE OR REPLACE FUNCTION metrics_computed(every text, first_day date, last_day date, zone text)
RETURNS TABLE (period_start timestamptz, slug text, value numeric, lowest numeric, highest numeric)
LANGUAGE sql STABLE SET jit = off
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
-- What was booked. Where an order has another amount, the order's counts, and Polar's metrics differ. Early bookings include tax.
booked AS MATERIALIZED (
    SELECT l.order_id, l.name, l.timestamp, l.booked_at, l.amount, l.presentment_amount, l.presentment_currency, l.exchange_rate, l.fee,
        l.settled_amount + CASE WHEN l.net_amount NOT IN (o.net_amount, o.net_amount + o.tax_amount) THEN round((o.net_amount - l.net_amount) * coalesce(l.exchange_rate, 1))::bigint ELSE 0 END AS settled_amount,
        round(coalesce(CASE WHEN l.net_amount IN (o.net_amount, o.net_amount + o.tax_amount) THEN l.net_amount ELSE o.net_amount END, l.net_amount, l.amount)::float8 * coalesce(l.exchange_rate, 1))::bigint AS order_amount
    FROM balance_ledger l LEFT JOIN orders o ON o.id = l.order_id AND l.net_amount IS NOT NULL AND l.name IN ('balance.order', 'balance.credit_order') AND o._deleted_at IS NULL
),
-- Subscriptions
subs AS MATERIALIZED (
    SELECT customer_id, started_at, canceled_at, end_at AS fin, date_trunc(every, started_at, zone) AS start_t, date_trunc(every, end_at, zone) AS fin_t,
        date_trunc(every, trial_end, zone) AS paid_t, coalesce(lower(currency), '') AS currency, coalesce(net_amount, 0) AS net_amount, coalesce(recurring_interval, '') AS recurring_interval, coalesce(recurring_interval_count, 0) AS recurring_interval_count
    FROM subscriptions_enriched WHERE product_id IS NOT NULL
), payments AS MATERIALIZED (
    SELECT l.presentment_currency AS currency, o.created_at, o.product_id, settlement_rate(l.exchange_rate, l.amount, l.presentment_amount) AS rate, coalesce(p.paid_at, l.timestamp) AS paid_at
    FROM booked l JOIN orders o ON o.id = l.order_id
    LEFT JOIN (SELECT order_id, max(created_at) AS paid_at FROM payments WHERE status = 'succeeded' AND _deleted_at IS NULL GROUP BY 1) p ON p.order_id = l.order_id
    WHERE l.name = 'balance.order' AND l.presentment_currency <> 'usd'
), own_rates AS (
    SELECT date_trunc(every, created_at, zone) AS t, currency, avg(rate) AS rate FROM payments, bounds WHERE created_at BETWEEN bs AND be AND product_id IS NOT NULL GROUP BY 1, 2
), day_rates AS MATERIALIZED (
    SELECT date_trunc('day', paid_at, zone) AS day, currency, avg(rate) AS rate FROM payments GROUP BY 1, 2
), rates AS MATERIALIZED ( -- without a payment in the period: that of the nearest day; Polar knows nearer days, so it lies between the days around, give or take what a rate moves in so many days
    SELECT b.t, c.currency, coalesce(o.rate, near.rate, 1) AS rate, coalesce(o.rate, span.low, 1) AS low, coalesce(o.rate, span.high, 1) AS high
    FROM buckets b CROSS JOIN (SELECT currency FROM subs WHERE currency NOT IN ('', 'usd') UNION SELECT currency FROM payments) c
    LEFT JOIN own_rates o ON o.t = b.t AND o.currency = c.currency
    LEFT JOIN LATERAL (SELECT d.rate FROM day_rates d, bounds WHERE o.rate IS NULL AND d.currency = c.currency AND d.day BETWEEN bs AND be
        ORDER BY abs(extract(epoch FROM (d.day - b.t))), d.day LIMIT 1) near ON true
    LEFT JOIN LATERAL (SELECT min(d.rate) * (1 - min(margin)) AS low, max(d.rate) * (1 + min(margin)) AS high FROM (
            (SELECT rate, b.t - day AS away FROM day_rates r WHERE o.rate IS NULL AND r.currency = c.currency AND r.day <= b.t ORDER BY r.day DESC LIMIT 1)
            UNION ALL (SELECT rate, day - b.t FROM day_rates r WHERE o.rate IS NULL AND r.currency = c.currency AND r.day > b.t ORDER BY r.day LIMIT 1)) d,
        LATERAL (SELECT least(0.5, 0.01 * sqrt(extract(epoch FROM away) / 86400)) AS margin) m) span ON true
), spans AS MATERIALIZED ( -- from the first period in which a subscription is active to the one in which it ends
    SELECT s.*, (s.fin IS NULL)::int AS committed, greatest(s.start_t, x.t0) AS from_t, coalesce(s.fin_t, 'infinity') AS to_t, least(greatest(s.start_t, x.t0, s.paid_t), coalesce(s.fin_t, 'infinity')) AS mrr_t
    FROM (SELECT min(b.t) AS t0, max(b.t) AS t1 FROM buckets b) x CROSS JOIN bounds
    JOIN subs s ON (s.started_at IS NULL OR s.start_t <= x.t1 AND s.started_at <= be) AND (s.fin_t IS NULL OR s.fin_t > greatest(s.start_t, x.t0))
), prices AS ( -- US dollars are summed up as they are; others are priced by period, each price once
    SELECT from_t, mrr_t, to_t, committed, 'usd' AS currency, 0 AS net_amount, '' AS recurring_interval, 0 AS recurring_interval_count,
        coalesce(monthly_amount(net_amount, recurring_interval, recurring_interval_count), 0) AS weight FROM spans WHERE currency = 'usd'
    UNION ALL
    SELECT from_t, mrr_t, to_t, committed, currency, net_amount, recurring_interval, recurring_interval_count, 1 FROM spans WHERE currency <> 'usd'
), steps AS (
    SELECT v.t, p.currency, p.net_amount, p.recurring_interval, p.recurring_interval_count, sum(v.active) AS active, sum(v.active * p.committed) AS committed,
        sum(v.paid * p.weight) AS paid, sum(v.trial * p.weight) AS trial, sum(v.paid * p.committed * p.weight) AS paid_committed, sum(v.trial * p.committed * p.weight) AS trial_committed
    FROM prices p CROSS JOIN LATERAL (VALUES (p.from_t, 1, 0, 1), (p.mrr_t, 0, 1, -1), (p.to_t, -1, -1, 0)) v (t, active, paid, trial)
    GROUP BY 1, 2, 3, 4, 5
), priced AS (
    SELECT s.*, sum(active) OVER w AS n, sum(committed) OVER w AS c, sum(paid) OVER w AS p, sum(trial) OVER w AS tr, sum(paid_committed) OVER w AS pc, sum(trial_committed) OVER w AS tc
    FROM (SELECT * FROM steps UNION ALL SELECT b.t, k.currency, k.net_amount, k.recurring_interval, k.recurring_interval_count, 0, 0, 0, 0, 0, 0
        FROM buckets b CROSS JOIN (SELECT DISTINCT currency, net_amount, recurring_interval, recurring_interval_count FROM steps) k) s
    WINDOW w AS (PARTITION BY currency, net_amount, recurring_interval, recurring_interval_count ORDER BY t)
), counted AS ( -- a period's row comes twice where something changes in it
    SELECT DISTINCT b.t, q.currency, q.net_amount, q.recurring_interval, q.recurring_interval_count, q.n, q.c, q.p, q.tr, q.pc, q.tc, m.own, m.low, m.high
    FROM buckets b JOIN priced q USING (t) LEFT JOIN rates r USING (t, currency)
    CROSS JOIN LATERAL (SELECT CASE WHEN q.currency = 'usd' THEN 1 ELSE monthly_amount(round(q.net_amount * r.rate), q.recurring_interval, q.recurring_interval_count) END AS own) o
    CROSS JOIN LATERAL (SELECT o.own, CASE WHEN r.low IS DISTINCT FROM r.rate THEN monthly_amount(round(q.net_amount * r.low), q.recurring_interval, q.recurring_interval_count) ELSE o.own END AS low,
        CASE WHEN r.high IS DISTINCT FROM r.rate THEN monthly_amount(round(q.net_amount * r.high), q.recurring_interval, q.recurring_interval_count) ELSE o.own END AS high) m
    WHERE q.n <> 0
), covered AS (
    SELECT customer_id, from_t, to_t, max(to_t) OVER (PARTITION BY customer_id ORDER BY from_t ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS upto FROM spans
), customers AS ( -- who has one at all
    SELECT t, sum(n) OVER (ORDER BY t) AS n FROM (SELECT t, sum(n) AS n FROM (
        SELECT greatest(from_t, upto) AS t, 1 AS n FROM covered WHERE customer_id IS NOT NULL AND (upto IS NULL OR to_t > upto)
        UNION ALL SELECT to_t, -1 FROM covered WHERE customer_id IS NOT NULL AND (upto IS NULL OR to_t > upto)
        UNION ALL SELECT t, 0 FROM buckets) s GROUP BY 1) s
), a AS (
    SELECT t, sum(n) AS active, sum(c) AS committed, coalesce(sum(p * own), 0) AS mrr, coalesce(sum(tr * own), 0) AS trial_mrr, coalesce(sum(pc * own), 0) AS committed_mrr, coalesce(sum(tc * own), 0) AS trial_committed_mrr,
        coalesce(sum(p * low), 0) AS mrr_low, coalesce(sum(tr * low), 0) AS trial_mrr_low, coalesce(sum(pc * low), 0) AS committed_mrr_low, coalesce(sum(tc * low), 0) AS trial_committed_mrr_low,
        coalesce(sum(p * high), 0) AS mrr_high, coalesce(sum(tr * high), 0) AS trial_mrr_high, coalesce(sum(pc * high), 0) AS committed_mrr_high, coalesce(sum(tc * high), 0) AS trial_committed_mrr_high
    FROM counted GROUP BY t
), churned AS (
    SELECT fin_t AS t, count(*) AS n FROM subs, bounds WHERE fin BETWEEN bs AND be GROUP BY 1
), churn_windows AS MATERIALIZED (
    SELECT b.t, CASE WHEN every = 'year' THEN b.t ELSE (b.t AT TIME ZONE zone - interval '30 days') AT TIME ZONE zone END AS w0, CASE WHEN every = 'year' THEN b.n ELSE b.t END AS w1 FROM buckets b
), marks AS ( -- how many were canceled before a moment, had started by it, and had ended by it
    SELECT at, sum(canceled) OVER w AS canceled, sum(started) OVER w AS started, sum(ended) OVER w AS ended FROM (
        SELECT at, sum(canceled) AS canceled, sum(started) AS started, sum(ended) AS ended FROM (
            SELECT canceled_at + interval '1 microsecond' AS at, 1 AS canceled, 0 AS started, 0 AS ended FROM subs WHERE canceled_at IS NOT NULL
            UNION ALL SELECT coalesce(started_at, '-infinity'), 0, 1, 0 FROM subs
            UNION ALL SELECT greatest(started_at, fin), 0, 0, 1 FROM subs WHERE fin IS NOT NULL
            UNION ALL SELECT w0, 0, 0, 0 FROM churn_windows UNION ALL SELECT w1, 0, 0, 0 FROM churn_windows) m GROUP BY 1) m
    WINDOW w AS (ORDER BY at)
), churn AS (
    SELECT w.t, m1.canceled - m0.canceled AS canceled, m0.started - m0.ended AS active FROM churn_windows w JOIN marks m0 ON m0.at = w.w0 JOIN marks m1 ON m1.at = w.w1
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
    FROM booked
), revenue AS (
    SELECT t, sum(revenue) AS revenue, sum(net) AS net FROM ledger, bounds WHERE booked_at BETWEEN bs AND be_s GROUP BY 1
), revenue_before AS (
    SELECT coalesce(sum(revenue), 0) AS revenue, coalesce(sum(net), 0) AS net FROM ledger, bounds WHERE booked_at < bs
),
-- Orders, one row each
system AS MATERIALIZED ( -- of all time: what an order or subscription is follows from the last of its events
    SELECT name, timestamp, metadata FROM events WHERE source = 'system' AND _deleted_at IS NULL
        AND name IN ('order.paid', 'subscription.created', 'subscription.canceled', 'subscription.revoked', 'subscription.uncanceled', 'subscription.reinstated', 'subscription.cycled', 'subscription.product_updated')
),
told AS MATERIALIZED (SELECT coalesce(min(timestamp), 'infinity') AS since FROM events WHERE source = 'system' AND _deleted_at IS NULL), -- rows tell of what is older
paid AS (
    SELECT DISTINCT ON (order_id) order_id, paid_at, subscription_id FROM (
        SELECT (metadata->>'order_id')::uuid AS order_id, timestamp AS paid_at, (metadata->>'subscription_id')::uuid AS subscription_id FROM system WHERE name = 'order.paid'
        UNION ALL
        SELECT id, created_at, subscription_id FROM orders, told WHERE paid AND created_at < since AND _deleted_at IS NULL
    ) p ORDER BY order_id, paid_at DESC
), balanced AS (
    SELECT DISTINCT ON (order_id) order_id, timestamp AS balanced_at, order_amount AS settled, fee
    FROM booked WHERE name IN ('balance.order', 'balance.credit_order') AND order_id IS NOT NULL
    ORDER BY order_id, name = 'balance.order' DESC, timestamp DESC
), refunded AS (
    SELECT order_id, sum(settled_amount - fee) AS refunds
    FROM booked WHERE name IN ('balance.refund', 'balance.refund_reversal') AND order_id IS NOT NULL GROUP BY 1
), act AS MATERIALIZED ( -- of a subscription, or upon it
    SELECT (metadata->>'subscription_id')::uuid AS subscription_id, name, timestamp, metadata
    FROM system WHERE name <> 'order.paid'
    UNION ALL
    SELECT id, 'subscription.created', created_at, jsonb_build_object('started_at', started_at, 'ends_at', coalesce(ended_at, ends_at))
    FROM subscriptions, told WHERE created_at < since AND _deleted_at IS NULL
    UNION ALL
    SELECT id, 'subscription.canceled', canceled_at, jsonb_build_object('canceled_at', canceled_at, 'ends_at', coalesce(ended_at, ends_at), 'customer_cancellation_reason', customer_cancellation_reason)
    FROM subscriptions, told WHERE canceled_at < since AND _deleted_at IS NULL
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
    FROM events, bounds WHERE _deleted_at IS NULL AND date_bin('15 minutes', timestamp, '2000-01-01Z') BETWEEN bs AND be_s
        AND timestamp BETWEEN bs AND be_s + interval '15 minutes' GROUP BY 1 -- which follows, and says in which months they are
),
-- Checkouts
opened AS (
    SELECT date_trunc(every, created_at, zone) AS t, count(*) AS n, count(*) FILTER (WHERE status = 'succeeded') AS succeeded
    FROM checkouts, bounds WHERE created_at BETWEEN bs AND be AND _deleted_at IS NULL GROUP BY 1
), opening AS ( -- Polar counts when a checkout was first opened, between its creation and its success or expiry; the first metrics knew no opening
    SELECT date_trunc(every, created_at, zone) AS t0, date_trunc(every, CASE WHEN status = 'succeeded' THEN least(expires_at, modified_at) ELSE expires_at END, zone) AS t1,
        status = 'succeeded' AS succeeded, created_at < '2026-01-22 12:13:00Z' AS surely
    FROM checkouts, bounds WHERE created_at BETWEEN bs - interval '1 day' AND be AND _deleted_at IS NULL
), openings AS (
    SELECT b.t, count(*) AS high, count(*) FILTER (WHERE surely AND t0 = t1) AS low, count(*) FILTER (WHERE succeeded) AS succeeded_high, count(*) FILTER (WHERE succeeded AND surely AND t0 = t1) AS succeeded_low
    FROM buckets b JOIN opening ON b.t BETWEEN t0 AND coalesce(t1, t0) GROUP BY 1
), wide AS (
    SELECT b.t, coalesce(a.active, 0) AS active, coalesce(a.committed, 0) AS committed, coalesce(a.mrr, 0) AS mrr, coalesce(a.trial_mrr, 0) AS trial_mrr,
        coalesce(a.committed_mrr, 0) AS committed_mrr, coalesce(a.trial_committed_mrr, 0) AS trial_committed_mrr,
        coalesce(a.mrr_low, 0) AS mrr_low, coalesce(a.trial_mrr_low, 0) AS trial_mrr_low, coalesce(a.committed_mrr_low, 0) AS committed_mrr_low, coalesce(a.trial_committed_mrr_low, 0) AS trial_committed_mrr_low,
        coalesce(a.mrr_high, 0) AS mrr_high, coalesce(a.trial_mrr_high, 0) AS trial_mrr_high, coalesce(a.committed_mrr_high, 0) AS committed_mrr_high, coalesce(a.trial_committed_mrr_high, 0) AS trial_committed_mrr_high,
        coalesce(cu.n, 0) AS customers, CASE WHEN cu.n > 0 THEN round(a.mrr / cu.n) ELSE 0 END AS arpu,
        coalesce(ch.n, 0) AS churned, coalesce(cr.canceled, 0) AS churn_canceled, coalesce(cr.active, 0) AS churn_active, coalesce(cr.canceled::float8 / nullif(cr.active, 0), 0) AS churn_rate,
        coalesce(s.total, 0) AS seats, coalesce(s.claimed, 0) AS claimed, coalesce(s.customers, 0) AS seat_customers, coalesce(s.new_customers, 0) AS new_seat_customers, coalesce(sc.n, 0) AS churned_seat_customers,
        coalesce(r.revenue, 0) AS revenue, coalesce(r.net, 0) AS net, rb.revenue + sum(coalesce(r.revenue, 0)) OVER w AS cumulative_revenue, rb.net + sum(coalesce(r.net, 0)) OVER w AS net_cumulative_revenue,
        coalesce(o.orders, 0) AS orders, coalesce(ceil(o.revenue::float8 / o.orders), 0) AS average, coalesce(ceil(o.net::float8 / o.orders), 0) AS net_average,
        coalesce(o.one_time, 0) AS one_time, coalesce(o.one_time_revenue, 0) AS one_time_revenue, coalesce(o.one_time_net, 0) AS one_time_net,
        coalesce(o.new_revenue, 0) AS new_revenue, coalesce(o.new_net, 0) AS new_net, coalesce(o.renewed, 0) AS renewed, coalesce(o.renewed_revenue, 0) AS renewed_revenue, coalesce(o.renewed_net, 0) AS renewed_net,
        coalesce(nw.n, 0) AS new, coalesce(c.costs, 0) AS costs, cb.costs + sum(coalesce(c.costs, 0)) OVER w AS cumulative_costs, coalesce(u.n, 0) AS users,
        coalesce(k.n, 0) AS checkouts, coalesce(k.succeeded, 0) AS succeeded, coalesce(op.low, 0) AS checkouts_low, coalesce(op.high, 0) AS checkouts_high,
        coalesce(op.succeeded_low, 0) AS succeeded_low, coalesce(op.succeeded_high, 0) AS succeeded_high
    FROM buckets b CROSS JOIN revenue_before rb CROSS JOIN costs_before cb
    LEFT JOIN a USING (t) LEFT JOIN customers cu USING (t) LEFT JOIN churned ch USING (t) LEFT JOIN churn cr USING (t) LEFT JOIN seats s USING (t) LEFT JOIN seat_churn sc USING (t) LEFT JOIN revenue r USING (t)
    LEFT JOIN sales o USING (t) LEFT JOIN new nw USING (t) LEFT JOIN costs c USING (t) LEFT JOIN users u USING (t) LEFT JOIN opened k USING (t) LEFT JOIN openings op USING (t)
    WINDOW w AS (ORDER BY b.t)
)
SELECT w.t, v.slug, v.value, NULL::numeric, NULL::numeric FROM wide w
CROSS JOIN LATERAL (SELECT CASE WHEN w.users > 0 THEN w.costs::float8 / w.users ELSE 0 END AS cost_per_user) d
CROSS JOIN LATERAL (VALUES
    ('active_subscriptions', w.active::numeric), ('committed_subscriptions', w.committed), ('average_revenue_per_user', w.arpu),
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
    ('checkouts_conversion', coalesce(w.succeeded::float8 / nullif(w.checkouts, 0), 0)::text::numeric),
    ('_customers', w.customers), ('_churn_canceled', w.churn_canceled), ('_churn_active', w.churn_active)
) v (slug, value)
UNION ALL
SELECT w.t, v.* FROM wide w CROSS JOIN LATERAL (VALUES
    ('monthly_recurring_revenue', w.mrr, w.mrr_low, w.mrr_high), ('trial_monthly_recurring_revenue', w.trial_mrr, w.trial_mrr_low, w.trial_mrr_high),
    ('committed_monthly_recurring_revenue', w.committed_mrr, w.committed_mrr_low, w.committed_mrr_high),
    ('trial_committed_monthly_recurring_revenue', w.trial_committed_mrr, w.trial_committed_mrr_low, w.trial_committed_mrr_high),
    ('checkouts', w.checkouts, w.checkouts_low, w.checkouts_high), ('succeeded_checkouts', w.succeeded, w.succeeded_low, w.succeeded_high)
) v
UNION ALL
SELECT t, '_rate_' || currency, rate, low, high FROM rates
UNION ALL
SELECT b.t, 'canceled_subscriptions', coalesce((SELECT sum(n) FROM canceled c WHERE c.t = b.t), 0), NULL, NULL FROM buckets b
UNION ALL
SELECT b.t, 'canceled_subscriptions_' || r, coalesce((SELECT n FROM canceled c WHERE c.t = b.t AND c.reason = r), 0), NULL, NULL
FROM buckets b CROSS JOIN unnest(ARRAY['customer_service', 'low_quality', 'missing_features', 'switched_service', 'too_complex', 'too_expensive', 'unused', 'other']) r;
END;
COMMENT ON FUNCTION metrics_computed(text, date, date, text) IS 'What metrics_own() and metrics_compared() are made of: each metric, for those that the mirror cannot know exactly the lowest and the highest value that Polar may have, and what others are computed of, whose names begin with an underscore.';

CREATE OR REPLACE FUNCTION metrics_own(every text, first_day date, last_day date, zone text DEFAULT 'UTC')
RETURNS TABLE (period_start timestamptz, slug text, value numeric)
LANGUAGE sql STABLE
BEGIN ATOMIC
SELECT c.period_start, c.slug, c.value FROM metrics_computed(every, first_day, last_day, zone) c WHERE c.slug NOT LIKE '\_%';
END;
COMMENT ON FUNCTION metrics_own(text, date, date, text) IS 'Polar''s metrics by hour, day, week, month or year (every) between two days, both included, of a time zone: period_start (UTC), slug, value. Amounts are US cents. Computed by Polar''s rules from subscriptions, orders, checkouts, customer_seats, balance_events and events. Without all events, costs, active users, new and canceled subscriptions differ: see docs/metrics.md. All but 12 equal Polar''s to the cent; why those differ: metrics_reconciled.reason. As with Polar, the numbers of a period can depend on first_day and last_day.';
