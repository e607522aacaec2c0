-- Orders, payments and customers with what one asks of them.

CREATE OR REPLACE VIEW orders_enriched AS
SELECT o.id, o.created_at, o.status, o.paid, o.billing_reason, o.description, o.invoice_number,
    o.customer_id, c.external_id AS customer_external_id, c.email AS customer_email, c._deleted_at IS NOT NULL AS customer_is_deleted,
    o.product_id, p.name AS product_name, o.subscription_id, o.checkout_id, o.discount_id, d.code AS discount_code,
    o.currency, o.subtotal_amount, o.discount_amount, o.net_amount, o.tax_amount, o.total_amount, o.refunded_amount, o.refunded_tax_amount,
    k.kept_amount, major_amount(k.kept_amount, o.currency) AS kept_major,
    CASE WHEN o.paid THEN o.tax_amount - o.refunded_tax_amount ELSE 0 END AS kept_tax_amount,
    o.platform_fee_amount, o.platform_fee_currency,
    o.billing_address->>'country' AS country, o.billing_address->>'state' AS state,
    o.subscription_id IS NOT NULL AS is_recurring,
    CASE WHEN o.paid THEN row_number() OVER (PARTITION BY o.customer_id, o.paid ORDER BY o.created_at, o.id) END AS customer_order_number,
    o.metadata
FROM orders o
LEFT JOIN customers c ON c.id = o.customer_id
LEFT JOIN products p ON p.id = o.product_id
LEFT JOIN discounts d ON d.id = o.discount_id
CROSS JOIN LATERAL (SELECT CASE WHEN o.paid THEN o.net_amount - o.refunded_amount ELSE 0 END AS kept_amount) k
WHERE o._deleted_at IS NULL;
COMMENT ON VIEW orders_enriched IS 'Orders, one row each, with the names of what they point at, and what was kept of each after refunds.';
COMMENT ON COLUMN orders_enriched.id IS 'Polar id: orders.id.';
COMMENT ON COLUMN orders_enriched.created_at IS 'When Polar created it (UTC).';
COMMENT ON COLUMN orders_enriched.status IS 'State, as Polar has it.';
COMMENT ON COLUMN orders_enriched.paid IS 'Whether it is paid.';
COMMENT ON COLUMN orders_enriched.billing_reason IS 'Why it was made: purchase, subscription_create, subscription_cycle, subscription_update ...';
COMMENT ON COLUMN orders_enriched.description IS 'What was sold: Polar shows the present name of the product.';
COMMENT ON COLUMN orders_enriched.invoice_number IS 'Number of the invoice.';
COMMENT ON COLUMN orders_enriched.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN orders_enriched.customer_external_id IS 'Id of the customer in your own system: customers.external_id.';
COMMENT ON COLUMN orders_enriched.customer_email IS 'Email address of the customer as it is now.';
COMMENT ON COLUMN orders_enriched.customer_is_deleted IS 'Whether the customer is gone from Polar.';
COMMENT ON COLUMN orders_enriched.product_id IS 'Product: products.id.';
COMMENT ON COLUMN orders_enriched.product_name IS 'Name of the product as it is now.';
COMMENT ON COLUMN orders_enriched.subscription_id IS 'Subscription: subscriptions.id.';
COMMENT ON COLUMN orders_enriched.checkout_id IS 'Checkout that it came from: checkouts.id.';
COMMENT ON COLUMN orders_enriched.discount_id IS 'Discount that was used: discounts.id.';
COMMENT ON COLUMN orders_enriched.discount_code IS 'Code of the discount, if it has one.';
COMMENT ON COLUMN orders_enriched.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN orders_enriched.subtotal_amount IS 'Amount before discount and tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_enriched.discount_amount IS 'Discount given. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_enriched.net_amount IS 'Amount after discount and without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_enriched.tax_amount IS 'Tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_enriched.total_amount IS 'Amount with tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_enriched.refunded_amount IS 'Refunded so far, without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_enriched.refunded_tax_amount IS 'Tax refunded so far. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_enriched.kept_amount IS 'net_amount without refunded_amount where the order is paid, else 0. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_enriched.kept_major IS 'kept_amount in whole units of currency, such as 19.99.';
COMMENT ON COLUMN orders_enriched.kept_tax_amount IS 'tax_amount without refunded_tax_amount where the order is paid, else 0. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_enriched.platform_fee_amount IS 'Fee of Polar. Smallest unit of platform_fee_currency.';
COMMENT ON COLUMN orders_enriched.platform_fee_currency IS 'Currency of platform_fee_amount: ISO 4217, lower case.';
COMMENT ON COLUMN orders_enriched.country IS 'Country of the billing address: ISO 3166-1 alpha-2; null where unknown.';
COMMENT ON COLUMN orders_enriched.state IS 'State of the billing address, as US-CA; null where unknown.';
COMMENT ON COLUMN orders_enriched.is_recurring IS 'Whether it belongs to a subscription.';
COMMENT ON COLUMN orders_enriched.customer_order_number IS 'Place among the paid orders of the customer, from 1, by created_at; null where it is not paid.';
COMMENT ON COLUMN orders_enriched.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';

CREATE OR REPLACE VIEW order_items_enriched AS
WITH prices AS (
    SELECT DISTINCT ON (id) id, product_id, amount_type, meter_id
    FROM (SELECT id, product_id, amount_type, meter_id, 1 AS rank FROM product_prices
          UNION ALL SELECT id, product_id, amount_type, meter_id, 2 FROM subscription_prices) both_tables
    ORDER BY id, rank
)
SELECT i.id, i.order_id, o.created_at AS order_created_at, o.status AS order_status, o.paid AS order_paid, o.customer_id, o.subscription_id, o.currency,
    i.label, i.amount, i.tax_amount, i.proration, i.start_timestamp AS period_start, i.end_timestamp AS period_end,
    i.product_price_id, r.amount_type AS price_type, r.meter_id, coalesce(r.product_id, o.product_id) AS product_id, p.name AS product_name
FROM order_items i
JOIN orders o ON o.id = i.order_id AND o._deleted_at IS NULL
LEFT JOIN prices r ON r.id = i.product_price_id
LEFT JOIN products p ON p.id = coalesce(r.product_id, o.product_id)
WHERE i._removed_at IS NULL;
COMMENT ON VIEW order_items_enriched IS 'Items of orders, one row each. The price of an item is looked up once, in the catalog or among those of subscriptions, so that no join multiplies items.';
COMMENT ON COLUMN order_items_enriched.id IS 'Polar id of the item.';
COMMENT ON COLUMN order_items_enriched.order_id IS 'Order: orders.id.';
COMMENT ON COLUMN order_items_enriched.order_created_at IS 'When Polar created the order (UTC).';
COMMENT ON COLUMN order_items_enriched.order_status IS 'State of the order.';
COMMENT ON COLUMN order_items_enriched.order_paid IS 'Whether the order is paid.';
COMMENT ON COLUMN order_items_enriched.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN order_items_enriched.subscription_id IS 'Subscription: subscriptions.id.';
COMMENT ON COLUMN order_items_enriched.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN order_items_enriched.label IS 'Text of the item.';
COMMENT ON COLUMN order_items_enriched.amount IS 'Amount before discount and tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN order_items_enriched.tax_amount IS 'Tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN order_items_enriched.proration IS 'Whether it settles the difference of a change within a period.';
COMMENT ON COLUMN order_items_enriched.period_start IS 'Start of the period that it pays for (UTC); null where Polar does not say.';
COMMENT ON COLUMN order_items_enriched.period_end IS 'End of that period (UTC); null where Polar does not say.';
COMMENT ON COLUMN order_items_enriched.product_price_id IS 'Price: product_prices.id or subscription_prices.id.';
COMMENT ON COLUMN order_items_enriched.price_type IS 'How the amount was found: fixed, custom, metered_unit, seat_based ...; null where the price is not known.';
COMMENT ON COLUMN order_items_enriched.meter_id IS 'Meter of a metered price: meters.id.';
COMMENT ON COLUMN order_items_enriched.product_id IS 'Product of the price, else of the order: products.id. After a change of product an item can belong to another one than its order.';
COMMENT ON COLUMN order_items_enriched.product_name IS 'Name of the product as it is now.';

CREATE OR REPLACE VIEW payments_enriched AS
SELECT y.id, y.created_at, y.status, y.amount, y.currency, y.method, y.method_metadata->>'brand' AS card_brand, y.trigger, y.decline_reason,
    y.order_id, y.checkout_id, coalesce(o.customer_id, k.customer_id) AS customer_id, c.external_id AS customer_external_id, c.email AS customer_email,
    coalesce(o.product_id, k.product_id) AS product_id, coalesce(o.subscription_id, k.subscription_id) AS subscription_id
FROM payments y
LEFT JOIN orders o ON o.id = y.order_id
LEFT JOIN checkouts k ON k.id = y.checkout_id
LEFT JOIN customers c ON c.id = coalesce(o.customer_id, k.customer_id)
WHERE y._deleted_at IS NULL;
COMMENT ON VIEW payments_enriched IS 'Attempts to pay, one row each, with the customer that Polar does not name there: found through the order, else the checkout.';
COMMENT ON COLUMN payments_enriched.id IS 'Polar id: payments.id.';
COMMENT ON COLUMN payments_enriched.created_at IS 'When Polar created it (UTC).';
COMMENT ON COLUMN payments_enriched.status IS 'State, as Polar has it.';
COMMENT ON COLUMN payments_enriched.amount IS 'Amount charged, tax included. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN payments_enriched.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN payments_enriched.method IS 'Means of payment, such as card.';
COMMENT ON COLUMN payments_enriched.card_brand IS 'Brand of a card; null for other means.';
COMMENT ON COLUMN payments_enriched.trigger IS 'What started the attempt; null on old rows.';
COMMENT ON COLUMN payments_enriched.decline_reason IS 'Code of the refusal; null when it was not refused.';
COMMENT ON COLUMN payments_enriched.order_id IS 'Order: orders.id.';
COMMENT ON COLUMN payments_enriched.checkout_id IS 'Checkout that it came from: checkouts.id.';
COMMENT ON COLUMN payments_enriched.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN payments_enriched.customer_external_id IS 'Id of the customer in your own system: customers.external_id.';
COMMENT ON COLUMN payments_enriched.customer_email IS 'Email address of the customer as it is now.';
COMMENT ON COLUMN payments_enriched.product_id IS 'Product of the order, else of the checkout: products.id.';
COMMENT ON COLUMN payments_enriched.subscription_id IS 'Subscription of the order, else of the checkout: subscriptions.id.';

CREATE OR REPLACE VIEW customer_lifetime_values AS
SELECT customer_id, currency, count(*) AS paid_orders, min(created_at) AS first_order_at, max(created_at) AS last_order_at,
    sum(net_amount)::bigint AS net_amount, sum(refunded_amount)::bigint AS refunded_amount, sum(net_amount - refunded_amount)::bigint AS value_amount,
    major_amount(sum(net_amount - refunded_amount), currency) AS value_major
FROM orders
WHERE paid AND _deleted_at IS NULL AND customer_id IS NOT NULL
GROUP BY customer_id, currency;
COMMENT ON VIEW customer_lifetime_values IS 'What each customer has paid so far: one row per customer and currency, of paid orders. Customers that are gone from Polar are in it.';
COMMENT ON COLUMN customer_lifetime_values.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN customer_lifetime_values.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN customer_lifetime_values.paid_orders IS 'Paid orders.';
COMMENT ON COLUMN customer_lifetime_values.first_order_at IS 'When the first of them was created (UTC).';
COMMENT ON COLUMN customer_lifetime_values.last_order_at IS 'When the last of them was created (UTC).';
COMMENT ON COLUMN customer_lifetime_values.net_amount IS 'Amount after discount and without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN customer_lifetime_values.refunded_amount IS 'Refunded so far, without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN customer_lifetime_values.value_amount IS 'net_amount without refunded_amount. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN customer_lifetime_values.value_major IS 'value_amount in whole units of currency.';

CREATE OR REPLACE VIEW customers_enriched AS
WITH value AS (
    SELECT customer_id, sum(paid_orders)::bigint AS paid_orders, min(first_order_at) AS first_order_at, max(last_order_at) AS last_order_at,
        jsonb_object_agg(currency, value_amount) AS lifetime_amounts
    FROM customer_lifetime_values GROUP BY customer_id
), running AS (
    SELECT customer_id, sum(n)::bigint AS running_subscriptions, jsonb_object_agg(currency, mrr) AS mrr_amounts
    FROM (SELECT customer_id, currency, count(*) AS n, sum(CASE WHEN is_trial THEN 0 ELSE monthly_amount END)::bigint AS mrr
          FROM subscriptions_enriched WHERE is_running GROUP BY customer_id, currency) by_currency
    GROUP BY customer_id
), started AS (
    SELECT customer_id, min(started_at) AS first_started_at FROM subscriptions WHERE _deleted_at IS NULL AND started_at IS NOT NULL GROUP BY customer_id
)
SELECT c.id, c.created_at, c.type, c.external_id, c.email, c.name, c.billing_address->>'country' AS country,
    date_trunc('month', least(v.first_order_at, s.first_started_at), 'UTC') AS cohort_month,
    v.first_order_at, v.last_order_at, coalesce(v.paid_orders, 0) AS paid_orders, coalesce(v.lifetime_amounts, '{}') AS lifetime_amounts,
    coalesce(r.running_subscriptions, 0) AS running_subscriptions, coalesce(r.mrr_amounts, '{}') AS mrr_amounts, c.metadata
FROM customers c
LEFT JOIN value v ON v.customer_id = c.id
LEFT JOIN running r ON r.customer_id = c.id
LEFT JOIN started s ON s.customer_id = c.id
WHERE c._deleted_at IS NULL;
COMMENT ON VIEW customers_enriched IS 'Customers that Polar has, one row each, with what they have paid and what they run. Amounts are objects by currency, as one customer can pay in several: customer_lifetime_values has them as rows.';
COMMENT ON COLUMN customers_enriched.id IS 'Polar id: customers.id.';
COMMENT ON COLUMN customers_enriched.created_at IS 'When Polar created it (UTC).';
COMMENT ON COLUMN customers_enriched.type IS 'individual or team.';
COMMENT ON COLUMN customers_enriched.external_id IS 'Id of the customer in your own system.';
COMMENT ON COLUMN customers_enriched.email IS 'Email address.';
COMMENT ON COLUMN customers_enriched.name IS 'Name of the customer.';
COMMENT ON COLUMN customers_enriched.country IS 'Country of the billing address: ISO 3166-1 alpha-2; null where unknown.';
COMMENT ON COLUMN customers_enriched.cohort_month IS 'Month of the first paid order or the first start of a subscription, whichever is earlier: its start (UTC). Null without either.';
COMMENT ON COLUMN customers_enriched.first_order_at IS 'When the first paid order was created (UTC).';
COMMENT ON COLUMN customers_enriched.last_order_at IS 'When the last paid order was created (UTC).';
COMMENT ON COLUMN customers_enriched.paid_orders IS 'Paid orders.';
COMMENT ON COLUMN customers_enriched.lifetime_amounts IS 'What was paid, after refunds and without tax, as an object by currency: {"usd": 1999}. Smallest units.';
COMMENT ON COLUMN customers_enriched.running_subscriptions IS 'Subscriptions that run at this moment, trials included.';
COMMENT ON COLUMN customers_enriched.mrr_amounts IS 'Monthly amounts of these without trials, as an object by currency: {"usd": 1999}. Smallest units.';
COMMENT ON COLUMN customers_enriched.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';

CREATE OR REPLACE VIEW revenue_daily AS
SELECT date_trunc('day', created_at, 'UTC')::date AS day, currency, product_id, count(*) AS orders, count(*) FILTER (WHERE subscription_id IS NULL) AS one_time_orders,
    sum(net_amount)::bigint AS net_amount, sum(refunded_amount)::bigint AS refunded_amount, sum(net_amount - refunded_amount)::bigint AS kept_amount,
    sum(tax_amount)::bigint AS tax_amount, sum(discount_amount)::bigint AS discount_amount
FROM orders WHERE paid AND _deleted_at IS NULL
GROUP BY 1, 2, 3;
COMMENT ON VIEW revenue_daily IS 'Paid orders by day of creation (UTC), currency and product, in the currency of the order. Refunds are taken from the day of the order, as Polar does.';
COMMENT ON COLUMN revenue_daily.day IS 'Day (UTC).';
COMMENT ON COLUMN revenue_daily.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN revenue_daily.product_id IS 'Product: products.id.';
COMMENT ON COLUMN revenue_daily.orders IS 'Paid orders.';
COMMENT ON COLUMN revenue_daily.one_time_orders IS 'Those of them that belong to no subscription.';
COMMENT ON COLUMN revenue_daily.net_amount IS 'Amount after discount and without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN revenue_daily.refunded_amount IS 'Refunded so far, without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN revenue_daily.kept_amount IS 'net_amount without refunded_amount. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN revenue_daily.tax_amount IS 'Tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN revenue_daily.discount_amount IS 'Discount given. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';

CREATE OR REPLACE VIEW tax_by_region_monthly AS
SELECT date_trunc('month', created_at, 'UTC')::date AS month, billing_address->>'country' AS country, billing_address->>'state' AS state, currency,
    count(*) AS orders, sum(net_amount - refunded_amount)::bigint AS taxable_amount, sum(tax_amount)::bigint AS tax_amount,
    sum(refunded_tax_amount)::bigint AS refunded_tax_amount, sum(tax_amount - refunded_tax_amount)::bigint AS kept_tax_amount
FROM orders WHERE paid AND _deleted_at IS NULL
GROUP BY 1, 2, 3, 4;
COMMENT ON VIEW tax_by_region_monthly IS 'Tax of paid orders by month of creation (UTC), region and currency, after refunds.';
COMMENT ON COLUMN tax_by_region_monthly.month IS 'First day of the month (UTC).';
COMMENT ON COLUMN tax_by_region_monthly.country IS 'Country of the billing address: ISO 3166-1 alpha-2; null where unknown.';
COMMENT ON COLUMN tax_by_region_monthly.state IS 'State of the billing address, as US-CA; null where unknown.';
COMMENT ON COLUMN tax_by_region_monthly.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN tax_by_region_monthly.orders IS 'Paid orders.';
COMMENT ON COLUMN tax_by_region_monthly.taxable_amount IS 'Amounts without tax, after refunds. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN tax_by_region_monthly.tax_amount IS 'Tax charged. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN tax_by_region_monthly.refunded_tax_amount IS 'Tax refunded so far. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN tax_by_region_monthly.kept_tax_amount IS 'tax_amount without refunded_tax_amount. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';

CREATE OR REPLACE VIEW dunning_cases AS
WITH attempts AS (
    SELECT order_id, count(*) AS attempts, count(*) FILTER (WHERE status = 'failed') AS failed_attempts, min(created_at) FILTER (WHERE status = 'failed') AS first_failed_at,
        max(created_at) FILTER (WHERE status = 'failed') AS last_failed_at, min(created_at) FILTER (WHERE status = 'succeeded') AS succeeded_at,
        (array_agg(decline_reason ORDER BY created_at) FILTER (WHERE status = 'failed'))[1] AS first_decline_reason
    FROM payments WHERE order_id IS NOT NULL AND _deleted_at IS NULL GROUP BY order_id
)
SELECT a.order_id, o.customer_id, o.subscription_id, o.product_id, o.currency, o.total_amount, o.status AS order_status, a.attempts, a.failed_attempts, a.first_failed_at, a.last_failed_at,
    a.first_decline_reason, CASE WHEN a.succeeded_at > a.first_failed_at THEN a.succeeded_at END AS recovered_at,
    CASE WHEN a.succeeded_at > a.first_failed_at THEN 'recovered' WHEN o.status IN ('pending', 'draft') THEN 'open' ELSE 'lost' END AS outcome,
    o.next_payment_attempt_at, s.status AS subscription_status
FROM attempts a
JOIN orders o ON o.id = a.order_id AND o._deleted_at IS NULL
LEFT JOIN subscriptions s ON s.id = o.subscription_id
WHERE a.first_failed_at IS NOT NULL;
COMMENT ON VIEW dunning_cases IS 'Orders of which a payment failed, one row each, and how it went on.';
COMMENT ON COLUMN dunning_cases.order_id IS 'Order: orders.id.';
COMMENT ON COLUMN dunning_cases.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN dunning_cases.subscription_id IS 'Subscription: subscriptions.id.';
COMMENT ON COLUMN dunning_cases.product_id IS 'Product: products.id.';
COMMENT ON COLUMN dunning_cases.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN dunning_cases.total_amount IS 'Amount of the order with tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN dunning_cases.order_status IS 'State of the order.';
COMMENT ON COLUMN dunning_cases.attempts IS 'Attempts to pay.';
COMMENT ON COLUMN dunning_cases.failed_attempts IS 'Attempts that failed.';
COMMENT ON COLUMN dunning_cases.first_failed_at IS 'When the first one failed (UTC).';
COMMENT ON COLUMN dunning_cases.last_failed_at IS 'When the last one failed (UTC).';
COMMENT ON COLUMN dunning_cases.first_decline_reason IS 'Code of the first refusal.';
COMMENT ON COLUMN dunning_cases.recovered_at IS 'When an attempt after the first failure succeeded (UTC); null where none has.';
COMMENT ON COLUMN dunning_cases.outcome IS 'recovered: paid after a failure. open: Polar still waits for the money. lost: neither.';
COMMENT ON COLUMN dunning_cases.next_payment_attempt_at IS 'When Polar tries again (UTC).';
COMMENT ON COLUMN dunning_cases.subscription_status IS 'State of the subscription of the order; null for a single purchase.';

CREATE OR REPLACE VIEW discount_usage AS
SELECT d.id AS discount_id, d.name, d.code, o.currency, count(o.id) AS orders, count(DISTINCT o.customer_id) AS customers,
    coalesce(sum(o.discount_amount), 0)::bigint AS discount_amount, coalesce(sum(o.net_amount - o.refunded_amount), 0)::bigint AS kept_amount,
    min(o.created_at) AS first_order_at, max(o.created_at) AS last_order_at, d.redemptions_count
FROM discounts d
LEFT JOIN orders o ON o.discount_id = d.id AND o.paid AND o._deleted_at IS NULL
GROUP BY d.id, d.name, d.code, o.currency, d.redemptions_count;
COMMENT ON VIEW discount_usage IS 'What discounts cost and bring: one row per discount and currency of paid orders; a discount that was never used has one row without currency.';
COMMENT ON COLUMN discount_usage.discount_id IS 'Discount: discounts.id.';
COMMENT ON COLUMN discount_usage.name IS 'Name of the discount.';
COMMENT ON COLUMN discount_usage.code IS 'Code of the discount; null when it has none.';
COMMENT ON COLUMN discount_usage.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN discount_usage.orders IS 'Paid orders with the discount.';
COMMENT ON COLUMN discount_usage.customers IS 'Different customers of these.';
COMMENT ON COLUMN discount_usage.discount_amount IS 'Discount given. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN discount_usage.kept_amount IS 'What these orders brought, after refunds and without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN discount_usage.first_order_at IS 'When the first of them was created (UTC).';
COMMENT ON COLUMN discount_usage.last_order_at IS 'When the last of them was created (UTC).';
COMMENT ON COLUMN discount_usage.redemptions_count IS 'Redemptions as Polar counts them.';
