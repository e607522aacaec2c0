package daemon

import (
	"fmt"
	"math"
	"time"

	"syncd/internal/config"
	"syncd/internal/feed"
	"syncd/internal/fetch"
	"syncd/internal/humanize"
	"syncd/internal/sched"
	"syncd/internal/tail"
)

// Plan is what a configuration costs in requests.
type Plan struct {
	Limit         int          `json:"polar_requests_per_minute"` // that Polar allows by default
	Budget        int          `json:"requests_per_minute"`       // as configured; 0 = none
	Probes        int          `json:"requests_of_this_plan"`
	Streams       []StreamPlan `json:"streams"`
	Tail          *TailPlan    `json:"tail,omitempty"`
	Feed          *FeedPlan    `json:"feed,omitempty"`
	Rows          int          `json:"rows"`
	FirstRequests int          `json:"first_sync_requests"`
	FirstMinutes  float64      `json:"first_sync_minutes"`
	SweepRequests int          `json:"sweep_requests"` // of all streams once
	SweepMinutes  float64      `json:"sweep_minutes"`
	PerHour       float64      `json:"requests_per_hour"`
	Share         float64      `json:"share_of_limit"` // 0.1 = a tenth
	Possible      bool         `json:"possible"`
	Problem       string       `json:"problem,omitempty"`
	Proposal      *Proposal    `json:"proposal,omitempty"`
	Webhooks      *WebhookPlan `json:"webhooks,omitempty"`

	rate float64 // requests a minute that the budget sustains; 0 = no budget
}

// StreamPlan is what one stream costs. A first sync and a sweep read the same pages.
type StreamPlan struct {
	Stream   string  `json:"stream"`
	Rows     *int    `json:"rows,omitempty"` // nil where Polar does not count them
	Requests int     `json:"requests"`       // of a first sync or a sweep
	AtMost   bool    `json:"at_most,omitempty"`
	Minutes  float64 `json:"minutes"`
	Schedule string  `json:"schedule"`
	Turn     float64 `json:"in_turn_every_seconds,omitempty"` // when it is swept more often than the schedule says
	PerDay   float64 `json:"sweeps_per_day"`
	PerHour  float64 `json:"requests_per_hour"`
	Share    float64 `json:"share_of_limit"`
	Fresh    float64 `json:"fresh_within_seconds,omitempty"` // 0 = only when somebody syncs it
	// FeedFresh is within what time a change is mirrored that a feed shows; 0 = none shows any.
	FeedFresh float64 `json:"fed_within_seconds,omitempty"`
	Followed  bool    `json:"followed_by_tails"`
	// CoveredBy is what shows changes between sweeps; Lacks is what would show them in every round of tails.
	CoveredBy []string `json:"covered_by,omitempty"`
	Lacks     string   `json:"lacks,omitempty"`
	Refused   string   `json:"refused,omitempty"`
	Described string   `json:"-"` // Fresh in words
}

// Swept says when the stream is swept.
func (s StreamPlan) Swept() string {
	if s.Turn > 0 {
		return "every " + humanize.Span(time.Duration(s.Turn*float64(time.Second)))
	}
	return s.Schedule
}

// TailPlan is what rounds of tails cost while nothing changes.
type TailPlan struct {
	Every    string  `json:"every"`
	Requests int     `json:"requests_of_a_round_at_most"`
	PerHour  float64 `json:"requests_per_hour"`
	Share    float64 `json:"share_of_limit"`
}

// FeedPlan is what rounds of feeds cost while nothing changes.
type FeedPlan struct {
	Every   string  `json:"every"`
	Quiet   string  `json:"every_while_nothing_changes"`
	PerHour float64 `json:"requests_per_hour"`
	Share   float64 `json:"share_of_limit"`
}

// Proposal is a configuration that fits the budget, in place of one that does not.
type Proposal struct {
	Tail      string            `json:"tail,omitempty"`
	Feed      string            `json:"feed,omitempty"`
	Schedules map[string]string `json:"schedules,omitempty"` // by stream
	Budget    int               `json:"requests_per_minute,omitempty"`
}

// headroom is the part of the budget that a configuration may plan for: changes, retries and manual commands need the rest.
const headroom = 0.9

// feedPart: a proposal has the feeds asked between rounds of tails as long as that takes at most a fourth of what may be planned for.
const feedPart = 4

// cadence is what a plan varies: when each stream is swept, and how often tails look for changes.
type cadence struct {
	schedules map[string]string
	tail      time.Duration            // 0 = never
	feed      time.Duration            // how often the feeds are asked; 0 = never
	turns     map[string]time.Duration // how often a stream has its turn between times; not varied
	round     int                      // requests of a round of tails
}

// quiet is how often the feeds are asked while nothing changes, and how many requests an hour that takes.
func (at cadence) quiet(rate float64) (every time.Duration, perHour float64) {
	if at.feed == 0 {
		return 0, 0
	}
	every = feed.Quiet(at.feed, rate)
	return every, float64(time.Hour) / float64(every)
}

// sweepsPerHour is how often a stream is swept: at the times of its schedule, or in turn.
func (at cadence) sweepsPerHour(stream string, loc *time.Location, now time.Time) (perHour float64, inTurn bool, err error) {
	perHour, err = sweepsPerHour(at.schedules[stream], loc, now)
	if turn := at.turns[stream]; turn > 0 && 1/turn.Hours() > perHour {
		return 1 / turn.Hours(), true, err
	}
	return perHour, false, err
}

// MakePlan computes what a configuration costs, and proposes another one where it does not fit the budget.
func MakePlan(cfg *config.Config, forecast tail.Forecast, client *fetch.Client) (Plan, error) {
	costs := forecast.Streams
	at := cadence{schedules: map[string]string{}, tail: cfg.Tail, feed: cfg.FeedEvery(), round: forecast.Round, turns: foreseeTurns(cfg, forecast, client.SustainedRate())}
	for _, cost := range costs {
		at.schedules[cost.Stream] = cfg.ScheduleOf(cost.Stream)
	}
	now := client.Now()
	plan, err := makePlan(costs, at, cfg.Timezone, now, client.DefaultLimit(), client.Budget().PerMinute, client.SustainedRate())
	if err == nil && !plan.Possible {
		plan.Proposal, err = propose(costs, at, cfg.Timezone, now, plan)
	}
	plan.Webhooks = planWebhooks(cfg, costs)
	return plan, err
}

// sweepsPerHour is how often a schedule is due, averaged over the four weeks from its first time on.
func sweepsPerHour(spec string, loc *time.Location, now time.Time) (float64, error) {
	const long, enough = 28 * 24 * time.Hour, 500
	first, err := sched.Next(spec, loc, now)
	if err != nil || first.IsZero() {
		return 0, err
	}
	at, n := first, 0
	for ; n < enough && at.Sub(first) < long; n++ {
		if at, err = sched.Next(spec, loc, at); err != nil {
			return 0, err
		}
	}
	return float64(n) / at.Sub(first).Hours(), nil
}

// makePlan computes what the streams cost at a cadence.
func makePlan(costs []tail.Cost, at cadence, loc *time.Location, now time.Time, limit, budget int, rate float64) (Plan, error) {
	r := Plan{Limit: limit, Budget: budget, rate: rate, Possible: true}
	minutes := func(requests int) float64 {
		if rate == 0 {
			return 0
		}
		return float64(requests) / rate
	}
	share := func(perHour float64) float64 { return perHour / 60 / float64(limit) }
	if at.tail > 0 {
		perHour := float64(at.round) * float64(time.Hour) / float64(at.tail)
		r.Tail = &TailPlan{Every: humanize.Interval(at.tail), Requests: at.round, PerHour: perHour, Share: share(perHour)}
		r.PerHour = perHour
	}
	quiet, perHour := at.quiet(rate)
	if at.feed > 0 {
		r.Feed = &FeedPlan{Every: humanize.Interval(at.feed), Quiet: humanize.Interval(quiet), PerHour: perHour, Share: share(perHour)}
		r.PerHour += perHour
	}
	for _, c := range costs {
		perHour, inTurn, err := at.sweepsPerHour(c.Stream, loc, now)
		if err != nil {
			return r, err
		}
		s := StreamPlan{
			Stream: c.Stream, Requests: c.Requests, AtMost: c.AtMost, Minutes: minutes(c.Requests), Schedule: at.schedules[c.Stream],
			PerDay: perHour * 24, PerHour: perHour * float64(c.Requests), Followed: c.Rounds > 0 && at.tail > 0, Refused: c.Refused,
			CoveredBy: c.CoveredBy, Lacks: c.Lacks,
		}
		if inTurn {
			s.Turn = at.turns[c.Stream].Seconds()
		}
		s.Share = share(s.PerHour)
		if c.Rows >= 0 {
			s.Rows = &c.Rows
			r.Rows += c.Rows
		}
		if s.Described = "not mirrored"; c.Refused == "" {
			fresh, fed := s.within(c, at.tail, perHour), time.Duration(c.FeedRounds)*quiet
			if c.FeedsAll && fed > 0 {
				fresh = min(fresh, fed)
			}
			s.Fresh, s.FeedFresh = fresh.Seconds(), fed.Seconds()
			s.Described = describeWithin(fresh, fed)
			if c.Lacks != "" && at.tail > 0 && (fresh == 0 || fresh > at.tail) {
				best := at.tail
				if quiet > 0 {
					best = min(best, 2*quiet) // the events and the deliveries take turns
				}
				s.Described += "; " + c.BestDelay(humanize.Span(best)) + " with " + c.Lacks
			}
		}
		r.Streams = append(r.Streams, s)
		r.Probes += c.Probes
		r.SweepRequests += c.Requests
		r.PerHour += s.PerHour
	}
	r.FirstRequests = r.SweepRequests + 1 // one for the organization
	r.FirstMinutes, r.SweepMinutes = minutes(r.FirstRequests), minutes(r.SweepRequests)
	r.Share = share(r.PerHour)
	if most := headroom * rate * 60; rate > 0 && r.PerHour > most {
		r.Possible = false
		r.Problem = fmt.Sprintf("it needs %s requests an hour, and a budget of %d a minute sustains %s (a tenth is kept for changes, retries and manual commands)",
			humanize.Count(int(math.Ceil(r.PerHour))), budget, humanize.Count(int(most)))
	}
	return r, nil
}

// describeWithin says how soon changes are mirrored: all of them, and those that a feed shows.
func describeWithin(fresh, fed time.Duration) string {
	switch {
	case fresh == 0:
		return "by hand"
	case fed > 0 && fed < fresh:
		return humanize.Span(fed) + " by events, else " + humanize.Span(fresh)
	}
	return humanize.Span(fresh)
}

// within is how soon a change is mirrored: by tails as far as they can see it, else by a sweep; 0 = only when somebody syncs it.
func (s StreamPlan) within(c tail.Cost, every time.Duration, sweepsPerHour float64) (fresh time.Duration) {
	if sweepsPerHour > 0 {
		fresh = time.Duration(float64(time.Hour)/sweepsPerHour + s.Minutes*float64(time.Minute))
	}
	if seen := time.Duration(c.Rounds) * every; seen > 0 && (fresh == 0 || seen < fresh) {
		fresh = seen
	}
	return fresh
}

// slower are the intervals that a proposal may choose.
var slower = []time.Duration{5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour}

// propose finds a cadence that the budget sustains. If the feeds take too much of it, they are asked in rounds of tails alone. If the tails alone take more than half of it, they look for changes less
// often. Then, step by step, the costliest stream is swept less often. If even a sweep a week does not fit, it proposes a larger
// budget.
func propose(costs []tail.Cost, at cadence, loc *time.Location, now time.Time, r Plan) (*Proposal, error) {
	p := &Proposal{Schedules: map[string]string{}}
	most := headroom * r.rate * 60
	sum := 0.0
	if at.tail > 0 {
		perHour := func(every time.Duration) float64 { return float64(at.round) * float64(time.Hour) / float64(every) }
		every := at.tail
		for _, d := range slower {
			if perHour(every) > most/2 && d > every {
				every = d
			}
		}
		if every != at.tail {
			p.Tail = humanize.Interval(every)
		}
		sum = perHour(every)
	}
	if _, fed := at.quiet(r.rate); fed > most/feedPart {
		p.Feed = "off"
	} else {
		sum += fed
	}
	rates := make([]float64, len(costs)) // sweeps an hour
	for i, c := range costs {
		rate, inTurn, err := at.sweepsPerHour(c.Stream, loc, now)
		if err != nil {
			return nil, err
		}
		sum += rate * float64(c.Requests)
		if !inTurn { // turns have a share of the budget, whatever the schedules are
			rates[i] = rate
		}
	}
	for sum > most {
		worst, next := -1, 0.0
		for i, c := range costs {
			rate := slowed(rates[i])
			if rate > 0 && (worst < 0 || rates[i]*float64(c.Requests) > rates[worst]*float64(costs[worst].Requests)) {
				worst, next = i, rate
			}
		}
		if worst < 0 {
			return &Proposal{Budget: int(math.Ceil(float64(r.Budget) * sum / most))}, nil
		}
		sum -= (rates[worst] - next) * float64(costs[worst].Requests)
		rates[worst] = next
		p.Schedules[costs[worst].Stream] = "@every " + humanize.Interval(time.Duration(float64(time.Hour)/next))
	}
	return p, nil
}

// slowed is the next lower rate of the intervals in slower; 0 where there is none.
func slowed(rate float64) float64 {
	for _, d := range slower {
		if next := 1 / d.Hours(); next < rate*0.99 {
			return next
		}
	}
	return 0
}
