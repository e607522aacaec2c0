-- name: RowCounts :many
SELECT stream, sum(rows)::bigint AS rows FROM sync_row_counts GROUP BY stream;

-- name: RowCount :one
SELECT COALESCE(sum(rows), 0)::bigint AS rows FROM sync_row_counts WHERE stream = @stream;

-- name: RowCountChecked :exec
-- What was found wrong is added, and not set: others may write meanwhile.
WITH checked AS (
    UPDATE sync_streams
    SET rows_counted_at = now(),
        rows_corrected_at = CASE WHEN @difference::bigint <> 0 THEN now() ELSE rows_corrected_at END,
        rows_corrected_by = CASE WHEN @difference::bigint <> 0 THEN @difference::bigint ELSE rows_corrected_by END
    WHERE sync_streams.stream = @stream
)
INSERT INTO sync_row_counts (stream, writer, rows)
SELECT @stream, '', @difference::bigint WHERE @difference::bigint <> 0
ON CONFLICT (stream, writer) DO UPDATE SET rows = sync_row_counts.rows + EXCLUDED.rows;
