package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Standing is what is known of a stream's table without asking Polar.
type Standing struct {
	Stream      string
	CompleteAt  time.Time // start of the last complete sweep; zero: never
	Unavailable string    // why Polar refuses the stream to this token; "" when it does not
	Rows        int64     // not tombstoned
	Rejects     int64     // items that could not be stored, and have not been since
	Suspects    int64     // rows that the last complete sweep did not meet, and whose deletion is not proven
	Held        int64     // those of Suspects that the brake holds
	HeldRun     int64     // the run to approve, where some are held

	// The last sweep that came to an end of any kind; zero where there is none.
	Run                      int64
	Outcome, Verdict, Reason string
	approved                 int64 // last approval that succeeded
}

// Missing says why the table may not hold everything as of the last sweep; "" when it does.
func (s Standing) Missing() string {
	switch {
	case s.Unavailable != "":
		return ""
	case s.Run == 0:
		return "never swept"
	case s.Verdict != "complete":
		return fmt.Sprintf("run %d %s: %s", s.Run, s.Outcome, s.Reason)
	case s.Rejects > 0:
		return fmt.Sprintf("%d items could not be stored: see sync_rejects", s.Rejects)
	case s.Held > 0:
		return fmt.Sprintf("run %d holds %d deletions back: see sync_suspects, and `syncd approve-deletions %d` if they are right", s.HeldRun, s.Held, s.HeldRun)
	case s.Outcome != "succeeded" && s.approved < s.Run:
		return fmt.Sprintf("run %d %s: %s", s.Run, s.Outcome, s.Reason)
	}
	return ""
}

// Standings reports on each stream of names, in their order, as of one moment.
func (s *Store) Standings(ctx context.Context, names []string) ([]Standing, error) {
	list := make([]Standing, len(names))
	at := make(map[string]*Standing, len(names))
	for i, name := range names {
		list[i].Stream = name
		at[name] = &list[i]
	}
	err := s.pool.snapshot(ctx, func(tx pgx.Tx) error {
		q := s.q.WithTx(tx)
		states, err := q.StreamsList(ctx)
		if err != nil {
			return err
		}
		for _, r := range states {
			if a := at[r.Stream]; a != nil {
				a.CompleteAt, a.Unavailable = deref(r.CompleteAt), deref(r.Unavailable)
			}
		}
		sweeps, err := q.SweepsLast(ctx)
		if err != nil {
			return err
		}
		for _, r := range sweeps {
			if a := at[r.Stream]; a != nil {
				a.Run, a.Outcome, a.Verdict, a.Reason = r.ID, deref(r.Outcome), deref(r.Verdict), deref(r.Reason)
			}
		}
		approvals, err := q.ApprovalsLast(ctx)
		if err != nil {
			return err
		}
		for _, r := range approvals {
			if a := at[r.Stream]; a != nil {
				a.approved = r.ID
			}
		}
		rejects, err := q.RejectsCount(ctx)
		if err != nil {
			return err
		}
		for _, r := range rejects {
			if a := at[r.Stream]; a != nil {
				a.Rejects = r.Rejects
			}
		}
		suspects, err := q.SuspectsCount(ctx)
		if err != nil {
			return err
		}
		for _, r := range suspects {
			if a := at[r.Stream]; a != nil {
				a.Suspects, a.Held, a.HeldRun = r.Suspects, r.Held, r.HeldRun
			}
		}
		for i := range list {
			table := pgx.Identifier{list[i].Stream}.Sanitize()
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+table+" WHERE _deleted_at IS NULL").Scan(&list[i].Rows); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the standing of streams: %w", err)
	}
	return list, nil
}
