package tail

import (
	"context"
	"time"

	"github.com/google/uuid"

	"syncd/internal/mirror"
	"syncd/internal/store/audits"
	"syncd/internal/store/tails"
)

const (
	// censusRows: from this many rows on, one export costs less than a sweep.
	censusRows = 300
	// censusEvery is the shortest time between two exports of a stream: Polar reads the whole table for each.
	censusEvery = time.Hour
	// census is the key in the position for when the export was requested.
	census = "census"
	// mostLost: up to this many rows that only the export has are fetched one by one; for more, a sweep costs less.
	mostLost = 200
)

// takeCensus replaces a due sweep by one request, where the stream has an export. Rows that came, went or changed according to
// the export are fetched like any other change. Then the reason for the sweep is dealt with. If the export cannot tell, the sweep
// stays due.
func (t *stream) takeCensus(ctx context.Context) error {
	p := t.spec.Census
	if p == nil || t.sweepDue == "" || t.round.now().Sub(t.at.Asked[census]) < censusEvery || t.engine.Stream(p.Export) == nil || t.engine.Off[p.Export] {
		return nil
	}
	live, err := t.engine.Store.Rows(t.s.Name).CountLive(ctx)
	if err != nil || live < censusRows {
		return err
	}
	res := t.engine.SweepOnce(ctx, p.Export)
	t.run.CountRequests(int(res.Requests))
	t.at.asked(t.round.now(), census, int(res.Requests))
	if res.Outcome != mirror.Succeeded {
		t.engine.Log.WarnContext(ctx, "the census by the export failed: the sweep stays due", "stream", t.s.Name, "reason", t.sweepDue, "export", res.Outcome, "error", res.Err)
		return nil
	}
	standings, err := t.engine.Store.Streams().Standings(ctx, []string{p.Export})
	if err != nil {
		return err
	}
	against := audits.New(t.engine.Store.Pool()).Against(*p)
	changed, err := against.Differences(ctx, standings[0].CompleteAt)
	if err != nil {
		return err
	}
	extra, err := against.ExtraRows(ctx, standings[0].CompleteAt, standings[0].CompleteAt)
	if err != nil {
		return err
	}
	lost, err := against.LostRows(ctx)
	if err != nil {
		return err
	}
	if max(len(changed), len(extra)) >= audits.MostDifferences || len(lost) > mostLost {
		// There may be more of them, and a sweep costs less than a request for each.
		return nil
	}
	var ids []uuid.UUID
	for _, d := range append(changed, extra...) {
		ids = append(ids, d.ID)
	}
	for _, d := range lost {
		if d.ID != (uuid.UUID{}) {
			ids = append(ids, d.ID)
			continue
		}
		page, err := t.run.PageOfMoment(ctx, d.At)
		if err != nil {
			return err
		}
		if _, err := t.keep(ctx, page, ""); err != nil {
			return err
		}
	}
	if err := t.kept().Changes().Note(ctx, tails.ChangedByID(t.s.Name, ids, t.engine.Client.Now())); err != nil {
		return err
	}
	t.engine.Log.InfoContext(ctx, "an export took the place of a sweep", "stream", t.s.Name, "reason", t.sweepDue, "changed", len(changed), "gone", len(extra), "new", len(lost))
	t.sweepDue = ""
	return nil
}
