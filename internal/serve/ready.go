package serve

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Check is one condition of readiness. Ask returns nil when it holds, else the reason, in words that may be shown to anybody.
type Check struct {
	Name string
	Ask  func(context.Context) error
	Note func(context.Context) string // what else to say when the condition holds; nil = nothing
}

// Checks reach the database, so their results are kept for a moment: the database is asked at most once a second, however often
// the page is requested.
const (
	checkTimeout = 3 * time.Second
	checkFresh   = time.Second
)

type readiness struct {
	checks []Check

	mu    sync.Mutex
	asked time.Time
	ready bool
	text  string
}

// report returns whether every check passes, and the results as lines of text.
func (r *readiness) report(ctx context.Context) (ready bool, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// The first check (is the process shutting down?) costs nothing, and its result must not wait.
	if !r.asked.IsZero() && time.Since(r.asked) < checkFresh && r.checks[0].Ask(ctx) == nil {
		return r.ready, r.text
	}
	// The next caller gets this result too, so it must not fail because this caller hangs up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	var b strings.Builder
	r.ready = true
	for _, c := range r.checks {
		if err := c.Ask(ctx); err != nil {
			r.ready = false
			fmt.Fprintf(&b, "%s: not ready: %s\n", c.Name, strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		fmt.Fprintf(&b, "%s: ok", c.Name)
		if c.Note != nil {
			if note := c.Note(ctx); note != "" {
				fmt.Fprintf(&b, " (%s)", note)
			}
		}
		b.WriteString("\n")
	}
	r.asked, r.text = time.Now(), b.String()
	return r.ready, r.text
}
