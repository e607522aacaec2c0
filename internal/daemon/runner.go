package daemon

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"syncd/internal/config"
	"syncd/internal/feed"
	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/sched"
	"syncd/internal/serve"
	"syncd/internal/store"
	"syncd/internal/webhook"
)

// Options are what an organization is run with.
type Options struct {
	Config  *config.Config
	Shown   []config.Value // the same as it may be shown
	Sources config.Sources // to read it from again
	Migrate bool           // bring the tables up to date first
	Build   serve.Build
	Metrics Metrics

	Log      *slog.Logger
	LogLevel *slog.LevelVar // of Log, which the configuration sets; nil = it does not

	Stop <-chan struct{} // closed when work should end

	Beside Beside
	// Hooked: processes receive webhooks for this organization if it has a secret, and tell of them by Hooks.
	Hooked bool
}

// Metrics are told how an organization stands.
type Metrics interface {
	mirror.Observer
	RequestAnswered(status int, took time.Duration)
	SetLastSuccess(stream string, at time.Time)
	SetRows(stream string, rows int64)
	SetFreshness(stream string, through, polled, current time.Time, pending int64)
	SetStanding(stream string, available, whole bool, complete time.Time, rejects, held int64)
	SetDrift(open map[string]int64)
	SetFeed(feed string, lag time.Duration, still bool)
}

// Runner runs one organization: it is the organization, and the scheduler that drives its runs.
type Runner struct {
	Options
	client  *fetch.Client
	feed    *feed.Poller
	hook    *webhook.Endpoint // nil = none
	silence webhook.Silence   // of webhooks, whichever process receives them
	hooks   *webhook.Receiver // of hook alone; nil = none

	store  atomic.Pointer[store.Store] // nil before the database was reached
	away   reason                      // why it was not reached yet
	opened chan struct{}               // closed when org and sched are there
	org    *Organization
	sched  *sched.Scheduler

	current atomic.Pointer[config.Config] // in use; Config is that of the start
	access  *access
	worked  atomic.Bool // Polar could be read from at least once
	asking  sync.Mutex  // one run at a time asks whether the token is refused
	turns   sched.Turns // of streams that nothing else keeps fresh; only the tails use it
	notices notices     // what the log has said; only the tails use it
	tailed  bool        // a round of tails has been made; only the tails use it
	waits   sync.Map    // by stream, what its sweep waits for

	mu    sync.Mutex
	token config.Secret // in use
}

// New makes the client of Polar. It sends nothing. Close ends what New and Run have opened.
func New(o Options) (d *Runner, err error) {
	d = &Runner{Options: o, opened: make(chan struct{}), access: newAccess(), token: o.Config.AccessToken}
	d.current.Store(o.Config)
	d.away.set(errNotConnected)
	if d.client, err = NewClient(o.Config, d.opening()); err != nil {
		return nil, err
	}
	d.feed = feed.New(feed.Config{Every: func() time.Duration { return d.feedEvery() }, Rate: d.feedRate, Ask: d.askFeeds})
	return d, nil
}

// Client is the client of Polar.
func (d *Runner) Client() *fetch.Client { return d.client }

// Run opens what the organization needs, once. It waits for a database and a Polar that are not there yet, and works until Stop is closed and
// the current runs have stored their current pages, or until ctx ends.
func (d *Runner) Run(ctx context.Context) error {
	starting, release := Interruptible(ctx, d.Stop)
	defer release()
	if err := d.open(starting); err != nil {
		return endOr(starting, err)
	}
	return d.work(ctx, starting)
}

// Drain lets no further run start, and has the current ones store their current pages.
func (d *Runner) Drain() {
	if d.IsOpen() {
		d.sched.Drain()
		d.org.Mirror.Drain()
	}
}

// Answers returns when the scheduler has answered: one that hangs does not.
func (d *Runner) Answers() {
	if d.IsOpen() {
		d.sched.Upcoming()
	}
}

// endOr is nil where the first signal has ended a wait, else the error.
func endOr(starting context.Context, err error) error {
	if starting.Err() != nil {
		return nil
	}
	return err
}

// config is the configuration in use.
func (d *Runner) config() *config.Config { return d.current.Load() }

// work runs the jobs until they are told to end.
func (d *Runner) work(ctx, starting context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	keeping, stop := context.WithCancel(ctx)
	defer stop()
	if d.hooks != nil { // ends at the first signal: nothing is fetched from then on, and Polar tries again later
		g.Go(func() error { return d.hooks.Run(starting) })
	}
	g.Go(func() error {
		d.showOpened(starting)
		return nil
	})
	g.Go(func() error {
		defer stop()
		// The first signal ends this wait: no run is under way yet.
		if err := d.gainAccess(starting, d.org.Mirror.CheckAccess); err != nil {
			return endOr(starting, err)
		}
		g.Go(func() error {
			d.keepAccess(keeping)
			return nil
		})
		g.Go(func() error {
			d.feed.Run(ctx, d.Stop)
			return nil
		})
		return d.sched.Run(ctx)
	})
	return g.Wait()
}
