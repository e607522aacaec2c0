-- organizations.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE organizations (
    id                                   uuid        PRIMARY KEY,
    created_at                           timestamptz,
    modified_at                          timestamptz,
    name                                 text,
    slug                                 text,
    status                               text,
    email                                text,
    website                              text,
    avatar_url                           text,
    country                              text,
    socials                              jsonb,
    default_presentment_currency         text,
    default_tax_behavior                 text,
    proration_behavior                   text,
    allow_customer_updates               boolean,
    details_submitted_at                 timestamptz,
    onboarding_resubmission_requested_at timestamptz,
    sso_enforced                         boolean,
    embed_hosts                          jsonb,
    embed_hosts_enforced                 boolean,
    account_id                           uuid,
    payout_account_id                    uuid,
    feature_settings                     jsonb,
    subscription_settings                jsonb,
    customer_email_settings              jsonb,
    customer_portal_settings             jsonb,
    dispute_settings                     jsonb,
    capabilities                         jsonb,
    _extra                               jsonb       NOT NULL DEFAULT '{}',
    _hash                                bytea       NOT NULL,
    _requested_at                        timestamptz NOT NULL,
    _synced_at                           timestamptz NOT NULL DEFAULT now(),
    _deleted_at                          timestamptz
);
COMMENT ON TABLE organizations IS 'The Polar organization that this schema mirrors: one row, because an organization access token sees one organization.';
COMMENT ON COLUMN organizations.id IS 'Polar id.';
COMMENT ON COLUMN organizations.created_at IS 'When Polar created the organization (UTC).';
COMMENT ON COLUMN organizations.modified_at IS 'When Polar last changed its record (UTC); null until the first time. It may move without a visible change, and stay while nested data change.';
COMMENT ON COLUMN organizations.name IS 'Name as shown in checkouts, the customer portal and mails.';
COMMENT ON COLUMN organizations.slug IS 'Short unique name used in addresses and on card statements.';
COMMENT ON COLUMN organizations.status IS 'State of the organization at Polar. Known today: created, review, snoozed, denied, active, blocked, offboarding, offboarded; new ones may come.';
COMMENT ON COLUMN organizations.email IS 'Public support address.';
COMMENT ON COLUMN organizations.website IS 'Public web site.';
COMMENT ON COLUMN organizations.avatar_url IS 'Address of the logo.';
COMMENT ON COLUMN organizations.country IS 'Country: ISO 3166-1 alpha-2.';
COMMENT ON COLUMN organizations.socials IS 'Social profiles, as an array of objects: platform, url.';
COMMENT ON COLUMN organizations.default_presentment_currency IS 'Currency shown where a buyer''s local one is not offered: ISO 4217, lower case.';
COMMENT ON COLUMN organizations.default_tax_behavior IS 'Whether prices without a rule of their own include tax. Known today: location, inclusive, exclusive; new ones may come.';
COMMENT ON COLUMN organizations.proration_behavior IS 'How a change of plan made in the customer portal is charged. Known today: invoice, prorate, next_period, reset; new ones may come.';
COMMENT ON COLUMN organizations.allow_customer_updates IS 'Whether customers may change their plan in the customer portal.';
COMMENT ON COLUMN organizations.details_submitted_at IS 'When the business details were handed in for review (UTC).';
COMMENT ON COLUMN organizations.onboarding_resubmission_requested_at IS 'When Polar asked for the onboarding details again (UTC); null when it did not.';
COMMENT ON COLUMN organizations.sso_enforced IS 'Whether members have to sign in through the organization''s single sign-on.';
COMMENT ON COLUMN organizations.embed_hosts IS 'Hosts that may embed the checkout, as an array of host or host:port.';
COMMENT ON COLUMN organizations.embed_hosts_enforced IS 'Whether embedding is refused to hosts that are not in embed_hosts.';
COMMENT ON COLUMN organizations.account_id IS 'Account that holds the organization''s balance.';
COMMENT ON COLUMN organizations.payout_account_id IS 'Account that payouts go to.';
COMMENT ON COLUMN organizations.feature_settings IS 'Features that are switched on, as an object of flags.';
COMMENT ON COLUMN organizations.subscription_settings IS 'Rules for subscriptions, as an object (several at a time, proration, grace period of benefits, trial abuse).';
COMMENT ON COLUMN organizations.customer_email_settings IS 'Which mails customers get, as an object of flags.';
COMMENT ON COLUMN organizations.customer_portal_settings IS 'What the customer portal offers, as an object.';
COMMENT ON COLUMN organizations.dispute_settings IS 'How disputes are handled, as an object.';
COMMENT ON COLUMN organizations.capabilities IS 'What the organization may do at present, as an object of flags (payments, renewals, payouts, refunds, API, dashboard).';
COMMENT ON COLUMN organizations._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN organizations._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN organizations._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN organizations._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN organizations._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE organizations;
