-- Tables as they were at a time. Made by make generate from the tables whose changes are recorded; not to be edited.

CREATE OR REPLACE FUNCTION benefit_grants_as_of(at timestamptz) RETURNS SETOF benefit_grants
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::benefit_grants, at, 'id', '') $$;
COMMENT ON FUNCTION benefit_grants_as_of(timestamptz) IS 'The table benefit_grants as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION benefits_as_of(at timestamptz) RETURNS SETOF benefits
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::benefits, at, 'id', '') $$;
COMMENT ON FUNCTION benefits_as_of(timestamptz) IS 'The table benefits as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION checkout_link_products_as_of(at timestamptz) RETURNS SETOF checkout_link_products
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::checkout_link_products, at, 'product_id', 'checkout_link_id') $$;
COMMENT ON FUNCTION checkout_link_products_as_of(timestamptz) IS 'The table checkout_link_products as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION checkout_links_as_of(at timestamptz) RETURNS SETOF checkout_links
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::checkout_links, at, 'id', '') $$;
COMMENT ON FUNCTION checkout_links_as_of(timestamptz) IS 'The table checkout_links as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION checkout_products_as_of(at timestamptz) RETURNS SETOF checkout_products
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::checkout_products, at, 'product_id', 'checkout_id') $$;
COMMENT ON FUNCTION checkout_products_as_of(timestamptz) IS 'The table checkout_products as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION checkouts_as_of(at timestamptz) RETURNS SETOF checkouts
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::checkouts, at, 'id', '') $$;
COMMENT ON FUNCTION checkouts_as_of(timestamptz) IS 'The table checkouts as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION custom_fields_as_of(at timestamptz) RETURNS SETOF custom_fields
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::custom_fields, at, 'id', '') $$;
COMMENT ON FUNCTION custom_fields_as_of(timestamptz) IS 'The table custom_fields as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION customer_meters_as_of(at timestamptz) RETURNS SETOF customer_meters
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::customer_meters, at, 'id', '') $$;
COMMENT ON FUNCTION customer_meters_as_of(timestamptz) IS 'The table customer_meters as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION customer_seats_as_of(at timestamptz) RETURNS SETOF customer_seats
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::customer_seats, at, 'id', '') $$;
COMMENT ON FUNCTION customer_seats_as_of(timestamptz) IS 'The table customer_seats as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION customers_as_of(at timestamptz) RETURNS SETOF customers
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::customers, at, 'id', '') $$;
COMMENT ON FUNCTION customers_as_of(timestamptz) IS 'The table customers as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION discount_products_as_of(at timestamptz) RETURNS SETOF discount_products
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::discount_products, at, 'product_id', 'discount_id') $$;
COMMENT ON FUNCTION discount_products_as_of(timestamptz) IS 'The table discount_products as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION discounts_as_of(at timestamptz) RETURNS SETOF discounts
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::discounts, at, 'id', '') $$;
COMMENT ON FUNCTION discounts_as_of(timestamptz) IS 'The table discounts as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION disputes_as_of(at timestamptz) RETURNS SETOF disputes
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::disputes, at, 'id', '') $$;
COMMENT ON FUNCTION disputes_as_of(timestamptz) IS 'The table disputes as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION files_as_of(at timestamptz) RETURNS SETOF files
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::files, at, 'id', '') $$;
COMMENT ON FUNCTION files_as_of(timestamptz) IS 'The table files as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION license_key_activations_as_of(at timestamptz) RETURNS SETOF license_key_activations
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::license_key_activations, at, 'id', '') $$;
COMMENT ON FUNCTION license_key_activations_as_of(timestamptz) IS 'The table license_key_activations as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION license_keys_as_of(at timestamptz) RETURNS SETOF license_keys
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::license_keys, at, 'id', '') $$;
COMMENT ON FUNCTION license_keys_as_of(timestamptz) IS 'The table license_keys as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION members_as_of(at timestamptz) RETURNS SETOF members
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::members, at, 'id', '') $$;
COMMENT ON FUNCTION members_as_of(timestamptz) IS 'The table members as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION meters_as_of(at timestamptz) RETURNS SETOF meters
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::meters, at, 'id', '') $$;
COMMENT ON FUNCTION meters_as_of(timestamptz) IS 'The table meters as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION metric_dashboards_as_of(at timestamptz) RETURNS SETOF metric_dashboards
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::metric_dashboards, at, 'id', '') $$;
COMMENT ON FUNCTION metric_dashboards_as_of(timestamptz) IS 'The table metric_dashboards as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION metrics_as_of(at timestamptz) RETURNS SETOF metrics
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::metrics, at, 'id', '') $$;
COMMENT ON FUNCTION metrics_as_of(timestamptz) IS 'The table metrics as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION order_items_as_of(at timestamptz) RETURNS SETOF order_items
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::order_items, at, 'id', 'order_id') $$;
COMMENT ON FUNCTION order_items_as_of(timestamptz) IS 'The table order_items as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION orders_as_of(at timestamptz) RETURNS SETOF orders
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::orders, at, 'id', '') $$;
COMMENT ON FUNCTION orders_as_of(timestamptz) IS 'The table orders as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION organization_access_tokens_as_of(at timestamptz) RETURNS SETOF organization_access_tokens
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::organization_access_tokens, at, 'id', '') $$;
COMMENT ON FUNCTION organization_access_tokens_as_of(timestamptz) IS 'The table organization_access_tokens as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION organizations_as_of(at timestamptz) RETURNS SETOF organizations
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::organizations, at, 'id', '') $$;
COMMENT ON FUNCTION organizations_as_of(timestamptz) IS 'The table organizations as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION payment_methods_as_of(at timestamptz) RETURNS SETOF payment_methods
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::payment_methods, at, 'id', '') $$;
COMMENT ON FUNCTION payment_methods_as_of(timestamptz) IS 'The table payment_methods as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION payments_as_of(at timestamptz) RETURNS SETOF payments
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::payments, at, 'id', '') $$;
COMMENT ON FUNCTION payments_as_of(timestamptz) IS 'The table payments as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION product_benefits_as_of(at timestamptz) RETURNS SETOF product_benefits
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::product_benefits, at, 'benefit_id', 'product_id') $$;
COMMENT ON FUNCTION product_benefits_as_of(timestamptz) IS 'The table product_benefits as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION product_prices_as_of(at timestamptz) RETURNS SETOF product_prices
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::product_prices, at, 'id', 'product_id') $$;
COMMENT ON FUNCTION product_prices_as_of(timestamptz) IS 'The table product_prices as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE VIEW product_price_history AS
SELECT h.valid_from, h.valid_to, h.source AS version_source,
       (h.version).product_id, (h.version).id, (h.version).created_at, (h.version).modified_at, (h.version).source, (h.version).amount_type, (h.version).type, (h.version).recurring_interval, (h.version).legacy, (h.version).is_archived, (h.version).price_currency, (h.version).tax_behavior, (h.version).price_amount, (h.version).minimum_amount, (h.version).maximum_amount, (h.version).preset_amount, (h.version).unit_amount, (h.version).cap_amount, (h.version).meter_id, (h.version).seat_tiers, (h.version).tiers, (h.version).minimum_units, (h.version).maximum_units, (h.version).unit_label
FROM row_versions(NULL::product_prices, 'id', 'product_id') h;
COMMENT ON VIEW product_price_history IS 'The rows of product_prices in each version that is known of them, but for the times at which they were deleted or removed.';
COMMENT ON COLUMN product_price_history.valid_from IS 'When the version began to be so at Polar, as far as that is told: changes.changed_at (UTC). Of a version that was there when changes began to be recorded: when the object was created, though it may have been otherwise since.';
COMMENT ON COLUMN product_price_history.valid_to IS 'When the next version began (UTC); null: it is the present one.';
COMMENT ON COLUMN product_price_history.version_source IS 'baseline: it was there when changes began to be recorded. observed: syncd saw it come. event: one of Polar''s events tells of it. order: an order does. Of a rebuilt version (valid_from lies before history.recorded_since) baseline means that only the row itself tells of it.';
COMMENT ON COLUMN product_price_history.product_id IS 'Product that lists the price: products.id.';
COMMENT ON COLUMN product_price_history.id IS 'Polar id of the price.';
COMMENT ON COLUMN product_price_history.created_at IS 'When Polar created the price (UTC).';
COMMENT ON COLUMN product_price_history.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN product_price_history.source IS 'Where the price comes from. Known today: catalog (one of the product''s own prices), ad_hoc (made for one checkout or subscription); new ones may come.';
COMMENT ON COLUMN product_price_history.amount_type IS 'How the amount is found; decides which of the columns below are set. Known today: fixed, custom, metered_unit, metered_tiers, seat_based, unit_based; new ones may come.';
COMMENT ON COLUMN product_price_history.type IS 'Older marker of the billing rhythm, kept for prices that predate intervals on products. Known today: one_time, recurring; new ones may come.';
COMMENT ON COLUMN product_price_history.recurring_interval IS 'Interval of a legacy recurring price; of all others the product carries it. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN product_price_history.legacy IS 'True on prices that carry their own interval; null on all others.';
COMMENT ON COLUMN product_price_history.is_archived IS 'Whether the price can no longer be bought. Subscriptions and orders may still point at it.';
COMMENT ON COLUMN product_price_history.price_currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN product_price_history.tax_behavior IS 'Whether amounts include tax; null means the organization''s default. Known today: location, inclusive, exclusive; new ones may come.';
COMMENT ON COLUMN product_price_history.price_amount IS 'fixed: the price. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_price_history.minimum_amount IS 'custom: the least the customer may pay; 0 allows free. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_price_history.maximum_amount IS 'custom: the most the customer may pay; null means no limit. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_price_history.preset_amount IS 'custom: the amount proposed to the customer; null means none. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_price_history.unit_amount IS 'metered_unit: price of one unit, often a fraction, with the digits as Polar sent them. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_price_history.cap_amount IS 'metered_unit: the most that one period can cost; null means no limit. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_price_history.meter_id IS 'metered_unit: the meter that counts the units: meters.id.';
COMMENT ON COLUMN product_price_history.seat_tiers IS 'seat_based: the tiers, as an object: seat_tier_type (volume or graduated), tiers (min_seats, max_seats, price_per_seat in the smallest unit of price_currency), minimum_seats, maximum_seats.';
COMMENT ON COLUMN product_price_history.tiers IS 'unit_based and metered_tiers: the tiers. Of unit_based an object: type (volume or graduated), tiers (bound, unit_amount in the smallest unit of price_currency, with the digits as Polar sent them).';
COMMENT ON COLUMN product_price_history.minimum_units IS 'unit_based: the fewest units that can be bought; null means no limit.';
COMMENT ON COLUMN product_price_history.maximum_units IS 'unit_based: the most units that can be bought; null means no limit.';
COMMENT ON COLUMN product_price_history.unit_label IS 'unit_based: what one unit is called, as an object: by language, such as en, its plural forms (one, other); null means no name.';

CREATE OR REPLACE FUNCTION products_as_of(at timestamptz) RETURNS SETOF products
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::products, at, 'id', '') $$;
COMMENT ON FUNCTION products_as_of(timestamptz) IS 'The table products as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION refunds_as_of(at timestamptz) RETURNS SETOF refunds
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::refunds, at, 'id', '') $$;
COMMENT ON FUNCTION refunds_as_of(timestamptz) IS 'The table refunds as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION subscription_meters_as_of(at timestamptz) RETURNS SETOF subscription_meters
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::subscription_meters, at, 'id', 'subscription_id') $$;
COMMENT ON FUNCTION subscription_meters_as_of(timestamptz) IS 'The table subscription_meters as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION subscription_prices_as_of(at timestamptz) RETURNS SETOF subscription_prices
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::subscription_prices, at, 'id', 'subscription_id') $$;
COMMENT ON FUNCTION subscription_prices_as_of(timestamptz) IS 'The table subscription_prices as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE FUNCTION subscriptions_as_of(at timestamptz) RETURNS SETOF subscriptions
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::subscriptions, at, 'id', '') $$;
COMMENT ON FUNCTION subscriptions_as_of(timestamptz) IS 'The table subscriptions as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';

CREATE OR REPLACE VIEW subscription_history AS
SELECT h.valid_from, h.valid_to, h.source AS version_source,
       (h.version).id, (h.version).created_at, (h.version).modified_at, (h.version).status, (h.version).currency, (h.version).amount, (h.version).recurring_interval, (h.version).recurring_interval_count, (h.version).started_at, (h.version).current_period_start, (h.version).current_period_end, (h.version).current_meter_period_start, (h.version).current_meter_period_end, (h.version).trial_start, (h.version).trial_end, (h.version).cancel_at_period_end, (h.version).canceled_at, (h.version).ends_at, (h.version).ended_at, (h.version).past_due_at, (h.version).pause_at_period_end, (h.version).paused_at, (h.version).resumes_at, (h.version).seats, (h.version).units, (h.version).customer_id, (h.version).product_id, (h.version).discount_id, (h.version).checkout_id, (h.version).customer_cancellation_reason, (h.version).customer_cancellation_comment, (h.version).pending_update, (h.version).metadata, (h.version).custom_field_data
FROM row_versions(NULL::subscriptions, 'id', '') h;
COMMENT ON VIEW subscription_history IS 'The rows of subscriptions in each version that is known of them, but for the times at which they were deleted or removed.';
COMMENT ON COLUMN subscription_history.valid_from IS 'When the version began to be so at Polar, as far as that is told: changes.changed_at (UTC). Of a version that was there when changes began to be recorded: when the object was created, though it may have been otherwise since.';
COMMENT ON COLUMN subscription_history.valid_to IS 'When the next version began (UTC); null: it is the present one.';
COMMENT ON COLUMN subscription_history.version_source IS 'baseline: it was there when changes began to be recorded. observed: syncd saw it come. event: one of Polar''s events tells of it. order: an order does. Of a rebuilt version (valid_from lies before history.recorded_since) baseline means that only the row itself tells of it.';
COMMENT ON COLUMN subscription_history.id IS 'Polar id.';
COMMENT ON COLUMN subscription_history.created_at IS 'When Polar created the subscription (UTC).';
COMMENT ON COLUMN subscription_history.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN subscription_history.status IS 'State. It stays active until the end of the period while cancel_at_period_end is true. Known today: incomplete, incomplete_expired, trialing, active, past_due, canceled, unpaid, paused; new ones may come.';
COMMENT ON COLUMN subscription_history.currency IS 'Currency of amount: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN subscription_history.amount IS 'Price of one billing interval after a discount that goes on, as long as it does. Inclusive tax is in it, metered usage is not; subscriptions_enriched.net_amount is without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscription_history.recurring_interval IS 'Unit of the billing interval. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN subscription_history.recurring_interval_count IS 'Units in one billing interval: 3 with month bills every quarter.';
COMMENT ON COLUMN subscription_history.started_at IS 'When billing started (UTC); may be before created_at for an imported subscription.';
COMMENT ON COLUMN subscription_history.current_period_start IS 'Start of the current billing period (UTC).';
COMMENT ON COLUMN subscription_history.current_period_end IS 'End of the current billing period (UTC): the next renewal.';
COMMENT ON COLUMN subscription_history.current_meter_period_start IS 'Start of the current meter period (UTC); null when the product has no meter interval of its own.';
COMMENT ON COLUMN subscription_history.current_meter_period_end IS 'End of the current meter period (UTC); null when the product has no meter interval of its own.';
COMMENT ON COLUMN subscription_history.trial_start IS 'Start of the trial (UTC); null without one.';
COMMENT ON COLUMN subscription_history.trial_end IS 'End of the trial (UTC); null without one.';
COMMENT ON COLUMN subscription_history.cancel_at_period_end IS 'Whether it ends with the current period.';
COMMENT ON COLUMN subscription_history.canceled_at IS 'When it was canceled (UTC); becomes null again when the cancellation is taken back.';
COMMENT ON COLUMN subscription_history.ends_at IS 'When it will end (UTC); null when no end is set.';
COMMENT ON COLUMN subscription_history.ended_at IS 'When it ended (UTC); null while it runs.';
COMMENT ON COLUMN subscription_history.past_due_at IS 'When it became past_due (UTC); null when it is not.';
COMMENT ON COLUMN subscription_history.pause_at_period_end IS 'Whether it pauses with the end of the current period.';
COMMENT ON COLUMN subscription_history.paused_at IS 'When it was paused (UTC); null when it is not.';
COMMENT ON COLUMN subscription_history.resumes_at IS 'When a paused subscription goes on by itself (UTC); null when no date is set.';
COMMENT ON COLUMN subscription_history.seats IS 'Seats; null where the price is not by seat.';
COMMENT ON COLUMN subscription_history.units IS 'Units; null where the price is not by unit.';
COMMENT ON COLUMN subscription_history.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN subscription_history.product_id IS 'Product: products.id.';
COMMENT ON COLUMN subscription_history.discount_id IS 'Discount in force.';
COMMENT ON COLUMN subscription_history.checkout_id IS 'Checkout that it came from.';
COMMENT ON COLUMN subscription_history.customer_cancellation_reason IS 'Why the customer left, as chosen by the customer. Known today: customer_service, low_quality, missing_features, switched_service, too_complex, too_expensive, unused, other; new ones may come.';
COMMENT ON COLUMN subscription_history.customer_cancellation_comment IS 'Why the customer left, in the customer''s words.';
COMMENT ON COLUMN subscription_history.pending_update IS 'Change that takes effect with the next period, as an object: id, created_at, modified_at, applies_at, product_id, seats, units; null without one.';
COMMENT ON COLUMN subscription_history.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans. An index serves @>: metadata @> ''{"key": "value"}''.';
COMMENT ON COLUMN subscription_history.custom_field_data IS 'Answers to the custom fields of the checkout, as an object keyed by the slug of the field.';

CREATE OR REPLACE FUNCTION webhook_endpoints_as_of(at timestamptz) RETURNS SETOF webhook_endpoints
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$ SELECT * FROM rows_as_of(NULL::webhook_endpoints, at, 'id', '') $$;
COMMENT ON FUNCTION webhook_endpoints_as_of(timestamptz) IS 'The table webhook_endpoints as it was here at a time, with the rows that were marked as deleted then. The view history says from when on it is exact; for a time before that, rows are as they were then, or as syncd backfill history has rebuilt them. The columns _hash, _requested_at and _synced_at are those of now.';
