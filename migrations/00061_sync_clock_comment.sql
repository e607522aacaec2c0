-- What the clock that dates requests is: a process counts on from it for a moment, so that fast reading does not wait for the database.
-- Lock: none that readers or writers meet; only comments change.

-- +goose Up
COMMENT ON TABLE sync_clock IS 'The clock that every request to Polar is dated by, one row. It is the clock of the database, save that it never goes back: after that one was set back, as by a failover, it goes on at half speed until the other has caught up. A request that leaves within 0.2 seconds of the last time that its process asked for is dated by that and the time that has passed since; what a clock of a host shows takes no part.';

-- +goose Down
COMMENT ON TABLE sync_clock IS 'The clock that every request to Polar is dated by, one row. It is the clock of the database, save that it never goes back: after that one was set back, as by a failover, it goes on at half speed until the other has caught up. No clock of a host takes part.';
