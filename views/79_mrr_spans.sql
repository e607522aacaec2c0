-- What views of MRR are made of: the days on which each subscription brought how much, kept by the writer.

CREATE OR REPLACE FUNCTION utc_day(t timestamptz) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (t AT TIME ZONE 'UTC')::date;
COMMENT ON FUNCTION utc_day(timestamptz) IS 'The day of a time, in UTC.';

CREATE OR REPLACE FUNCTION mrr_spans_of(ids uuid[]) RETURNS SETOF sync_mrr_spans
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH changed AS (
        SELECT id, seq, operation, max(changed_at) OVER (PARTITION BY id ORDER BY seq) AS ended, merge_jsonb(old) OVER (PARTITION BY id ORDER BY seq DESC) AS was
        FROM changes
        WHERE stream = 'subscriptions' AND id = ANY (ids) AND (operation <> 'update' OR old ?| '{status,currency,amount,recurring_interval,
            recurring_interval_count,started_at,trial_end,ends_at,ended_at,paused_at,past_due_at,seats,units,customer_id,product_id,discount_id}'::text[])
    ), versions (version, s, valid_from, valid_to) AS (
        SELECT 'now' AS version, jsonb_populate_record(s, NULL) AS s, '-infinity'::timestamptz AS valid_from, NULL::timestamptz AS valid_to FROM subscriptions s WHERE s.id = ANY (ids) AND s._deleted_at IS NULL
        UNION ALL
        SELECT 'then', jsonb_populate_record(s, NULL), coalesce(c.began, s.created_at, '-infinity'), NULL
        FROM subscriptions s LEFT JOIN (SELECT id, max(ended) AS began FROM changed GROUP BY id) c ON c.id = s.id
        WHERE s.id = ANY (ids) AND s._deleted_at IS NULL
        UNION ALL
        SELECT 'then', c.s, coalesce(c.began, LEAST((c.s).created_at, c.ended), '-infinity'), c.ended
        FROM (
            SELECT c.*, lag(c.ended) OVER (PARTITION BY c.id ORDER BY c.seq) AS began, jsonb_populate_record(s, c.was) AS s
            FROM changed c LEFT JOIN subscriptions s ON s.id = c.id
        ) c
        WHERE c.operation <> 'insert' AND (c.s)._deleted_at IS NULL
    ), charges AS (
        SELECT id, '-infinity'::timestamptz AS at, 0 AS place, NULL::uuid AS order_id, 1::numeric AS net, 1::numeric AS gross FROM unnest(ids) id
        UNION ALL
        SELECT subscription_id, charged_at, 1, order_id, CASE WHEN inclusive THEN net_amount ELSE 1 END, CASE WHEN inclusive THEN net_amount + tax_amount ELSE 1 END
        FROM subscription_charges WHERE subscription_id = ANY (ids)
    ), rates AS (
        SELECT id, net, gross, utc_day(at) AS from_day, utc_day(lead(at) OVER (PARTITION BY id ORDER BY at, place, order_id)) AS to_day
        FROM (SELECT *, net * lag(gross) OVER w = gross * lag(net) OVER w AS is_same FROM charges WINDOW w AS (PARTITION BY id ORDER BY at, place, order_id)) c
        WHERE is_same IS NOT TRUE
    ), priced AS MATERIALIZED (
        SELECT (v.s).id, (v.s).customer_id, (v.s).product_id, (v.s).currency, (v.s).status, (v.s).amount, (v.s).recurring_interval,
            (v.s).recurring_interval_count, (v.s).seats, (v.s).units, (v.s).discount_id, (v.s).trial_end, (v.s).paused_at, (v.s).past_due_at, v.version,
            CASE WHEN r.net = r.gross THEN (v.s).amount ELSE round_half_even((v.s).amount * r.net / r.gross) END AS net_amount,
            coalesce((v.s).ended_at, (v.s).ends_at) AS end_at,
            GREATEST(utc_day(v.valid_from), utc_day((v.s).started_at), CASE v.version WHEN 'then' THEN r.from_day END) AS from_day,
            LEAST(utc_day(v.valid_to), utc_day(coalesce((v.s).ended_at, (v.s).ends_at)), r.to_day) AS to_day
        FROM versions v JOIN rates r ON r.id = (v.s).id AND (v.version = 'then' OR r.to_day IS NULL)
        WHERE (v.s).started_at IS NOT NULL AND (v.version = 'now' OR (v.s).status NOT IN ('incomplete', 'incomplete_expired'))
    ), held AS (
        SELECT *, CASE
                WHEN version = 'now' THEN NULL
                WHEN status = 'paused' THEN GREATEST(from_day, utc_day(paused_at))
                WHEN status IN ('past_due', 'unpaid') THEN GREATEST(from_day, utc_day(past_due_at))
            END AS held_day, GREATEST(from_day, utc_day(trial_end)) AS paid_day,
            coalesce(monthly_amount(net_amount, recurring_interval, recurring_interval_count), 0)::bigint AS monthly_amount
        FROM priced
    )
    SELECT h.id, h.customer_id, h.product_id, h.currency, h.version, p.state, h.end_at IS NULL, h.monthly_amount, p.from_day, p.to_day,
        h.status, h.amount, h.recurring_interval, h.recurring_interval_count, h.seats, h.units, h.discount_id
    FROM held h CROSS JOIN LATERAL (VALUES
        ('trial', h.from_day, LEAST(h.paid_day, h.held_day, h.to_day)),
        ('active', h.paid_day, LEAST(h.held_day, h.to_day)),
        (CASE h.status WHEN 'paused' THEN 'paused' ELSE 'past_due' END, h.held_day, h.to_day)) p (state, from_day, to_day)
    WHERE p.from_day < coalesce(p.to_day, 'infinity')
$$;
COMMENT ON FUNCTION mrr_spans_of(uuid[]) IS 'The rows of sync_mrr_spans of some subscriptions, as they follow from subscriptions, changes, orders and checkouts.';

CREATE OR REPLACE FUNCTION keep_mrr() RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT SET plan_cache_mode TO force_custom_plan SET enable_nestloop TO on AS $$
DECLARE
    ids          uuid[];
    kept_seq     bigint;
    kept_rebuilt bigint;
    kept_basis   text;
    next_seq     bigint;
    next_rebuilt bigint;
    next_basis   text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('syncd mrr ' || current_schema(), 0));
    SELECT seq, rebuilt_seq, basis INTO kept_seq, kept_rebuilt, kept_basis FROM sync_mrr;
    next_basis := concat_ws(' ', (SELECT string_agg(stream || ' ' || extract(epoch FROM history_since), ' ' ORDER BY stream) FROM sync_streams WHERE stream IN ('checkouts', 'orders', 'subscriptions')),
        (SELECT md5(string_agg(prosrc, '' ORDER BY proname)) FROM pg_proc WHERE oid = 'mrr_spans_of'::regproc));
    -- Most runs change nothing, and the sequences show it: the partitions of changes are not even opened.
    IF kept_basis = next_basis AND EXISTS (SELECT FROM changes_seq WHERE is_called AND last_value <= kept_seq)
        AND NOT EXISTS (SELECT FROM changes_rebuilt_seq WHERE is_called AND last_value > kept_rebuilt) THEN
        RETURN;
    END IF;
    next_seq := coalesce((SELECT max(seq) FROM changes WHERE seq > 0), 0);
    next_rebuilt := coalesce((SELECT max(seq) FROM changes WHERE seq < 0), -9223372036854775807);
    IF (kept_seq, kept_rebuilt, kept_basis) = (next_seq, next_rebuilt, next_basis) THEN
        RETURN;
    END IF;
    IF kept_basis = next_basis THEN
        ids := ARRAY(
            SELECT c.id FROM changes c WHERE c.stream = 'subscriptions' AND (c.seq > 0 AND c.seq > kept_seq OR c.seq < 0 AND c.seq > kept_rebuilt)
            UNION
            SELECT o.subscription_id FROM changes c JOIN orders o ON o.id = c.id WHERE c.stream = 'orders' AND c.seq > kept_seq AND o.subscription_id IS NOT NULL
            UNION
            SELECT s.id FROM changes c JOIN checkouts k ON k.id = c.id JOIN subscriptions s ON s.customer_id = k.customer_id AND s.checkout_id = k.id
            WHERE c.stream = 'checkouts' AND c.seq > kept_seq);
        DELETE FROM sync_mrr_spans WHERE subscription_id = ANY (ids);
    ELSE
        ids := ARRAY(SELECT id FROM subscriptions UNION SELECT id FROM changes WHERE stream = 'subscriptions');
        DELETE FROM sync_mrr_spans;
    END IF;
    -- The planner takes any list of ids for one of ten. Of many subscriptions, each would be compared with each.
    PERFORM set_config('enable_nestloop', CASE WHEN cardinality(ids) > 1000 THEN 'off' ELSE 'on' END, true);
    INSERT INTO sync_mrr_spans SELECT * FROM mrr_spans_of(ids);
    INSERT INTO sync_mrr (is_only, seq, rebuilt_seq, basis, kept_at) VALUES (true, next_seq, next_rebuilt, next_basis, now())
    ON CONFLICT (is_only) DO UPDATE SET seq = EXCLUDED.seq, rebuilt_seq = EXCLUDED.rebuilt_seq, basis = EXCLUDED.basis, kept_at = EXCLUDED.kept_at;
END $$;
COMMENT ON FUNCTION keep_mrr() IS 'Brings sync_mrr_spans up to date: makes the spans of those subscriptions anew that have changed since, or all of them where history has begun or the rules are others. syncd calls it at the end of each run.';
