package rebuild

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"syncd/internal/store/history"
)

// columns are those whose history is told, and whether they are times.
var columns = map[string]bool{
	"status": false, "product_id": false, "amount": false, "currency": false, "recurring_interval": false, "recurring_interval_count": false,
	"seats": false, "units": false, "discount_id": false, "pending_update": false, "cancel_at_period_end": false, "pause_at_period_end": false,
	"customer_cancellation_reason": false, "customer_cancellation_comment": false, "_deleted_at": true,
	"current_period_start": true, "current_period_end": true, "trial_start": true, "trial_end": true, "canceled_at": true, "ends_at": true,
	"ended_at": true, "past_due_at": true, "paused_at": true, "resumes_at": true,
}

// layout is how Postgres writes times in JSON.
const layout = "2006-01-02T15:04:05.999999-07:00"

// changesOf rebuilds the changes of a subscription until a time.
func changesOf(p history.Past, until time.Time) ([]history.Change, error) {
	baseline, err := decode(p.Baseline)
	if err != nil {
		return nil, fmt.Errorf("subscription %s: %w", p.ID, err)
	}
	row := maps.Clone(baseline)
	for column, isTime := range columns {
		if isTime {
			baseline[column] = baseline.orNil(column)
		}
	}
	list, err := evidenceOf(p, baseline, until)
	if err != nil {
		return nil, err
	}
	t := teller{baseline: baseline, evidence: list}
	t.tell()
	last, modified := t.moments[len(t.moments)-1].at, baseline.time("modified_at")
	if modified.After(last.Add(slack)) { // a change that nobody tells of
		t.moments = append(t.moments, moment{at: earlier(modified, until), source: fromBaseline})
	}
	versions := fill(t.moments, baseline)

	for _, own := range []string{"_hash", "_requested_at", "_synced_at"} {
		delete(row, own)
	}
	first := history.Change{ID: p.ID, Operation: "insert", Source: t.moments[0].source, At: t.moments[0].at}
	changes := []history.Change{first}
	for i := 1; i < len(versions); i++ {
		was, is := values{}, values{}
		for column := range columns {
			if a, b := versions[i-1][column], versions[i][column]; !same(a, b) {
				was[column], is[column] = written(a), written(b)
			}
		}
		if len(is) == 0 {
			continue
		}
		operation := "update"
		if _, deleted := is["_deleted_at"]; deleted {
			operation = "delete"
		}
		changes = append(changes, history.Change{ID: p.ID, Operation: operation, Source: t.moments[i].source, At: t.moments[i].at, Old: was, New: is})
	}
	for column, v := range versions[0] {
		row[column] = written(v)
	}
	changes[0].New = row
	stamp(changes, baseline["modified_at"])
	return changes, nil
}

// stamp gives each version its modified_at: the time of its change. The last one has that of the row.
func stamp(changes []history.Change, modified any) {
	var before any
	for i, c := range changes {
		at := any(c.At.UTC().Format(layout))
		switch {
		case i == len(changes)-1:
			at = modified
		case i == 0:
			at = nil
		}
		if i > 0 && before != at {
			c.Old.(values)["modified_at"] = before
		}
		if i == 0 || before != at {
			c.New.(values)["modified_at"] = at
		}
		before = at
	}
}

// fill makes a whole version of each moment. A column that is not told has the value that is told next, and the last version is the
// row.
func fill(moments []moment, baseline values) []values {
	versions := make([]values, len(moments))
	for i := range versions {
		versions[i] = values{}
	}
	last := len(moments) - 1
	for column, isTime := range columns {
		told := make([]bool, len(moments))
		for i, m := range moments {
			v, is := m.after[column]
			if !is && i > 0 && !slices.Contains(m.unknown, column) {
				v, is = versions[i-1][column], told[i-1]
			}
			versions[i][column], told[i] = v, is
		}
		versions[last][column], told[last] = baseline[column], true
		next := baseline[column]
		for i, m := range slices.Backward(moments) {
			if !told[i] {
				versions[i][column] = next
			}
			var is bool
			if next, is = m.before[column]; !is {
				next = versions[i][column]
			}
		}
		for i := last - 1; i >= 0 && isTime && alike(versions[i][column], baseline[column]); i-- {
			versions[i][column] = baseline[column] // events are some seconds late
		}
	}
	return versions
}

// alike: two times are of the same change.
func alike(a, b any) bool {
	x, is := a.(time.Time)
	y, too := b.(time.Time)
	return is && too && x.Sub(y).Abs() < near
}

func written(v any) any {
	if at, is := v.(time.Time); is {
		return at.UTC().Format(layout)
	}
	return v
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
