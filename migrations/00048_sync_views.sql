-- Which views and functions there are: views/ makes them after the migrations.
-- Creates an empty table: touches nothing that exists, so it waits for no lock, holds none that others need and
-- takes milliseconds.

-- +goose Up
CREATE TABLE sync_views (
    name    text        PRIMARY KEY,
    kind    text        NOT NULL,
    place   bigint      NOT NULL,
    hash    text        NOT NULL,
    acl     text[],
    made_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sync_views IS 'Views and functions that syncd has made in this schema. Those whose hash is not that of this syncd, or that are missing, are made again at the next start.';
COMMENT ON COLUMN sync_views.name IS 'Name of the view or function.';
COMMENT ON COLUMN sync_views.kind IS 'VIEW or FUNCTION.';
COMMENT ON COLUMN sync_views.place IS 'In which order they were made: one may use those before it. They are dropped in the reverse order.';
COMMENT ON COLUMN sync_views.hash IS 'SHA-256 of the file that made it, in hexadecimal; empty while it is dropped.';
COMMENT ON COLUMN sync_views.acl IS 'Rights that others had on it when it was dropped, as Postgres writes them (type aclitem). They are given again when it is made again, and this is null then.';
COMMENT ON COLUMN sync_views.made_at IS 'When it was made as it is (UTC).';

-- +goose Down
-- Those that migrations made before stay; the downs of these migrations deal with them.
-- +goose StatementBegin
DO $$
DECLARE
    v record;
BEGIN
    FOR v IN SELECT name, kind FROM sync_views
        WHERE name NOT IN ('polar_time', 'customer_state', 'customer_state_external', 'freshness', 'migrated_subscriptions') ORDER BY place DESC
    LOOP
        EXECUTE format('DROP %s IF EXISTS %I', v.kind, v.name);
    END LOOP;
END $$;
-- +goose StatementEnd
DROP TABLE sync_views;
