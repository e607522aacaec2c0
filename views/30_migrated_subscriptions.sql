-- Subscriptions that came to Polar from another provider.

CREATE OR REPLACE VIEW migrated_subscriptions AS
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
