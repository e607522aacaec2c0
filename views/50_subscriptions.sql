-- Subscriptions with what one asks of them.

CREATE OR REPLACE VIEW subscription_charges AS
SELECT s.id AS subscription_id, '-infinity'::timestamptz AS charged_at, 'checkout' AS source, c.net_amount, c.tax_amount, c.tax_behavior = 'inclusive' AS inclusive, NULL::uuid AS order_id
FROM subscriptions s
JOIN checkouts c ON c.id = s.checkout_id
WHERE c.net_amount + coalesce(c.tax_amount, 0) > 0 AND c.tax_behavior IS NOT NULL
UNION ALL
SELECT subscription_id, created_at, 'order', net_amount, tax_amount, tax_amount > 0 AND net_amount + tax_amount = subtotal_amount - discount_amount, id
FROM orders
WHERE subscription_id IS NOT NULL AND net_amount + tax_amount > 0;
COMMENT ON VIEW subscription_charges IS 'What was charged for subscriptions: their orders, and the checkout before them. By the last one before a time Polar tells how much of the price is inclusive tax.';
COMMENT ON COLUMN subscription_charges.subscription_id IS 'Subscription: subscriptions.id.';
COMMENT ON COLUMN subscription_charges.charged_at IS 'When the order was made (UTC); -infinity for the checkout.';
COMMENT ON COLUMN subscription_charges.source IS 'checkout or order.';
COMMENT ON COLUMN subscription_charges.net_amount IS 'Amount without tax. Smallest unit of its currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscription_charges.tax_amount IS 'Tax. Smallest unit of its currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscription_charges.inclusive IS 'Whether the tax was inside the price.';
COMMENT ON COLUMN subscription_charges.order_id IS 'Order: orders.id; null for the checkout. Of two orders of the same time the one with the higher id counts as the later one.';

CREATE OR REPLACE VIEW subscriptions_enriched AS
WITH last_charges AS (
    SELECT DISTINCT ON (subscription_id) * FROM subscription_charges ORDER BY subscription_id, charged_at DESC, order_id DESC
), net AS (
    SELECT s.*, coalesce(s.ended_at, s.ends_at) AS end_at,
        CASE WHEN l.inclusive THEN round_half_even(s.amount::numeric * l.net_amount / (l.net_amount + l.tax_amount))::bigint ELSE s.amount END AS net_amount,
        CASE WHEN l.inclusive THEN l.source ELSE 'amount' END AS net_amount_source
    FROM subscriptions s
    LEFT JOIN last_charges l ON l.subscription_id = s.id
    WHERE s._deleted_at IS NULL
)
SELECT n.id, n.customer_id, c.external_id AS customer_external_id, c.email AS customer_email, n.product_id, p.name AS product_name, n.status, n.currency, n.amount,
    n.net_amount, n.net_amount_source,
    monthly_amount(n.net_amount, n.recurring_interval, n.recurring_interval_count)::bigint AS monthly_amount,
    n.recurring_interval, n.recurring_interval_count, n.seats, n.units, n.discount_id, n.checkout_id, n.created_at, n.started_at, n.trial_end, n.canceled_at, n.end_at,
    n.current_period_start, n.current_period_end, n.customer_cancellation_reason,
    n.started_at <= now() AND (n.end_at IS NULL OR n.end_at > now()) AS is_running,
    coalesce(n.trial_end > now(), false) AND (n.end_at IS NULL OR n.end_at > now()) AS is_trial,
    n.status = 'paused' AS is_paused,
    n.status IN ('past_due', 'unpaid') AS is_past_due,
    n.metadata
FROM net n
LEFT JOIN customers c ON c.id = n.customer_id
LEFT JOIN products p ON p.id = n.product_id;
COMMENT ON VIEW subscriptions_enriched IS 'Subscriptions that Polar lists, one row each, with their customer and product, what they bring in a month, and whether they run at this moment.';
COMMENT ON COLUMN subscriptions_enriched.id IS 'Polar id: subscriptions.id.';
COMMENT ON COLUMN subscriptions_enriched.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN subscriptions_enriched.customer_external_id IS 'Id of the customer in your own system: customers.external_id.';
COMMENT ON COLUMN subscriptions_enriched.customer_email IS 'Email address of the customer as it is now.';
COMMENT ON COLUMN subscriptions_enriched.product_id IS 'Product: products.id.';
COMMENT ON COLUMN subscriptions_enriched.product_name IS 'Name of the product as it is now.';
COMMENT ON COLUMN subscriptions_enriched.status IS 'State, as Polar has it.';
COMMENT ON COLUMN subscriptions_enriched.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN subscriptions_enriched.amount IS 'Price of one billing interval, as Polar lists it: after a discount that goes on, with inclusive tax, without usage. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscriptions_enriched.net_amount IS 'amount without inclusive tax, which no list of Polar shows. It follows from the last charge, as Polar computes it (server/polar/models/subscription.py). Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscriptions_enriched.net_amount_source IS 'Where net_amount comes from. amount: no tax is inside. order or checkout: the last charge, whose part of inclusive tax is taken off.';
COMMENT ON COLUMN subscriptions_enriched.monthly_amount IS 'net_amount by month, by Polar''s rounding: see monthly_amount(). Zero or more, trials and ended ones included. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscriptions_enriched.recurring_interval IS 'Billing interval: day, week, month or year.';
COMMENT ON COLUMN subscriptions_enriched.recurring_interval_count IS 'How many of these intervals one billing interval has.';
COMMENT ON COLUMN subscriptions_enriched.seats IS 'Seats bought; null where the price is not by seat.';
COMMENT ON COLUMN subscriptions_enriched.units IS 'Units bought; null where the price is not by unit.';
COMMENT ON COLUMN subscriptions_enriched.discount_id IS 'Discount: discounts.id.';
COMMENT ON COLUMN subscriptions_enriched.checkout_id IS 'Checkout that it came from: checkouts.id.';
COMMENT ON COLUMN subscriptions_enriched.created_at IS 'When Polar created it (UTC).';
COMMENT ON COLUMN subscriptions_enriched.started_at IS 'When billing started (UTC).';
COMMENT ON COLUMN subscriptions_enriched.trial_end IS 'When the trial ends or ended (UTC); null without one.';
COMMENT ON COLUMN subscriptions_enriched.canceled_at IS 'When it was canceled (UTC); null where it was not, or where that was taken back.';
COMMENT ON COLUMN subscriptions_enriched.end_at IS 'When it ended, or will end (UTC): ended_at, else ends_at. Null: it goes on.';
COMMENT ON COLUMN subscriptions_enriched.current_period_start IS 'Start of the current billing period (UTC).';
COMMENT ON COLUMN subscriptions_enriched.current_period_end IS 'End of the current billing period (UTC).';
COMMENT ON COLUMN subscriptions_enriched.customer_cancellation_reason IS 'Why the customer left, as chosen by the customer.';
COMMENT ON COLUMN subscriptions_enriched.is_running IS 'Whether it has started and not ended, at this moment. Polar counts paused and past due ones as active too.';
COMMENT ON COLUMN subscriptions_enriched.is_trial IS 'Whether it is in its trial, at this moment.';
COMMENT ON COLUMN subscriptions_enriched.is_paused IS 'Whether it is paused.';
COMMENT ON COLUMN subscriptions_enriched.is_past_due IS 'Whether a renewal could not be charged (past_due, unpaid).';
COMMENT ON COLUMN subscriptions_enriched.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
