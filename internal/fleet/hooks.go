package fleet

import (
	"context"
	"time"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/store/leases"
)

// listen binds the address of webhooks, if one is configured.
func (m *many) listen(ctx context.Context) (err error) {
	if m.p.Config.WebhookListen == "" {
		return nil
	}
	m.hooks, err = daemon.ListenHooks(ctx, daemon.HooksConfig{
		Addr: m.p.Config.WebhookListen, Names: m.names.list, Runner: m.runner, Now: m.now, Metrics: m.p.metrics, Log: m.p.Log,
		Secrets: func(name string) ([]config.Secret, error) {
			cfg, _, err := m.p.Sources.Of(name).Load()
			if err != nil {
				return nil, err
			}
			return cfg.WebhookSecrets, nil
		},
	})
	return err
}

// passOnEvery is how often what webhooks name is passed on between processes.
const passOnEvery = time.Second

// passOn gives other processes what they should be told of, and takes what this one should know. What is lost on the way, the feeds tell.
func (m *many) passOn(ctx context.Context, l *leases.Leases) {
	tick := time.NewTicker(passOnEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := m.passOnce(ctx, l); err != nil && ctx.Err() == nil {
			m.p.Log.DebugContext(ctx, "what webhooks name is not passed on: the feeds tell of it", "error", err)
		}
	}
}

func (m *many) passOnce(ctx context.Context, l *leases.Leases) error {
	ctx, cancel := context.WithTimeout(ctx, 5*passOnEvery)
	defer cancel()
	var list []leases.Notice
	for _, n := range m.hooks.Waiting() {
		list = append(list, leases.Notice(n))
	}
	if len(list) > 0 {
		if err := l.Note(ctx, list); err != nil {
			return err
		}
	}
	var open []string
	for _, one := range m.members() {
		if r := one.runner(); r != nil && r.IsOpen() {
			open = append(open, one.name)
		}
	}
	noted, err := l.Noted(ctx, open)
	for _, n := range noted {
		m.hooks.Tell(daemon.Notice(n))
	}
	return err
}

// rereadSecrets reads the secrets of webhooks again, each as one comes.
func (m *many) rereadSecrets() {
	if m.hooks != nil {
		m.hooks.Reload()
	}
}
