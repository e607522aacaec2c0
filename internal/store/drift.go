package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/item"
	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// RecordDrift records a run's findings, each once, and returns those that no earlier run had.
func (r *Run) RecordDrift(ctx context.Context, met []item.Finding) (fresh []item.Finding, err error) {
	p := db.DriftUpsertParams{Stream: r.Stream, RunID: r.ID}
	for _, d := range met {
		p.Kinds, p.Fields, p.Vals, p.SampleIds = append(p.Kinds, d.Kind), append(p.Fields, printable(d.Field)), append(p.Vals, printable(d.Value)), append(p.SampleIds, d.Sample)
	}
	var rows []db.DriftUpsertRow
	err = r.s.pool.InTx(ctx, func(tx pgx.Tx) (err error) {
		rows, err = r.s.q.WithTx(tx).DriftUpsert(ctx, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("record how %s differs from what is known: %w", r.Stream, err)
	}
	for _, row := range rows {
		fresh = append(fresh, item.Finding{Kind: row.Kind, Field: row.Field, Value: row.Value, Sample: pg.Value(row.SampleID)})
	}
	return fresh, nil
}

// Drift is one way in which Polar's answers differ from the known API, a row of sync_drift.
type Drift struct {
	Stream, Kind, Field, Value string
	Sample                     uuid.UUID // of an item that shows it; zero where none has a usable id
	FirstSeen, LastSeen        time.Time
	Runs                       int64     // how many runs found it
	AcknowledgedAt             time.Time // zero: nobody has acknowledged it
	Over                       bool      // a complete sweep that began later did not find it
}

// IsOpen: nobody has acknowledged it, and Polar still shows it.
func (d Drift) IsOpen() bool { return d.AcknowledgedAt.IsZero() && !d.Over }

// Drift returns the drift of these streams (of all, if none is named), open or not, by stream and then in the order in which it
// was first seen.
func (ss Streams) Drift(ctx context.Context, streams ...string) ([]Drift, error) {
	rows, err := ss.s.q.DriftList(ctx, streams)
	if err != nil {
		return nil, fmt.Errorf("read the drift: %w", err)
	}
	list := make([]Drift, len(rows))
	for i, r := range rows {
		list[i] = Drift{
			Stream: r.Stream, Kind: r.Kind, Field: r.Field, Value: r.Value, Sample: pg.Value(r.SampleID),
			FirstSeen: r.FirstSeen, LastSeen: r.LastSeen, Runs: r.Runs, AcknowledgedAt: pg.Value(r.AcknowledgedAt), Over: r.Over,
		}
	}
	return list, nil
}

// DriftCounts counts drift by stream.
type DriftCounts map[string]int64

// Total is of all streams.
func (c DriftCounts) Total() (total int64) {
	for _, n := range c {
		total += n
	}
	return total
}

// OpenDrift counts the open drift by stream. Streams without any are left out.
func (ss Streams) OpenDrift(ctx context.Context) (DriftCounts, error) {
	list, err := ss.Drift(ctx)
	open := DriftCounts{}
	for _, d := range list {
		if d.IsOpen() {
			open[d.Stream]++
		}
	}
	return open, err
}

// AcknowledgeDrift acknowledges the drift of these streams (of all, if none is named), and returns how much of it was open. Drift
// that is first found afterwards is open.
func (ss Streams) AcknowledgeDrift(ctx context.Context, streams ...string) (int64, error) {
	n, err := ss.s.q.DriftAcknowledge(ctx, streams)
	if err != nil {
		return 0, fmt.Errorf("acknowledge the drift: %w", err)
	}
	return n, nil
}

// printable shortens a text, and removes what Postgres does not accept.
func printable(s string) string {
	const enough = 200
	if len(s) > enough {
		s = s[:enough] + "..."
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", `\0`), "?")
}
