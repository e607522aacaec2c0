-- announce_changes() keeps its plan, and finds the changes of its transaction by their index.
-- Changes two settings of a function: no table is locked.
--
-- Planned anew for the partitions of changes, its query took longer than to record four changes. Kept, the plan is made without knowing that few
-- changes are behind the first one, and would read whole partitions.

-- +goose Up
ALTER FUNCTION announce_changes() SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION announce_changes() SET enable_seqscan = off;

-- +goose Down
ALTER FUNCTION announce_changes() RESET plan_cache_mode;
ALTER FUNCTION announce_changes() RESET enable_seqscan;
