-- Monthly recurring revenue: as it was (then), and as Polar tells it today (now).

CREATE OR REPLACE FUNCTION mrr_days(of_version text) RETURNS TABLE (day date, currency text, product_id uuid, active_subscriptions bigint, trial_subscriptions bigint,
    committed_subscriptions bigint, mrr_amount bigint, trial_mrr_amount bigint, committed_mrr_amount bigint, paused_subscriptions bigint, paused_mrr_amount bigint,
    past_due_subscriptions bigint, past_due_mrr_amount bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT PARALLEL SAFE
BEGIN ATOMIC
    WITH steps AS (
        SELECT from_day AS day, currency, product_id, state, is_committed, 1 AS n, monthly_amount AS amount FROM sync_mrr_spans
        WHERE version = of_version AND from_day <= (SELECT utc_day(now()))
        UNION ALL
        SELECT to_day, currency, product_id, state, is_committed, -1, -monthly_amount FROM sync_mrr_spans WHERE version = of_version AND to_day <= (SELECT utc_day(now()))
    ), sums AS (
        SELECT day, currency, product_id, sum(n) FILTER (WHERE state IN ('active', 'trial')) AS active, sum(n) FILTER (WHERE state = 'trial') AS trial,
            sum(n) FILTER (WHERE state IN ('active', 'trial') AND is_committed) AS committed, sum(n) FILTER (WHERE state = 'paused') AS paused,
            sum(n) FILTER (WHERE state = 'past_due') AS past_due,
            sum(amount) FILTER (WHERE state = 'active')::bigint AS mrr, sum(amount) FILTER (WHERE state = 'trial')::bigint AS trial_mrr,
            sum(amount) FILTER (WHERE state = 'active' AND is_committed)::bigint AS committed_mrr, sum(amount) FILTER (WHERE state = 'paused')::bigint AS paused_mrr,
            sum(amount) FILTER (WHERE state = 'past_due')::bigint AS past_due_mrr
        FROM steps GROUP BY 1, 2, 3
    ), days AS (
        SELECT g::date AS day, f.currency, f.product_id
        FROM (SELECT currency, product_id, min(day) AS first_day FROM sums GROUP BY 1, 2) f,
            generate_series(first_day::timestamp, utc_day(now())::timestamp, '1 day') g
    ), running AS ( -- of a day both rows have the same sums, that of its steps and that which every day has
        SELECT a.day, a.currency, a.product_id, a.is_day, sum(a.active) OVER w AS active, sum(a.trial) OVER w AS trial, sum(a.committed) OVER w AS committed,
            sum(a.mrr) OVER w AS mrr, sum(a.trial_mrr) OVER w AS trial_mrr, sum(a.committed_mrr) OVER w AS committed_mrr,
            sum(a.paused) OVER w AS paused, sum(a.paused_mrr) OVER w AS paused_mrr, sum(a.past_due) OVER w AS past_due, sum(a.past_due_mrr) OVER w AS past_due_mrr
        FROM (SELECT *, false AS is_day FROM sums UNION ALL SELECT *, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, true FROM days) a
        WINDOW w AS (PARTITION BY a.currency, a.product_id ORDER BY a.day)
    )
    SELECT r.day, r.currency, r.product_id, r.active::bigint, r.trial::bigint, r.committed::bigint, r.mrr::bigint, r.trial_mrr::bigint, r.committed_mrr::bigint,
        r.paused::bigint, r.paused_mrr::bigint, r.past_due::bigint, r.past_due_mrr::bigint
    FROM running r WHERE r.is_day;
END;
COMMENT ON FUNCTION mrr_days(text) IS 'MRR by day, currency and product, of one version of sync_mrr_spans: what mrr_daily (then) and mrr_daily_polar (now) are made of.';

CREATE OR REPLACE VIEW mrr_daily AS
SELECT * FROM mrr_days('then');
COMMENT ON VIEW mrr_daily IS 'MRR by day, currency and product, as it was at the end of each day: with the price, seats, product and state that subscriptions had then. Paused and past due ones stand beside it, not in it. A day that is over does not change when subscriptions change later. Before changes were recorded (history.recorded_since) it follows from the oldest version that is known. It is as new as the last run of syncd that ended.';
COMMENT ON COLUMN mrr_daily.day IS 'Day (UTC).';
COMMENT ON COLUMN mrr_daily.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN mrr_daily.product_id IS 'Product: products.id.';
COMMENT ON COLUMN mrr_daily.active_subscriptions IS 'Subscriptions that had started and not ended at the end of the day, and were neither paused nor past due. Trials are in it.';
COMMENT ON COLUMN mrr_daily.trial_subscriptions IS 'Those of them that were in their trial.';
COMMENT ON COLUMN mrr_daily.committed_subscriptions IS 'Those of active_subscriptions that had no end then.';
COMMENT ON COLUMN mrr_daily.mrr_amount IS 'Monthly amounts of active subscriptions that were not in their trial, without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN mrr_daily.trial_mrr_amount IS 'Monthly amounts of those in their trial. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN mrr_daily.committed_mrr_amount IS 'The part of mrr_amount that had no end then. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN mrr_daily.paused_subscriptions IS 'Subscriptions that were paused.';
COMMENT ON COLUMN mrr_daily.paused_mrr_amount IS 'Their monthly amounts, which are not in mrr_amount. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN mrr_daily.past_due_subscriptions IS 'Subscriptions whose renewal could not be charged (past_due, unpaid).';
COMMENT ON COLUMN mrr_daily.past_due_mrr_amount IS 'Their monthly amounts, which are not in mrr_amount. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';

CREATE OR REPLACE VIEW mrr_daily_polar AS
SELECT day, currency, product_id, active_subscriptions, committed_subscriptions, mrr_amount, trial_mrr_amount, committed_mrr_amount FROM mrr_days('now');
COMMENT ON VIEW mrr_daily_polar IS 'MRR by day, currency and product, as Polar tells it today: what subscriptions are now is applied to all their past days, and paused and past due ones count until they end (server/polar/metrics/queries.py). Every day since the first start has a row, for each currency and product. It is as new as the last run of syncd that ended.';
COMMENT ON COLUMN mrr_daily_polar.day IS 'Day (UTC).';
COMMENT ON COLUMN mrr_daily_polar.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN mrr_daily_polar.product_id IS 'Product: products.id.';
COMMENT ON COLUMN mrr_daily_polar.active_subscriptions IS 'Subscriptions that started by that day and end after it.';
COMMENT ON COLUMN mrr_daily_polar.committed_subscriptions IS 'Those of them that have no end.';
COMMENT ON COLUMN mrr_daily_polar.mrr_amount IS 'Monthly amounts of those that are not in their trial. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN mrr_daily_polar.trial_mrr_amount IS 'Monthly amounts of those in their trial. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN mrr_daily_polar.committed_mrr_amount IS 'The part of mrr_amount that has no end. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';

CREATE OR REPLACE VIEW mrr_movements AS
WITH steps AS (
    SELECT from_day AS day, customer_id, currency, state, monthly_amount AS amount FROM sync_mrr_spans WHERE version = 'then' AND state <> 'trial' AND from_day <= (SELECT utc_day(now()))
    UNION ALL
    SELECT to_day, customer_id, currency, state, -monthly_amount FROM sync_mrr_spans WHERE version = 'then' AND state <> 'trial' AND to_day <= (SELECT utc_day(now()))
), months AS (
    SELECT date_trunc('month', day::timestamp)::date AS month, customer_id, currency, coalesce(sum(amount) FILTER (WHERE state = 'active'), 0) AS change,
        sum(amount) FILTER (WHERE state = 'paused') AS paused, sum(amount) FILTER (WHERE state = 'past_due') AS past_due, min(day) FILTER (WHERE state = 'active' AND amount > 0) AS first_day
    FROM steps GROUP BY 1, 2, 3
), ends AS (
    SELECT month, customer_id, currency, change, sum(change) OVER w AS closing, coalesce(sum(paused) OVER w, 0) AS paused, coalesce(sum(past_due) OVER w, 0) AS past_due,
        min(first_day) OVER (PARTITION BY customer_id, currency) AS first_day
    FROM months WINDOW w AS (PARTITION BY customer_id, currency ORDER BY month)
)
SELECT month, customer_id, currency,
    CASE WHEN closing = change THEN CASE WHEN first_day >= month THEN 'new' ELSE 'reactivation' END
        WHEN closing = 0 THEN 'churned' WHEN change > 0 THEN 'expansion' ELSE 'contraction' END AS movement,
    (closing - change)::bigint AS opening_amount, change::bigint AS change_amount, closing::bigint AS closing_amount,
    paused::bigint AS paused_amount, past_due::bigint AS past_due_amount
FROM ends WHERE change <> 0;
COMMENT ON VIEW mrr_movements IS 'What moved MRR: one row for each month, customer and currency in which the MRR of the customer at the end of the month is not that at its start. The sum of change_amount of a month is by how much the sum of mrr_daily.mrr_amount differs between the last day of the month before and the last day of this one, or today.';
COMMENT ON COLUMN mrr_movements.month IS 'First day of the month (UTC).';
COMMENT ON COLUMN mrr_movements.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN mrr_movements.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN mrr_movements.movement IS 'new: the customer had no MRR in this currency before. reactivation: had some once, and none at the start of the month. expansion, contraction: more or less than at its start. churned: none at its end. Where that is for a pause or a failed payment, paused_amount or past_due_amount says so.';
COMMENT ON COLUMN mrr_movements.opening_amount IS 'MRR of the customer at the start of the month. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN mrr_movements.change_amount IS 'closing_amount less opening_amount. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN mrr_movements.closing_amount IS 'MRR of the customer at the end of the month, or today. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN mrr_movements.paused_amount IS 'What was paused at the end of the month, by month. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN mrr_movements.past_due_amount IS 'What was past due at the end of the month, by month. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';

CREATE OR REPLACE FUNCTION mrr_difference(on_day date) RETURNS TABLE (subscription_id uuid, customer_id uuid, currency text, product_id uuid, state text, polar_state text,
    mrr_amount bigint, polar_mrr_amount bigint, difference bigint, reason text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT PARALLEL SAFE
BEGIN ATOMIC
    WITH spans AS (
        SELECT * FROM sync_mrr_spans WHERE from_day <= on_day AND (to_day IS NULL OR to_day > on_day) AND on_day <= (SELECT utc_day(now()))
    ), sides AS (
        SELECT p.subscription_id, p.customer_id, p.currency, p.product_id, coalesce(sum(monthly_amount) FILTER (WHERE version = 'then' AND p.state = 'active'), 0)::bigint AS mrr_amount,
            coalesce(sum(monthly_amount) FILTER (WHERE version = 'now' AND p.state = 'active'), 0)::bigint AS polar_mrr_amount
        FROM spans p GROUP BY 1, 2, 3, 4
    )
    SELECT d.subscription_id, d.customer_id, d.currency, d.product_id, t.state, n.state, d.mrr_amount, d.polar_mrr_amount, d.mrr_amount - d.polar_mrr_amount,
        CASE
            WHEN s.id IS NULL OR s._deleted_at IS NOT NULL THEN 'deleted'
            WHEN t.subscription_id IS NULL AND on_day < utc_day(s.created_at) THEN 'imported'
            WHEN t.subscription_id IS NULL AND s.status IN ('incomplete', 'incomplete_expired') THEN 'incomplete'
            WHEN t.subscription_id IS NULL THEN 'not_running'
            WHEN n.subscription_id IS NULL THEN 'ended'
            WHEN t.state IN ('paused', 'past_due') THEN t.state
            WHEN t.customer_id IS DISTINCT FROM n.customer_id THEN 'customer'
            WHEN t.currency IS DISTINCT FROM n.currency THEN 'currency'
            WHEN t.product_id IS DISTINCT FROM n.product_id THEN 'product'
            WHEN t.state <> n.state THEN 'trial'
            WHEN (t.recurring_interval, t.recurring_interval_count) IS DISTINCT FROM (n.recurring_interval, n.recurring_interval_count) THEN 'interval'
            WHEN t.seats IS DISTINCT FROM n.seats THEN 'seats'
            WHEN t.units IS DISTINCT FROM n.units THEN 'units'
            WHEN t.discount_id IS DISTINCT FROM n.discount_id THEN 'discount'
            WHEN t.amount IS DISTINCT FROM n.amount THEN 'price'
            ELSE 'tax'
        END
    FROM sides d
    LEFT JOIN spans t ON t.subscription_id = d.subscription_id AND t.version = 'then'
    LEFT JOIN spans n ON n.subscription_id = d.subscription_id AND n.version = 'now'
    LEFT JOIN subscriptions s ON s.id = d.subscription_id
    WHERE d.mrr_amount <> d.polar_mrr_amount;
END;
COMMENT ON FUNCTION mrr_difference(date) IS 'Why mrr_daily and mrr_daily_polar differ on a day, subscription by subscription: the sum of difference is the difference of their mrr_amount, for each currency and product. Where the product, the currency or the customer is another one now, there are two rows. reason: paused, past_due: it was so, and Polar counts it. price, seats, units, discount, interval, product, currency, customer, trial, tax: it has changed since. ended: today it does not run on that day, as its end or start was moved. not_running: it did not run then, as it was ended and reinstated. imported: it started before Polar had it. incomplete: it was never paid. deleted: Polar no longer has it.';
