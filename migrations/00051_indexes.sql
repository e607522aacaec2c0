-- Indexes for what readers look for and no index found, and comments that were wrong.
-- Each CREATE INDEX reads its table once under a lock that lets readers read and makes writers wait; syncd is the only writer. At 200,000 orders
-- all of them take four to seven seconds. They are not made CONCURRENTLY: that cannot be part of a transaction, and one that is interrupted leaves an
-- index behind that costs writes and answers nothing, while here all is undone, and done again by the next start.

-- +goose Up
CREATE INDEX orders_checkout_id_idx ON orders (checkout_id) WHERE checkout_id IS NOT NULL;
CREATE INDEX orders_discount_id_idx ON orders (discount_id) WHERE discount_id IS NOT NULL;
-- Orders that wait for something: few among many. A state that is new at Polar is among them.
CREATE INDEX orders_status_created_at_idx ON orders (status, created_at) WHERE status NOT IN ('paid', 'partially_refunded', 'refunded');
CREATE INDEX order_items_product_price_id_idx ON order_items (product_price_id) WHERE product_price_id IS NOT NULL;
CREATE INDEX subscriptions_discount_id_idx ON subscriptions (discount_id) WHERE discount_id IS NOT NULL;
CREATE INDEX subscriptions_status_current_period_end_idx ON subscriptions (status, current_period_end);
CREATE INDEX customers_metadata_idx ON customers USING gin (metadata jsonb_path_ops);
CREATE INDEX subscriptions_metadata_idx ON subscriptions USING gin (metadata jsonb_path_ops);
CREATE INDEX orders_metadata_idx ON orders USING gin (metadata jsonb_path_ops);
COMMENT ON COLUMN customers.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans. An index serves @>: metadata @> ''{"key": "value"}''.';
COMMENT ON COLUMN orders.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans. An index serves @>: metadata @> ''{"key": "value"}''.';
COMMENT ON COLUMN subscriptions.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans. An index serves @>: metadata @> ''{"key": "value"}''.';
COMMENT ON COLUMN customers.email IS 'Email address; Polar compares it without regard to case. A team may have none. The index is that of lower(email): lower(email) = lower(''Ada@example.com'').';

-- Source: polarsource/polar, server/polar/models/subscription.py.
COMMENT ON COLUMN subscriptions.amount IS 'Price of one billing interval after a discount that goes on, as long as it does. Inclusive tax is in it, metered usage is not; subscriptions_enriched.net_amount is without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscriptions_export.amount IS 'Price of one billing interval, as subscriptions.amount: after a discount that goes on, with inclusive tax. Smallest unit of currency, as in subscriptions: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN subscriptions_export.amount_major IS 'Price of one billing interval, as subscriptions.amount: after a discount that goes on, with inclusive tax. As the file says it: subscriptions''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN subscriptions_export.net_amount IS 'amount without inclusive tax: the amount of Polar''s MRR. It is amount where no tax is inside. Smallest unit of currency, as in subscriptions: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN subscriptions_export.net_amount_major IS 'amount_major without inclusive tax. As the file says it: the net amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';

-- +goose Down
DROP INDEX orders_checkout_id_idx;
DROP INDEX orders_discount_id_idx;
DROP INDEX orders_status_created_at_idx;
DROP INDEX order_items_product_price_id_idx;
DROP INDEX subscriptions_discount_id_idx;
DROP INDEX subscriptions_status_current_period_end_idx;
DROP INDEX customers_metadata_idx;
DROP INDEX subscriptions_metadata_idx;
DROP INDEX orders_metadata_idx;
COMMENT ON COLUMN customers.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN orders.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN subscriptions.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN customers.email IS 'Email address; Polar compares it without regard to case. A team may have none.';
COMMENT ON COLUMN subscriptions.amount IS 'Price of one billing interval, before tax and without metered usage. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscriptions_export.amount IS 'Price of one billing interval, before tax. Smallest unit of currency, as in subscriptions: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN subscriptions_export.amount_major IS 'Price of one billing interval, before tax. As the file says it: subscriptions''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN subscriptions_export.net_amount IS 'Price of one billing interval after discount. Smallest unit of currency, as in subscriptions: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN subscriptions_export.net_amount_major IS 'Price of one billing interval after discount. As the file says it: subscriptions''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
