// Package clock tells when things happened by the clock of the database, as sync_clock keeps it.
package clock

import (
	"context"
	"fmt"
	"time"

	"syncd/internal/store/db"
)

// Present is the latest time by which anything can have been dated, as an SQL expression. What seems to be later was dated
// by another clock, such as that of a host which was wrong, and says nothing about what came first.
const Present = `(SELECT GREATEST(c.at, clock_timestamp()) FROM sync_clock c)`

// Stamp is the time by sync_clock: later than any it gave before, to whichever process, also when the clock of the
// database was set back meanwhile. Requests are dated by it, so that of two replies it is known which was asked for later.
func Stamp(ctx context.Context, q *db.Queries) (time.Time, error) {
	stamp, err := q.ClockStamp(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the clock: %w", err)
	}
	return stamp.At, nil
}

// Now is the time by the clock of the database, which may have been set back since it was last asked for.
func Now(ctx context.Context, q *db.Queries) (time.Time, error) {
	now, err := q.ClockNow(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the clock: %w", err)
	}
	return now, nil
}
