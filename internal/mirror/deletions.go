package mirror

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/store"
)

// Brake holds all deletions of a run when more than Rows rows and more than
// Percent of the table would go. Polar soft-deletes row by row; a hundred rows
// gone at once is more often a narrowed token, a wrong organization or a fault.
type Brake struct {
	Rows    int
	Percent float64
}

// DefaultBrake holds deletions of more than 5 % of a table that are more than 20 rows.
var DefaultBrake = Brake{Rows: 20, Percent: 5}

func (b Brake) holds(absent, live int) bool {
	return absent > b.Rows && float64(absent)*100 > b.Percent*float64(live)
}

// deletions follows up, after a complete sweep, on rows whose existence is in doubt.
func (sw *sweep) deletions(ctx, reading context.Context) error {
	if err := sw.absentees(ctx, reading); err != nil || sw.s.Get == "" {
		return err
	}
	// A row that was copied from another object because it had not been read yet
	// may have been deleted before it could be: no sweep would ever meet it.
	ids, err := sw.run.Copied(ctx, sw.s.Name)
	if err != nil || len(ids) == 0 {
		return err
	}
	control, listed, err := sw.run.AnySeen(ctx)
	if err != nil || !listed {
		return err
	}
	if ok, err := sw.control(ctx, reading, control); err != nil || !ok {
		return err
	}
	_, err = sw.confirm(ctx, reading, ids)
	return err
}

// absentees follows up on the rows that a complete sweep did not meet. Absence
// from a list is a suspicion only: Polar hides rows from lists. A row is marked
// as deleted when its own endpoint says that it does not exist, or, where it has
// no endpoint, when two complete sweeps in a row did not meet it.
func (sw *sweep) absentees(ctx, reading context.Context) error {
	absent, live, err := sw.run.Absent(ctx, sw.s.Name)
	if err != nil {
		return err
	}
	if absent, err = sw.spare(ctx, absent); err != nil {
		return err
	}
	control, listed, err := sw.run.AnySeen(ctx)
	if err != nil {
		return err
	}
	// An empty list of a table with rows may be that of an organization that was blocked, or of another one. Where the
	// rows can be asked for one by one that settles it, elsewhere only an operator can tell.
	unproven := !listed && sw.s.Get == ""
	held := unproven || sw.r.Brake.holds(len(absent), int(live))
	first, err := sw.run.Suspect(ctx, absent, held)
	if err != nil || len(absent) == 0 {
		return err
	}
	if held {
		why := fmt.Sprintf("which is more than the brake lets go at once (%d rows and %g %%)", sw.r.Brake.Rows, sw.r.Brake.Percent)
		if unproven {
			why = "and cannot be asked for one by one"
		}
		sw.partial("%d of %d rows are no longer listed, %s: nothing was marked as deleted; if they are really gone, run `syncd approve-deletions %d`",
			len(absent), live, why, sw.run.SweepID)
		if !listed {
			sw.closing.Verdict = "incomplete"
		}
		return nil
	}
	if sw.s.Snapshot {
		return sw.tombstone(ctx, absent, sw.run.StartedAt, fmt.Sprintf("not in the complete file that run %d read", sw.run.ID))
	}
	if sw.s.Get == "" {
		absent = slices.DeleteFunc(absent, func(id uuid.UUID) bool { return first[id] == sw.run.SweepID })
		if len(absent) == 0 {
			return nil
		}
		return sw.tombstone(ctx, absent, time.Now(), fmt.Sprintf("not listed by two complete sweeps in a row, the last being run %d", sw.run.SweepID))
	}
	if listed {
		if ok, err := sw.control(ctx, reading, control); err != nil || !ok {
			return err
		}
	}
	there, err := sw.confirm(ctx, reading, absent)
	if err == nil && there > 0 && !listed {
		sw.closing.Verdict = "incomplete"
		sw.partial("Polar lists none of the %d rows of %s, yet gives %d of them when asked by id: the empty list is not believed; the next run reads again", live, sw.s.Name, there)
	}
	return err
}

// control asks for a row that was listed a moment ago. An API that does not
// find that one is not believed about the others.
func (sw *sweep) control(ctx, reading context.Context, id uuid.UUID) (bool, error) {
	_, err := sw.get(ctx, reading, id)
	if errors.Is(err, fetch.ErrNotFound) {
		sw.partial("Polar lists %s but says that it does not exist: its word on rows that are not listed is not taken, nothing was marked as deleted", id)
		return false, nil
	}
	return true, err
}

// confirm asks for each suspect by id, and tells how many are there after all.
func (sw *sweep) confirm(ctx, reading context.Context, suspects []uuid.UUID) (there int, err error) {
	for _, id := range suspects {
		asked := time.Now()
		body, err := sw.get(ctx, reading, id)
		switch {
		case errors.Is(err, fetch.ErrNotFound):
			if err := sw.tombstone(ctx, []uuid.UUID{id}, asked, "GET "+sw.s.Get+" answered 404 ResourceNotFound after a complete sweep that did not list it"); err != nil {
				return there, err
			}
		case err != nil:
			return there, fmt.Errorf("confirm whether %s of %s is gone: %w", id, sw.s.Name, err)
		default:
			// It is there: only hidden from the list.
			there++
			if err := sw.store(ctx, fetch.Page{Items: []jsontext.Value{body.Value}, TotalCount: -1, RequestedAt: body.RequestedAt}, sw.from); err != nil {
				return there, err
			}
			if err := sw.run.Acquit(ctx, []uuid.UUID{id}); err != nil {
				return there, err
			}
		}
	}
	return there, nil
}

// tombstone marks rows as deleted, and counts them.
func (sw *sweep) tombstone(ctx context.Context, ids []uuid.UUID, asOf time.Time, evidence string) error {
	n, err := sw.run.Tombstone(ctx, sw.s.Name, ids, asOf, evidence)
	sw.res.Deleted += int(n)
	return err
}

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

// get reads one object by its own endpoint, whose path may name other columns of the row.
func (sw *sweep) get(ctx, reading context.Context, id uuid.UUID) (fetch.Body, error) {
	var columns []string
	for _, m := range placeholder.FindAllStringSubmatch(sw.s.Get, -1) {
		if m[1] != "id" {
			columns = append(columns, m[1])
		}
	}
	fields, err := sw.r.Store.Fields(ctx, sw.s.Name, id, columns)
	if err != nil {
		return fetch.Body{}, err
	}
	path := strings.ReplaceAll(sw.s.Get, "{id}", id.String())
	for name, value := range fields {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	body, err := sw.r.Client.Get(reading, path, nil)
	sw.requests += int64(body.Requests)
	return body, err
}

// ApproveDeletions lets through what the brake held in one run. Each row is
// asked for by id all the same, where it can be.
func (r *Runner) ApproveDeletions(ctx context.Context, run int64) ([]Result, error) {
	if err := r.Check(ctx); err != nil {
		return nil, err
	}
	held, err := r.Store.Held(ctx, run)
	if err != nil {
		return nil, err
	}
	if len(held) == 0 {
		return nil, fmt.Errorf("run %d holds no deletions: `syncd status` names the runs that do", run)
	}
	var results []Result
	for _, name := range r.Names() {
		ids := held[name]
		if len(ids) == 0 {
			continue
		}
		results = append(results, r.run(ctx, name, store.KindApproval, func(sw *sweep, ctx, reading context.Context) error {
			if sw.s.Get != "" {
				_, err := sw.confirm(ctx, reading, ids)
				return err
			}
			return sw.tombstone(ctx, ids, time.Now(), fmt.Sprintf("not listed by the complete sweep of run %d, approved by an operator", run))
		}))
	}
	return results, nil
}
