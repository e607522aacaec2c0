// Package organizations looks at the organizations of a configuration, and takes single ones out of it.
package organizations

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/privatefile"
	"syncd/internal/report"
	"syncd/internal/store"
	"syncd/internal/store/pg"
	"syncd/internal/store/removal"
)

// List looks at the tables of each organization. One that cannot be looked at is in the list, with what is wrong.
func List(ctx context.Context, sources config.Sources, names []string, log *slog.Logger) (list report.Organizations, err error) {
	for _, name := range names {
		if ctx.Err() != nil {
			return list, context.Cause(ctx)
		}
		cfg, _, err := sources.Of(name).Load(config.GroupDatabase)
		o := report.Organization{Name: name, Schema: cfg.Schema, Server: cfg.Server}
		if err == nil {
			err = look(ctx, cfg, log, &o)
		}
		switch {
		case errors.Is(err, pg.ErrSchemaEmpty):
			o.Verdict = "empty"
		case err != nil:
			o.Verdict, o.Problem = "unknown", err.Error()
		}
		list = append(list, o)
	}
	return list, nil
}

// look reads what the tables of an organization tell.
func look(ctx context.Context, cfg *config.Config, log *slog.Logger, o *report.Organization) error {
	s, err := daemon.OpenStore(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.CheckSchema(ctx); err != nil {
		return err
	}
	id, bound, err := s.Polar().Organization(ctx)
	if err != nil {
		return err
	}
	if bound {
		o.Organization = id.String()
	}
	standings, err := s.Streams().Standings(ctx, cfg.StreamNames())
	if err != nil {
		return err
	}
	fresh, err := s.Streams().Freshness(ctx)
	if err != nil {
		return err
	}
	judge(report.NewVerification(standings, cfg.WhyOff), fresh, o)
	return nil
}

// judge sums up the streams.
func judge(v report.Verification, fresh map[string]store.Freshness, o *report.Organization) {
	o.Verdict = "whole"
	if !v.Whole {
		o.Verdict = "missing"
	}
	for _, s := range v.Streams {
		switch through := fresh[s.Stream].DataThrough; {
		case s.Verdict == "missing":
			o.Missing = append(o.Missing, s.Stream)
		case s.Verdict == "whole" && !through.IsZero() && (o.DataThrough.IsZero() || through.Before(o.DataThrough)):
			o.DataThrough = through.UTC()
		}
	}
}

// Removal is the removal of one organization.
type Removal struct {
	Sources config.Sources
	Name    string
	Data    bool // drop its schemas, too
	// Sure is asked before schemas are dropped.
	Sure func(schemas []string) error
	Log  *slog.Logger
}

// Do removes the file of an organization. With Data it first makes sure that its schemas can be dropped, and drops them when the file
// is gone, so that no daemon fills them again. It returns the path of the file and the schemas that were dropped.
func (r Removal) Do(ctx context.Context) (path string, dropped []string, err error) {
	if path, err = r.Sources.FileOf(r.Name); err != nil || !r.Data {
		return path, nil, errors.Join(err, remove(path, err))
	}
	cfg, _, err := r.Sources.Of(r.Name).Load(config.GroupDatabase)
	if err != nil {
		return path, nil, err
	}
	s, err := daemon.OpenStore(ctx, cfg, r.Log)
	if err != nil {
		return path, nil, err
	}
	defer s.Close()
	there, err := removal.Drop(ctx, s.Pool(), cfg.Schema, true)
	if err == nil && len(there) > 0 {
		err = r.Sure(there)
	}
	if err != nil {
		return path, nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return path, nil, fmt.Errorf("read the file of organization %s: %w", r.Name, err)
	}
	if err := os.Remove(path); err != nil {
		return path, nil, fmt.Errorf("remove the file of organization %s: %w", r.Name, err)
	}
	if dropped, err = removal.Drop(ctx, s.Pool(), cfg.Schema, false); err != nil {
		err = errors.Join(err, privatefile.Write(path, text, false)) // its data are there still
	}
	return path, dropped, err
}

func remove(path string, before error) error {
	if before != nil {
		return nil
	}
	return os.Remove(path)
}
