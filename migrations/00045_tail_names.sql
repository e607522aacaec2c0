-- Where the tail of a stream stands is kept by the names of its questions. It was kept by their places in the code, so that
-- moving one would have mixed up what databases hold. Rewrites and locks rows of sync_streams, of which there is one a stream.

-- +goose Up
WITH names (stream, place, name) AS (VALUES
    ('benefit_grants', 'slow0', 'head'), ('benefits', 'slow0', 'whole'), ('checkout_links', 'slow0', 'whole'),
    ('checkouts', 'slow0', 'head'), ('checkouts', 'slow1', 'hot status'), ('custom_fields', 'slow0', 'whole'),
    ('customer_meters', 'fast0', 'modified'), ('customers', 'fast0', 'head'), ('discounts', 'slow0', 'whole'),
    ('disputes', 'slow0', 'head'), ('disputes', 'slow1', 'hot status'), ('events', 'slow0', 'recent'), ('files', 'slow0', 'whole'),
    ('license_keys', 'slow0', 'whole'), ('members', 'slow0', 'head'), ('meters', 'slow0', 'whole'),
    ('metric_dashboards', 'slow0', 'whole'), ('orders', 'fast0', 'since'), ('orders', 'fast1', 'hot status'),
    ('orders', 'slow0', 'count'), ('organizations', 'slow0', 'whole'), ('payments', 'fast0', 'head'),
    ('payments', 'slow0', 'hot status'), ('products', 'slow0', 'whole'), ('refunds', 'slow0', 'head'),
    ('subscriptions', 'fast0', 'since'), ('subscriptions', 'fast1', 'due'), ('subscriptions', 'slow0', 'hot status'),
    ('subscriptions', 'slow1', 'count'), ('webhook_endpoints', 'slow0', 'whole')
)
UPDATE sync_streams s
SET tail = (
    SELECT jsonb_object_agg(member.key, CASE
        WHEN member.key IN ('reach', 'began', 'page', 'asked', 'cost') THEN (
            SELECT COALESCE(jsonb_object_agg(COALESCE(names.name, probe.key), probe.value), '{}')
            FROM jsonb_each(member.value) AS probe LEFT JOIN names ON names.stream = s.stream AND names.place = probe.key)
        ELSE member.value
    END)
    FROM jsonb_each(s.tail) AS member)
WHERE s.tail ?| ARRAY['reach', 'began', 'page', 'asked', 'cost'] AND s.stream IN (SELECT stream FROM names);

-- +goose Down
WITH names (stream, place, name) AS (VALUES
    ('benefit_grants', 'slow0', 'head'), ('benefits', 'slow0', 'whole'), ('checkout_links', 'slow0', 'whole'),
    ('checkouts', 'slow0', 'head'), ('checkouts', 'slow1', 'hot status'), ('custom_fields', 'slow0', 'whole'),
    ('customer_meters', 'fast0', 'modified'), ('customers', 'fast0', 'head'), ('discounts', 'slow0', 'whole'),
    ('disputes', 'slow0', 'head'), ('disputes', 'slow1', 'hot status'), ('events', 'slow0', 'recent'), ('files', 'slow0', 'whole'),
    ('license_keys', 'slow0', 'whole'), ('members', 'slow0', 'head'), ('meters', 'slow0', 'whole'),
    ('metric_dashboards', 'slow0', 'whole'), ('orders', 'fast0', 'since'), ('orders', 'fast1', 'hot status'),
    ('orders', 'slow0', 'count'), ('organizations', 'slow0', 'whole'), ('payments', 'fast0', 'head'),
    ('payments', 'slow0', 'hot status'), ('products', 'slow0', 'whole'), ('refunds', 'slow0', 'head'),
    ('subscriptions', 'fast0', 'since'), ('subscriptions', 'fast1', 'due'), ('subscriptions', 'slow0', 'hot status'),
    ('subscriptions', 'slow1', 'count'), ('webhook_endpoints', 'slow0', 'whole')
)
UPDATE sync_streams s
SET tail = (
    SELECT jsonb_object_agg(member.key, CASE
        WHEN member.key IN ('reach', 'began', 'page', 'asked', 'cost') THEN (
            SELECT COALESCE(jsonb_object_agg(COALESCE(names.place, probe.key), probe.value), '{}')
            FROM jsonb_each(member.value) AS probe LEFT JOIN names ON names.stream = s.stream AND names.name = probe.key)
        ELSE member.value
    END)
    FROM jsonb_each(s.tail) AS member)
WHERE s.tail ?| ARRAY['reach', 'began', 'page', 'asked', 'cost'] AND s.stream IN (SELECT stream FROM names);
