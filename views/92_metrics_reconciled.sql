-- Polar's metrics held against the same computed from the mirror: which are equal, and of the others, which differ only by what Polar does not show.

CREATE OR REPLACE FUNCTION metric_sources(slug text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN slug LIKE '%checkouts%' THEN ARRAY['checkouts']
    WHEN slug LIKE '%seat%' THEN ARRAY['customer_seats', 'subscriptions', 'orders']
    WHEN slug IN ('active_subscriptions', 'committed_subscriptions', 'churned_subscriptions', 'churn_rate') THEN ARRAY['subscriptions']
    WHEN slug LIKE '%recurring_revenue' OR slug = 'average_revenue_per_user' THEN ARRAY['subscriptions', 'orders', 'balance_events']
    WHEN slug = 'ltv' THEN ARRAY['subscriptions', 'orders', 'balance_events', 'events']
    WHEN slug = 'new_subscriptions' OR slug LIKE 'canceled_subscriptions%' THEN ARRAY['subscriptions', 'events']
    WHEN slug IN ('costs', 'cumulative_costs', 'cost_per_user', 'active_user_by_event') THEN ARRAY['events']
    WHEN slug IN ('cashflow', 'gross_margin', 'gross_margin_percentage') THEN ARRAY['orders', 'balance_events', 'events']
    ELSE ARRAY['orders', 'subscriptions', 'balance_events']
END;
COMMENT ON FUNCTION metric_sources(text) IS 'The streams that metrics_own() computes a metric from.';

CREATE OR REPLACE FUNCTION metrics_compared(every text, first_day date, last_day date, zone text DEFAULT 'UTC')
RETURNS TABLE (period_start timestamptz, slug text, polar_value numeric, own_value numeric, difference numeric, hidden_subscriptions numeric, fx_residual numeric, verdict text, reason text, data_through timestamptz)
LANGUAGE sql STABLE SET jit = off SET enable_nestloop = off
BEGIN ATOMIC
WITH polar AS MATERIALIZED ( -- periods that were over when Polar was asked: later ones have begun
    SELECT m.period_start AS t, m.slug, m.value, ((m.period_start AT TIME ZONE zone) + ('1 ' || every)::interval) AT TIME ZONE zone AS ends
    FROM metrics m LEFT JOIN freshness f ON f.stream = 'metrics'
    WHERE m."interval" = every AND coalesce(m.timezone, 'UTC') = zone AND m._deleted_at IS NULL AND m.value IS NOT NULL
        AND m.period_start < (SELECT max(x.period_start) FROM metrics x WHERE x."interval" = every AND x._deleted_at IS NULL)
        AND ((m.period_start AT TIME ZONE zone) + ('1 ' || every)::interval) AT TIME ZONE zone <= greatest(m._requested_at, f.data_through)
), through AS MATERIALIZED (
    SELECT s.slug, CASE WHEN bool_and(f.data_through IS NOT NULL) THEN min(f.data_through) END AS data_through,
        string_agg(n.name, ', ') FILTER (WHERE f.data_through IS NULL) AS missing
    FROM (SELECT DISTINCT slug FROM polar) s CROSS JOIN LATERAL unnest(metric_sources(s.slug)) n (name) LEFT JOIN freshness f ON f.stream = n.name GROUP BY 1
), own AS MATERIALIZED ( -- from the first period on: what is hidden has been there from the beginning
    SELECT o.period_start AS t, o.slug, o.value, o.lowest, o.highest
    FROM (SELECT min(t AT TIME ZONE zone)::date AS first, least(last_day, max(ends AT TIME ZONE zone)::date - 1) AS last FROM polar) r
    CROSS JOIN LATERAL metrics_computed(every, r.first, r.last, zone) o
), pairs AS MATERIALIZED (
    SELECT p.t, p.ends, p.slug, p.value AS polar, o.value AS own, o.lowest, o.highest, p.value - o.value AS difference, abs(p.value - o.value) <= greatest(0.000001, abs(p.value) * 0.000000001) AS is_equal
    FROM polar p JOIN own o USING (t, slug)
), wide AS (
    SELECT t, max(polar) FILTER (WHERE slug = 'monthly_recurring_revenue') AS mrr, max(polar) FILTER (WHERE slug = 'committed_monthly_recurring_revenue') AS committed_mrr,
        max(polar) FILTER (WHERE slug = 'average_revenue_per_user') AS arpu, max(polar) FILTER (WHERE slug = 'churn_rate') AS churn_rate, max(polar) FILTER (WHERE slug = 'cost_per_user') AS cost_per_user,
        max(polar) FILTER (WHERE slug = 'checkouts') AS checkouts, max(polar) FILTER (WHERE slug = 'succeeded_checkouts') AS succeeded,
        max(difference) FILTER (WHERE slug = 'active_subscriptions') AS hidden, max(difference) FILTER (WHERE slug = 'committed_subscriptions') AS committed, max(difference) FILTER (WHERE slug = 'churned_subscriptions') AS ended,
        bool_and(is_equal) FILTER (WHERE slug = 'cost_per_user') AS cost_is_equal
    FROM pairs GROUP BY t
), base AS MATERIALIZED (
    SELECT w.*, o.customers, o.churn_canceled, o.churn_active, sum(ended) OVER s AS gone, count(*) OVER () AS periods, first_value(hidden + ended) OVER s AS total, first_value(committed) OVER s AS lasting
    FROM wide w JOIN (SELECT t, max(value) FILTER (WHERE slug = '_customers') AS customers, max(value) FILTER (WHERE slug = '_churn_canceled') AS churn_canceled, max(value) FILTER (WHERE slug = '_churn_active') AS churn_active
        FROM own WHERE slug LIKE '\_%' GROUP BY t) o USING (t)
    WINDOW s AS (ORDER BY t)
), shown AS MATERIALIZED ( -- The hidden ones have always been there: with those that have ended, they are as many in each period, and so are those without an end.
    SELECT b.*, coalesce(periods > 1 AND hidden >= 0 AND ended >= 0 AND hidden + gone = total, false) AS hidden_is_shown,
        coalesce(periods > 1 AND committed BETWEEN 0 AND hidden AND committed = lasting, false) AS committed_is_shown
    FROM base b
), amounts AS ( -- What the hidden ones bring lies between low and high; anchor: the period with as many hidden ones where it is known best.
    SELECT p.t, p.slug, p.lowest, p.highest, s.hidden, s.gone, s.hidden_is_shown, p.polar - p.highest AS low, p.polar - p.lowest AS high,
        first_value(p.t) OVER known AS anchor, first_value(p.polar - p.highest) OVER known AS anchor_low, first_value(p.polar - p.lowest) OVER known AS anchor_high,
        first_value(p.t) OVER first AS first_t, first_value(p.polar - p.lowest) OVER first AS first_high, last_value(p.t) OVER first AS last_t, last_value(p.polar - p.highest) OVER first AS last_low,
        lag(p.t) OVER next AS before, lag(p.polar - p.highest) OVER next AS before_low, lag(p.polar - p.lowest) OVER next AS before_high
    FROM pairs p JOIN shown s USING (t) WHERE p.slug IN ('monthly_recurring_revenue', 'trial_monthly_recurring_revenue', 'committed_monthly_recurring_revenue', 'trial_committed_monthly_recurring_revenue')
    WINDOW known AS (PARTITION BY p.slug, s.gone ORDER BY p.highest - p.lowest, p.t), next AS (PARTITION BY p.slug, s.gone ORDER BY p.t),
        first AS (PARTITION BY p.slug ORDER BY p.t ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
), rates AS MATERIALIZED (
    SELECT t, slug, lowest, highest FROM own WHERE slug LIKE '\_rate\_%'
), moves AS MATERIALIZED ( -- how far an amount in any currency may have moved between two periods
    SELECT k.a, k.t, least(1, min(x.lowest / nullif(y.highest, 0))) AS low, greatest(1, max(x.highest / nullif(y.lowest, 0))) AS high, count(x.slug) > 0 AS foreigners
    FROM (SELECT anchor AS a, t FROM amounts UNION SELECT first_t, t FROM amounts UNION SELECT last_t, t FROM amounts UNION SELECT before, t FROM amounts WHERE before IS NOT NULL) k
    LEFT JOIN rates x ON x.t = k.t LEFT JOIN rates y ON y.t = k.a AND y.slug = x.slug GROUP BY 1, 2
), money AS MATERIALIZED ( -- each amount is rounded twice in each of the two periods
    SELECT m.t, m.slug, m.lowest < m.highest AS is_open, (m.anchor_low + m.anchor_high) / 2 AS hidden_amount,
        coalesce(m.hidden_is_shown AND m.high >= 0 AND (m.hidden > 0 OR m.low <= 0)
            AND m.low <= m.anchor_high * x.high + slack AND m.high >= m.anchor_low * x.low - slack
            AND (m.before IS NULL OR m.low <= m.before_high * b.high + slack AND m.high >= m.before_low * b.low - slack)
            AND m.low <= m.first_high * f.high + slack AND m.high >= m.last_low * l.low - slack, false) AS is_shown
    FROM amounts m JOIN moves x ON x.a = m.anchor AND x.t = m.t JOIN moves f ON f.a = m.first_t AND f.t = m.t JOIN moves l ON l.a = m.last_t AND l.t = m.t
    LEFT JOIN moves b ON b.a = m.before AND b.t = m.t
    CROSS JOIN LATERAL (SELECT CASE WHEN x.foreigners AND (m.anchor_low <> 0 OR m.anchor_high <> 0) THEN 2 * m.hidden ELSE 0 END AS slack) k
), rest AS MATERIALIZED ( -- of what Polar says itself, and of what was shown
    SELECT s.*, r.mrr_is_shown, r.committed_mrr_is_shown, r.is_open,
        r.mrr_is_shown AND EXISTS (SELECT FROM generate_series(0, s.hidden) k WHERE s.arpu = CASE WHEN s.customers + k > 0 THEN round(s.mrr / (s.customers + k)) ELSE 0 END) AS arpu_is_shown,
        s.hidden_is_shown AND EXISTS (SELECT FROM generate_series(greatest(c.least_hidden, 0), c.most_hidden) h, LATERAL (SELECT s.churn_rate * (s.churn_active + h) - s.churn_canceled AS canceled) n
            WHERE abs(canceled - round(canceled)) < 0.0001 AND round(canceled) BETWEEN 0 AND greatest(h - s.lasting, 0)) AS churn_is_shown
    FROM shown s
    CROSS JOIN LATERAL (SELECT coalesce(bool_and(m.is_shown) FILTER (WHERE slug = 'monthly_recurring_revenue'), false) AS mrr_is_shown,
        coalesce(bool_and(m.is_shown) FILTER (WHERE slug = 'committed_monthly_recurring_revenue'), false) AS committed_mrr_is_shown, coalesce(bool_or(m.is_open), false) AS is_open FROM money m WHERE m.t = s.t) r
    CROSS JOIN LATERAL (SELECT CASE WHEN every = 'year' THEN s.t ELSE (s.t AT TIME ZONE zone - interval '30 days') AT TIME ZONE zone END AS at) w
    LEFT JOIN LATERAL (SELECT b.total - b.gone AS hidden, b.ended FROM base b WHERE b.t <= w.at ORDER BY b.t DESC LIMIT 1) b ON true
    CROSS JOIN LATERAL (SELECT coalesce(b.hidden, s.total) AS least_hidden, coalesce(b.hidden + greatest(b.ended, 0), s.total) AS most_hidden) c
), judged AS (
    SELECT p.*, r.hidden, m.hidden_amount, r.is_open AS rates_are_open, CASE
            WHEN p.slug IN ('active_subscriptions', 'churned_subscriptions') THEN r.hidden_is_shown
            WHEN p.slug = 'committed_subscriptions' THEN r.committed_is_shown
            WHEN m.slug IS NOT NULL THEN m.is_shown
            WHEN p.slug = 'annual_recurring_revenue' THEN r.mrr_is_shown AND p.polar = 12 * r.mrr
            WHEN p.slug = 'committed_annual_recurring_revenue' THEN r.committed_mrr_is_shown AND p.polar = 12 * r.committed_mrr
            WHEN p.slug = 'average_revenue_per_user' THEN r.arpu_is_shown
            WHEN p.slug = 'churn_rate' THEN r.churn_is_shown
            WHEN p.slug = 'ltv' THEN r.arpu_is_shown AND r.churn_is_shown AND r.cost_is_equal
                AND p.polar = CASE WHEN r.churn_rate > 0 THEN greatest(0, trunc((r.arpu::float8 - r.cost_per_user::float8) / r.churn_rate::float8))::numeric ELSE 0 END
            WHEN p.slug IN ('checkouts', 'succeeded_checkouts') THEN p.polar BETWEEN p.lowest AND p.highest
            WHEN p.slug = 'checkouts_conversion' THEN abs(p.polar - coalesce(r.succeeded / nullif(r.checkouts, 0), 0)) < 0.000001
            ELSE false
        END AS is_shown
    FROM pairs p JOIN rest r USING (t) LEFT JOIN money m USING (t, slug)
)
SELECT j.t, j.slug, j.polar, j.own, j.difference, j.hidden, CASE WHEN j.hidden_amount IS NOT NULL AND j.lowest < j.highest THEN j.difference - j.hidden_amount END,
    CASE WHEN h.data_through IS NULL OR h.data_through < j.ends THEN NULL WHEN j.is_equal THEN 'equal' WHEN j.is_shown THEN 'explained' ELSE 'different' END,
    CASE
        WHEN h.data_through IS NULL THEN 'needs ' || h.missing
        WHEN h.data_through < j.ends THEN 'the period is not mirrored whole'
        WHEN j.is_equal THEN NULL
        WHEN NOT j.is_shown THEN 'nothing that Polar does not show explains it'
        WHEN j.slug LIKE '%checkouts%' THEN 'checkouts count when they were first opened, which Polar does not show'
        ELSE concat_ws('; ', CASE WHEN j.hidden > 0 THEN 'hidden subscriptions' END, CASE WHEN j.rates_are_open AND (j.hidden_amount IS NOT NULL OR j.slug LIKE '%recurring_revenue' OR j.slug IN ('average_revenue_per_user', 'ltv')) THEN 'rates' END)
    END, h.data_through
FROM judged j JOIN through h USING (slug) WHERE j.t >= first_day::timestamp AT TIME ZONE zone OR j.t >= date_trunc(every, first_day::timestamp) AT TIME ZONE zone;
END;
COMMENT ON FUNCTION metrics_compared(text, date, date, text) IS 'metrics_reconciled for one interval (every) and the periods between two days, both included: faster than the view where that is all one asks.';

CREATE OR REPLACE VIEW metrics_reconciled AS
SELECT r."interval", r.timezone, c.period_start, c.slug, c.polar_value, c.own_value, c.difference, c.hidden_subscriptions, c.fx_residual, c.verdict, c.reason,
    CASE
        WHEN c.slug IN ('active_subscriptions', 'committed_subscriptions', 'churned_subscriptions', 'churn_rate', 'ltv') THEN 'Polar counts subscriptions that it lists nowhere: those without started_at.'
        WHEN c.slug LIKE '%recurring_revenue' OR c.slug = 'average_revenue_per_user' THEN 'Polar counts subscriptions that it lists nowhere: those without started_at. Where a period has no payment of yours in a currency, it takes rates of other organizations.'
        WHEN c.slug IN ('checkouts', 'succeeded_checkouts', 'checkouts_conversion') THEN 'Polar counts checkouts that were opened, at the time of opening, which it does not list: here all count, when they were made.'
        ELSE 'The same from the mirror.'
    END AS definition,
    c.data_through
FROM (
    SELECT "interval", coalesce(timezone, 'UTC') AS timezone, min(period_start) AS first, max(period_start) AS last FROM metrics WHERE _deleted_at IS NULL GROUP BY 1, 2
) r CROSS JOIN LATERAL metrics_compared(r."interval", (r.first AT TIME ZONE r.timezone)::date, (r.last AT TIME ZONE r.timezone + ('1 ' || r."interval")::interval)::date, r.timezone) c;
COMMENT ON VIEW metrics_reconciled IS 'Polar''s metrics beside the same computed from the mirror, for periods that were over when Polar was asked. A condition on interval spares the others; for few periods ask metrics_compared().';
COMMENT ON COLUMN metrics_reconciled."interval" IS 'Length of the period: day, month ...';
COMMENT ON COLUMN metrics_reconciled.timezone IS 'Time zone of the periods.';
COMMENT ON COLUMN metrics_reconciled.period_start IS 'Start of the period (UTC).';
COMMENT ON COLUMN metrics_reconciled.slug IS 'Name of the metric, as Polar has it.';
COMMENT ON COLUMN metrics_reconciled.polar_value IS 'What Polar says. Amounts are US cents.';
COMMENT ON COLUMN metrics_reconciled.own_value IS 'What the mirror says: metrics_own().';
COMMENT ON COLUMN metrics_reconciled.difference IS 'polar_value without own_value.';
COMMENT ON COLUMN metrics_reconciled.hidden_subscriptions IS 'Active subscriptions that Polar counts in the period and lists nowhere; null where it was not asked for active_subscriptions.';
COMMENT ON COLUMN metrics_reconciled.fx_residual IS 'Of metrics of recurring revenue, where a period has no payment of yours in a currency: difference without what hidden subscriptions bring in other periods. US cents; null elsewhere.';
COMMENT ON COLUMN metrics_reconciled.verdict IS 'equal: to a part in a thousand million. explained: what Polar does not show is shown to make the difference; see reason. different: it is not. Null: not compared, because a stream is missing; see reason.';
COMMENT ON COLUMN metrics_reconciled.reason IS 'Why the verdict is not equal; null where it is.';
COMMENT ON COLUMN metrics_reconciled.definition IS 'What the two count differently, if anything.';
COMMENT ON COLUMN metrics_reconciled.data_through IS 'Moment up to which all the streams that are counted are known to be mirrored (UTC).';
