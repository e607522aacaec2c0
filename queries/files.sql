-- name: FilesUpsert :exec
-- A reply requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO files (
    id, created_at, organization_id, service, name, path, mime_type, size, size_readable, storage_version,
    checksum_etag, checksum_sha256_base64, checksum_sha256_hex, last_modified_at, version, is_uploaded,
    flagged_malicious_at, public_url, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@created_at::timestamptz[]), unnest(@organization_id::uuid[]),
    unnest(@service::text[]), unnest(@name::text[]), unnest(@path::text[]), unnest(@mime_type::text[]),
    unnest(@size::bigint[]), unnest(@size_readable::text[]), unnest(@storage_version::text[]),
    unnest(@checksum_etag::text[]), unnest(@checksum_sha256_base64::text[]),
    unnest(@checksum_sha256_hex::text[]), unnest(@last_modified_at::timestamptz[]), unnest(@version::text[]),
    unnest(@is_uploaded::boolean[]), unnest(@flagged_malicious_at::timestamptz[]),
    unnest(@public_url::text[]), unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]),
    unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    created_at = EXCLUDED.created_at, organization_id = EXCLUDED.organization_id, service = EXCLUDED.service,
    name = EXCLUDED.name, path = EXCLUDED.path, mime_type = EXCLUDED.mime_type, size = EXCLUDED.size,
    size_readable = EXCLUDED.size_readable, storage_version = EXCLUDED.storage_version,
    checksum_etag = EXCLUDED.checksum_etag, checksum_sha256_base64 = EXCLUDED.checksum_sha256_base64,
    checksum_sha256_hex = EXCLUDED.checksum_sha256_hex, last_modified_at = EXCLUDED.last_modified_at,
    version = EXCLUDED.version, is_uploaded = EXCLUDED.is_uploaded,
    flagged_malicious_at = EXCLUDED.flagged_malicious_at, public_url = EXCLUDED.public_url,
    _extra = EXCLUDED._extra, _hash = EXCLUDED._hash, _requested_at = EXCLUDED._requested_at,
    _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE files._requested_at <= EXCLUDED._requested_at;
