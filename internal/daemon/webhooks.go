package daemon

import (
	"context"
	"time"

	"syncd/internal/config"
	"syncd/internal/feed"
	"syncd/internal/serve"
	"syncd/internal/store/tails"
	"syncd/internal/webhook"
)

// Receive binds the address of webhooks, if one is configured. What they name is fetched by the poller of the feeds.
func (d *Runner) Receive(ctx context.Context, metrics *serve.Metrics) (err error) {
	if d.Config.WebhookListen == "" {
		return nil
	}
	if d.hook, err = webhook.NewEndpoint(webhook.Config{
		Secrets: revealed(d.Config.WebhookSecrets),
		Now:     d.client.Now,
		Arrived: d.silence.Arrived,
		Names: func(m webhook.Message) []tails.Changed {
			return d.org.Mirror.NamedBy(m.Event, orNow(m.At, d.client.Now()), m.Data)
		},
		Nudge:    d.nudge,
		Observer: metrics.AddWebhooks(webhook.Reasons()),
		Log:      d.Log,
	}); err != nil {
		return err
	}
	d.hooks, err = webhook.Listen(ctx, d.Config.WebhookListen, d.Log, func(string) *webhook.Endpoint { return d.hook })
	return err
}

func (d *Runner) nudge(named []tails.Changed, fetched func()) bool {
	return d.feed.Nudge(feed.Nudge{Named: named, Fetched: fetched})
}

// listenFor has the log say when no webhook comes although the feeds tell of changes. told is the newest of them, by Polar's clock. In a
// fleet only the process that runs the organization says so, and it hears from the others of the webhooks that they receive.
func (d *Runner) listenFor(ctx context.Context, told time.Time) {
	if d.hook != nil || d.Hooked && len(d.config().WebhookSecrets) > 0 {
		d.silence.Told(ctx, d.Log, told, d.client.Now())
	}
}

// orNow is when a message was made, which it need not say.
func orNow(at, now time.Time) time.Time {
	if at.IsZero() {
		return now
	}
	return at
}

// WebhookAddress is where webhooks are received.
func (d *Runner) WebhookAddress() string {
	if d.hooks == nil {
		return "off"
	}
	return d.hooks.Addr()
}

// setWebhookSecrets replaces the secrets while webhooks come.
func (d *Runner) setWebhookSecrets(ctx context.Context, cfg *config.Config) {
	if d.hook == nil {
		return
	}
	if err := d.hook.SetSecrets(revealed(cfg.WebhookSecrets)); err != nil {
		d.Log.ErrorContext(ctx, "the webhook secrets could not be replaced", "error", err)
	}
}

func revealed(secrets []config.Secret) []string {
	texts := make([]string, len(secrets))
	for i, s := range secrets {
		texts[i] = s.Reveal()
	}
	return texts
}
