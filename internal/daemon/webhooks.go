package daemon

import (
	"context"

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
	d.hooks, err = webhook.Listen(ctx, webhook.Config{
		Addr:    d.Config.WebhookListen,
		Secrets: revealed(d.Config.WebhookSecrets),
		Now:     d.client.Now,
		Names: func(m webhook.Message) []tails.Changed {
			if m.At.IsZero() {
				m.At = d.client.Now()
			}
			return d.org.Mirror.NamedBy(m.Event, m.At, m.Data)
		},
		Nudge: func(named []tails.Changed, fetched func()) bool {
			return d.feed.Nudge(feed.Nudge{Named: named, Fetched: fetched})
		},
		Observer: metrics.AddWebhooks(webhook.Reasons()),
		Log:      d.Log,
	})
	return err
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
	if d.hooks == nil {
		return
	}
	if err := d.hooks.SetSecrets(revealed(cfg.WebhookSecrets)); err != nil {
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
