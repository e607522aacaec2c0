package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"syncd/internal/fetch"
	"syncd/internal/mirror/streams"
	"syncd/internal/store"
	"syncd/internal/store/counts"
)

// Brake holds back all deletions of a run when more than Rows rows and more than Percent of the table would go. Polar
// soft-deletes row by row; a hundred rows gone at once are more often the sign of a narrowed token, a wrong organization or a
// fault.
type Brake struct {
	Rows    int
	Percent float64
}

// DefaultBrake holds back deletions of more than 20 rows that are more than 5 % of a table.
var DefaultBrake = Brake{Rows: 20, Percent: 5}

func (b Brake) holds(absent, live int) bool {
	return absent > b.Rows && float64(absent)*100 > b.Percent*float64(live)
}

// deletions decides, after a complete sweep, about rows that may be gone.
func (sw *sweep) deletions(ctx context.Context) error {
	if err := sw.absentees(ctx); err != nil || sw.s.Get == "" {
		return err
	}
	// A row that was copied from another object, because its own list had not been read yet, may have been deleted since: no
	// sweep would ever meet it.
	ids, err := sw.record.UnmetCopies(ctx, sw.s.Name)
	if err != nil || len(ids) == 0 {
		return err
	}
	control, listed, err := sw.record.AnySeen(ctx)
	if err != nil || !listed {
		return err
	}
	if ok, err := sw.control(ctx, control); err != nil || !ok {
		return err
	}
	_, err = sw.confirm(ctx, ids)
	return err
}

// absentees decides about the rows that a complete sweep did not meet. Absence from a list is only a suspicion, since Polar hides
// rows from lists. A row is marked as deleted when its own endpoint says that it does not exist or, if it has no endpoint, when
// two complete sweeps, an hour or more apart, did not meet it.
//
// If a list lost everything, or nearly everything, that is weaker evidence still, whatever a row's endpoint says: a blocked
// organization looks the same as a fault in Polar's permissions. Then it takes a second sweep, or an operator.
func (sw *sweep) absentees(ctx context.Context) error {
	var gone store.Absence
	var live int64
	both, within := errgroup.WithContext(ctx) // each reads the whole table
	both.Go(func() (err error) {
		gone, err = sw.record.AbsentRows(within, sw.s.Name)
		return err
	})
	both.Go(func() (err error) {
		live, err = sw.countRows(within)
		return err
	})
	err := both.Wait()
	if err != nil {
		return err
	}
	if gone.IDs, err = sw.spare(ctx, gone.IDs); err != nil {
		return err
	}
	brake := sw.engine.Brake.holds(len(gone.IDs), int(live))
	s, err := sw.record.MarkSuspects(ctx, gone, brake)
	if err != nil || len(gone.IDs) == 0 {
		return err
	}
	if len(s.Held) > 0 {
		sw.hold(gone, live, s, brake)
	}
	free := s.Free
	if len(sw.s.Parents) > 0 {
		free = s.Apart // each owner has a list of its own, usually of one row, so whole lists vanish
	}
	since, err := sw.record.SweepBegan(ctx)
	if err != nil {
		return err
	}
	switch {
	case sw.s.Snapshot:
		return sw.tombstone(ctx, free, since, fmt.Sprintf("not in the complete file that run %d read", sw.record.ID))
	case sw.s.Get == "":
		return sw.tombstone(ctx, s.Apart, since, fmt.Sprintf("not listed by two complete sweeps, an hour or more apart, the last being run %d", sw.record.SweepID))
	case len(free) == 0:
		return nil
	}
	control, listed, err := sw.record.AnySeen(ctx)
	if err != nil {
		return err
	}
	if listed {
		if ok, err := sw.control(ctx, control); err != nil || !ok {
			return err
		}
	}
	there, err := sw.confirm(ctx, free)
	if err == nil && there > 0 && !listed {
		sw.closing.Verdict = "incomplete"
		sw.MarkPartial("Polar lists none of the %d rows of %s, yet gives %d of them when asked by id: the empty list is not believed; the next run reads again", live, sw.s.Name, there)
	}
	return err
}

// countRows counts the live rows of the table, and corrects the number that is kept of them. A wrong one is logged: only somebody
// who writes past the triggers makes it wrong.
func (sw *sweep) countRows(ctx context.Context) (int64, error) {
	c, err := counts.New(sw.engine.Store.Pool()).Correct(ctx, sw.s.Name)
	if err == nil && c.Difference() != 0 {
		sw.engine.Log.WarnContext(ctx, "the kept number of rows was wrong, and is corrected: the table was written with its triggers off", "stream", sw.s.Name, "run", sw.record.ID,
			"counted", c.Counted, "kept", c.Kept)
	}
	return c.Counted, err
}

// hold says why absent rows are not marked as deleted, and what lets them through.
func (sw *sweep) hold(gone store.Absence, live int64, s store.Suspicion, brake bool) {
	why := fmt.Sprintf("which is more than the brake lets go at once (%d rows and %g %%)", sw.engine.Brake.Rows, sw.engine.Brake.Percent)
	then := ""
	if !s.Until.IsZero() {
		sw.res.Emptied = true
		why = "all or nearly all of those that there were: an empty list is weak evidence"
		if !brake {
			then = fmt.Sprintf("; a complete sweep that says the same marks them, if it begins after %s", s.Until.UTC().Format(time.RFC3339))
		}
	}
	if gone.Emptied {
		sw.closing.Verdict = store.VerdictEmptied
	}
	sw.MarkPartial("%d of %d rows are no longer listed, %s: none of these was marked as deleted%s", len(s.Held), live, why, then)
	a := sw.engine.approval(sw.s, len(s.Held)-s.Sure, s.Sure, sw.requests)
	sw.MarkPartial("if they are really gone, `syncd approve-deletions %d` marks them: %s", sw.record.SweepID, a.DescribeCost(sw.engine.Client.Budget().Pace))
	if len(s.Others) > 0 {
		sw.MarkPartial("%s", together(s.Others))
	}
}

const looksWrong = "Polar, or the token, looks wrong"

// together is the remark on a list that lost everything while other lists did, too.
func together(others []string) string {
	return fmt.Sprintf("%s lost everything as well: %s, and a sweep marks them %g hours after the first at the soonest",
		strings.Join(others, ", "), looksWrong, store.EmptiedApart.Hours())
}

// LooksWrong is the warning when several lists have lost everything; "" for fewer.
func LooksWrong(emptied []string) string {
	if len(emptied) < 2 {
		return ""
	}
	return fmt.Sprintf("%s lost everything within a day: %s, and nothing was marked as deleted", strings.Join(emptied, ", "), looksWrong)
}

// remark adds to the reasons of streams that lost everything in one sync that they did so together: the first of them could not
// know that yet.
func (e *Engine) remark(ctx context.Context, results []Result) error {
	alone := func(res Result) bool { return res.Emptied && !strings.Contains(res.Reason, looksWrong) }
	if !slices.ContainsFunc(results, alone) {
		return nil
	}
	emptied, err := e.Store.Streams().ListEmptied(ctx)
	if err != nil || len(emptied) < 2 {
		return err
	}
	for i, res := range results {
		if !alone(res) {
			continue
		}
		others := slices.DeleteFunc(slices.Clone(emptied), func(s string) bool { return s == res.Stream })
		results[i].Reason += "; " + together(others)
		if err := e.Store.Runs().SetReason(ctx, res.RunID, results[i].Reason); err != nil {
			return err
		}
	}
	return nil
}

// control fetches a row that was listed a moment ago. If the API does not find that row, it is not believed about others.
func (run *Run) control(ctx context.Context, id uuid.UUID) (bool, error) {
	_, err := run.get(ctx, id)
	if errors.Is(err, fetch.ErrNotFound) {
		run.MarkPartial("Polar lists %s but says that it does not exist: its word on rows that are not listed is not taken, nothing was marked as deleted", id)
		return false, nil
	}
	return true, err
}

// confirm fetches each suspect by id, and returns how many exist after all.
func (sw *sweep) confirm(ctx context.Context, suspects []uuid.UUID) (there int, err error) {
	for _, id := range suspects {
		body, err := sw.get(ctx, id)
		switch {
		case errors.Is(err, fetch.ErrNotFound):
			if err := sw.tombstone(ctx, []uuid.UUID{id}, body.RequestedAt, "GET "+sw.s.Get+" answered 404 ResourceNotFound after a complete sweep that did not list it"); err != nil {
				return there, err
			}
		case err != nil:
			return there, fmt.Errorf("confirm whether %s of %s is gone: %w", id, sw.s.Name, err)
		default:
			// It exists, and is only hidden from the list.
			there++
			if err := sw.store(ctx, fetch.Page{Items: []jsontext.Value{body.Value}, TotalCount: -1, RequestedAt: body.RequestedAt}, sw.position(sw.from)); err != nil {
				return there, err
			}
			if err := sw.record.ClearSuspects(ctx, []uuid.UUID{id}); err != nil {
				return there, err
			}
		}
	}
	return there, nil
}

// tombstone marks rows as deleted, and counts them.
func (run *Run) tombstone(ctx context.Context, ids []uuid.UUID, asOf time.Time, evidence string) error {
	if len(ids) == 0 {
		return nil
	}
	children := make([]store.ChildTable, len(run.s.Children))
	for i, c := range run.s.Children {
		children[i] = store.ChildTable{Table: c.Name, Parent: c.Parent}
	}
	n, err := run.record.Tombstone(ctx, run.s.Name, ids, asOf, evidence, children...)
	run.res.Deleted += int(n)
	return err
}

// get fetches one object by its own endpoint, whose path may contain other columns of the row.
func (run *Run) get(ctx context.Context, id uuid.UUID) (fetch.Body, error) {
	var columns []string
	for _, m := range streams.Placeholder.FindAllStringSubmatch(run.s.Get, -1) {
		if m[1] != "id" {
			columns = append(columns, m[1])
		}
	}
	fields, err := run.engine.Store.Rows(run.s.Name).ReadFields(ctx, id, columns)
	if err != nil {
		return fetch.Body{}, err
	}
	path := strings.ReplaceAll(run.s.Get, "{id}", id.String())
	for name, value := range fields {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	body, err := run.engine.Client.Get(ctx, path, nil)
	run.requests += int64(body.Requests)
	return body, err
}
