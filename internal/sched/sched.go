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
	// nil = no bound.
	Beside, UrgentBeside Places
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
	slots   Places // nil = as many as there are jobs
	started atomic.Bool
	jitter  atomic.Int64 // a time.Duration
	drain   chan struct{}
	once    sync.Once
	changed chan struct{}   // holds a signal when schedules have changed
	runs    sync.WaitGroup  // the current runs
	ctx     context.Context // of Run; set before the first job starts and not written again
}

// job is a Job with its state. Its runs never overlap, so only what Upcoming reads needs the lock.
type job struct {
	Job
	guarded  cron.Job
	prompt   atomic.Bool // the next run is wanted without jitter
	atStart  bool        // the run at the start is still to come
	failures int         // since the last success

	mu      sync.Mutex
	plan    plan
	left    time.Duration // until the next tick, as of read
	read    time.Time     // zero: not looked at yet
	retryAt time.Time     // zero: no retry is waiting
}

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
	s.jitter.Store(int64(cfg.Jitter))
	if cfg.Parallel > 0 {
		s.slots = NewPlaces(cfg.Parallel)
	}
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
		s.add(&job{Job: j, plan: plan{schedule: shift(schedule, cfg.Offset), offset: cfg.Offset}, atStart: j.AtStart})
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Scheduler) add(j *job) {
	l := cronLog{s.cfg.Log.With("job", j.Name)}
	// The order matters: otherwise a panic would leave the job marked as running for ever.
	j.guarded = cron.NewChain(cron.SkipIfStillRunning(l), cron.Recover(l)).Then(cron.FuncJob(func() { s.tick(j) }))
	s.jobs = append(s.jobs, j)
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
	s.jitter.Store(int64(max(0, jitter)))
	shown, now := s.cfg.Now(), time.Now()
	for j, schedule := range schedules {
		j.mu.Lock()
		j.plan.schedule, j.plan.due = schedule, time.Time{}
		j.mu.Unlock()
		j.advance(shown, now) // nothing is due at once
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return nil
}

// off tells whether the job has no ticks.
func (j *job) off() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.plan.schedule == nil
}

// advance returns how long it is until the next tick, and whether one has come.
func (j *job) advance(shown, now time.Time) (left time.Duration, tick bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.plan.schedule == nil {
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
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.plan.schedule == nil || j.read.IsZero() {
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
	sleep := s.startDue()
	for _, j := range s.jobs {
		if j.AtStart && !j.off() {
			s.runs.Go(j.guarded.Run)
		}
	}
	for ; s.sleep(sleep); sleep = s.startDue() {
	}
	s.runs.Wait()
	return nil
}

// longestSleep bounds the scheduler's sleep: somebody may set the clock that schedules are read on.
const longestSleep = time.Minute

// startDue starts the jobs whose tick has come, and returns how long it is until the next tick.
func (s *Scheduler) startDue() time.Duration {
	sleep := longestSleep
	shown, now := s.cfg.Now(), time.Now()
	for _, j := range s.jobs {
		left, tick := j.advance(shown, now)
		if tick {
			s.runs.Go(j.guarded.Run)
		}
		sleep = min(sleep, left)
	}
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

// RunSoon runs a job once now, without jitter, whatever its schedule, unless it runs already or the scheduler is stopping. Jobs
// call it; it returns at once. It returns false if there is no such job.
func (s *Scheduler) RunSoon(name string) bool {
	for _, j := range s.jobs {
		if j.Name == name && !j.off() {
			if !s.stopping() {
				j.prompt.Store(true)
				s.runs.Go(j.guarded.Run)
			}
			return true
		}
	}
	return false
}

// Drain starts no further job. Run returns when the current runs have ended.
func (s *Scheduler) Drain() { s.once.Do(func() { close(s.drain) }) }

// Upcoming returns when each job runs next, by name: at its next tick, or earlier when a retry is waiting. It lacks jobs that are
// off; before Run it is empty.
func (s *Scheduler) Upcoming() map[string]time.Time {
	at := map[string]time.Time{}
	shown, now := s.cfg.Now(), time.Now()
	for _, j := range s.jobs {
		if left := j.upcoming(now); left >= 0 {
			at[j.Name] = shown.Add(left)
		}
		j.mu.Lock()
		if !j.retryAt.IsZero() {
			at[j.Name] = shown.Add(j.retryAt.Sub(now))
		}
		j.mu.Unlock()
	}
	return at
}

// tick runs a job, and again after failures, until it succeeds or its next tick comes before the next try.
func (s *Scheduler) tick(j *job) {
	prompt := j.prompt.Swap(false) || j.Urgent || j.atStart
	j.atStart = false
	if jitter := time.Duration(s.jitter.Load()); !prompt && jitter > 0 && !s.wait(rand.N(jitter)) {
		return
	}
	for {
		err := s.attempt(j)
		if again := (*Again)(nil); errors.As(err, &again) {
			j.setRetry(time.Now().Add(again.After))
			waited := s.wait(again.After)
			j.setRetry(time.Time{})
			if !waited || j.off() {
				return
			}
			continue
		}
		if err == nil {
			return
		}
		j.failures++
		wait := s.backoff(j.failures)
		now := time.Now()
		if wait >= j.upcoming(now) { // the next tick comes earlier, or the job is off now
			return
		}
		s.cfg.Log.Info("job runs again soon", "job", j.Name, "failures", j.failures, "in", wait.Round(time.Millisecond))
		j.setRetry(now.Add(wait))
		waited := s.wait(wait)
		j.setRetry(time.Time{})
		if !waited {
			return
		}
	}
}

// attempt runs a job once, as soon as fewer than Parallel others run. A scheduler that is stopping runs nothing and returns no
// error.
func (s *Scheduler) attempt(j *job) error {
	places := []Places{s.slots, s.cfg.Beside}
	if j.Urgent {
		places = []Places{s.cfg.UrgentBeside}
	}
	for _, p := range places {
		if p.Take(s.ctx, s.drain) {
			defer p.Free()
		}
	}
	if s.stopping() {
		return nil
	}
	err := j.Run(s.ctx)
	if err == nil {
		j.failures = 0
	}
	return err
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

// wait waits for a time. It returns false when the scheduler stops meanwhile.
func (s *Scheduler) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
	case <-s.drain:
	}
	return false
}

// backoff is the wait after the given number of failures in a row.
func (s *Scheduler) backoff(failures int) time.Duration {
	d := s.cfg.RetryMax
	if doublings := failures - 1; doublings < 32 && s.cfg.RetryMin <= s.cfg.RetryMax>>doublings {
		d = s.cfg.RetryMin << doublings
	}
	return d/2 + rand.N(d/2+1)
}

func (j *job) setRetry(at time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.retryAt = at
}
