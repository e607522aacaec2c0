-- How customers come and stay.

CREATE OR REPLACE VIEW checkout_funnel_daily AS
SELECT date_trunc('day', created_at, 'UTC')::date AS day, product_id, currency, count(*) AS checkouts, count(customer_email) AS with_email,
    count(*) FILTER (WHERE status IN ('confirmed', 'succeeded')) AS confirmed, count(*) FILTER (WHERE status = 'succeeded') AS succeeded,
    count(*) FILTER (WHERE status = 'expired') AS expired, count(*) FILTER (WHERE status = 'failed') AS failed,
    count(*) FILTER (WHERE status = 'open') AS open
FROM checkouts WHERE _deleted_at IS NULL
GROUP BY 1, 2, 3;
COMMENT ON VIEW checkout_funnel_daily IS 'Checkouts by day of creation (UTC), product and currency, and how far they came. Polar does not list whether a checkout was opened.';
COMMENT ON COLUMN checkout_funnel_daily.day IS 'Day (UTC).';
COMMENT ON COLUMN checkout_funnel_daily.product_id IS 'Product: products.id.';
COMMENT ON COLUMN checkout_funnel_daily.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN checkout_funnel_daily.checkouts IS 'Checkouts made.';
COMMENT ON COLUMN checkout_funnel_daily.with_email IS 'Those in which an email address was typed in or known.';
COMMENT ON COLUMN checkout_funnel_daily.confirmed IS 'Those that were confirmed by the customer, succeeded ones included.';
COMMENT ON COLUMN checkout_funnel_daily.succeeded IS 'Those that succeeded.';
COMMENT ON COLUMN checkout_funnel_daily.expired IS 'Those that expired.';
COMMENT ON COLUMN checkout_funnel_daily.failed IS 'Those that failed.';
COMMENT ON COLUMN checkout_funnel_daily.open IS 'Those that are still open.';

CREATE OR REPLACE VIEW trial_conversion_monthly AS
SELECT date_trunc('month', s.trial_end, 'UTC')::date AS month, s.product_id, count(*) AS trials,
    count(*) FILTER (WHERE s.trial_end <= now()) AS ended_trials,
    count(*) FILTER (WHERE s.trial_end <= now() AND EXISTS (SELECT FROM orders o WHERE o.subscription_id = s.id AND o.paid AND o.net_amount > 0 AND o._deleted_at IS NULL
        AND o.billing_reason <> 'subscription_create')) AS converted
FROM subscriptions s WHERE s.trial_end IS NOT NULL AND s._deleted_at IS NULL
GROUP BY 1, 2;
COMMENT ON VIEW trial_conversion_monthly IS 'Trials by month of their end (UTC) and product, and how many of them were paid for afterwards.';
COMMENT ON COLUMN trial_conversion_monthly.month IS 'First day of the month (UTC).';
COMMENT ON COLUMN trial_conversion_monthly.product_id IS 'Product: products.id.';
COMMENT ON COLUMN trial_conversion_monthly.trials IS 'Trials that end or ended in the month.';
COMMENT ON COLUMN trial_conversion_monthly.ended_trials IS 'Those that have ended by now.';
COMMENT ON COLUMN trial_conversion_monthly.converted IS 'Those of the ended ones after which the subscription had a paid order that was not free.';

CREATE OR REPLACE VIEW cohorts_monthly AS
WITH spans AS (
    SELECT customer_id, started_at, coalesce(ended_at, ends_at) AS end_at FROM subscriptions WHERE started_at IS NOT NULL AND _deleted_at IS NULL
), cohorts AS (
    SELECT customer_id, date_trunc('month', min(started_at), 'UTC') AS cohort_month FROM spans GROUP BY 1
), sizes AS (SELECT cohort_month, count(*) AS customers FROM cohorts GROUP BY 1)
SELECT z.cohort_month::date, a.age AS age_months, z.customers,
    count(DISTINCT s.customer_id) AS retained_customers
FROM sizes z
CROSS JOIN LATERAL generate_series(0, (extract(year FROM age(date_trunc('month', now(), 'UTC'), z.cohort_month)) * 12 + extract(month FROM age(date_trunc('month', now(), 'UTC'), z.cohort_month)))::int) a (age)
JOIN cohorts c ON c.cohort_month = z.cohort_month
LEFT JOIN spans s ON s.customer_id = c.customer_id AND s.started_at < z.cohort_month + make_interval(months => a.age + 1)
    AND (s.end_at IS NULL OR s.end_at >= least(z.cohort_month + make_interval(months => a.age + 1), now()))
GROUP BY 1, 2, 3;
COMMENT ON VIEW cohorts_monthly IS 'Customers by the month in which their first subscription started (UTC), and how many had one running so many months later.';
COMMENT ON COLUMN cohorts_monthly.cohort_month IS 'First day of the month (UTC).';
COMMENT ON COLUMN cohorts_monthly.age_months IS 'Age of the cohort in months: 0 is the month itself.';
COMMENT ON COLUMN cohorts_monthly.customers IS 'Customers of the cohort.';
COMMENT ON COLUMN cohorts_monthly.retained_customers IS 'Those with a subscription that ran at the end of that month of age; at this moment where that end is still to come.';

CREATE OR REPLACE VIEW usage_current AS
SELECT sm.subscription_id, s.customer_id, s.product_id, sm.meter_id, m.name AS meter_name, s.status AS subscription_status, s.current_period_start, s.current_period_end,
    sm.consumed_units, sm.credited_units, greatest(sm.consumed_units - sm.credited_units, 0) AS billable_units, sm.amount, s.currency, pr.unit_amount, pr.cap_amount,
    CASE WHEN pr.cap_amount > 0 THEN round(sm.amount::numeric / pr.cap_amount, 4) END AS part_of_cap, coalesce(sm.amount >= pr.cap_amount, false) AS is_at_cap
FROM subscription_meters sm
JOIN subscriptions s ON s.id = sm.subscription_id AND s._deleted_at IS NULL
JOIN meters m ON m.id = sm.meter_id
LEFT JOIN LATERAL (SELECT sp.unit_amount, sp.cap_amount FROM subscription_prices sp
    WHERE sp.subscription_id = sm.subscription_id AND sp.meter_id = sm.meter_id AND sp._removed_at IS NULL ORDER BY sp._position LIMIT 1) pr ON true
WHERE sm._removed_at IS NULL AND coalesce(s.ended_at, 'infinity') > now();
COMMENT ON VIEW usage_current IS 'Metered usage of running subscriptions in their current period, one row per subscription and meter, against the cap of the price.';
COMMENT ON COLUMN usage_current.subscription_id IS 'Subscription: subscriptions.id.';
COMMENT ON COLUMN usage_current.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN usage_current.product_id IS 'Product: products.id.';
COMMENT ON COLUMN usage_current.meter_id IS 'Meter: meters.id.';
COMMENT ON COLUMN usage_current.meter_name IS 'Name of the meter.';
COMMENT ON COLUMN usage_current.subscription_status IS 'State of the subscription.';
COMMENT ON COLUMN usage_current.current_period_start IS 'Start of the current billing period (UTC).';
COMMENT ON COLUMN usage_current.current_period_end IS 'End of the current billing period (UTC).';
COMMENT ON COLUMN usage_current.consumed_units IS 'Units used in the current period.';
COMMENT ON COLUMN usage_current.credited_units IS 'Units credited in the current period.';
COMMENT ON COLUMN usage_current.billable_units IS 'Units beyond the credited ones.';
COMMENT ON COLUMN usage_current.amount IS 'What the usage costs so far. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN usage_current.currency IS 'Currency of the subscription: ISO 4217, lower case.';
COMMENT ON COLUMN usage_current.unit_amount IS 'Price of one unit. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN usage_current.cap_amount IS 'The most that one period can cost; null without a limit. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN usage_current.part_of_cap IS 'amount divided by cap_amount; null without a cap.';
COMMENT ON COLUMN usage_current.is_at_cap IS 'Whether amount has reached cap_amount.';
