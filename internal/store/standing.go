package store

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Standing is what is known of a stream's table without asking Polar.
type Standing struct {
	Stream      string
	CompleteAt  time.Time // start of the last complete sweep; zero: never
	Unfinished  bool      // a sweep is running or was interrupted
	Unavailable string    // why Polar refuses the stream to this token; "" when it does not
	Rows        int64     // live rows, as sync_row_counts keeps them
	Counted     time.Time // when they were last counted in the table; zero: not since they are kept
	CorrectedBy int64     // what that has added to them; zero: they were right
	Rejects     int64     // objects that could not be stored, and have not been since
	Suspects    int64     // rows that the last complete sweep did not meet, and whose deletion is not proven
	Held        int64     // those of Suspects that are held back
	HeldRun     int64     // the run to approve, if any are held back

	// The last sweep that has ended, in whatever way; zero without one.
	Run                      int64
	Outcome, Verdict, Reason string

	ended    ended
	dead     RunStatus // the last run, if its process died without closing it
	approved int64     // last successful approval
}

// ended is the last sweep that reached the end of its list; zero without one.
type ended struct {
	run                      int64
	outcome, verdict, reason string
}

// VerdictEmptied is the verdict of a sweep whose list lost everything, or nearly, which is not believed.
const VerdictEmptied = "incomplete: all or nearly all rows that there were are not listed"

// Missing says why the table may lack rows as of CompleteAt; "" when it is whole. A failure after a complete sweep does not undo
// that sweep.
func (s Standing) Missing() string {
	switch {
	case s.Unavailable != "":
		return ""
	case s.CompleteAt.IsZero() && s.Run == 0 && s.dead.Outcome != "":
		return s.dead.Outcome + ": " + s.dead.Reason
	case s.CompleteAt.IsZero() && s.Run == 0:
		return "never swept"
	case s.CompleteAt.IsZero():
		return fmt.Sprintf("run %d %s: %s", s.Run, s.Outcome, s.Reason)
	case s.ended.verdict == VerdictEmptied && s.Held == 0 && s.approved > s.ended.run:
		return ""
	case s.ended.verdict != "complete":
		return fmt.Sprintf("run %d %s: %s", s.ended.run, s.ended.outcome, s.ended.reason)
	case s.Rejects > 0:
		return fmt.Sprintf("%d items could not be stored: see sync_rejects", s.Rejects)
	case s.Held > 0:
		return fmt.Sprintf("run %d holds %d deletions back: see sync_suspects, and `syncd approve-deletions %d` if they are right", s.HeldRun, s.Held, s.HeldRun)
	case s.ended.outcome == "partial" && s.approved < s.ended.run:
		return fmt.Sprintf("run %d partial: %s", s.ended.run, s.ended.reason)
	}
	return ""
}

// BrokenOff says how the last sweep ended, if it came less far than the last complete one; "" otherwise.
func (s Standing) BrokenOff() string {
	if s.Run > s.ended.run || s.Run == s.ended.run && s.Outcome == "failed" {
		return fmt.Sprintf("run %d %s since: %s", s.Run, s.Outcome, s.Reason)
	}
	return ""
}

// Note says what has happened since the last complete sweep; "" when nothing has.
func (s Standing) Note() string {
	switch {
	case s.Unavailable != "" || s.CompleteAt.IsZero():
		return ""
	case s.dead.Outcome != "":
		return s.dead.Outcome + " since: " + s.dead.Reason
	}
	return s.BrokenOff()
}

// Standings reports on each stream of names, in their order, as of one moment. What it reads is small, however large the tables
// are.
func (ss Streams) Standings(ctx context.Context, names []string) ([]Standing, error) {
	list := make([]Standing, len(names))
	at := make(standings, len(names))
	for i, name := range names {
		list[i].Stream = name
		at[name] = &list[i]
	}
	var p pg.Pipeline
	q := db.New(&p)
	at.readSweeps(ctx, &p, q)
	at.readRuns(ctx, &p, q)
	at.readFaults(ctx, &p, q)
	if err := ss.s.pool.SnapshotAtOnce(ctx, &p); err != nil {
		return nil, fmt.Errorf("read the standing of streams: %w", err)
	}
	return list, nil
}

// standings are the requested ones, by stream.
type standings map[string]*Standing

// of is the standing of a stream; one that nobody asks for where that was not requested.
func (at standings) of(stream string) *Standing { return cmp.Or(at[stream], &Standing{}) }

// readSweeps asks how the sweeps of each stream ended.
func (at standings) readSweeps(ctx context.Context, p *pg.Pipeline, q *db.Queries) {
	pg.Each(p, func(r db.StreamsListRow) {
		a := at.of(r.Stream)
		a.CompleteAt, a.Unavailable, a.Unfinished = pg.Value(r.CompleteAt), pg.Value(r.Unavailable), r.SweepID != nil
		a.Counted, a.CorrectedBy = pg.Value(r.RowsCountedAt), r.RowsCorrectedBy
	})(q.StreamsList(ctx))
	pg.Each(p, func(r db.SweepsLastRow) {
		a := at.of(r.Stream)
		a.Run, a.Outcome, a.Verdict, a.Reason = r.ID, pg.Value(r.Outcome), pg.Value(r.Verdict), pg.Value(r.Reason)
	})(q.SweepsLast(ctx))
	pg.Each(p, func(r db.SweepsEndedRow) {
		at.of(r.Stream).ended = ended{r.ID, pg.Value(r.Outcome), pg.Value(r.Verdict), pg.Value(r.Reason)}
	})(q.SweepsEnded(ctx))
}

// readRuns asks which processes died, and what was approved.
func (at standings) readRuns(ctx context.Context, p *pg.Pipeline, q *db.Queries) {
	pg.Each(p, func(r db.RunsLastRow) {
		if r.FinishedAt == nil && !r.Leased {
			at.of(r.Stream).dead = runStatus(r)
		}
	})(q.RunsLast(ctx))
	pg.Each(p, func(r db.ApprovalsLastRow) { at.of(r.Stream).approved = r.ID })(q.ApprovalsLast(ctx))
}

// readFaults asks how many rows there are, and counts rejects and suspects.
func (at standings) readFaults(ctx context.Context, p *pg.Pipeline, q *db.Queries) {
	pg.Each(p, func(r db.RowCountsRow) { at.of(r.Stream).Rows = r.Rows })(q.RowCounts(ctx))
	pg.Each(p, func(r db.RejectsCountRow) { at.of(r.Stream).Rejects = r.Rejects })(q.RejectsCount(ctx))
	pg.Each(p, func(r db.SuspectsCountRow) {
		a := at.of(r.Stream)
		a.Suspects, a.Held, a.HeldRun = r.Suspects, r.Held, r.HeldRun
	})(q.SuspectsCount(ctx))
}
