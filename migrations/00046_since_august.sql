-- Columns for what Polar has sent since August 2026, filled from _extra, where earlier versions of syncd kept it.
-- Adds nullable columns to seven tables: an exclusive lock on each for an instant. Then reads these tables once, and rewrites
-- the rows that have anything of it in _extra; none, where only versions of the API before 2026-10 were read.
-- What is not of the column's type stays where it is, and the row is written anew by the next sweep.

-- +goose Up
ALTER TABLE order_items ADD COLUMN start_timestamp timestamptz, ADD COLUMN end_timestamp timestamptz;
COMMENT ON COLUMN order_items.start_timestamp IS 'Begin of the period that the line pays for (UTC); null for what has no period, and where Polar does not tell.';
COMMENT ON COLUMN order_items.end_timestamp IS 'End of the period that the line pays for (UTC); null for what has no period, and where Polar does not tell.';

ALTER TABLE license_keys ADD COLUMN member_id uuid, ADD COLUMN subscription_id uuid, ADD COLUMN order_id uuid;
COMMENT ON COLUMN license_keys.member_id IS 'Member of the customer that holds the key: members.id. From version 2026-10 of the API on; null before, and where nobody holds it.';
COMMENT ON COLUMN license_keys.subscription_id IS 'Subscription that the key was given for: subscriptions.id. From version 2027-01 of the API on; null before, and where it was given for an order.';
COMMENT ON COLUMN license_keys.order_id IS 'Order that the key was given for: orders.id. From version 2027-01 of the API on; null before, and where it was given for a subscription.';
COMMENT ON COLUMN license_keys._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';

ALTER TABLE product_prices ADD COLUMN tiers jsonb, ADD COLUMN minimum_units bigint, ADD COLUMN maximum_units bigint, ADD COLUMN unit_label jsonb;
COMMENT ON COLUMN product_prices.tiers IS 'unit_based and metered_tiers: the tiers. Of unit_based an object: type (volume or graduated), tiers (bound, unit_amount in the smallest unit of price_currency, with the digits as Polar sent them).';
COMMENT ON COLUMN product_prices.minimum_units IS 'unit_based: the fewest units that can be bought; null means no limit.';
COMMENT ON COLUMN product_prices.maximum_units IS 'unit_based: the most units that can be bought; null means no limit.';
COMMENT ON COLUMN product_prices.unit_label IS 'unit_based: what one unit is called, as an object: by language, such as en, its plural forms (one, other); null means no name.';
COMMENT ON COLUMN product_prices.amount_type IS 'How the amount is found; decides which of the columns below are set. Known today: fixed, custom, metered_unit, metered_tiers, seat_based, unit_based; new ones may come.';

ALTER TABLE subscription_prices ADD COLUMN tiers jsonb, ADD COLUMN minimum_units bigint, ADD COLUMN maximum_units bigint, ADD COLUMN unit_label jsonb;
COMMENT ON COLUMN subscription_prices.tiers IS 'unit_based and metered_tiers: the tiers. Of unit_based an object: type (volume or graduated), tiers (bound, unit_amount in the smallest unit of price_currency, with the digits as Polar sent them).';
COMMENT ON COLUMN subscription_prices.minimum_units IS 'unit_based: the fewest units that can be bought; null means no limit.';
COMMENT ON COLUMN subscription_prices.maximum_units IS 'unit_based: the most units that can be bought; null means no limit.';
COMMENT ON COLUMN subscription_prices.unit_label IS 'unit_based: what one unit is called, as an object: by language, such as en, its plural forms (one, other); null means no name.';
COMMENT ON COLUMN subscription_prices.amount_type IS 'How the amount is found; decides which of the columns below are set. Known today: fixed, custom, metered_unit, metered_tiers, seat_based, unit_based; new ones may come.';

ALTER TABLE products ADD COLUMN is_deletable boolean;
COMMENT ON COLUMN products.is_deletable IS 'Whether the product can be deleted: false from its first order on. Null where Polar does not tell.';
COMMENT ON TABLE products IS 'Products, archived ones too. One that was never ordered can be deleted in Polar.';

ALTER TABLE checkouts ADD COLUMN customer_external_id text;
COMMENT ON COLUMN checkouts.customer_external_id IS 'Id of the customer in your own system, in an older name that Polar still sends without documenting it: the same as external_customer_id.';

ALTER TABLE webhook_endpoints ADD COLUMN api_version text, ADD COLUMN uses_standard_webhook_signature boolean;
COMMENT ON COLUMN webhook_endpoints.api_version IS 'Version of the API that its payloads are written in, such as 2026-10; null where Polar does not tell.';
COMMENT ON COLUMN webhook_endpoints.uses_standard_webhook_signature IS 'Whether payloads are signed with the base64 part of the secret, as Standard Webhooks has it; false: with the whole secret. Null where Polar does not tell.';

-- +goose StatementBegin
DO $$
DECLARE
    c record;
    valid text;
    uuids CONSTANT text := '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
    times CONSTANT text := '^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-][01]\d:[0-5]\d)$';
BEGIN
    FOR c IN
        SELECT a.attrelid, a.attname, format_type(a.atttypid, NULL) AS type
        FROM pg_attribute a
        JOIN (VALUES ('order_items', 'start_timestamp'), ('order_items', 'end_timestamp'),
            ('license_keys', 'member_id'), ('license_keys', 'subscription_id'), ('license_keys', 'order_id'),
            ('product_prices', 'tiers'), ('product_prices', 'minimum_units'), ('product_prices', 'maximum_units'), ('product_prices', 'unit_label'),
            ('subscription_prices', 'tiers'), ('subscription_prices', 'minimum_units'), ('subscription_prices', 'maximum_units'), ('subscription_prices', 'unit_label'),
            ('products', 'is_deletable'), ('checkouts', 'customer_external_id'),
            ('webhook_endpoints', 'api_version'), ('webhook_endpoints', 'uses_standard_webhook_signature')
        ) n (relation, attribute) ON a.attrelid = n.relation::regclass AND a.attname = n.attribute
    LOOP
        valid := CASE c.type
            WHEN 'uuid' THEN format('jsonb_typeof(_extra->%L) = ''string'' AND _extra->>%1$L ~ %L', c.attname, uuids)
            WHEN 'timestamp with time zone' THEN format('jsonb_typeof(_extra->%L) = ''string'' AND _extra->>%1$L ~ %L', c.attname, times)
            WHEN 'bigint' THEN format('jsonb_typeof(_extra->%L) = ''number'' AND _extra->>%1$L ~ ''^-?\d{1,18}$''', c.attname)
            WHEN 'boolean' THEN format('jsonb_typeof(_extra->%L) = ''boolean''', c.attname)
            WHEN 'text' THEN format('jsonb_typeof(_extra->%L) = ''string''', c.attname)
            ELSE 'true'
        END;
        EXECUTE format('UPDATE %s SET %I = CASE WHEN _extra->%L <> ''null'' THEN (%s)::%s END, _extra = _extra - %3$L
            WHERE _extra ? %3$L AND (_extra->%3$L = ''null'' OR %6$s)',
            c.attrelid::regclass, c.attname, c.attname,
            CASE c.type WHEN 'jsonb' THEN format('_extra->%L', c.attname) ELSE format('_extra->>%L', c.attname) END, c.type, valid);
        EXECUTE format('UPDATE %s SET _hash = '''' WHERE _extra ? %L', c.attrelid::regclass, c.attname);
    END LOOP;
    -- Of these, the next sweep compares the row that they belong to.
    UPDATE orders SET _hash = '' WHERE id IN (SELECT order_id FROM order_items WHERE _hash = '');
    UPDATE products SET _hash = '' WHERE id IN (SELECT product_id FROM product_prices WHERE _hash = '');
    UPDATE subscriptions SET _hash = '' WHERE id IN (SELECT subscription_id FROM subscription_prices WHERE _hash = '');
END $$;
-- +goose StatementEnd

CREATE VIEW migrated_subscriptions AS
SELECT (e.metadata->>'subscription_id')::uuid AS subscription_id, e.customer_id, e.metadata->>'provider' AS provider,
    e.metadata->>'provider_subscription_id' AS provider_subscription_id, e.timestamp AS migrated_at
FROM events e
WHERE e.name = 'subscription.migrated' AND e.source = 'system' AND e._deleted_at IS NULL;
COMMENT ON VIEW migrated_subscriptions IS 'Subscriptions that were moved to Polar from another provider, with the id that they had there. From the stream events: it shows what is in the window that events are kept for.';
COMMENT ON COLUMN migrated_subscriptions.subscription_id IS 'Subscription in Polar: subscriptions.id.';
COMMENT ON COLUMN migrated_subscriptions.customer_id IS 'Customer of the subscription: customers.id.';
COMMENT ON COLUMN migrated_subscriptions.provider IS 'Where it was before, such as stripe.';
COMMENT ON COLUMN migrated_subscriptions.provider_subscription_id IS 'Id that the subscription had there.';
COMMENT ON COLUMN migrated_subscriptions.migrated_at IS 'When it was moved (UTC).';

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION customer_state(id uuid) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT c._extra || jsonb_build_object(
        'id', c.id,
        'created_at', polar_time(c.created_at),
        'modified_at', polar_time(c.modified_at),
        'metadata', c.metadata,
        'external_id', c.external_id,
        'email', c.email,
        'email_verified', c.email_verified,
        'type', c.type,
        'name', c.name,
        'billing_name', c.billing_name,
        'billing_address', c.billing_address,
        'tax_id', c.tax_id,
        'locale', c.locale,
        'organization_id', c.organization_id,
        'default_payment_method_id', c.default_payment_method_id,
        'deleted_at', polar_time(c.deleted_at),
        'first_user_event_at', polar_time(c.first_user_event_at),
        'avatar_url', c.avatar_url,
        'active_subscriptions', COALESCE((
            SELECT jsonb_agg(jsonb_build_object(
                'id', s.id,
                'created_at', polar_time(s.created_at),
                'modified_at', polar_time(s.modified_at),
                'custom_field_data', s.custom_field_data,
                'metadata', s.metadata,
                'status', s.status,
                'amount', s.amount,
                'currency', s.currency,
                'recurring_interval', s.recurring_interval,
                'current_period_start', polar_time(s.current_period_start),
                'current_period_end', polar_time(s.current_period_end),
                'trial_start', polar_time(s.trial_start),
                'trial_end', polar_time(s.trial_end),
                'cancel_at_period_end', s.cancel_at_period_end,
                'canceled_at', polar_time(s.canceled_at),
                'started_at', polar_time(s.started_at),
                'ends_at', polar_time(s.ends_at),
                'product_id', s.product_id,
                'discount_id', s.discount_id,
                'seats', s.seats,
                'units', s.units,
                'meters', COALESCE((
                    SELECT jsonb_agg(jsonb_build_object(
                        'id', m.id,
                        'created_at', polar_time(m.created_at),
                        'modified_at', polar_time(m.modified_at),
                        'meter_id', m.meter_id,
                        'consumed_units', m.consumed_units,
                        'credited_units', m.credited_units,
                        'amount', m.amount
                    ) ORDER BY m._position)
                    FROM subscription_meters m
                    WHERE m.subscription_id = s.id AND m._removed_at IS NULL), '[]')
            ) ORDER BY s.started_at, s.id)
            FROM subscriptions s
            WHERE s.customer_id = c.id AND s.status IN ('active', 'trialing') AND s._deleted_at IS NULL), '[]'),
        'granted_benefits', COALESCE((
            SELECT jsonb_agg(jsonb_build_object(
                'id', g.id,
                'created_at', polar_time(g.created_at),
                'modified_at', polar_time(g.modified_at),
                'granted_at', polar_time(g.granted_at),
                'benefit_id', g.benefit_id,
                'benefit_type', b.type,
                'benefit_metadata', b.metadata,
                'properties', g.properties
            ) ORDER BY g.granted_at, g.id)
            FROM benefit_grants g LEFT JOIN benefits b ON b.id = g.benefit_id
            WHERE g.customer_id = c.id AND g.is_granted AND g._deleted_at IS NULL), '[]'),
        'active_meters', COALESCE((
            SELECT jsonb_agg(jsonb_build_object(
                'id', u.id,
                'created_at', polar_time(u.created_at),
                'modified_at', polar_time(u.modified_at),
                'meter_id', u.meter_id,
                'consumed_units', u.consumed_units,
                'credited_units', u.credited_units,
                'balance', u.balance
            ) ORDER BY u.created_at, u.id)
            FROM customer_meters u
            WHERE u.customer_id = c.id AND u._deleted_at IS NULL), '[]')
    )
    FROM customers c
    WHERE c.id = customer_state.id AND c._deleted_at IS NULL AND c.deleted_at IS NULL;
END;
-- +goose StatementEnd

-- +goose Down
DROP VIEW migrated_subscriptions;
UPDATE order_items SET _extra = _extra || jsonb_strip_nulls(jsonb_build_object('start_timestamp', polar_time(start_timestamp), 'end_timestamp', polar_time(end_timestamp)))
WHERE num_nonnulls(start_timestamp, end_timestamp) > 0;
UPDATE license_keys SET _extra = _extra || jsonb_strip_nulls(jsonb_build_object('member_id', member_id, 'subscription_id', subscription_id, 'order_id', order_id))
WHERE num_nonnulls(member_id, subscription_id, order_id) > 0;
UPDATE product_prices SET _extra = _extra || jsonb_strip_nulls(jsonb_build_object('minimum_units', minimum_units, 'maximum_units', maximum_units)) ||
    CASE WHEN tiers IS NULL THEN '{}' ELSE jsonb_build_object('tiers', tiers) END || CASE WHEN unit_label IS NULL THEN '{}' ELSE jsonb_build_object('unit_label', unit_label) END
WHERE num_nonnulls(tiers, minimum_units, maximum_units, unit_label) > 0;
UPDATE subscription_prices SET _extra = _extra || jsonb_strip_nulls(jsonb_build_object('minimum_units', minimum_units, 'maximum_units', maximum_units)) ||
    CASE WHEN tiers IS NULL THEN '{}' ELSE jsonb_build_object('tiers', tiers) END || CASE WHEN unit_label IS NULL THEN '{}' ELSE jsonb_build_object('unit_label', unit_label) END
WHERE num_nonnulls(tiers, minimum_units, maximum_units, unit_label) > 0;
UPDATE products SET _extra = _extra || jsonb_build_object('is_deletable', is_deletable) WHERE is_deletable IS NOT NULL;
UPDATE checkouts SET _extra = _extra || jsonb_build_object('customer_external_id', customer_external_id) WHERE customer_external_id IS NOT NULL;
UPDATE webhook_endpoints SET _extra = _extra || jsonb_strip_nulls(jsonb_build_object('api_version', api_version, 'uses_standard_webhook_signature', uses_standard_webhook_signature))
WHERE num_nonnulls(api_version, uses_standard_webhook_signature) > 0;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION customer_state(id uuid) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT c._extra || jsonb_build_object(
        'id', c.id,
        'created_at', polar_time(c.created_at),
        'modified_at', polar_time(c.modified_at),
        'metadata', c.metadata,
        'external_id', c.external_id,
        'email', c.email,
        'email_verified', c.email_verified,
        'type', c.type,
        'name', c.name,
        'billing_name', c.billing_name,
        'billing_address', c.billing_address,
        'tax_id', c.tax_id,
        'locale', c.locale,
        'organization_id', c.organization_id,
        'default_payment_method_id', c.default_payment_method_id,
        'deleted_at', polar_time(c.deleted_at),
        'first_user_event_at', polar_time(c.first_user_event_at),
        'avatar_url', c.avatar_url,
        'active_subscriptions', COALESCE((
            SELECT jsonb_agg(jsonb_build_object(
                'id', s.id,
                'created_at', polar_time(s.created_at),
                'modified_at', polar_time(s.modified_at),
                'custom_field_data', s.custom_field_data,
                'metadata', s.metadata,
                'status', s.status,
                'amount', s.amount,
                'currency', s.currency,
                'recurring_interval', s.recurring_interval,
                'current_period_start', polar_time(s.current_period_start),
                'current_period_end', polar_time(s.current_period_end),
                'trial_start', polar_time(s.trial_start),
                'trial_end', polar_time(s.trial_end),
                'cancel_at_period_end', s.cancel_at_period_end,
                'canceled_at', polar_time(s.canceled_at),
                'started_at', polar_time(s.started_at),
                'ends_at', polar_time(s.ends_at),
                'product_id', s.product_id,
                'discount_id', s.discount_id,
                'meters', COALESCE((
                    SELECT jsonb_agg(jsonb_build_object(
                        'id', m.id,
                        'created_at', polar_time(m.created_at),
                        'modified_at', polar_time(m.modified_at),
                        'meter_id', m.meter_id,
                        'consumed_units', m.consumed_units,
                        'credited_units', m.credited_units,
                        'amount', m.amount
                    ) ORDER BY m._position)
                    FROM subscription_meters m
                    WHERE m.subscription_id = s.id AND m._removed_at IS NULL), '[]')
            ) ORDER BY s.started_at, s.id)
            FROM subscriptions s
            WHERE s.customer_id = c.id AND s.status IN ('active', 'trialing') AND s._deleted_at IS NULL), '[]'),
        'granted_benefits', COALESCE((
            SELECT jsonb_agg(jsonb_build_object(
                'id', g.id,
                'created_at', polar_time(g.created_at),
                'modified_at', polar_time(g.modified_at),
                'granted_at', polar_time(g.granted_at),
                'benefit_id', g.benefit_id,
                'benefit_type', b.type,
                'benefit_metadata', b.metadata,
                'properties', g.properties
            ) ORDER BY g.granted_at, g.id)
            FROM benefit_grants g LEFT JOIN benefits b ON b.id = g.benefit_id
            WHERE g.customer_id = c.id AND g.is_granted AND g._deleted_at IS NULL), '[]'),
        'active_meters', COALESCE((
            SELECT jsonb_agg(jsonb_build_object(
                'id', u.id,
                'created_at', polar_time(u.created_at),
                'modified_at', polar_time(u.modified_at),
                'meter_id', u.meter_id,
                'consumed_units', u.consumed_units,
                'credited_units', u.credited_units,
                'balance', u.balance
            ) ORDER BY u.created_at, u.id)
            FROM customer_meters u
            WHERE u.customer_id = c.id AND u._deleted_at IS NULL), '[]')
    )
    FROM customers c
    WHERE c.id = customer_state.id AND c._deleted_at IS NULL AND c.deleted_at IS NULL;
END;
-- +goose StatementEnd
ALTER TABLE webhook_endpoints DROP COLUMN uses_standard_webhook_signature, DROP COLUMN api_version;
ALTER TABLE checkouts DROP COLUMN customer_external_id;
ALTER TABLE products DROP COLUMN is_deletable;
ALTER TABLE subscription_prices DROP COLUMN unit_label, DROP COLUMN maximum_units, DROP COLUMN minimum_units, DROP COLUMN tiers;
ALTER TABLE product_prices DROP COLUMN unit_label, DROP COLUMN maximum_units, DROP COLUMN minimum_units, DROP COLUMN tiers;
ALTER TABLE license_keys DROP COLUMN order_id, DROP COLUMN subscription_id, DROP COLUMN member_id;
ALTER TABLE order_items DROP COLUMN end_timestamp, DROP COLUMN start_timestamp;
