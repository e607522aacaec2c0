-- How fresh each stream is.

CREATE OR REPLACE VIEW freshness AS
SELECT s.stream,
       LEAST(GREATEST(s.complete_at, s.data_through), c.oldest) AS data_through,
       GREATEST(s.polled_at, (SELECT max(f.polled_at) FROM sync_feeds f WHERE f.feed = ANY(s.covered_by))) AS polled_at,
       s.complete_at,
       COALESCE(c.pending, 0) AS pending_changes,
       s.sweep_due,
       s.unavailable,
       (SELECT max(f.lag) FROM sync_feeds f WHERE f.feed = ANY(s.covered_by)) AS feed_lag,
       s.covered_by,
       (SELECT NULLIF(max(r.started_at) - min(r.started_at), interval '0')
        FROM (SELECT started_at FROM sync_runs WHERE stream = s.stream AND kind = 'sweep' AND verdict = 'complete' ORDER BY id DESC LIMIT 2) r) AS swept_every
FROM sync_streams s
LEFT JOIN LATERAL (
    SELECT count(*) AS pending, min(changed_at) FILTER (WHERE changed_at > s.complete_at) AS oldest
    FROM sync_changes c
    WHERE c.stream = s.stream AND (c.known_at IS NULL OR c.known_at < c.noted_at)
) c ON true
WHERE s.stream NOT LIKE '%/%' AND s.stream <> 'tail';
COMMENT ON VIEW freshness IS 'How fresh each stream is, and how that is known.';
COMMENT ON COLUMN freshness.stream IS 'Name of the stream, which is also the name of its table.';
COMMENT ON COLUMN freshness.data_through IS 'Moment up to which Polar''s state is known to be mirrored, as far as tails can see it (UTC): the start of the last complete sweep, or the newest change mirrored since, but not later than what shows changes of the stream is known to have been read up to, nor than the oldest change that is still to be fetched. It goes back when a feed turns out to be behind.';
COMMENT ON COLUMN freshness.polled_at IS 'When Polar last answered a question about the stream, or a feed that covers it (UTC).';
COMMENT ON COLUMN freshness.complete_at IS 'When the last complete sweep began (UTC): the table held all that Polar listed at that moment, also what no tail can see.';
COMMENT ON COLUMN freshness.pending_changes IS 'Changes that are known of and not fetched yet.';
COMMENT ON COLUMN freshness.sweep_due IS 'Why a sweep is to be brought forward; null when it is not.';
COMMENT ON COLUMN freshness.unavailable IS 'Why Polar does not give this stream to this token; null when it does.';
COMMENT ON COLUMN freshness.feed_lag IS 'By how much the feeds that cover the stream tell later than changes happen, at least, as measured lately; null when none covers it.';
COMMENT ON COLUMN freshness.covered_by IS 'What shows changes of the stream between sweeps. Empty: nothing, so that they are seen by the next sweep.';
COMMENT ON COLUMN freshness.swept_every IS 'Time from the complete sweep before the last one to the last; null before the second. Where covered_by is empty, a change takes so long to show.';
