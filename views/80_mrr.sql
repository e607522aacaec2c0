-- Monthly recurring revenue.

CREATE OR REPLACE VIEW mrr_daily_polar AS
WITH spans AS (
    SELECT currency, product_id, monthly_amount AS amount, date_trunc('day', started_at, 'UTC')::date AS start_day, date_trunc('day', trial_end, 'UTC')::date AS paid_day,
        date_trunc('day', end_at, 'UTC')::date AS end_day
    FROM subscriptions_enriched WHERE started_at IS NOT NULL
), bounded AS (
    SELECT *, least(greatest(start_day, coalesce(paid_day, start_day)), coalesce(end_day, 'infinity')) AS mrr_day FROM spans WHERE end_day IS NULL OR end_day > start_day
), steps AS (
    SELECT start_day AS day, currency, product_id, 1 AS active, (end_day IS NULL)::int AS committed, 0::numeric AS mrr, CASE WHEN mrr_day > start_day THEN amount ELSE 0 END AS trial_mrr, 0::numeric AS committed_mrr FROM bounded
    UNION ALL
    SELECT mrr_day, currency, product_id, 0, 0, amount, CASE WHEN mrr_day > start_day THEN -amount ELSE 0 END, CASE WHEN end_day IS NULL THEN amount ELSE 0 END FROM bounded
    UNION ALL
    SELECT end_day, currency, product_id, -1, 0, -amount, 0, 0 FROM bounded WHERE end_day IS NOT NULL
), pairs AS (
    SELECT currency, product_id, min(day) AS first_day FROM steps GROUP BY 1, 2
), days AS (
    SELECT g::date AS day, currency, product_id, 0, 0, 0::numeric, 0::numeric, 0::numeric FROM pairs, generate_series(first_day::timestamp, (now() AT TIME ZONE 'UTC')::date::timestamp, '1 day') g
), sums AS (
    SELECT day, currency, product_id, sum(active) AS active, sum(committed) AS committed, sum(mrr) AS mrr, sum(trial_mrr) AS trial_mrr, sum(committed_mrr) AS committed_mrr
    FROM (SELECT * FROM steps UNION ALL SELECT * FROM days) both_kinds GROUP BY 1, 2, 3
)
SELECT day, currency, product_id, (sum(active) OVER w)::bigint AS active_subscriptions, (sum(committed) OVER w)::bigint AS committed_subscriptions,
    (sum(mrr) OVER w)::bigint AS mrr_amount, (sum(trial_mrr) OVER w)::bigint AS trial_mrr_amount, (sum(committed_mrr) OVER w)::bigint AS committed_mrr_amount
FROM sums WINDOW w AS (PARTITION BY currency, product_id ORDER BY day);
COMMENT ON VIEW mrr_daily_polar IS 'MRR by day, currency and product, as Polar tells it today: what subscriptions are now is applied to all their past days, and paused and past due ones count until they end (server/polar/metrics/queries.py). Every day since the first start has a row, for each currency and product.';
COMMENT ON COLUMN mrr_daily_polar.day IS 'Day (UTC).';
COMMENT ON COLUMN mrr_daily_polar.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN mrr_daily_polar.product_id IS 'Product: products.id.';
COMMENT ON COLUMN mrr_daily_polar.active_subscriptions IS 'Subscriptions that started by that day and end after it.';
COMMENT ON COLUMN mrr_daily_polar.committed_subscriptions IS 'Those of them that have no end.';
COMMENT ON COLUMN mrr_daily_polar.mrr_amount IS 'Monthly amounts of those that are not in their trial. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN mrr_daily_polar.trial_mrr_amount IS 'Monthly amounts of those in their trial. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN mrr_daily_polar.committed_mrr_amount IS 'The part of mrr_amount that has no end. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
