package fleet

import (
	"context"
	"log/slog"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
)

// The daemon tells a supervisor of type notify what it does: sd_notify(3). Without one, NOTIFY_SOCKET is not set and nothing is told.

// tellSupervisor passes a state on. One that cannot be reached is no reason to end.
func (p *process) tellSupervisor(state string) {
	if _, err := systemd.SdNotify(false, state); err != nil {
		p.Log.Warn("the supervisor could not be told", slog.String("state", state), slog.Any("error", err))
	}
}

// feedWatchdog says, twice in each interval that the supervisor demands, that the daemon is alive: that its schedulers still
// answer. A scheduler that hangs gets the daemon restarted.
func (p *process) feedWatchdog(ctx context.Context) {
	interval, err := systemd.SdWatchdogEnabled(false)
	if err != nil {
		p.Log.WarnContext(ctx, "the supervisor's watchdog is not fed", "error", err)
	}
	if err != nil || interval == 0 {
		return
	}
	tick := time.NewTicker(interval / 2)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.answers()
			p.tellSupervisor(systemd.SdNotifyWatchdog)
		case <-ctx.Done():
			return
		}
	}
}
