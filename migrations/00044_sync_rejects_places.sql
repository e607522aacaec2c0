-- Where a reject came from, if it is no item of its stream's own list. Adds nullable columns and changes comments: an
-- exclusive lock on sync_rejects and on sync_drift for an instant, no row is rewritten.

-- +goose Up
ALTER TABLE sync_rejects ADD COLUMN copied_from text;
COMMENT ON COLUMN sync_rejects.copied_from IS 'The stream of the object that this was a copy inside of: such an object is stored without it. Null for an item of the stream''s own.';
COMMENT ON COLUMN sync_rejects.key IS 'The item''s id where it has a usable one, else the SHA-256 of its bytes in hexadecimal. For a row that Polar cannot render: gap:, and after or before which id it stands in the list, with a number where several stand there; where no neighbour is known, its place from 1 and the query of the list.';
COMMENT ON COLUMN sync_rejects.resolved_at IS 'When a later run stored an item with this id, or a complete sweep no longer met it, of a row that Polar cannot render also a sweep that accounts for all other rows (UTC); null while open. That a sweep does not meet the object of a copy resolves nothing.';
COMMENT ON COLUMN sync_drift.kind IS 'new_field: a field without a column, kept in _extra. missing_field: a column''s field that was not sent, the column is null. type: a value of another JSON type than the column takes, or a whole number that is written with a point or an exponent, which is stored. new_value: a value that is not on the list of those known. version: Polar answers in another version of its API than asked for.';

-- +goose Down
ALTER TABLE sync_rejects DROP COLUMN copied_from;
