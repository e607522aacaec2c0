-- name: CustomersExportUpsert :exec
-- A file requested earlier than the one stored changes nothing; a row that comes back is no longer deleted.
INSERT INTO customers_export (
    id, external_id, created_at, email, name, tax_id, tax_id_text, billing_line1, billing_line2, billing_city,
    billing_state, billing_postal_code, billing_country, metadata, _extra, _hash, _requested_at
)
SELECT unnest(@id::uuid[]), unnest(@external_id::text[]), unnest(@created_at::timestamptz[]),
    unnest(@email::text[]), unnest(@name::text[]), unnest(@tax_id::jsonb[]), unnest(@tax_id_text::text[]),
    unnest(@billing_line1::text[]), unnest(@billing_line2::text[]), unnest(@billing_city::text[]),
    unnest(@billing_state::text[]), unnest(@billing_postal_code::text[]), unnest(@billing_country::text[]),
    unnest(@metadata::jsonb[]), unnest(@_extra::jsonb[]), unnest(@_hash::bytea[]),
    unnest(@_requested_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    external_id = EXCLUDED.external_id, created_at = EXCLUDED.created_at, email = EXCLUDED.email,
    name = EXCLUDED.name, tax_id = EXCLUDED.tax_id, tax_id_text = EXCLUDED.tax_id_text,
    billing_line1 = EXCLUDED.billing_line1, billing_line2 = EXCLUDED.billing_line2,
    billing_city = EXCLUDED.billing_city, billing_state = EXCLUDED.billing_state,
    billing_postal_code = EXCLUDED.billing_postal_code, billing_country = EXCLUDED.billing_country,
    metadata = EXCLUDED.metadata, _extra = EXCLUDED._extra, _hash = EXCLUDED._hash,
    _requested_at = EXCLUDED._requested_at, _synced_at = EXCLUDED._synced_at, _deleted_at = NULL
WHERE customers_export._requested_at <= EXCLUDED._requested_at;

-- name: CustomersExportLink :exec
-- The mirrored row that each row of the file belongs to.
UPDATE customers_export e SET customer_id = mirrored
FROM (SELECT x.id AS export_id, c.id AS mirrored FROM customers_export x LEFT JOIN customers c ON c.id = x.id) m
WHERE m.export_id = e.id AND e.customer_id IS DISTINCT FROM mirrored;
