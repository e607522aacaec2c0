package main

import (
	"context"
	"log/slog"
	"strings"

	"syncd/internal/config"
	"syncd/internal/mirror"
)

// reloads reads the configuration again at each SIGHUP, until ctx ends.
func (d *daemonProcess) reloads(ctx context.Context, asked <-chan struct{}) {
	for {
		select {
		case <-asked:
			d.reload(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// reload takes over what can change while the daemon runs, and names what cannot. A configuration with a problem changes
// nothing.
func (d *daemonProcess) reload(ctx context.Context) {
	read, shown, err := d.sources.Load(config.GroupDatabase, config.GroupPolar)
	if err == nil {
		err = d.sched.Reschedule(jobSpecs(read), read.Timezone, read.Jitter)
	}
	if err != nil {
		d.log.ErrorContext(ctx, "the configuration was not read again: going on with the one from before", slog.Any("error", err))
		return
	}
	now := d.config().WithLive(read)
	d.engine.client.SetLimits(now.RequestsPerMinute, now.Patience)
	d.level.Set(now.LogLevel)
	var changed, later []string
	if d.setToken(ctx, read.AccessToken) {
		changed = append(changed, "polar_access_token")
	}
	d.current.Store(now)
	for i, v := range shown {
		switch was := d.shown[i].Value; {
		case v.Key == "database_url" && read.DatabaseURL != d.cfg.DatabaseURL, was != v.Value && !d.sources.Domain.IsLive(v.Key):
			later = append(later, v.Key)
		case was != v.Value && v.Key != "polar_access_token":
			changed = append(changed, v.Key)
			d.shown[i] = v
		}
	}
	line := d.log.With(slog.String("changed", list(changed)))
	if len(later) > 0 {
		line = line.With(slog.String("at_the_next_start", list(later)))
	}
	line.InfoContext(ctx, "the configuration was read again")
	d.access.poke()
}

func list(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, " ")
}

// jobSpecs are the schedules of the daemon's jobs by name.
func jobSpecs(cfg *config.Config) map[string]string {
	specs := map[string]string{mirror.TailStream: cfg.TailSchedule()}
	for _, stream := range cfg.StreamsOn() {
		specs[stream] = cfg.ScheduleOf(stream)
	}
	return specs
}
