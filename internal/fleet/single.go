package fleet

import (
	"context"

	"syncd/internal/daemon"
	"syncd/internal/serve"
	"syncd/internal/serve/page"
)

// single is the work of a process that runs one organization.
type single struct {
	p      *process
	runner *daemon.Runner
}

func newSingle(p *process) (*single, error) {
	p.metrics = serve.NewMetrics(p.Build, p.Config.StreamsOn())
	r, err := daemon.New(daemon.Options{
		Config: p.Config, Shown: p.Shown, Sources: p.Sources, Migrate: p.Migrate, Build: p.Build, Metrics: p.metrics,
		Log: p.Log, LogLevel: p.LogLevel, Stop: p.Stop,
	})
	if err != nil {
		return nil, err
	}
	p.metrics.AddTraffic(r.Client())
	return &single{p, r}, nil
}

func (s *single) run(ctx context.Context) error     { return s.runner.Run(ctx) }
func (s *single) drain()                            { s.runner.Drain() }
func (s *single) answers()                          { s.runner.Answers() }
func (s *single) followReloads(ctx context.Context) { s.runner.FollowReloads(ctx, s.p.Reload) }
func (s *single) listen(ctx context.Context) error  { return s.runner.Receive(ctx, s.p.metrics) }
func (s *single) close()                            { s.runner.Close() }

func (s *single) about() []any {
	return []any{"server", s.runner.Client().Server(), "schema", s.p.Config.Schema, "webhooks", s.runner.WebhookAddress()}
}

func (s *single) shown() serve.Config {
	return serve.Config{
		Ready: []serve.Check{
			{Name: "database", Ask: s.runner.CheckDatabase},
			{Name: "schema", Ask: s.runner.CheckSchema},
			{Name: "polar", Ask: s.runner.CheckPolar, Note: s.runner.LastAnswer},
		},
		Status: s.runner.Status,
		Page:   page.New(s.runner.Report, s.p.Build.Version, s.p.Log),
	}
}
