package sched

import "log/slog"

// cronLog passes cron's own log lines to slog. Each wake-up writes one, so they are debug lines; only a panic in a job is an
// error.
type cronLog struct{ log *slog.Logger }

func (l cronLog) Info(msg string, keysAndValues ...any) {
	if msg == "skip" {
		l.log.Debug("tick skipped: the job is still running", keysAndValues...)
		return
	}
	l.log.Debug("cron: "+msg, keysAndValues...)
}

func (l cronLog) Error(err error, msg string, keysAndValues ...any) {
	l.log.Error("job panicked: "+msg, append([]any{"error", err}, keysAndValues...)...)
}
