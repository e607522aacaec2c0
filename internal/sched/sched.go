package sched

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/robfig/cron/v3"
)

// Job is something that runs at the ticks of a schedule.
type Job struct {
	Name string
	// Spec is a schedule with five fields, a name such as @daily, @every with a duration, or Off. Five fields are read on a wall
	// clock: a time that daylight saving skips means the moment right after it, and a time that comes twice means the first of
	// the two. @every goes by elapsed time, whatever clocks show.
	Spec string
	// AtStart also runs the job when the scheduler starts, without jitter. Ignored when Spec is Off.
	AtStart bool
	// Last is when the last run began, in this process or in another one, where Config.Offset says when the ticks of @every are. If a
	// tick has come since, the job runs at the start: the one before has not run at it, and whoever looked before the start can have seen
	// none yet. A time that the clock has not reached is none. Zero = it runs at the next tick.
	Last time.Time
	// Urgent jobs run at their tick, without jitter, and do not count towards Parallel. They are short and frequent, and would
	// otherwise wait for hours behind long ones.
	Urgent bool
	// Run does one run and reports its own failures. An error only means that the job should run again soon. The context is the
	// one given to Scheduler.Run.
	Run func(context.Context) error
}

// Config is a set of jobs and how to run them. Zero values mean the defaults given with each field.
type Config struct {
	Jobs []Job
	// Location is where the fields of specs are read; default UTC.
	Location *time.Location
	// Now is the clock for five fields, read at least once a minute; default time.Now. When it is set forward or back, schedules
	// follow: a job runs when the clock shows its time, but not twice within half its interval.
	Now func() time.Time
	// Jitter delays each scheduled run by a random time below it, so that the jobs of one tick, and the daemons of many hosts, do
	// not all start in the same second; 0 = none.
	Jitter time.Duration
	// Offset, up to 1, moves all ticks by this part of their interval, but at most by an hour, so that the schedulers of one process do
	// not all start in the same second. The ticks of @every are then where the clock says, and not where the scheduler started: one
	// that takes over from another keeps them. 0 = none.
	Offset float64
	// Parallel is how many jobs may run at once; 0 = all.
	Parallel int
	// Beside bounds how many jobs run at once together with those of other schedulers, but for Urgent ones, which UrgentBeside bounds;
	// nil = no bound. Who has waited longest comes first, with all that it has to run: see lane.
	Beside, UrgentBeside *Places
	// RetryMin and RetryMax bound the wait before a failed job runs again: RetryMin after the first failure, doubled after each
	// further one, at most RetryMax, less a random part of up to half. A retry that would come at or after the job's next tick is
	// left to that tick. So a failed job runs again within RetryMax or its own interval, whichever is shorter. Defaults 15 s and
	// 5 min.
	RetryMin, RetryMax time.Duration
	Log                *slog.Logger
}

// Scheduler runs jobs. It is used for one Run.
type Scheduler struct {
	cfg     Config
	jobs    []*job
	started atomic.Bool
	drain   chan struct{}
	once    sync.Once
	changed chan struct{}   // holds a signal: look again at what is due
	ctx     context.Context // of Run; set before the first job starts and not written again

	mu       sync.Mutex
	running  sync.WaitGroup // jobs that run
	jitter   time.Duration
	hurries  int // calls of Hurry
	ordinary lane
	urgent   lane
	open     bool // jobs may start
}

// job is a Job with its state. The lock of its scheduler guards it.
type job struct {
	Job
	state    state
	failures int       // since the last success
	hurries  int       // of the scheduler, when the run began
	at       time.Time // when it is due, while it is delayed, fails or waits

	plan plan
	left time.Duration // until the next tick, as of read
	read time.Time     // zero: not looked at yet
}

// state is what a job does.
type state int

const (
	idle    state = iota // until its next tick
	delayed              // by jitter
	failing              // it runs again soon
	waiting              // for what it said in Again
	queued               // it runs as soon as there is a place
	running
)

// Again is the error of a job that should run again after a while, without another tick: something that it needs is not there
// yet, which is no failure. While it waits, its place is free for others.
type Again struct {
	After time.Duration
	For   string // what the job waits for
}

func (a *Again) Error() string { return "waiting for " + a.For }

// New reports everything that is wrong with a configuration at once.
func New(cfg Config) (*Scheduler, error) {
	if cfg.Location == nil {
		cfg.Location = time.UTC
	}
	if cfg.RetryMin == 0 {
		cfg.RetryMin = 15 * time.Second
	}
	if cfg.RetryMax == 0 {
		cfg.RetryMax = max(cfg.RetryMin, 5*time.Minute)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	var problems []error
	if cfg.RetryMin < 0 || cfg.RetryMax < cfg.RetryMin {
		problems = append(problems, fmt.Errorf("retry after %v at least and %v at most: the maximum is below the minimum", cfg.RetryMin, cfg.RetryMax))
	}
	if cfg.Jitter < 0 || cfg.Parallel < 0 {
		problems = append(problems, fmt.Errorf("jitter %v, parallel %d: neither can be negative", cfg.Jitter, cfg.Parallel))
	}
	s := &Scheduler{
		cfg:     cfg,
		drain:   make(chan struct{}),
		changed: make(chan struct{}, 1),
	}
	s.jitter = cfg.Jitter
	s.ordinary, s.urgent = lane{places: cfg.Beside, most: cfg.Parallel}, lane{places: cfg.UrgentBeside}
	names := map[string]bool{}
	for _, j := range cfg.Jobs {
		if names[j.Name] {
			problems = append(problems, fmt.Errorf("job %s is there twice", j.Name))
		}
		names[j.Name] = true
		schedule, err := parse(j.Spec, cfg.Location)
		if err != nil {
			problems = append(problems, fmt.Errorf("job %s: %w", j.Name, err))
		}
		j.AtStart = j.AtStart && schedule != nil // for good: a job that is rescheduled before Run waits for its tick
		s.jobs = append(s.jobs, &job{Job: j, plan: plan{schedule: shift(schedule, cfg.Offset), offset: cfg.Offset, since: j.Last}})
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return s, nil
}

// Reschedule gives jobs other schedules while they run: specs by name, read in location (nil = UTC), and another jitter. If one
// of the specs is wrong, nothing changes. Current runs go on.
func (s *Scheduler) Reschedule(specs map[string]string, location *time.Location, jitter time.Duration) error {
	if location == nil {
		location = time.UTC
	}
	schedules := make(map[*job]cron.Schedule, len(s.jobs))
	var problems []error
	for _, j := range s.jobs {
		spec, is := specs[j.Name]
		if !is {
			continue
		}
		schedule, err := parse(spec, location)
		if err != nil {
			problems = append(problems, fmt.Errorf("job %s: %w", j.Name, err))
		}
		schedules[j] = shift(schedule, s.cfg.Offset)
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	shown, now := s.cfg.Now(), time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jitter = max(0, jitter)
	for j, schedule := range schedules {
		j.plan.schedule, j.plan.due = schedule, time.Time{}
		j.advance(shown, now) // nothing is due at once
	}
	s.look()
	return nil
}

// off tells whether the job has no ticks.
func (j *job) off() bool { return j.plan.schedule == nil }

// advance returns how long it is until the next tick, and whether one has come.
func (j *job) advance(shown, now time.Time) (left time.Duration, tick bool) {
	if j.off() {
		return longestSleep, false
	}
	if left = j.plan.left(shown, now); left <= 0 {
		tick, left = true, j.plan.left(shown, now)
	}
	j.left, j.read = left, now
	return left, tick
}

// upcoming is how long it is until the next tick; negative for a job that has none.
func (j *job) upcoming(now time.Time) time.Duration {
	if j.off() || j.read.IsZero() {
		return -1
	}
	return max(0, j.left-now.Sub(j.read))
}

// Run runs the jobs until ctx ends or Drain is called, and returns once no job runs any more. The jobs get ctx: they should
// return soon after it ends. Drain leaves them the time they need.
func (s *Scheduler) Run(ctx context.Context) error {
	if s.started.Swap(true) {
		return errors.New("sched: a Scheduler runs once")
	}
	s.ctx = ctx
	s.mu.Lock()
	s.open = true
	for _, j := range s.jobs {
		if j.AtStart && !j.off() && j.state == idle {
			s.enqueue(j)
		}
	}
	s.mu.Unlock()
	for s.sleep(s.startDue()) {
	}
	s.close()
	s.running.Wait()
	return nil
}

// longestSleep bounds the scheduler's sleep: somebody may set the clock that schedules are read on.
const longestSleep = time.Minute

// startDue has the jobs run that are due, and returns how long it is until the next one is.
func (s *Scheduler) startDue() time.Duration {
	sleep := longestSleep
	shown, now := s.cfg.Now(), time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		left, tick := j.advance(shown, now)
		if tick {
			s.tick(j, now)
		}
		sleep = min(sleep, left)
		switch j.state {
		case delayed, failing, waiting:
			if left := j.at.Sub(now); left > 0 {
				sleep = min(sleep, left)
			} else if j.state = idle; !j.off() {
				s.enqueue(j)
			}
		}
	}
	s.start(&s.urgent)
	s.start(&s.ordinary)
	return sleep
}

// sleep waits until it is time to look again. It returns false when the scheduler stops.
func (s *Scheduler) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.changed:
	case <-s.ctx.Done():
	case <-s.drain:
	}
	return !s.stopping()
}

// RunSoon runs a job once now, without jitter, whatever its schedule, unless it runs or waits already or the scheduler is stopping. Jobs
// call it; it returns at once. It returns false if there is no such job.
func (s *Scheduler) RunSoon(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if j.Name == name && !j.off() {
			if j.state == idle || j.state == delayed {
				s.enqueue(j)
				s.look()
			}
			return true
		}
	}
	return false
}

// Hurry has all jobs run now that wait for something, as they said in Again: it may be there. A job that runs at this moment, and then
// says that it waits, runs once more.
func (s *Scheduler) Hurry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurries++
	for _, j := range s.jobs {
		if j.state == waiting {
			j.at = time.Time{}
		}
	}
	s.look()
}

// look has the scheduler look again at what is due.
func (s *Scheduler) look() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Drain starts no further job. Run returns when the current runs have ended.
func (s *Scheduler) Drain() { s.once.Do(func() { close(s.drain) }) }

// Upcoming returns when each job runs next, by name: at its next tick, or earlier when it is to run again. It lacks jobs that are
// off; before Run it is empty.
func (s *Scheduler) Upcoming() map[string]time.Time {
	at := map[string]time.Time{}
	shown, now := s.cfg.Now(), time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if left := j.upcoming(now); left >= 0 {
			at[j.Name] = shown.Add(left)
		}
		if j.state == failing || j.state == waiting {
			at[j.Name] = shown.Add(j.at.Sub(now))
		}
	}
	return at
}

// stopping: no further run may start. It is checked right before each run: when a tick and the end come together, select takes
// either.
func (s *Scheduler) stopping() bool {
	select {
	case <-s.drain:
		return true
	default:
		return s.ctx.Err() != nil
	}
}

// backoff is the wait after the given number of failures in a row.
func (s *Scheduler) backoff(failures int) time.Duration {
	d := s.cfg.RetryMax
	if doublings := failures - 1; doublings < 32 && s.cfg.RetryMin <= s.cfg.RetryMax>>doublings {
		d = s.cfg.RetryMin << doublings
	}
	return d/2 + rand.N(d/2+1)
}
