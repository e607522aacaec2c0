-- Since when a stream's list brings nothing of what it had, and when Polar last answered. The new column has no default, so
-- it locks sync_suspects for a moment only; the new table touches nothing that exists.

-- +goose Up
ALTER TABLE sync_suspects ADD COLUMN emptied_at timestamptz;
COMMENT ON COLUMN sync_suspects.emptied_at IS 'When a sweep first missed the row that met none of the rows which the table had, or no more than one of ten (UTC, database clock); null when none did. Such a list is weak evidence, so the row is held for a time.';
COMMENT ON COLUMN sync_suspects.held IS 'Whether its deletion is held: too many rows would go at once, so an operator has to approve; or the list brought nothing of what the table had, so a second complete sweep, later, has to say the same.';
COMMENT ON COLUMN sync_suspects.noticed_at IS 'When it was missed first (UTC, database clock). A row that any reply shows again is no suspect any more.';

CREATE TABLE sync_polar (
    singleton   boolean     PRIMARY KEY DEFAULT true CHECK (singleton),
    answered_at timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE sync_polar IS 'When Polar last answered any process on this schema: one row, none before the first answer. Written every few seconds at most.';
COMMENT ON COLUMN sync_polar.singleton IS 'Always true: the table holds one row.';
COMMENT ON COLUMN sync_polar.answered_at IS 'When Polar last answered, a refusal included (UTC, database clock). A timeout or an answer 5xx is none.';

-- +goose Down
DROP TABLE sync_polar;
ALTER TABLE sync_suspects DROP COLUMN emptied_at;
