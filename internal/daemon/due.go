package daemon

import (
	"time"

	"syncd/internal/config"
	"syncd/internal/sched"
	"syncd/internal/store"
)

// Due names the streams that a process without a scheduler should sweep now: those whose sweep was interrupted or failed, and
// those that were not read to their end since the last tick of their schedule. So repeated calls come to an end, however little
// each of them gets done.
func Due(cfg *config.Config, list []store.StreamStatus, now time.Time) (names []string) {
	for _, st := range list {
		last := st.SucceededAt
		if (st.Outcome == "partial" || st.Outcome == "skipped") && st.StartedAt.After(last) {
			last = st.StartedAt // read as far as it can be
		}
		overdue, err := sched.Overdue(cfg.ScheduleOf(st.Stream), cfg.Timezone, last, now)
		if st.Unfinished || last.IsZero() || overdue && err == nil {
			names = append(names, st.Stream)
		}
	}
	return names
}
