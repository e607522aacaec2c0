-- files.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE files (
    id                     uuid        PRIMARY KEY,
    created_at             timestamptz,
    organization_id        uuid,
    service                text,
    name                   text,
    path                   text,
    mime_type              text,
    size                   bigint,
    size_readable          text,
    storage_version        text,
    checksum_etag          text,
    checksum_sha256_base64 text,
    checksum_sha256_hex    text,
    last_modified_at       timestamptz,
    version                text,
    is_uploaded            boolean,
    flagged_malicious_at   timestamptz,
    public_url             text,
    _extra                 jsonb       NOT NULL DEFAULT '{}',
    _hash                  bytea       NOT NULL,
    _requested_at          timestamptz NOT NULL,
    _synced_at             timestamptz NOT NULL DEFAULT now(),
    _deleted_at            timestamptz
);
COMMENT ON TABLE files IS 'Uploaded files: downloads of benefits, pictures of products, avatars. Polar lists none that is not uploaded yet.';
COMMENT ON COLUMN files.id IS 'Polar id.';
COMMENT ON COLUMN files.created_at IS 'When Polar created the file (UTC).';
COMMENT ON COLUMN files.organization_id IS 'Organization that owns it: organizations.id.';
COMMENT ON COLUMN files.service IS 'What the file is for. Known today: downloadable, product_media, organization_avatar, support_case_attachment; new ones may come.';
COMMENT ON COLUMN files.name IS 'Name of the file.';
COMMENT ON COLUMN files.path IS 'Where Polar keeps it.';
COMMENT ON COLUMN files.mime_type IS 'Media type, such as image/png.';
COMMENT ON COLUMN files.size IS 'Size in bytes.';
COMMENT ON COLUMN files.size_readable IS 'Size as Polar shows it to people.';
COMMENT ON COLUMN files.storage_version IS 'Version in Polars storage; null before the upload.';
COMMENT ON COLUMN files.checksum_etag IS 'Entity tag in Polars storage; null before the upload.';
COMMENT ON COLUMN files.checksum_sha256_base64 IS 'SHA-256 of the content, in base64; null when it was not given.';
COMMENT ON COLUMN files.checksum_sha256_hex IS 'SHA-256 of the content, in hexadecimal; null when it was not given.';
COMMENT ON COLUMN files.last_modified_at IS 'When the content was last written (UTC); null before the upload.';
COMMENT ON COLUMN files.version IS 'Version of the file, as you named it; null without one.';
COMMENT ON COLUMN files.is_uploaded IS 'Whether the content is there.';
COMMENT ON COLUMN files.flagged_malicious_at IS 'downloadable: when the content was found to be malicious (UTC); null when it was not.';
COMMENT ON COLUMN files.public_url IS 'Pictures and avatars: address for everybody; null for all others.';
COMMENT ON COLUMN files._extra IS 'What Polar sent beyond these columns, as an object; empty when there was nothing.';
COMMENT ON COLUMN files._hash IS 'Digest of what was stored, to tell whether the next reply differs.';
COMMENT ON COLUMN files._requested_at IS 'When the reply that this row came from was requested (UTC). An earlier reply never overwrites a later one.';
COMMENT ON COLUMN files._synced_at IS 'When syncd last changed this row (UTC).';
COMMENT ON COLUMN files._deleted_at IS 'When syncd found that Polar no longer has it (UTC); null while it exists. The row stays.';

-- +goose Down
DROP TABLE files;
