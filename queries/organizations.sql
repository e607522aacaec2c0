-- name: OrganizationsUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO organizations (
    id, created_at, modified_at, name, slug, status, email, website, avatar_url, country, socials,
    default_presentment_currency, default_tax_behavior, proration_behavior, allow_customer_updates,
    details_submitted_at, onboarding_resubmission_requested_at, sso_enforced, embed_hosts,
    embed_hosts_enforced, account_id, payout_account_id, feature_settings, subscription_settings,
    customer_email_settings, customer_portal_settings, dispute_settings, capabilities, _extra, _hash,
    _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@modified_at::timestamptz[]),
    unnest(@name::text[]), unnest(@slug::text[]), unnest(@status::text[]), unnest(@email::text[]),
    unnest(@website::text[]), unnest(@avatar_url::text[]), unnest(@country::text[]),
    unnest(@socials::jsonb[]), unnest(@default_presentment_currency::text[]),
    unnest(@default_tax_behavior::text[]), unnest(@proration_behavior::text[]),
    unnest(@allow_customer_updates::boolean[]), unnest(@details_submitted_at::timestamptz[]),
    unnest(@onboarding_resubmission_requested_at::timestamptz[]), unnest(@sso_enforced::boolean[]),
    unnest(@embed_hosts::jsonb[]), unnest(@embed_hosts_enforced::boolean[]), unnest(@account_id::uuid[]),
    unnest(@payout_account_id::uuid[]), unnest(@feature_settings::jsonb[]),
    unnest(@subscription_settings::jsonb[]), unnest(@customer_email_settings::jsonb[]),
    unnest(@customer_portal_settings::jsonb[]), unnest(@dispute_settings::jsonb[]),
    unnest(@capabilities::jsonb[]), unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]),
    unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, modified_at = EXCLUDED.modified_at, name = EXCLUDED.name,
    slug = EXCLUDED.slug, status = EXCLUDED.status, email = EXCLUDED.email, website = EXCLUDED.website,
    avatar_url = EXCLUDED.avatar_url, country = EXCLUDED.country, socials = EXCLUDED.socials,
    default_presentment_currency = EXCLUDED.default_presentment_currency,
    default_tax_behavior = EXCLUDED.default_tax_behavior, proration_behavior = EXCLUDED.proration_behavior,
    allow_customer_updates = EXCLUDED.allow_customer_updates,
    details_submitted_at = EXCLUDED.details_submitted_at,
    onboarding_resubmission_requested_at = EXCLUDED.onboarding_resubmission_requested_at,
    sso_enforced = EXCLUDED.sso_enforced, embed_hosts = EXCLUDED.embed_hosts,
    embed_hosts_enforced = EXCLUDED.embed_hosts_enforced, account_id = EXCLUDED.account_id,
    payout_account_id = EXCLUDED.payout_account_id, feature_settings = EXCLUDED.feature_settings,
    subscription_settings = EXCLUDED.subscription_settings,
    customer_email_settings = EXCLUDED.customer_email_settings,
    customer_portal_settings = EXCLUDED.customer_portal_settings,
    dispute_settings = EXCLUDED.dispute_settings, capabilities = EXCLUDED.capabilities,
    _extra = EXCLUDED._extra, _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE organizations._requested_at <= EXCLUDED._requested_at;
