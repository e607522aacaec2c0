-- Tables without what Polar no longer has. Made by make generate from the table of streams and the database; not to be edited.

CREATE OR REPLACE VIEW balance_events_live AS
SELECT t.id, t.timestamp, t.organization_id, t.name, t.customer_id, t.member_id, t.parent_id, t.transaction_id, t.order_id, t.order_created_at, t.subscription_id, t.product_id, t.refund_id, t.dispute_id, t.amount, t.currency, t.net_amount, t.presentment_amount, t.presentment_currency, t.refundable_amount, t.tax_amount, t.tax_state, t.tax_country, t.fee, t.exchange_rate
FROM balance_events t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW balance_events_live IS 'The rows of balance_events that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN balance_events_live.id IS 'Polar id of the event.';
COMMENT ON COLUMN balance_events_live.timestamp IS 'Time of the event (UTC). Of a payment or credit it is when the order was created, even if it was paid weeks later; of a refund or dispute when it happened.';
COMMENT ON COLUMN balance_events_live.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN balance_events_live.name IS 'Kind. Known today: balance.order (a payment), balance.credit_order (an order that the customer balance paid), balance.refund, balance.refund_reversal, balance.dispute, balance.dispute_reversal; new ones may come.';
COMMENT ON COLUMN balance_events_live.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN balance_events_live.member_id IS 'Member of the customer it is about: members.id; null where there is none.';
COMMENT ON COLUMN balance_events_live.parent_id IS 'Event that this one is part of: events.id; null for a root.';
COMMENT ON COLUMN balance_events_live.transaction_id IS 'Transaction of the balance at Polar, which no list shows; null for a credit.';
COMMENT ON COLUMN balance_events_live.order_id IS 'Order: orders.id.';
COMMENT ON COLUMN balance_events_live.order_created_at IS 'When the order was created (UTC), of refunds and their reversals; null where Polar does not tell.';
COMMENT ON COLUMN balance_events_live.subscription_id IS 'Subscription: subscriptions.id; null for a one-time purchase.';
COMMENT ON COLUMN balance_events_live.product_id IS 'Product: products.id; null where the order has none.';
COMMENT ON COLUMN balance_events_live.refund_id IS 'Refund, of refunds and their reversals: refunds.id.';
COMMENT ON COLUMN balance_events_live.dispute_id IS 'Dispute, of disputes and their reversals: disputes.id.';
COMMENT ON COLUMN balance_events_live.amount IS 'Amount without tax, negative for what goes out. Smallest unit of currency.';
COMMENT ON COLUMN balance_events_live.currency IS 'Currency that Polar settles in, of a credit that of the order: ISO 4217, lower case.';
COMMENT ON COLUMN balance_events_live.net_amount IS 'Of a payment: amount of the order without tax. Smallest unit of presentment_currency; null for other kinds, and on old events.';
COMMENT ON COLUMN balance_events_live.presentment_amount IS 'Amount in the currency that the customer saw. Smallest unit of presentment_currency; null for a credit.';
COMMENT ON COLUMN balance_events_live.presentment_currency IS 'Currency that the customer saw: ISO 4217, lower case; null for a credit.';
COMMENT ON COLUMN balance_events_live.refundable_amount IS 'Of a refund: what could still be refunded of the order. Smallest unit of presentment_currency; null for other kinds.';
COMMENT ON COLUMN balance_events_live.tax_amount IS 'Tax, of a payment or credit in the currency that the customer saw. Smallest unit of that currency, of refunds and disputes of currency.';
COMMENT ON COLUMN balance_events_live.tax_state IS 'State in which tax was due; null where there is none.';
COMMENT ON COLUMN balance_events_live.tax_country IS 'Country in which tax was due: ISO 3166-1, two letters; null where there is none.';
COMMENT ON COLUMN balance_events_live.fee IS 'Fee of Polar. Smallest unit of the currency that Polar settles in.';
COMMENT ON COLUMN balance_events_live.exchange_rate IS 'Rate from presentment_currency to currency, between smallest units, with the digits as Polar sent them; null on old events.';

CREATE OR REPLACE VIEW benefit_grants_live AS
SELECT t.id, t.created_at, t.modified_at, t.granted_at, t.is_granted, t.revoked_at, t.is_revoked, t.subscription_id, t.order_id, t.customer_id, t.member_id, t.benefit_id, t.error, t.properties
FROM benefit_grants t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW benefit_grants_live IS 'The rows of benefit_grants that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN benefit_grants_live.id IS 'Polar id.';
COMMENT ON COLUMN benefit_grants_live.created_at IS 'When Polar created the grant (UTC).';
COMMENT ON COLUMN benefit_grants_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN benefit_grants_live.granted_at IS 'When the benefit was given (UTC); null before.';
COMMENT ON COLUMN benefit_grants_live.is_granted IS 'Whether the customer has the benefit now.';
COMMENT ON COLUMN benefit_grants_live.revoked_at IS 'When the benefit was taken back (UTC); null before.';
COMMENT ON COLUMN benefit_grants_live.is_revoked IS 'Whether the benefit was taken back.';
COMMENT ON COLUMN benefit_grants_live.subscription_id IS 'Subscription that it comes from: subscriptions.id; null when it comes from an order.';
COMMENT ON COLUMN benefit_grants_live.order_id IS 'Order that it comes from: orders.id; null when it comes from a subscription.';
COMMENT ON COLUMN benefit_grants_live.customer_id IS 'Customer who has it: customers.id.';
COMMENT ON COLUMN benefit_grants_live.member_id IS 'Member of the customer who has it: members.id; null when it is for no member.';
COMMENT ON COLUMN benefit_grants_live.benefit_id IS 'Benefit that was given: benefits.id.';
COMMENT ON COLUMN benefit_grants_live.error IS 'Why it could not be given, as an object: message, type, timestamp; null when it could.';
COMMENT ON COLUMN benefit_grants_live.properties IS 'Details by kind of benefit, as an object: account_id, files, display_key. Polars list shows those of a meter credit as empty; what a webhook brought of them is kept. A license key that the customer chose and a link of invitation are secrets and are not stored.';

CREATE OR REPLACE VIEW benefits_live AS
SELECT t.id, t.created_at, t.modified_at, t.type, t.description, t.selectable, t.deletable, t.is_deleted, t.visibility, t.visibility_configurable, t.organization_id, t.metadata, t.properties
FROM benefits t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW benefits_live IS 'The rows of benefits that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN benefits_live.id IS 'Polar id.';
COMMENT ON COLUMN benefits_live.created_at IS 'When Polar created the benefit (UTC).';
COMMENT ON COLUMN benefits_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN benefits_live.type IS 'Kind of benefit; decides what properties holds. Known today: custom, discord, github_repository, downloadables, license_keys, meter_credit, feature_flag, slack_shared_channel; new ones may come.';
COMMENT ON COLUMN benefits_live.description IS 'What the customer gets, as shown to the customer.';
COMMENT ON COLUMN benefits_live.selectable IS 'Whether it can be chosen when a product is made.';
COMMENT ON COLUMN benefits_live.deletable IS 'Whether it can be deleted.';
COMMENT ON COLUMN benefits_live.is_deleted IS 'Whether it was deleted at Polar.';
COMMENT ON COLUMN benefits_live.visibility IS 'Who sees it in the customer portal. Known today: draft, private, public; new ones may come.';
COMMENT ON COLUMN benefits_live.visibility_configurable IS 'Whether its visibility can be changed.';
COMMENT ON COLUMN benefits_live.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN benefits_live.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN benefits_live.properties IS 'What it consists of, as an object whose keys follow from type: units, rollover and meter_id of a meter credit, prefix and limits of license keys, files of downloadables. Without secrets.';

CREATE OR REPLACE VIEW checkout_link_products_live AS
SELECT t.checkout_link_id, t.product_id
FROM checkout_link_products t
WHERE t._removed_at IS NULL AND EXISTS (SELECT FROM checkout_links p WHERE p.id = t.checkout_link_id AND p._deleted_at IS NULL);
COMMENT ON VIEW checkout_link_products_live IS 'The rows of checkout_link_products that are neither removed nor in the list of a deleted row of checkout_links, without syncd''s own columns.';
COMMENT ON COLUMN checkout_link_products_live.checkout_link_id IS 'Link: checkout_links.id.';
COMMENT ON COLUMN checkout_link_products_live.product_id IS 'Product on offer: products.id.';

CREATE OR REPLACE VIEW checkout_links_live AS
SELECT t.id, t.created_at, t.modified_at, t.payment_processor, t.success_url, t.return_url, t.label, t.allow_discount_codes, t.require_billing_address, t.discount_id, t.seats, t.units, t.trial_interval, t.trial_interval_count, t.organization_id, t.metadata
FROM checkout_links t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW checkout_links_live IS 'The rows of checkout_links that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN checkout_links_live.id IS 'Polar id.';
COMMENT ON COLUMN checkout_links_live.created_at IS 'When Polar created the link (UTC).';
COMMENT ON COLUMN checkout_links_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN checkout_links_live.payment_processor IS 'Who processes payments. Known today: stripe; new ones may come.';
COMMENT ON COLUMN checkout_links_live.success_url IS 'Where the customer gets to after buying; null when it was not set.';
COMMENT ON COLUMN checkout_links_live.return_url IS 'Where the customer gets back to without buying; null when it was not set.';
COMMENT ON COLUMN checkout_links_live.label IS 'Name of the link, for you; null without one.';
COMMENT ON COLUMN checkout_links_live.allow_discount_codes IS 'Whether the customer may type in a code.';
COMMENT ON COLUMN checkout_links_live.require_billing_address IS 'Whether a whole address is asked for.';
COMMENT ON COLUMN checkout_links_live.discount_id IS 'Discount applied: discounts.id; null without one.';
COMMENT ON COLUMN checkout_links_live.seats IS 'Seats to begin with, where the price is by seats; else null.';
COMMENT ON COLUMN checkout_links_live.units IS 'Units to begin with, where the price is by units; else null.';
COMMENT ON COLUMN checkout_links_live.trial_interval IS 'Unit of a trial set for this link; null when the product decides. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN checkout_links_live.trial_interval_count IS 'Units in a trial set for this link; null when the product decides.';
COMMENT ON COLUMN checkout_links_live.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN checkout_links_live.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';

CREATE OR REPLACE VIEW checkout_products_live AS
SELECT t.checkout_id, t.product_id
FROM checkout_products t
WHERE t._removed_at IS NULL AND EXISTS (SELECT FROM checkouts p WHERE p.id = t.checkout_id AND p._deleted_at IS NULL);
COMMENT ON VIEW checkout_products_live IS 'The rows of checkout_products that are neither removed nor in the list of a deleted row of checkouts, without syncd''s own columns.';
COMMENT ON COLUMN checkout_products_live.checkout_id IS 'Session: checkouts.id.';
COMMENT ON COLUMN checkout_products_live.product_id IS 'Product on offer: products.id.';

CREATE OR REPLACE VIEW checkouts_live AS
SELECT t.id, t.created_at, t.modified_at, t.status, t.expires_at, t.payment_processor, t.return_url, t.embed_origin, t.amount, t.discount_amount, t.net_amount, t.tax_amount, t.tax_behavior, t.total_amount, t.currency, t.allow_trial, t.active_trial_interval, t.active_trial_interval_count, t.trial_end, t.trial_interval, t.trial_interval_count, t.seats, t.min_seats, t.max_seats, t.units, t.min_units, t.max_units, t.organization_id, t.product_id, t.discount_id, t.customer_id, t.subscription_id, t.external_customer_id, t.allow_discount_codes, t.require_billing_address, t.is_discount_applicable, t.is_free_product_price, t.is_payment_required, t.is_payment_setup_required, t.is_payment_form_required, t.is_business_customer, t.customer_name, t.customer_email, t.customer_billing_name, t.customer_billing_address, t.customer_tax_id, t.locale, t.payment_method_type, t.billing_address_fields, t.metadata, t.customer_metadata, t.custom_field_data, t.prices, t.attached_custom_fields, t.customer_external_id
FROM checkouts t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW checkouts_live IS 'The rows of checkouts that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN checkouts_live.id IS 'Polar id.';
COMMENT ON COLUMN checkouts_live.created_at IS 'When Polar created the session (UTC).';
COMMENT ON COLUMN checkouts_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN checkouts_live.status IS 'State. Known today: open, expired, confirmed, succeeded, failed; new ones may come.';
COMMENT ON COLUMN checkouts_live.expires_at IS 'Until when it can be completed (UTC).';
COMMENT ON COLUMN checkouts_live.payment_processor IS 'Who processes the payment. Known today: stripe; new ones may come.';
COMMENT ON COLUMN checkouts_live.return_url IS 'Where the customer gets back to without buying; null when it was not set.';
COMMENT ON COLUMN checkouts_live.embed_origin IS 'Web page that the checkout is embedded in; null when it is not.';
COMMENT ON COLUMN checkouts_live.amount IS 'Price before discount and tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN checkouts_live.discount_amount IS 'Discount taken off amount. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN checkouts_live.net_amount IS 'Amount after discount, before tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN checkouts_live.tax_amount IS 'Tax; null while it cannot be told yet. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN checkouts_live.tax_behavior IS 'Whether amount includes tax; null while it cannot be told yet. Known today: inclusive, exclusive; new ones may come.';
COMMENT ON COLUMN checkouts_live.total_amount IS 'What is to be paid, tax included. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN checkouts_live.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN checkouts_live.allow_trial IS 'Whether a trial may begin with it.';
COMMENT ON COLUMN checkouts_live.active_trial_interval IS 'Unit of the trial that would begin; null without one. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN checkouts_live.active_trial_interval_count IS 'Units in that trial; null without one.';
COMMENT ON COLUMN checkouts_live.trial_end IS 'When the trial would end (UTC); null without one.';
COMMENT ON COLUMN checkouts_live.trial_interval IS 'Unit of a trial set for this session; null when the product decides. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN checkouts_live.trial_interval_count IS 'Units in a trial set for this session; null when the product decides.';
COMMENT ON COLUMN checkouts_live.seats IS 'Seats chosen, where the price is by seats; else null.';
COMMENT ON COLUMN checkouts_live.min_seats IS 'Fewest seats that can be chosen; null without a limit.';
COMMENT ON COLUMN checkouts_live.max_seats IS 'Most seats that can be chosen; null without a limit.';
COMMENT ON COLUMN checkouts_live.units IS 'Units chosen, where the price is by units; else null.';
COMMENT ON COLUMN checkouts_live.min_units IS 'Fewest units that can be chosen; null without a limit.';
COMMENT ON COLUMN checkouts_live.max_units IS 'Most units that can be chosen; null without a limit.';
COMMENT ON COLUMN checkouts_live.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN checkouts_live.product_id IS 'Product chosen: products.id; null when none is.';
COMMENT ON COLUMN checkouts_live.discount_id IS 'Discount applied: discounts.id; null without one.';
COMMENT ON COLUMN checkouts_live.customer_id IS 'Customer: customers.id; null while it is not known.';
COMMENT ON COLUMN checkouts_live.subscription_id IS 'Subscription that it upgrades: subscriptions.id; null for a new purchase.';
COMMENT ON COLUMN checkouts_live.external_customer_id IS 'Id of the customer in your own system; null when it was not given.';
COMMENT ON COLUMN checkouts_live.allow_discount_codes IS 'Whether the customer may type in a code.';
COMMENT ON COLUMN checkouts_live.require_billing_address IS 'Whether a whole address is asked for.';
COMMENT ON COLUMN checkouts_live.is_discount_applicable IS 'Whether a discount can be applied.';
COMMENT ON COLUMN checkouts_live.is_free_product_price IS 'Whether the price is free.';
COMMENT ON COLUMN checkouts_live.is_payment_required IS 'Whether something is to be paid now.';
COMMENT ON COLUMN checkouts_live.is_payment_setup_required IS 'Whether a means of payment is to be stored.';
COMMENT ON COLUMN checkouts_live.is_payment_form_required IS 'Whether the form of payment is shown.';
COMMENT ON COLUMN checkouts_live.is_business_customer IS 'Whether the customer buys as a business.';
COMMENT ON COLUMN checkouts_live.customer_name IS 'Name typed in; null before.';
COMMENT ON COLUMN checkouts_live.customer_email IS 'Email address typed in; null before.';
COMMENT ON COLUMN checkouts_live.customer_billing_name IS 'Name on the invoice; null before.';
COMMENT ON COLUMN checkouts_live.customer_billing_address IS 'Address as an object: line1, line2, postal_code, city, state, country; null before.';
COMMENT ON COLUMN checkouts_live.customer_tax_id IS 'Tax number typed in; null before.';
COMMENT ON COLUMN checkouts_live.locale IS 'Language of the checkout, such as en or fr-FR; null when it was not set.';
COMMENT ON COLUMN checkouts_live.payment_method_type IS 'Means of payment of a buy, such as card; null before.';
COMMENT ON COLUMN checkouts_live.billing_address_fields IS 'Which parts of an address are asked for, as an object of required, optional or disabled by field.';
COMMENT ON COLUMN checkouts_live.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN checkouts_live.customer_metadata IS 'Keys and values that the customer will get, as an object.';
COMMENT ON COLUMN checkouts_live.custom_field_data IS 'Answers to custom fields, as an object by the fields slug.';
COMMENT ON COLUMN checkouts_live.prices IS 'Prices on offer by product, as an object of arrays by product id: those made for this session alone, else those of the products catalog. Null when there are none.';
COMMENT ON COLUMN checkouts_live.attached_custom_fields IS 'Custom fields asked for, as an array of objects: custom_field_id, custom_field, order, required; null without a product.';
COMMENT ON COLUMN checkouts_live.customer_external_id IS 'Id of the customer in your own system, in an older name that Polar still sends without documenting it: the same as external_customer_id.';

CREATE OR REPLACE VIEW custom_fields_live AS
SELECT t.id, t.created_at, t.modified_at, t.type, t.slug, t.name, t.organization_id, t.metadata, t.properties
FROM custom_fields t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW custom_fields_live IS 'The rows of custom_fields that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN custom_fields_live.id IS 'Polar id.';
COMMENT ON COLUMN custom_fields_live.created_at IS 'When Polar created the field (UTC).';
COMMENT ON COLUMN custom_fields_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN custom_fields_live.type IS 'Kind of answer. Known today: text, number, date, checkbox, select; new ones may come.';
COMMENT ON COLUMN custom_fields_live.slug IS 'Key of the answer in custom_field_data.';
COMMENT ON COLUMN custom_fields_live.name IS 'Name of the field, for you.';
COMMENT ON COLUMN custom_fields_live.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN custom_fields_live.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN custom_fields_live.properties IS 'Label, help and limits, as an object whose keys follow from type; options of a select.';

CREATE OR REPLACE VIEW customer_meters_live AS
SELECT t.id, t.created_at, t.modified_at, t.customer_id, t.meter_id, t.consumed_units, t.credited_units, t.balance
FROM customer_meters t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW customer_meters_live IS 'The rows of customer_meters that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN customer_meters_live.id IS 'Polar id.';
COMMENT ON COLUMN customer_meters_live.created_at IS 'When Polar created the row (UTC).';
COMMENT ON COLUMN customer_meters_live.modified_at IS 'When Polar last recomputed the row (UTC); null while the customer never used the meter.';
COMMENT ON COLUMN customer_meters_live.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN customer_meters_live.meter_id IS 'Meter: meters.id.';
COMMENT ON COLUMN customer_meters_live.consumed_units IS 'Units used, in the meter''s unit. Polar rounds to about 17 significant digits.';
COMMENT ON COLUMN customer_meters_live.credited_units IS 'Units credited, in the meter''s unit.';
COMMENT ON COLUMN customer_meters_live.balance IS 'Units left, in the meter''s unit: credited less consumed; below zero when more was used than credited. Polar rounds to about 17 significant digits.';

CREATE OR REPLACE VIEW customer_seats_live AS
SELECT t.id, t.created_at, t.modified_at, t.subscription_id, t.order_id, t.status, t.customer_id, t.member_id, t.email, t.customer_email, t.invitation_token_expires_at, t.claimed_at, t.revoked_at, t.seat_metadata
FROM customer_seats t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW customer_seats_live IS 'The rows of customer_seats that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN customer_seats_live.id IS 'Polar id.';
COMMENT ON COLUMN customer_seats_live.created_at IS 'When Polar created the seat (UTC).';
COMMENT ON COLUMN customer_seats_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN customer_seats_live.subscription_id IS 'Subscription that the seat belongs to: subscriptions.id; null for a seat of an order.';
COMMENT ON COLUMN customer_seats_live.order_id IS 'One-time order that the seat belongs to: orders.id; null for a seat of a subscription.';
COMMENT ON COLUMN customer_seats_live.status IS 'State. Known today: pending (invited), claimed, revoked; new ones may come.';
COMMENT ON COLUMN customer_seats_live.customer_id IS 'Customer who pays for the seat, or in organizations without members the one who sits on it: customers.id.';
COMMENT ON COLUMN customer_seats_live.member_id IS 'Member who has the seat: members.id; null where there is none.';
COMMENT ON COLUMN customer_seats_live.email IS 'Address that the invitation went to; null in organizations without members.';
COMMENT ON COLUMN customer_seats_live.customer_email IS 'Address of whom the seat was assigned to.';
COMMENT ON COLUMN customer_seats_live.invitation_token_expires_at IS 'When the invitation ends (UTC); null without one.';
COMMENT ON COLUMN customer_seats_live.claimed_at IS 'When the invitation was accepted (UTC); null before.';
COMMENT ON COLUMN customer_seats_live.revoked_at IS 'When the seat was taken away (UTC); null before.';
COMMENT ON COLUMN customer_seats_live.seat_metadata IS 'Your own keys and values, as an object; null without any.';

CREATE OR REPLACE VIEW customers_live AS
SELECT t.id, t.created_at, t.modified_at, t.type, t.external_id, t.email, t.email_verified, t.name, t.billing_name, t.billing_address, t.tax_id, t.locale, t.avatar_url, t.default_payment_method_id, t.first_user_event_at, t.deleted_at, t.organization_id, t.metadata
FROM customers t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW customers_live IS 'The rows of customers that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN customers_live.id IS 'Polar id.';
COMMENT ON COLUMN customers_live.created_at IS 'When Polar created the customer, or the date given on import, (UTC).';
COMMENT ON COLUMN customers_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN customers_live.type IS 'individual: one person. team: has several members and may lack an email. New kinds may come.';
COMMENT ON COLUMN customers_live.external_id IS 'Id of the customer in your own system.';
COMMENT ON COLUMN customers_live.email IS 'Email address; Polar compares it without regard to case. A team may have none. The index is that of lower(email): lower(email) = lower(''Ada@example.com'').';
COMMENT ON COLUMN customers_live.email_verified IS 'Whether the address was proven, for example by a visit to the customer portal.';
COMMENT ON COLUMN customers_live.name IS 'Name of the customer.';
COMMENT ON COLUMN customers_live.billing_name IS 'Name on invoices; Polar falls back to name.';
COMMENT ON COLUMN customers_live.billing_address IS 'Address on invoices, as an object: line1, line2, postal_code, city, state (US-CA style in the US and Canada), country (ISO 3166-1 alpha-2).';
COMMENT ON COLUMN customers_live.tax_id IS 'Tax number, as an array of two strings: number and format, such as eu_vat.';
COMMENT ON COLUMN customers_live.locale IS 'Language and region, such as en-US, for mails and the portal.';
COMMENT ON COLUMN customers_live.avatar_url IS 'Address of a picture.';
COMMENT ON COLUMN customers_live.default_payment_method_id IS 'Payment method charged first.';
COMMENT ON COLUMN customers_live.first_user_event_at IS 'Time of the earliest event that you sent for the customer (UTC); may be before created_at; null without events.';
COMMENT ON COLUMN customers_live.deleted_at IS 'When Polar deleted the customer (UTC), where Polar says so; _deleted_at is what syncd found out by itself.';
COMMENT ON COLUMN customers_live.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN customers_live.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans. An index serves @>: metadata @> ''{"key": "value"}''.';

CREATE OR REPLACE VIEW customers_export_live AS
SELECT t.id, t.external_id, t.created_at, t.email, t.name, t.tax_id, t.tax_id_text, t.billing_line1, t.billing_line2, t.billing_city, t.billing_state, t.billing_postal_code, t.billing_country, t.metadata, t.customer_id
FROM customers_export t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW customers_export_live IS 'The rows of customers_export that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN customers_export_live.id IS 'Polar id of the customer.';
COMMENT ON COLUMN customers_export_live.external_id IS 'Id of the customer in your own system.';
COMMENT ON COLUMN customers_export_live.created_at IS 'When Polar created the customer, or the date given on import (UTC).';
COMMENT ON COLUMN customers_export_live.email IS 'Email address.';
COMMENT ON COLUMN customers_export_live.name IS 'Name of the customer.';
COMMENT ON COLUMN customers_export_live.tax_id IS 'Tax number, as an array of two strings as in customers; null where the text could not be read.';
COMMENT ON COLUMN customers_export_live.tax_id_text IS 'Tax number as the file has it: a pair as Python shows it.';
COMMENT ON COLUMN customers_export_live.billing_line1 IS 'First line of the billing address.';
COMMENT ON COLUMN customers_export_live.billing_line2 IS 'Second line of the billing address.';
COMMENT ON COLUMN customers_export_live.billing_city IS 'City of the billing address.';
COMMENT ON COLUMN customers_export_live.billing_state IS 'State of the billing address.';
COMMENT ON COLUMN customers_export_live.billing_postal_code IS 'Postal code of the billing address.';
COMMENT ON COLUMN customers_export_live.billing_country IS 'Country of the billing address: ISO 3166-1 alpha-2.';
COMMENT ON COLUMN customers_export_live.metadata IS 'Your own keys and values, as an object; null where there are none.';
COMMENT ON COLUMN customers_export_live.customer_id IS 'Row of customers that it belongs to: customers.id; null where the mirror lacks it. Filled in by syncd after each complete run.';

CREATE OR REPLACE VIEW discount_products_live AS
SELECT t.discount_id, t.product_id
FROM discount_products t
WHERE t._removed_at IS NULL AND EXISTS (SELECT FROM discounts p WHERE p.id = t.discount_id AND p._deleted_at IS NULL);
COMMENT ON VIEW discount_products_live IS 'The rows of discount_products that are neither removed nor in the list of a deleted row of discounts, without syncd''s own columns.';
COMMENT ON COLUMN discount_products_live.discount_id IS 'Discount: discounts.id.';
COMMENT ON COLUMN discount_products_live.product_id IS 'Product that it is for: products.id.';

CREATE OR REPLACE VIEW discounts_live AS
SELECT t.id, t.created_at, t.modified_at, t.name, t.type, t.duration, t.duration_in_months, t.code, t.starts_at, t.ends_at, t.max_redemptions, t.max_redemptions_per_customer, t.redemptions_count, t.amounts, t.basis_points, t.organization_id, t.metadata
FROM discounts t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW discounts_live IS 'The rows of discounts that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN discounts_live.id IS 'Polar id.';
COMMENT ON COLUMN discounts_live.created_at IS 'When Polar created the discount (UTC).';
COMMENT ON COLUMN discounts_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. Redemptions do not move it.';
COMMENT ON COLUMN discounts_live.name IS 'Name of the discount.';
COMMENT ON COLUMN discounts_live.type IS 'How the worth is told. Known today: fixed, percentage; new ones may come.';
COMMENT ON COLUMN discounts_live.duration IS 'For how many periods of a subscription it holds. Known today: once, forever, repeating; new ones may come.';
COMMENT ON COLUMN discounts_live.duration_in_months IS 'repeating: for how many months; null for all others.';
COMMENT ON COLUMN discounts_live.code IS 'Code to type in at checkout; null when it has none.';
COMMENT ON COLUMN discounts_live.starts_at IS 'From when it can be redeemed (UTC); null means at once.';
COMMENT ON COLUMN discounts_live.ends_at IS 'Until when it can be redeemed (UTC); null means for ever.';
COMMENT ON COLUMN discounts_live.max_redemptions IS 'Most redemptions; null without a limit.';
COMMENT ON COLUMN discounts_live.max_redemptions_per_customer IS 'Most redemptions by one customer; null without a limit.';
COMMENT ON COLUMN discounts_live.redemptions_count IS 'Redemptions so far.';
COMMENT ON COLUMN discounts_live.amounts IS 'fixed: amount by currency, as an object such as {"usd": 1000}, in the smallest unit of each currency: cents for usd and eur, whole yen for jpy. Null for a percentage.';
COMMENT ON COLUMN discounts_live.basis_points IS 'percentage: the part taken off, in hundredths of a percent: 2500 is 25 %. Null for a fixed amount.';
COMMENT ON COLUMN discounts_live.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN discounts_live.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';

CREATE OR REPLACE VIEW disputes_live AS
SELECT t.id, t.created_at, t.modified_at, t.status, t.resolved, t.closed, t.amount, t.tax_amount, t.currency, t.reason, t.evidence_due_by, t.past_due, t.order_id, t.payment_id, t.customer_id, t.case_id
FROM disputes t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW disputes_live IS 'The rows of disputes that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN disputes_live.id IS 'Polar id.';
COMMENT ON COLUMN disputes_live.created_at IS 'When Polar created the dispute (UTC).';
COMMENT ON COLUMN disputes_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN disputes_live.status IS 'State. Known today: prevented, early_warning, needs_response, under_review, lost, won; new ones may come.';
COMMENT ON COLUMN disputes_live.resolved IS 'Whether it has come to an end.';
COMMENT ON COLUMN disputes_live.closed IS 'Whether the bank has closed it.';
COMMENT ON COLUMN disputes_live.amount IS 'Amount disputed, without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN disputes_live.tax_amount IS 'Tax disputed, on top of amount. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN disputes_live.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN disputes_live.reason IS 'Why the customer disputes the payment, in the processor''s words; null when it does not say.';
COMMENT ON COLUMN disputes_live.evidence_due_by IS 'Until when evidence can be handed in (UTC); null when none is wanted.';
COMMENT ON COLUMN disputes_live.past_due IS 'Whether that moment has passed.';
COMMENT ON COLUMN disputes_live.order_id IS 'Order that is disputed: orders.id.';
COMMENT ON COLUMN disputes_live.payment_id IS 'Payment that is disputed: payments.id.';
COMMENT ON COLUMN disputes_live.customer_id IS 'Customer who disputes: customers.id. Read from the customer that Polar shows inside the dispute; null while only a copy inside a refund is known.';
COMMENT ON COLUMN disputes_live.case_id IS 'Support case about it; null without one.';

CREATE OR REPLACE VIEW events_live AS
SELECT t.id, t.timestamp, t.organization_id, t.name, t.label, t.source, t.customer_id, t.external_customer_id, t.member_id, t.external_member_id, t.parent_id, t.child_count, t.metadata
FROM events t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW events_live IS 'The rows of events that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN events_live.id IS 'Polar id.';
COMMENT ON COLUMN events_live.timestamp IS 'When it happened (UTC). Senders set it themselves, so events may appear behind later ones.';
COMMENT ON COLUMN events_live.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN events_live.name IS 'What happened, such as order.paid; your own names for events that you sent in.';
COMMENT ON COLUMN events_live.label IS 'The name in words.';
COMMENT ON COLUMN events_live.source IS 'Who recorded it. Known today: system, user; new ones may come.';
COMMENT ON COLUMN events_live.customer_id IS 'Customer it is about: customers.id; null where there is none. Polar finds it when the event is read, so it may be filled in later.';
COMMENT ON COLUMN events_live.external_customer_id IS 'Your own id of the customer, as sent in.';
COMMENT ON COLUMN events_live.member_id IS 'Member of the customer it is about: members.id; null where there is none.';
COMMENT ON COLUMN events_live.external_member_id IS 'Your own id of the member, as sent in.';
COMMENT ON COLUMN events_live.parent_id IS 'Event that this one is part of: events.id; null for a root.';
COMMENT ON COLUMN events_live.child_count IS 'How many events have this one as their parent, in Polar.';
COMMENT ON COLUMN events_live.metadata IS 'Details, as an object: fixed for each name of a system event, your own for user events. Decimals inside (_cost.amount) are strings.';

CREATE OR REPLACE VIEW files_live AS
SELECT t.id, t.created_at, t.organization_id, t.service, t.name, t.path, t.mime_type, t.size, t.size_readable, t.storage_version, t.checksum_etag, t.checksum_sha256_base64, t.checksum_sha256_hex, t.last_modified_at, t.version, t.is_uploaded, t.flagged_malicious_at, t.public_url
FROM files t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW files_live IS 'The rows of files that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN files_live.id IS 'Polar id.';
COMMENT ON COLUMN files_live.created_at IS 'When Polar created the file (UTC).';
COMMENT ON COLUMN files_live.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN files_live.service IS 'What the file is for. Known today: downloadable, product_media, organization_avatar, support_case_attachment; new ones may come.';
COMMENT ON COLUMN files_live.name IS 'Name of the file.';
COMMENT ON COLUMN files_live.path IS 'Where Polar keeps it.';
COMMENT ON COLUMN files_live.mime_type IS 'Media type, such as image/png.';
COMMENT ON COLUMN files_live.size IS 'Size in bytes.';
COMMENT ON COLUMN files_live.size_readable IS 'Size as Polar shows it to people.';
COMMENT ON COLUMN files_live.storage_version IS 'Version in Polars storage; null before the upload.';
COMMENT ON COLUMN files_live.checksum_etag IS 'Entity tag in Polars storage; null before the upload.';
COMMENT ON COLUMN files_live.checksum_sha256_base64 IS 'SHA-256 of the content, in base64; null when it was not given.';
COMMENT ON COLUMN files_live.checksum_sha256_hex IS 'SHA-256 of the content, in hexadecimal; null when it was not given.';
COMMENT ON COLUMN files_live.last_modified_at IS 'When the content was last written (UTC); null before the upload.';
COMMENT ON COLUMN files_live.version IS 'Version of the file, as you named it; null without one.';
COMMENT ON COLUMN files_live.is_uploaded IS 'Whether the content is there.';
COMMENT ON COLUMN files_live.flagged_malicious_at IS 'downloadable: when the content was found to be malicious (UTC); null when it was not.';
COMMENT ON COLUMN files_live.public_url IS 'Pictures and avatars: address for everybody; null for all others.';

CREATE OR REPLACE VIEW license_key_activations_live AS
SELECT t.id, t.license_key_id, t.label, t.meta, t.created_at, t.modified_at
FROM license_key_activations t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW license_key_activations_live IS 'The rows of license_key_activations that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN license_key_activations_live.id IS 'Polar id.';
COMMENT ON COLUMN license_key_activations_live.license_key_id IS 'Key that was activated: license_keys.id.';
COMMENT ON COLUMN license_key_activations_live.label IS 'What the activation is for, as the caller named it.';
COMMENT ON COLUMN license_key_activations_live.meta IS 'The caller''s own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN license_key_activations_live.created_at IS 'When the key was activated (UTC).';
COMMENT ON COLUMN license_key_activations_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time.';

CREATE OR REPLACE VIEW license_keys_live AS
SELECT t.id, t.created_at, t.modified_at, t.organization_id, t.customer_id, t.benefit_id, t.display_key, t.status, t.limit_activations, t.usage, t.limit_usage, t.validations, t.last_validated_at, t.expires_at, t.member_id, t.subscription_id, t.order_id
FROM license_keys t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW license_keys_live IS 'The rows of license_keys that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN license_keys_live.id IS 'Polar id.';
COMMENT ON COLUMN license_keys_live.created_at IS 'When Polar created the key (UTC).';
COMMENT ON COLUMN license_keys_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. Each validation moves it.';
COMMENT ON COLUMN license_keys_live.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN license_keys_live.customer_id IS 'Customer who has it: customers.id.';
COMMENT ON COLUMN license_keys_live.benefit_id IS 'Benefit that gave it: benefits.id.';
COMMENT ON COLUMN license_keys_live.display_key IS 'The end of the key, the rest masked, as Polar shows it to people.';
COMMENT ON COLUMN license_keys_live.status IS 'State. Known today: granted, revoked, disabled; new ones may come.';
COMMENT ON COLUMN license_keys_live.limit_activations IS 'Most activations at a time; null without a limit.';
COMMENT ON COLUMN license_keys_live.usage IS 'Units of usage counted so far.';
COMMENT ON COLUMN license_keys_live.limit_usage IS 'Most units of usage; null without a limit.';
COMMENT ON COLUMN license_keys_live.validations IS 'How often the key was validated.';
COMMENT ON COLUMN license_keys_live.last_validated_at IS 'When the key was last validated (UTC); null before the first time.';
COMMENT ON COLUMN license_keys_live.expires_at IS 'When the key expires (UTC); null when it does not.';
COMMENT ON COLUMN license_keys_live.member_id IS 'Member of the customer that holds the key: members.id. From version 2026-10 of the API on; null before, and where nobody holds it.';
COMMENT ON COLUMN license_keys_live.subscription_id IS 'Subscription that the key was given for: subscriptions.id. From version 2027-01 of the API on; null before, and where it was given for an order.';
COMMENT ON COLUMN license_keys_live.order_id IS 'Order that the key was given for: orders.id. From version 2027-01 of the API on; null before, and where it was given for a subscription.';

CREATE OR REPLACE VIEW members_live AS
SELECT t.id, t.created_at, t.modified_at, t.customer_id, t.email, t.name, t.external_id, t.role
FROM members t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW members_live IS 'The rows of members that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN members_live.id IS 'Polar id; who leaves and comes back gets a new one.';
COMMENT ON COLUMN members_live.created_at IS 'When Polar created the member, or the date given on import, (UTC).';
COMMENT ON COLUMN members_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN members_live.customer_id IS 'Customer that the member belongs to: customers.id.';
COMMENT ON COLUMN members_live.email IS 'Email address.';
COMMENT ON COLUMN members_live.name IS 'Name.';
COMMENT ON COLUMN members_live.external_id IS 'Id of the member in your own system.';
COMMENT ON COLUMN members_live.role IS 'What the member may do for the customer. Known today: owner, billing_manager, member; new ones may come.';

CREATE OR REPLACE VIEW meters_live AS
SELECT t.id, t.created_at, t.modified_at, t.name, t.unit, t.custom_label, t.custom_multiplier, t.filter, t.aggregation, t.archived_at, t.organization_id, t.metadata
FROM meters t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW meters_live IS 'The rows of meters that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN meters_live.id IS 'Polar id.';
COMMENT ON COLUMN meters_live.created_at IS 'When Polar created the meter (UTC).';
COMMENT ON COLUMN meters_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN meters_live.name IS 'Name, shown on invoices.';
COMMENT ON COLUMN meters_live.unit IS 'What is counted. Known today: scalar, token, custom; new ones may come.';
COMMENT ON COLUMN meters_live.custom_label IS 'Name of a custom unit.';
COMMENT ON COLUMN meters_live.custom_multiplier IS 'How many base units make one displayed unit of a custom unit.';
COMMENT ON COLUMN meters_live.filter IS 'Which events count, as an object: conjunction (and, or) and clauses (property, operator, value, or a filter again).';
COMMENT ON COLUMN meters_live.aggregation IS 'What is computed over those events, as an object: func (count, sum, max, min, avg, unique) and, but for count, property.';
COMMENT ON COLUMN meters_live.archived_at IS 'When the meter was archived (UTC); null while in use.';
COMMENT ON COLUMN meters_live.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN meters_live.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';

CREATE OR REPLACE VIEW metric_dashboards_live AS
SELECT t.id, t.created_at, t.modified_at, t.name, t.metrics, t.organization_id
FROM metric_dashboards t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW metric_dashboards_live IS 'The rows of metric_dashboards that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN metric_dashboards_live.id IS 'Polar id.';
COMMENT ON COLUMN metric_dashboards_live.created_at IS 'When Polar created the dashboard (UTC).';
COMMENT ON COLUMN metric_dashboards_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN metric_dashboards_live.name IS 'Name of the dashboard.';
COMMENT ON COLUMN metric_dashboards_live.metrics IS 'Slugs of the metrics shown, as an array in order of display; the same as metrics.slug.';
COMMENT ON COLUMN metric_dashboards_live.organization_id IS 'Organization that owns it: organizations.id.';

CREATE OR REPLACE VIEW metrics_live AS
SELECT t.id, t.interval, t.timezone, t.period_start, t.slug, t.value, t.type, t.display_name
FROM metrics t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW metrics_live IS 'The rows of metrics that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN metrics_live.id IS 'Made by syncd from interval, time zone, period and slug: the same figure keeps its id.';
COMMENT ON COLUMN metrics_live.interval IS 'Length of the period. Known today: hour, day, week, month, year; new ones may come.';
COMMENT ON COLUMN metrics_live.timezone IS 'IANA time zone in which periods begin at midnight; null means UTC.';
COMMENT ON COLUMN metrics_live.period_start IS 'Start of the period (UTC).';
COMMENT ON COLUMN metrics_live.slug IS 'Which metric, such as revenue or monthly_recurring_revenue; an open list.';
COMMENT ON COLUMN metrics_live.value IS 'The figure, in the unit that type says: scalar a count, currency US cents, currency_sub_cent US cents with fractions, percentage a fraction of 1 (0.05 is 5 %). Polar converts amounts in other currencies to US dollars. Digits as Polar sent them.';
COMMENT ON COLUMN metrics_live.type IS 'Unit of value. Known today: scalar, currency, currency_sub_cent, percentage; new ones may come.';
COMMENT ON COLUMN metrics_live.display_name IS 'Name of the metric in Polar''s dashboard.';

CREATE OR REPLACE VIEW metrics_export_live AS
SELECT t.id, t.interval, t.timezone, t.period_start, t.display_name, t.value, t.metric_id
FROM metrics_export t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW metrics_export_live IS 'The rows of metrics_export that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN metrics_export_live.id IS 'Made by syncd from interval, time zone, period and name.';
COMMENT ON COLUMN metrics_export_live.interval IS 'Length of the period: day, month.';
COMMENT ON COLUMN metrics_export_live.timezone IS 'IANA time zone in which periods begin at midnight.';
COMMENT ON COLUMN metrics_export_live.period_start IS 'Start of the period (UTC).';
COMMENT ON COLUMN metrics_export_live.display_name IS 'Name of the metric; the file has no slugs.';
COMMENT ON COLUMN metrics_export_live.value IS 'The figure, in the unit that metrics.type says. Digits as Polar sent them.';
COMMENT ON COLUMN metrics_export_live.metric_id IS 'Row of metrics that it belongs to: metrics.id; null where the mirror lacks it or several have the name. Filled in by syncd with the row, and corrected after each complete run.';

CREATE OR REPLACE VIEW order_items_live AS
SELECT t.order_id, t.id, t.created_at, t.modified_at, t.label, t.amount, t.tax_amount, t.proration, t.product_price_id, t.start_timestamp, t.end_timestamp
FROM order_items t
WHERE t._removed_at IS NULL AND EXISTS (SELECT FROM orders p WHERE p.id = t.order_id AND p._deleted_at IS NULL);
COMMENT ON VIEW order_items_live IS 'The rows of order_items that are neither removed nor in the list of a deleted row of orders, without syncd''s own columns.';
COMMENT ON COLUMN order_items_live.order_id IS 'Order that the line belongs to: orders.id.';
COMMENT ON COLUMN order_items_live.id IS 'Polar id of the line.';
COMMENT ON COLUMN order_items_live.created_at IS 'When Polar created the line (UTC).';
COMMENT ON COLUMN order_items_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN order_items_live.label IS 'What is charged, as printed on the invoice.';
COMMENT ON COLUMN order_items_live.amount IS 'Amount before discount and tax; below zero for a credit. Smallest unit of the order''s currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN order_items_live.tax_amount IS 'Sales tax. Smallest unit of the order''s currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN order_items_live.proration IS 'Whether the line comes from a change within a billing period.';
COMMENT ON COLUMN order_items_live.product_price_id IS 'Price that was charged: product_prices.id or subscription_prices.id; may be archived or made for this purchase, and then be in neither.';
COMMENT ON COLUMN order_items_live.start_timestamp IS 'Begin of the period that the line pays for (UTC); null for what has no period, and where Polar does not tell.';
COMMENT ON COLUMN order_items_live.end_timestamp IS 'End of the period that the line pays for (UTC); null for what has no period, and where Polar does not tell.';

CREATE OR REPLACE VIEW orders_live AS
SELECT t.id, t.created_at, t.modified_at, t.status, t.paid, t.billing_reason, t.description, t.currency, t.subtotal_amount, t.discount_amount, t.net_amount, t.tax_amount, t.total_amount, t.applied_balance_amount, t.due_amount, t.refunded_amount, t.refunded_tax_amount, t.refundable_amount, t.refundable_tax_amount, t.platform_fee_amount, t.platform_fee_currency, t.seats, t.units, t.customer_id, t.product_id, t.subscription_id, t.discount_id, t.checkout_id, t.invoice_number, t.is_invoice_generated, t.receipt_number, t.next_payment_attempt_at, t.billing_name, t.billing_address, t.metadata, t.custom_field_data
FROM orders t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW orders_live IS 'The rows of orders that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN orders_live.id IS 'Polar id.';
COMMENT ON COLUMN orders_live.created_at IS 'When Polar created the order (UTC).';
COMMENT ON COLUMN orders_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN orders_live.status IS 'State of the order; a refund can be undone, so it also moves back. Known today: draft, pending, paid, refunded, partially_refunded, void; new ones may come.';
COMMENT ON COLUMN orders_live.paid IS 'Whether it was paid; stays true when it is refunded later.';
COMMENT ON COLUMN orders_live.billing_reason IS 'What caused it. Known today: purchase, subscription_create, subscription_cycle, subscription_update, subscription_meter_cycle; new ones may come.';
COMMENT ON COLUMN orders_live.description IS 'One line on what was bought: the product''s present name, or the first item''s label without a product.';
COMMENT ON COLUMN orders_live.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN orders_live.subtotal_amount IS 'Sum of the items, before discount and tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_live.discount_amount IS 'Discount. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_live.net_amount IS 'After discount, before tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_live.tax_amount IS 'Sales tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_live.total_amount IS 'net_amount and tax_amount together. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_live.applied_balance_amount IS 'Customer balance that was applied: below zero it lowers what is due, above zero it raises it. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_live.due_amount IS 'Left to pay after the balance; never below zero. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_live.refunded_amount IS 'Refunded so far, without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_live.refunded_tax_amount IS 'Tax refunded so far. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_live.refundable_amount IS 'Still refundable, without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_live.refundable_tax_amount IS 'Tax that goes with a refund of all that is refundable. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_live.platform_fee_amount IS 'Polar''s fee. Smallest unit of platform_fee_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN orders_live.platform_fee_currency IS 'Currency of platform_fee_amount: ISO 4217, lower case; null without a fee.';
COMMENT ON COLUMN orders_live.seats IS 'Seats bought; null where the price is not by seat.';
COMMENT ON COLUMN orders_live.units IS 'Units bought; null where the price is not by unit.';
COMMENT ON COLUMN orders_live.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN orders_live.product_id IS 'Product: products.id; null for a top-up of the customer''s balance and the like.';
COMMENT ON COLUMN orders_live.subscription_id IS 'Subscription that it bills: subscriptions.id; null for a one-time purchase.';
COMMENT ON COLUMN orders_live.discount_id IS 'Discount that was applied.';
COMMENT ON COLUMN orders_live.checkout_id IS 'Checkout that it came from.';
COMMENT ON COLUMN orders_live.invoice_number IS 'Number on the invoice; null for drafts.';
COMMENT ON COLUMN orders_live.is_invoice_generated IS 'Whether the invoice document exists.';
COMMENT ON COLUMN orders_live.receipt_number IS 'Number on the receipt; null until paid, or where receipts are off.';
COMMENT ON COLUMN orders_live.next_payment_attempt_at IS 'When a failed payment is tried again (UTC); null when it is not.';
COMMENT ON COLUMN orders_live.billing_name IS 'Name on the invoice, as it was at the time of the order.';
COMMENT ON COLUMN orders_live.billing_address IS 'Address on the invoice, as it was at the time of the order, as an object: line1, line2, postal_code, city, state (US-CA style in the US and Canada), country (ISO 3166-1 alpha-2).';
COMMENT ON COLUMN orders_live.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans. An index serves @>: metadata @> ''{"key": "value"}''.';
COMMENT ON COLUMN orders_live.custom_field_data IS 'Answers to the custom fields of the checkout, as an object keyed by the slug of the field.';

CREATE OR REPLACE VIEW orders_export_live AS
SELECT t.id, t.email, t.created_at, t.product, t.net_amount, t.net_amount_major, t.currency, t.status, t.invoice_number, t.customer_name, t.billing_name, t.billing_country, t.subtotal_amount, t.subtotal_amount_major, t.discount_amount, t.discount_amount_major, t.tax_amount, t.tax_amount_major, t.total_amount, t.total_amount_major, t.refunded_amount, t.refunded_amount_major, t.billing_reason, t.order_id
FROM orders_export t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW orders_export_live IS 'The rows of orders_export that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN orders_export_live.id IS 'Made by syncd from the invoice number, else from time of creation and email, and the place among rows with the same ones.';
COMMENT ON COLUMN orders_export_live.email IS 'Email address of the customer as it is now, not as it was when the order was made.';
COMMENT ON COLUMN orders_export_live.created_at IS 'When Polar created the order (UTC).';
COMMENT ON COLUMN orders_export_live.product IS 'One line on what was bought; orders.description.';
COMMENT ON COLUMN orders_export_live.net_amount IS 'After discount, before tax. Smallest unit of currency, as in orders: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN orders_export_live.net_amount_major IS 'After discount, before tax. As the file says it: orders''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN orders_export_live.currency IS 'ISO 4217, lower case.';
COMMENT ON COLUMN orders_export_live.status IS 'State of the order, as in orders.';
COMMENT ON COLUMN orders_export_live.invoice_number IS 'Number on the invoice; null for drafts.';
COMMENT ON COLUMN orders_export_live.customer_name IS 'Name of the customer as it is now.';
COMMENT ON COLUMN orders_export_live.billing_name IS 'Name on the invoice.';
COMMENT ON COLUMN orders_export_live.billing_country IS 'Country on the invoice: ISO 3166-1 alpha-2.';
COMMENT ON COLUMN orders_export_live.subtotal_amount IS 'Before discount and tax. Smallest unit of currency, as in orders: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN orders_export_live.subtotal_amount_major IS 'Before discount and tax. As the file says it: orders''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN orders_export_live.discount_amount IS 'Discount. Smallest unit of currency, as in orders: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN orders_export_live.discount_amount_major IS 'Discount. As the file says it: orders''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN orders_export_live.tax_amount IS 'Sales tax. Smallest unit of currency, as in orders: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN orders_export_live.tax_amount_major IS 'Sales tax. As the file says it: orders''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN orders_export_live.total_amount IS 'With tax. Smallest unit of currency, as in orders: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN orders_export_live.total_amount_major IS 'With tax. As the file says it: orders''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN orders_export_live.refunded_amount IS 'Refunded so far, without tax. Smallest unit of currency, as in orders: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN orders_export_live.refunded_amount_major IS 'Refunded so far, without tax. As the file says it: orders''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN orders_export_live.billing_reason IS 'What caused it, as in orders.';
COMMENT ON COLUMN orders_export_live.order_id IS 'Row of orders that it belongs to: orders.id. Told by the invoice number, else by time of creation and email; null where the mirror lacks it. Filled in by syncd after each complete run.';

CREATE OR REPLACE VIEW organization_access_tokens_live AS
SELECT t.id, t.created_at, t.modified_at, t.comment, t.scopes, t.expires_at, t.last_used_at, t.organization_id
FROM organization_access_tokens t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW organization_access_tokens_live IS 'The rows of organization_access_tokens that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN organization_access_tokens_live.id IS 'Polar id.';
COMMENT ON COLUMN organization_access_tokens_live.created_at IS 'When Polar created the token (UTC).';
COMMENT ON COLUMN organization_access_tokens_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN organization_access_tokens_live.comment IS 'What the token is for, in the words of who made it.';
COMMENT ON COLUMN organization_access_tokens_live.scopes IS 'What the token may do, as an array of scopes such as orders:read.';
COMMENT ON COLUMN organization_access_tokens_live.expires_at IS 'When the token expires (UTC); null when it does not.';
COMMENT ON COLUMN organization_access_tokens_live.last_used_at IS 'When the token was used last (UTC); null when it never was.';
COMMENT ON COLUMN organization_access_tokens_live.organization_id IS 'Organization that owns it: organizations.id.';

CREATE OR REPLACE VIEW organizations_live AS
SELECT t.id, t.created_at, t.modified_at, t.name, t.slug, t.status, t.email, t.website, t.avatar_url, t.country, t.socials, t.default_presentment_currency, t.default_tax_behavior, t.proration_behavior, t.allow_customer_updates, t.details_submitted_at, t.onboarding_resubmission_requested_at, t.sso_enforced, t.embed_hosts, t.embed_hosts_enforced, t.account_id, t.payout_account_id, t.feature_settings, t.subscription_settings, t.customer_email_settings, t.customer_portal_settings, t.dispute_settings, t.capabilities
FROM organizations t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW organizations_live IS 'The rows of organizations that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN organizations_live.id IS 'Polar id.';
COMMENT ON COLUMN organizations_live.created_at IS 'When Polar created the organization (UTC).';
COMMENT ON COLUMN organizations_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN organizations_live.name IS 'Name as shown in checkouts, the customer portal and mails.';
COMMENT ON COLUMN organizations_live.slug IS 'Short unique name used in addresses and on card statements.';
COMMENT ON COLUMN organizations_live.status IS 'State of the organization at Polar. Known today: created, review, snoozed, denied, active, blocked, offboarding, offboarded; new ones may come.';
COMMENT ON COLUMN organizations_live.email IS 'Public support address.';
COMMENT ON COLUMN organizations_live.website IS 'Public web site.';
COMMENT ON COLUMN organizations_live.avatar_url IS 'Address of the logo.';
COMMENT ON COLUMN organizations_live.country IS 'Country: ISO 3166-1 alpha-2.';
COMMENT ON COLUMN organizations_live.socials IS 'Social profiles, as an array of objects: platform, url.';
COMMENT ON COLUMN organizations_live.default_presentment_currency IS 'Currency shown where a buyer''s local one is not offered: ISO 4217, lower case.';
COMMENT ON COLUMN organizations_live.default_tax_behavior IS 'Whether prices without a rule of their own include tax. Known today: location, inclusive, exclusive; new ones may come.';
COMMENT ON COLUMN organizations_live.proration_behavior IS 'How a change of plan made in the customer portal is charged. Known today: invoice, prorate, next_period, reset; new ones may come.';
COMMENT ON COLUMN organizations_live.allow_customer_updates IS 'Whether customers may change their plan in the customer portal.';
COMMENT ON COLUMN organizations_live.details_submitted_at IS 'When the business details were handed in for review (UTC).';
COMMENT ON COLUMN organizations_live.onboarding_resubmission_requested_at IS 'When Polar asked for the onboarding details again (UTC); null when it did not.';
COMMENT ON COLUMN organizations_live.sso_enforced IS 'Whether members have to sign in through the organization''s single sign-on.';
COMMENT ON COLUMN organizations_live.embed_hosts IS 'Hosts that may embed the checkout, as an array of host or host:port.';
COMMENT ON COLUMN organizations_live.embed_hosts_enforced IS 'Whether embedding is refused to hosts that are not in embed_hosts.';
COMMENT ON COLUMN organizations_live.account_id IS 'Account that holds the organization''s balance.';
COMMENT ON COLUMN organizations_live.payout_account_id IS 'Account that payouts go to.';
COMMENT ON COLUMN organizations_live.feature_settings IS 'Features that are switched on, as an object of flags.';
COMMENT ON COLUMN organizations_live.subscription_settings IS 'Rules for subscriptions, as an object (several at a time, proration, grace period of benefits, trial abuse).';
COMMENT ON COLUMN organizations_live.customer_email_settings IS 'Which mails customers get, as an object of flags.';
COMMENT ON COLUMN organizations_live.customer_portal_settings IS 'What the customer portal offers, as an object.';
COMMENT ON COLUMN organizations_live.dispute_settings IS 'How disputes are handled, as an object.';
COMMENT ON COLUMN organizations_live.capabilities IS 'What the organization may do at present, as an object of flags (payments, renewals, payouts, refunds, API, dashboard).';

CREATE OR REPLACE VIEW payment_methods_live AS
SELECT t.id, t.created_at, t.modified_at, t.processor, t.customer_id, t.type, t.is_default, t.method_metadata
FROM payment_methods t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW payment_methods_live IS 'The rows of payment_methods that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN payment_methods_live.id IS 'Polar id.';
COMMENT ON COLUMN payment_methods_live.created_at IS 'When Polar created the record (UTC).';
COMMENT ON COLUMN payment_methods_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN payment_methods_live.processor IS 'Who processes the payments. Known today: stripe; new ones may come.';
COMMENT ON COLUMN payment_methods_live.customer_id IS 'Customer who has it: customers.id.';
COMMENT ON COLUMN payment_methods_live.type IS 'Kind, such as card; an open list.';
COMMENT ON COLUMN payment_methods_live.is_default IS 'Whether the customer''s payments use it unless another is chosen.';
COMMENT ON COLUMN payment_methods_live.method_metadata IS 'Details, as an object (card: brand, last4, exp_month, exp_year, wallet); null for most others.';

CREATE OR REPLACE VIEW payments_live AS
SELECT t.id, t.created_at, t.modified_at, t.status, t.amount, t.currency, t.processor, t.method, t.method_metadata, t.trigger, t.decline_reason, t.decline_message, t.order_id, t.checkout_id, t.organization_id, t.processor_metadata
FROM payments t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW payments_live IS 'The rows of payments that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN payments_live.id IS 'Polar id.';
COMMENT ON COLUMN payments_live.created_at IS 'When Polar created the payment (UTC).';
COMMENT ON COLUMN payments_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN payments_live.status IS 'State. Known today: pending, succeeded, failed; new ones may come.';
COMMENT ON COLUMN payments_live.amount IS 'Amount charged, tax included. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN payments_live.currency IS 'Currency of amount: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN payments_live.processor IS 'Who processes the payment. Known today: stripe; new ones may come.';
COMMENT ON COLUMN payments_live.method IS 'Means of payment, such as card; an open list.';
COMMENT ON COLUMN payments_live.method_metadata IS 'Details of the means of payment, as an object (card: brand, last4); null for most others.';
COMMENT ON COLUMN payments_live.trigger IS 'What started the attempt; null on old rows. Known today: purchase, subscription_cycle, retry_dunning, retry_customer, retry_payment_method_update, retry_admin; new ones may come.';
COMMENT ON COLUMN payments_live.decline_reason IS 'Code of the refusal; null when it was not refused.';
COMMENT ON COLUMN payments_live.decline_message IS 'The refusal in words; null when it was not refused.';
COMMENT ON COLUMN payments_live.order_id IS 'Order that it pays: orders.id; may be filled in later.';
COMMENT ON COLUMN payments_live.checkout_id IS 'Checkout that it came from.';
COMMENT ON COLUMN payments_live.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN payments_live.processor_metadata IS 'What the processor adds, as an object.';

CREATE OR REPLACE VIEW product_benefits_live AS
SELECT t.product_id, t.benefit_id
FROM product_benefits t
WHERE t._removed_at IS NULL AND EXISTS (SELECT FROM products p WHERE p.id = t.product_id AND p._deleted_at IS NULL);
COMMENT ON VIEW product_benefits_live IS 'The rows of product_benefits that are neither removed nor in the list of a deleted row of products, without syncd''s own columns.';
COMMENT ON COLUMN product_benefits_live.product_id IS 'Product that grants the benefit: products.id.';
COMMENT ON COLUMN product_benefits_live.benefit_id IS 'Benefit that it grants: benefits.id.';

CREATE OR REPLACE VIEW product_prices_live AS
SELECT t.product_id, t.id, t.created_at, t.modified_at, t.source, t.amount_type, t.type, t.recurring_interval, t.legacy, t.is_archived, t.price_currency, t.tax_behavior, t.price_amount, t.minimum_amount, t.maximum_amount, t.preset_amount, t.unit_amount, t.cap_amount, t.meter_id, t.seat_tiers, t.tiers, t.minimum_units, t.maximum_units, t.unit_label
FROM product_prices t
WHERE t._removed_at IS NULL AND EXISTS (SELECT FROM products p WHERE p.id = t.product_id AND p._deleted_at IS NULL);
COMMENT ON VIEW product_prices_live IS 'The rows of product_prices that are neither removed nor in the list of a deleted row of products, without syncd''s own columns.';
COMMENT ON COLUMN product_prices_live.product_id IS 'Product that lists the price: products.id.';
COMMENT ON COLUMN product_prices_live.id IS 'Polar id of the price.';
COMMENT ON COLUMN product_prices_live.created_at IS 'When Polar created the price (UTC).';
COMMENT ON COLUMN product_prices_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN product_prices_live.source IS 'Where the price comes from. Known today: catalog (one of the product''s own prices), ad_hoc (made for one checkout or subscription); new ones may come.';
COMMENT ON COLUMN product_prices_live.amount_type IS 'How the amount is found; decides which of the columns below are set. Known today: fixed, custom, metered_unit, metered_tiers, seat_based, unit_based; new ones may come.';
COMMENT ON COLUMN product_prices_live.type IS 'Older marker of the billing rhythm, kept for prices that predate intervals on products. Known today: one_time, recurring; new ones may come.';
COMMENT ON COLUMN product_prices_live.recurring_interval IS 'Interval of a legacy recurring price; of all others the product carries it. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN product_prices_live.legacy IS 'True on prices that carry their own interval; null on all others.';
COMMENT ON COLUMN product_prices_live.is_archived IS 'Whether the price can no longer be bought. Subscriptions and orders may still point at it.';
COMMENT ON COLUMN product_prices_live.price_currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN product_prices_live.tax_behavior IS 'Whether amounts include tax; null means the organization''s default. Known today: location, inclusive, exclusive; new ones may come.';
COMMENT ON COLUMN product_prices_live.price_amount IS 'fixed: the price. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_prices_live.minimum_amount IS 'custom: the least the customer may pay; 0 allows free. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_prices_live.maximum_amount IS 'custom: the most the customer may pay; null means no limit. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_prices_live.preset_amount IS 'custom: the amount proposed to the customer; null means none. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_prices_live.unit_amount IS 'metered_unit: price of one unit, often a fraction, with the digits as Polar sent them. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_prices_live.cap_amount IS 'metered_unit: the most that one period can cost; null means no limit. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN product_prices_live.meter_id IS 'metered_unit: the meter that counts the units: meters.id.';
COMMENT ON COLUMN product_prices_live.seat_tiers IS 'seat_based: the tiers, as an object: seat_tier_type (volume or graduated), tiers (min_seats, max_seats, price_per_seat in the smallest unit of price_currency), minimum_seats, maximum_seats.';
COMMENT ON COLUMN product_prices_live.tiers IS 'unit_based and metered_tiers: the tiers. Of unit_based an object: type (volume or graduated), tiers (bound, unit_amount in the smallest unit of price_currency, with the digits as Polar sent them).';
COMMENT ON COLUMN product_prices_live.minimum_units IS 'unit_based: the fewest units that can be bought; null means no limit.';
COMMENT ON COLUMN product_prices_live.maximum_units IS 'unit_based: the most units that can be bought; null means no limit.';
COMMENT ON COLUMN product_prices_live.unit_label IS 'unit_based: what one unit is called, as an object: by language, such as en, its plural forms (one, other); null means no name.';

CREATE OR REPLACE VIEW products_live AS
SELECT t.id, t.created_at, t.modified_at, t.name, t.description, t.visibility, t.is_archived, t.is_recurring, t.recurring_interval, t.recurring_interval_count, t.meter_interval, t.meter_interval_count, t.trial_interval, t.trial_interval_count, t.organization_id, t.medias, t.attached_custom_fields, t.metadata, t.is_deletable
FROM products t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW products_live IS 'The rows of products that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN products_live.id IS 'Polar id.';
COMMENT ON COLUMN products_live.created_at IS 'When Polar created the product (UTC).';
COMMENT ON COLUMN products_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN products_live.name IS 'Name of the product.';
COMMENT ON COLUMN products_live.description IS 'Description, in Markdown.';
COMMENT ON COLUMN products_live.visibility IS 'Who can find the product. Known today: draft, private, public; new ones may come.';
COMMENT ON COLUMN products_live.is_archived IS 'Whether the product can no longer be bought.';
COMMENT ON COLUMN products_live.is_recurring IS 'Whether buying it starts a subscription.';
COMMENT ON COLUMN products_live.recurring_interval IS 'Unit of the billing interval; null for a one-time product. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN products_live.recurring_interval_count IS 'Units in one billing interval: 3 with month bills every quarter.';
COMMENT ON COLUMN products_live.meter_interval IS 'Unit of the interval in which meters are settled; null when it is the billing interval. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN products_live.meter_interval_count IS 'Units in one meter interval; null when it is the billing interval.';
COMMENT ON COLUMN products_live.trial_interval IS 'Unit of the trial period; null without a trial. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN products_live.trial_interval_count IS 'Units in the trial period; null without a trial.';
COMMENT ON COLUMN products_live.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN products_live.medias IS 'Pictures, as an array of file objects in order of display.';
COMMENT ON COLUMN products_live.attached_custom_fields IS 'Custom fields asked for at checkout, as an array of objects: custom_field_id, custom_field, order, required.';
COMMENT ON COLUMN products_live.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN products_live.is_deletable IS 'Whether the product can be deleted: false from its first order on. Null where Polar does not tell.';

CREATE OR REPLACE VIEW refunds_live AS
SELECT t.id, t.created_at, t.modified_at, t.status, t.reason, t.amount, t.tax_amount, t.currency, t.organization_id, t.order_id, t.subscription_id, t.customer_id, t.revoke_benefits, t.metadata, t.dispute_id
FROM refunds t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW refunds_live IS 'The rows of refunds that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN refunds_live.id IS 'Polar id.';
COMMENT ON COLUMN refunds_live.created_at IS 'When Polar created the refund (UTC).';
COMMENT ON COLUMN refunds_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN refunds_live.status IS 'State. Known today: pending, succeeded, failed, canceled; new ones may come.';
COMMENT ON COLUMN refunds_live.reason IS 'Why it was made. Known today: duplicate, fraudulent, customer_request, service_disruption, satisfaction_guarantee, dispute_prevention, other; new ones may come.';
COMMENT ON COLUMN refunds_live.amount IS 'Amount given back, without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN refunds_live.tax_amount IS 'Tax given back, on top of amount. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN refunds_live.currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN refunds_live.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN refunds_live.order_id IS 'Order that it refunds: orders.id.';
COMMENT ON COLUMN refunds_live.subscription_id IS 'Subscription of that order: subscriptions.id; null for a one-time purchase.';
COMMENT ON COLUMN refunds_live.customer_id IS 'Customer who gets the money: customers.id.';
COMMENT ON COLUMN refunds_live.revoke_benefits IS 'Whether the benefits of the order were taken back with it.';
COMMENT ON COLUMN refunds_live.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans.';
COMMENT ON COLUMN refunds_live.dispute_id IS 'Dispute that it prevented or settled: disputes.id; null for most. Read from the dispute that Polar shows inside the refund.';

CREATE OR REPLACE VIEW subscription_meters_live AS
SELECT t.subscription_id, t.id, t.created_at, t.modified_at, t.meter_id, t.consumed_units, t.credited_units, t.amount
FROM subscription_meters t
WHERE t._removed_at IS NULL AND EXISTS (SELECT FROM subscriptions p WHERE p.id = t.subscription_id AND p._deleted_at IS NULL);
COMMENT ON VIEW subscription_meters_live IS 'The rows of subscription_meters that are neither removed nor in the list of a deleted row of subscriptions, without syncd''s own columns.';
COMMENT ON COLUMN subscription_meters_live.subscription_id IS 'Subscription: subscriptions.id.';
COMMENT ON COLUMN subscription_meters_live.id IS 'Polar id of the row.';
COMMENT ON COLUMN subscription_meters_live.created_at IS 'When Polar created the row (UTC).';
COMMENT ON COLUMN subscription_meters_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN subscription_meters_live.meter_id IS 'Meter: meters.id.';
COMMENT ON COLUMN subscription_meters_live.consumed_units IS 'Units used in the current period, in the meter''s unit. Polar rounds to about 17 significant digits.';
COMMENT ON COLUMN subscription_meters_live.credited_units IS 'Units credited in the current period, in the meter''s unit.';
COMMENT ON COLUMN subscription_meters_live.amount IS 'What the usage of the current period costs so far. Smallest unit of the subscription''s currency: cents for usd and eur, whole yen for jpy.';

CREATE OR REPLACE VIEW subscription_prices_live AS
SELECT t.subscription_id, t.id, t.product_id, t.created_at, t.modified_at, t.source, t.amount_type, t.type, t.recurring_interval, t.legacy, t.is_archived, t.price_currency, t.tax_behavior, t.price_amount, t.minimum_amount, t.maximum_amount, t.preset_amount, t.unit_amount, t.cap_amount, t.meter_id, t.seat_tiers, t.tiers, t.minimum_units, t.maximum_units, t.unit_label
FROM subscription_prices t
WHERE t._removed_at IS NULL AND EXISTS (SELECT FROM subscriptions p WHERE p.id = t.subscription_id AND p._deleted_at IS NULL);
COMMENT ON VIEW subscription_prices_live IS 'The rows of subscription_prices that are neither removed nor in the list of a deleted row of subscriptions, without syncd''s own columns.';
COMMENT ON COLUMN subscription_prices_live.subscription_id IS 'Subscription billed by the price: subscriptions.id.';
COMMENT ON COLUMN subscription_prices_live.id IS 'Polar id of the price, the same in product_prices where that lists it.';
COMMENT ON COLUMN subscription_prices_live.product_id IS 'Product that owns the price: products.id.';
COMMENT ON COLUMN subscription_prices_live.created_at IS 'When Polar created the price (UTC).';
COMMENT ON COLUMN subscription_prices_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN subscription_prices_live.source IS 'Where the price comes from. Known today: catalog (one of the product''s own prices), ad_hoc (made for one checkout or subscription); new ones may come.';
COMMENT ON COLUMN subscription_prices_live.amount_type IS 'How the amount is found; decides which of the columns below are set. Known today: fixed, custom, metered_unit, metered_tiers, seat_based, unit_based; new ones may come.';
COMMENT ON COLUMN subscription_prices_live.type IS 'Older marker of the billing rhythm, kept for prices that predate intervals on products. Known today: one_time, recurring; new ones may come.';
COMMENT ON COLUMN subscription_prices_live.recurring_interval IS 'Interval of a legacy recurring price; of all others the product carries it. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN subscription_prices_live.legacy IS 'True on prices that carry their own interval; null on all others.';
COMMENT ON COLUMN subscription_prices_live.is_archived IS 'Whether the price can no longer be bought. Subscriptions and orders may still point at it.';
COMMENT ON COLUMN subscription_prices_live.price_currency IS 'Currency of the amounts: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN subscription_prices_live.tax_behavior IS 'Whether amounts include tax; null means the organization''s default. Known today: location, inclusive, exclusive; new ones may come.';
COMMENT ON COLUMN subscription_prices_live.price_amount IS 'fixed: the price. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscription_prices_live.minimum_amount IS 'custom: the least the customer may pay; 0 allows free. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscription_prices_live.maximum_amount IS 'custom: the most the customer may pay; null means no limit. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscription_prices_live.preset_amount IS 'custom: the amount proposed to the customer; null means none. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscription_prices_live.unit_amount IS 'metered_unit: price of one unit, often a fraction, with the digits as Polar sent them. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscription_prices_live.cap_amount IS 'metered_unit: the most that one period can cost; null means no limit. Smallest unit of price_currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscription_prices_live.meter_id IS 'metered_unit: the meter that counts the units: meters.id.';
COMMENT ON COLUMN subscription_prices_live.seat_tiers IS 'seat_based: the tiers, as an object: seat_tier_type (volume or graduated), tiers (min_seats, max_seats, price_per_seat in the smallest unit of price_currency), minimum_seats, maximum_seats.';
COMMENT ON COLUMN subscription_prices_live.tiers IS 'unit_based and metered_tiers: the tiers. Of unit_based an object: type (volume or graduated), tiers (bound, unit_amount in the smallest unit of price_currency, with the digits as Polar sent them).';
COMMENT ON COLUMN subscription_prices_live.minimum_units IS 'unit_based: the fewest units that can be bought; null means no limit.';
COMMENT ON COLUMN subscription_prices_live.maximum_units IS 'unit_based: the most units that can be bought; null means no limit.';
COMMENT ON COLUMN subscription_prices_live.unit_label IS 'unit_based: what one unit is called, as an object: by language, such as en, its plural forms (one, other); null means no name.';

CREATE OR REPLACE VIEW subscriptions_live AS
SELECT t.id, t.created_at, t.modified_at, t.status, t.currency, t.amount, t.recurring_interval, t.recurring_interval_count, t.started_at, t.current_period_start, t.current_period_end, t.current_meter_period_start, t.current_meter_period_end, t.trial_start, t.trial_end, t.cancel_at_period_end, t.canceled_at, t.ends_at, t.ended_at, t.past_due_at, t.pause_at_period_end, t.paused_at, t.resumes_at, t.seats, t.units, t.customer_id, t.product_id, t.discount_id, t.checkout_id, t.customer_cancellation_reason, t.customer_cancellation_comment, t.pending_update, t.metadata, t.custom_field_data
FROM subscriptions t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW subscriptions_live IS 'The rows of subscriptions that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN subscriptions_live.id IS 'Polar id.';
COMMENT ON COLUMN subscriptions_live.created_at IS 'When Polar created the subscription (UTC).';
COMMENT ON COLUMN subscriptions_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN subscriptions_live.status IS 'State. It stays active until the end of the period while cancel_at_period_end is true. Known today: incomplete, incomplete_expired, trialing, active, past_due, canceled, unpaid, paused; new ones may come.';
COMMENT ON COLUMN subscriptions_live.currency IS 'Currency of amount: ISO 4217, lower case, such as usd.';
COMMENT ON COLUMN subscriptions_live.amount IS 'Price of one billing interval after a discount that goes on, as long as it does. Inclusive tax is in it, metered usage is not; subscriptions_enriched.net_amount is without tax. Smallest unit of currency: cents for usd and eur, whole yen for jpy.';
COMMENT ON COLUMN subscriptions_live.recurring_interval IS 'Unit of the billing interval. Known today: day, week, month, year; new ones may come.';
COMMENT ON COLUMN subscriptions_live.recurring_interval_count IS 'Units in one billing interval: 3 with month bills every quarter.';
COMMENT ON COLUMN subscriptions_live.started_at IS 'When billing started (UTC); may be before created_at for an imported subscription.';
COMMENT ON COLUMN subscriptions_live.current_period_start IS 'Start of the current billing period (UTC).';
COMMENT ON COLUMN subscriptions_live.current_period_end IS 'End of the current billing period (UTC): the next renewal.';
COMMENT ON COLUMN subscriptions_live.current_meter_period_start IS 'Start of the current meter period (UTC); null when the product has no meter interval of its own.';
COMMENT ON COLUMN subscriptions_live.current_meter_period_end IS 'End of the current meter period (UTC); null when the product has no meter interval of its own.';
COMMENT ON COLUMN subscriptions_live.trial_start IS 'Start of the trial (UTC); null without one.';
COMMENT ON COLUMN subscriptions_live.trial_end IS 'End of the trial (UTC); null without one.';
COMMENT ON COLUMN subscriptions_live.cancel_at_period_end IS 'Whether it ends with the current period.';
COMMENT ON COLUMN subscriptions_live.canceled_at IS 'When it was canceled (UTC); becomes null again when the cancellation is taken back.';
COMMENT ON COLUMN subscriptions_live.ends_at IS 'When it will end (UTC); null when no end is set.';
COMMENT ON COLUMN subscriptions_live.ended_at IS 'When it ended (UTC); null while it runs.';
COMMENT ON COLUMN subscriptions_live.past_due_at IS 'When it became past_due (UTC); null when it is not.';
COMMENT ON COLUMN subscriptions_live.pause_at_period_end IS 'Whether it pauses with the end of the current period.';
COMMENT ON COLUMN subscriptions_live.paused_at IS 'When it was paused (UTC); null when it is not.';
COMMENT ON COLUMN subscriptions_live.resumes_at IS 'When a paused subscription goes on by itself (UTC); null when no date is set.';
COMMENT ON COLUMN subscriptions_live.seats IS 'Seats; null where the price is not by seat.';
COMMENT ON COLUMN subscriptions_live.units IS 'Units; null where the price is not by unit.';
COMMENT ON COLUMN subscriptions_live.customer_id IS 'Customer: customers.id.';
COMMENT ON COLUMN subscriptions_live.product_id IS 'Product: products.id.';
COMMENT ON COLUMN subscriptions_live.discount_id IS 'Discount in force.';
COMMENT ON COLUMN subscriptions_live.checkout_id IS 'Checkout that it came from.';
COMMENT ON COLUMN subscriptions_live.customer_cancellation_reason IS 'Why the customer left, as chosen by the customer. Known today: customer_service, low_quality, missing_features, switched_service, too_complex, too_expensive, unused, other; new ones may come.';
COMMENT ON COLUMN subscriptions_live.customer_cancellation_comment IS 'Why the customer left, in the customer''s words.';
COMMENT ON COLUMN subscriptions_live.pending_update IS 'Change that takes effect with the next period, as an object: id, created_at, modified_at, applies_at, product_id, seats, units; null without one.';
COMMENT ON COLUMN subscriptions_live.metadata IS 'Your own keys and values, as an object; values are strings, numbers or booleans. An index serves @>: metadata @> ''{"key": "value"}''.';
COMMENT ON COLUMN subscriptions_live.custom_field_data IS 'Answers to the custom fields of the checkout, as an object keyed by the slug of the field.';

CREATE OR REPLACE VIEW subscriptions_export_live AS
SELECT t.id, t.email, t.started_at, t.product, t.amount, t.amount_major, t.currency, t.status, t.recurring_interval, t.customer_name, t.billing_name, t.billing_country, t.net_amount, t.net_amount_major, t.discount, t.seats, t.current_period_start, t.current_period_end, t.cancel_at_period_end, t.canceled_at, t.ends_at, t.ended_at, t.cancellation_reason, t.trial_start, t.trial_end, t.active, t.subscription_id
FROM subscriptions_export t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW subscriptions_export_live IS 'The rows of subscriptions_export that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN subscriptions_export_live.id IS 'Made by syncd from start, email and product, and the place among rows with the same ones.';
COMMENT ON COLUMN subscriptions_export_live.email IS 'Email address of the customer as it is now.';
COMMENT ON COLUMN subscriptions_export_live.started_at IS 'When billing started (UTC). Files from before August 2026 have the time of creation in its place.';
COMMENT ON COLUMN subscriptions_export_live.product IS 'Name of the product as it is now.';
COMMENT ON COLUMN subscriptions_export_live.amount IS 'Price of one billing interval, as subscriptions.amount: after a discount that goes on, with inclusive tax. Smallest unit of currency, as in subscriptions: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN subscriptions_export_live.amount_major IS 'Price of one billing interval, as subscriptions.amount: after a discount that goes on, with inclusive tax. As the file says it: subscriptions''s amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN subscriptions_export_live.currency IS 'ISO 4217, lower case.';
COMMENT ON COLUMN subscriptions_export_live.status IS 'State, as in subscriptions.';
COMMENT ON COLUMN subscriptions_export_live.recurring_interval IS 'Billing interval: month, or 3 months.';
COMMENT ON COLUMN subscriptions_export_live.customer_name IS 'Name of the customer as it is now.';
COMMENT ON COLUMN subscriptions_export_live.billing_name IS 'Name on invoices.';
COMMENT ON COLUMN subscriptions_export_live.billing_country IS 'Country of the billing address: ISO 3166-1 alpha-2.';
COMMENT ON COLUMN subscriptions_export_live.net_amount IS 'amount without inclusive tax: the amount of Polar''s MRR. It is amount where no tax is inside. Smallest unit of currency, as in subscriptions: what the file says times 100, in every currency. Null where that is no whole number.';
COMMENT ON COLUMN subscriptions_export_live.net_amount_major IS 'amount_major without inclusive tax. As the file says it: the net amount divided by 100 in every currency, yen too. Polar computes it as a binary floating point number.';
COMMENT ON COLUMN subscriptions_export_live.discount IS 'Code of the discount, else its name.';
COMMENT ON COLUMN subscriptions_export_live.seats IS 'Seats; null where the price is not by seat.';
COMMENT ON COLUMN subscriptions_export_live.current_period_start IS 'Start of the current billing period (UTC).';
COMMENT ON COLUMN subscriptions_export_live.current_period_end IS 'End of the current billing period (UTC).';
COMMENT ON COLUMN subscriptions_export_live.cancel_at_period_end IS 'Whether it ends with the current period.';
COMMENT ON COLUMN subscriptions_export_live.canceled_at IS 'When it was canceled (UTC).';
COMMENT ON COLUMN subscriptions_export_live.ends_at IS 'When it will end (UTC).';
COMMENT ON COLUMN subscriptions_export_live.ended_at IS 'When it ended (UTC).';
COMMENT ON COLUMN subscriptions_export_live.cancellation_reason IS 'Why the customer left, as chosen by the customer.';
COMMENT ON COLUMN subscriptions_export_live.trial_start IS 'Start of the trial (UTC).';
COMMENT ON COLUMN subscriptions_export_live.trial_end IS 'End of the trial (UTC).';
COMMENT ON COLUMN subscriptions_export_live.active IS 'Whether it is active; in files from before August 2026 only, which have no status.';
COMMENT ON COLUMN subscriptions_export_live.subscription_id IS 'Row of subscriptions that it belongs to: subscriptions.id. Told by start, email and product; null where the mirror lacks it. Filled in by syncd after each complete run.';

CREATE OR REPLACE VIEW webhook_endpoints_live AS
SELECT t.id, t.created_at, t.modified_at, t.name, t.format, t.organization_id, t.events, t.enabled, t.api_version, t.uses_standard_webhook_signature
FROM webhook_endpoints t
WHERE t._deleted_at IS NULL;
COMMENT ON VIEW webhook_endpoints_live IS 'The rows of webhook_endpoints that are not deleted, without syncd''s own columns.';
COMMENT ON COLUMN webhook_endpoints_live.id IS 'Polar id.';
COMMENT ON COLUMN webhook_endpoints_live.created_at IS 'When Polar created the endpoint (UTC).';
COMMENT ON COLUMN webhook_endpoints_live.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN webhook_endpoints_live.name IS 'Name of the endpoint, for you; null without one.';
COMMENT ON COLUMN webhook_endpoints_live.format IS 'Format of what is sent. Known today: raw, discord, slack; new ones may come.';
COMMENT ON COLUMN webhook_endpoints_live.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN webhook_endpoints_live.events IS 'Types of events that are sent, as an array of strings.';
COMMENT ON COLUMN webhook_endpoints_live.enabled IS 'Whether anything is sent. Polar switches an endpoint off that fails for long, and records nothing for it from then on.';
COMMENT ON COLUMN webhook_endpoints_live.api_version IS 'Version of the API that its payloads are written in, such as 2026-10; null where Polar does not tell.';
COMMENT ON COLUMN webhook_endpoints_live.uses_standard_webhook_signature IS 'Whether payloads are signed with the base64 part of the secret, as Standard Webhooks has it; false: with the whole secret. Null where Polar does not tell.';
