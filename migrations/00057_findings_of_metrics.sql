-- sync_findings: comments of what audits of metrics leave there.
-- Changes comments: a lock for an instant that waits for writers of this small table and not for readers.

-- +goose Up
COMMENT ON COLUMN sync_findings.key IS 'id of the row; where the mirror lacked it and the source names no id, what the source calls it by. metric and unsettled: interval, slug and start of the period.';
COMMENT ON COLUMN sync_findings.kind IS 'different: a field. lost: a row that the mirror lacked. extra: a row that Polar does not have. children: rows of a child table that are missing or wrong. count: the number of rows. state: the state of a customer. metric: a figure of Polar''s that does not follow from the rows of the mirror. unsettled: such a figure, which a change at Polar since it was read may explain.';

-- +goose Down
COMMENT ON COLUMN sync_findings.key IS 'id of the row; where the mirror lacked it and the source names no id, what the source calls it by.';
COMMENT ON COLUMN sync_findings.kind IS 'different: a field. lost: a row that the mirror lacked. extra: a row that Polar does not have. children: rows of a child table that are missing or wrong. count: the number of rows.';
