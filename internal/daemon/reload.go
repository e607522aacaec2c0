package daemon

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"syncd/internal/config"
	"syncd/internal/feed"
	"syncd/internal/tail"
)

// FollowReloads reads the configuration again on every request, until ctx ends. What is requested while the organization is opened has
// it ask again for what it waits for, and is done as soon as it works.
func (d *Runner) FollowReloads(ctx context.Context, requests <-chan struct{}) {
	for {
		select {
		case <-requests:
		case <-ctx.Done():
			return
		}
		for !d.IsOpen() {
			d.access.askAgain()
			select {
			case <-d.opened:
			case <-requests:
			case <-ctx.Done():
				return
			}
		}
		d.reload(ctx)
	}
}

// reload takes over the live settings, and names those that need a restart. A configuration with a problem changes nothing.
func (d *Runner) reload(ctx context.Context) {
	needed := []string{config.GroupDatabase, config.GroupPolar}
	if d.hook != nil { // an organization among others may have no endpoint
		needed = append(needed, config.GroupWebhooks)
	}
	read, shown, err := d.Sources.Load(needed...)
	if err == nil {
		err = d.sched.Reschedule(jobSpecs(read), read.Timezone, read.Jitter)
	}
	if err != nil {
		d.Log.ErrorContext(ctx, "the configuration could not be read again: syncd goes on with the previous one", slog.Any("error", err))
		return
	}
	now := d.config().WithLive(read)
	d.client.SetLimits(now.RequestsPerMinute, now.Patience)
	if d.LogLevel != nil {
		d.LogLevel.Set(now.LogLevel)
	}
	var changed, later []string
	if d.setToken(ctx, read.AccessToken) {
		changed = append(changed, "polar_access_token")
	}
	if !slices.Equal(d.config().WebhookSecrets, now.WebhookSecrets) {
		d.setWebhookSecrets(ctx, now)
		changed = append(changed, "webhook_secret")
	}
	d.current.Store(now)
	d.notices.costed.Store(false)
	for i, v := range shown {
		switch was := d.Shown[i].Value; {
		case v.Key == "database_url" && read.DatabaseURL != d.Config.DatabaseURL, was != v.Value && !d.Sources.Domain.IsLive(v.Key):
			later = append(later, v.Key)
		case was != v.Value && v.Key != "polar_access_token" && v.Key != "webhook_secret":
			changed = append(changed, v.Key)
			d.Shown[i] = v
		}
	}
	line := d.Log.With(slog.String("changed", listed(changed)))
	if len(later) > 0 {
		line = line.With(slog.String("at_the_next_start", listed(later)))
	}
	line.InfoContext(ctx, "the configuration was read again")
	if len(later) > 0 && d.Beside.Restart != nil {
		d.Beside.Restart()
		return
	}
	d.access.askAgain()
	if slices.Contains(changed, "feed") {
		d.feed.Nudge(feed.Nudge{}) // it waits by the former setting
	}
}

func listed(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, " ")
}

// jobSpecs are the schedules of the daemon's jobs by name.
func jobSpecs(cfg *config.Config) map[string]string {
	specs := map[string]string{tail.Name: cfg.TailSchedule(), auditJob: auditSchedule(cfg)}
	for _, stream := range cfg.StreamsOn() {
		specs[stream] = cfg.ScheduleOf(stream)
	}
	return specs
}
