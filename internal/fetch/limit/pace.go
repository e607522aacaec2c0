package limit

import "time"

// pace is how many requests a window this process allows itself: the budget, or less while Polar refuses requests although fewer
// than the budget were sent. Then another client uses up the organization's limit, or Polar has put the organization into its
// restricted group, 60 requests a minute and 10 in the sandbox (polarsource/polar, server/polar/rate_limit.py). A refusal does
// not tell which, and slowing down helps in both cases.
type pace struct {
	budget int // 0 = none
	window time.Duration
	floor  int // never less

	now     int           // the current pace
	refused time.Time     // when the last window with a refusal was noted
	changed time.Time     // when now last changed
	patient time.Duration // how long to wait before the next raise
	raised  bool          // the last change was a raise
	told    bool          // the log says that the pace was lowered
}

const (
	// One window with refusals may have been the burst of another client.
	refusalsMatter = 10 // within so many windows a second one is no accident
	recoverAfter   = 5  // windows without a refusal after which the pace is raised
	recoverAtMost  = 60 // the same after raises that ended in a refusal
)

func newPace(budget int, window time.Duration) pace {
	p := pace{budget: budget, now: budget, window: window, patient: recoverAfter * window}
	// Nine tenths of what a restricted organization may send. Without a floor, another client that takes the whole limit at the
	// beginning of each window would drive the pace down without end.
	p.floor = min(budget, 54)
	if budget <= 60 { // the sandbox
		p.floor = min(budget, 9)
	}
	return p
}

// refuse records a refusal. used is how many requests were let through in the last window. It returns true if it lowered the
// pace.
func (p *pace) refuse(now time.Time, used int) (lowered bool) {
	before := p.refused
	if p.budget == 0 || now.Sub(before) < p.window/2 && !before.IsZero() {
		return false // of the same window
	}
	p.refused = now
	if before.IsZero() || now.Sub(before) > refusalsMatter*p.window {
		return false
	}
	to := max(p.floor, min(p.now, used)*9/10)
	if to >= p.now {
		return false
	}
	if p.raised {
		p.patient = min(2*p.patient, recoverAtMost*p.window)
	}
	p.now, p.changed, p.raised = to, now, false
	return true
}

// recover raises the pace when there has been no refusal for a while, and returns true if it did.
func (p *pace) recover(now time.Time) (raised bool) {
	if p.now >= p.budget || now.Sub(p.refused) < p.patient || now.Sub(p.changed) < p.patient {
		return false
	}
	p.now = min(p.budget, p.now+max(1, p.now/4))
	if p.raised || p.now == p.budget {
		p.patient = recoverAfter * p.window // the previous raise has held
	}
	p.changed, p.raised = now, true
	return true
}
