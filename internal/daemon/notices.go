package daemon

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"syncd/internal/config"
	"syncd/internal/store/budget"
	"syncd/internal/store/recent"
)

// notices are what the log says once, of what is known only from the database. Only the tails use them.
type notices struct {
	others map[string]bool // processes that work on the schema, too
	scarce bool            // it was said that the budget does not suffice

	need   float64     // requests an hour that the schedules take
	costed atomic.Bool // need is from after the last sweep here, and by the current schedules
}

// say logs what is new. What cannot be read now is said before a later round.
func (n *notices) say(ctx context.Context, d *Runner) {
	if holders, _, err := budget.New(d.org.Store.Pool()).Holders(ctx); err == nil {
		host, _ := os.Hostname()
		for _, process := range n.strangers(holders, fmt.Sprintf("%s/%d/", host, os.Getpid())) {
			d.Log.InfoContext(ctx, "another process works on this schema, too: both share the request budget, and each sweep and round is made by one of them", "process", process)
		}
	}
	rate := d.org.Client.SustainedRate()
	if rate == 0 || n.scarce {
		return
	}
	if !n.costed.Swap(true) {
		costs, err := recent.New(d.org.Store.Pool()).SweepCosts(ctx)
		if err != nil {
			n.costed.Store(false)
			return
		}
		n.need = sweepNeed(d.config(), costs, d.org.Client.Now())
	}
	if most := headroom * rate * 60; n.need > most {
		n.scarce = true
		d.Log.WarnContext(ctx, "the schedules need more requests than the budget sustains, so sweeps come late: `syncd plan` proposes others",
			"requests_per_hour", math.Round(n.need), "sustained", math.Round(most))
	}
}

// strangers are the processes that were not there before; own is how the names of this one's begin.
func (n *notices) strangers(holders []budget.Holder, own string) (list []string) {
	now := map[string]bool{}
	for _, h := range holders {
		if strings.HasPrefix(h.Holder, own) {
			continue
		}
		if now[h.Holder] = true; !n.others[h.Holder] {
			list = append(list, h.Holder)
		}
	}
	n.others = now
	return list
}

// sweepNeed is how many requests an hour the schedules take, by what the last sweep of each stream cost.
func sweepNeed(cfg *config.Config, costs map[string]int, now time.Time) (requests float64) {
	for stream, cost := range costs {
		perHour, err := sweepsPerHour(cfg.ScheduleOf(stream), cfg.Timezone, now)
		if err == nil && !cfg.StreamsOff[stream] {
			requests += perHour * float64(cost)
		}
	}
	return requests
}
