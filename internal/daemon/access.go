package daemon

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/sched"
	"syncd/internal/store/pg"
)

// access tells whether Polar can be read from. Work waits for it, so a refused token costs one request a minute and not one for
// each stream.
type access struct {
	mu      sync.Mutex
	err     error         // why Polar cannot be read from; nil when it can
	said    string        // class of the last logged error
	granted chan struct{} // closed while Polar can be read from
	again   chan struct{} // holds a signal: ask now, something has changed
}

var errNotAsked = errors.New("Polar has not been asked yet")

func newAccess() *access {
	return &access{err: errNotAsked, granted: make(chan struct{}), again: make(chan struct{}, 1)}
}

func (a *access) problem() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// note records the outcome of the last request for access. It returns true if the log should say it.
func (a *access) note(err error, class string) (news bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err == nil && a.err != nil:
		close(a.granted)
	case err != nil && a.err == nil:
		a.granted = make(chan struct{})
	}
	a.err = err
	news, a.said = class != a.said, class
	return news
}

// askAgain makes keepAccess ask Polar at once.
func (a *access) askAgain() {
	select {
	case a.again <- struct{}{}:
	default:
	}
}

// waitUntilGranted waits until Polar can be read from. It returns false when work must end. Who waits here holds no place: see mayRead.
func (a *access) waitUntilGranted(ctx context.Context, stop <-chan struct{}) bool {
	a.mu.Lock()
	granted := a.granted
	a.mu.Unlock()
	select {
	case <-granted:
		return ctx.Err() == nil
	case <-stop:
	case <-ctx.Done():
	}
	return false
}

// mayRead returns *sched.Again while Polar cannot be read from, or demands a pause: a job that waits for Polar holds no place that the
// jobs of other organizations need. It is hurried when access is gained.
func (d *Runner) mayRead() error {
	if d.access.problem() != nil {
		return errShutOut()
	}
	if wait := time.Until(d.client.Budget().PausedUntil); wait > 0 {
		return &sched.Again{After: wait, For: "the end of the pause that Polar demands"}
	}
	return nil
}

func errShutOut() error { return &sched.Again{After: askMost, For: "access to Polar"} }

// awaitPolar waits likewise, for work that no scheduler runs. It returns false when work must end.
func (d *Runner) awaitPolar(ctx context.Context) bool {
	for d.access.waitUntilGranted(ctx, d.Stop) {
		wait := time.Until(d.client.Budget().PausedUntil)
		if wait <= 0 {
			return true
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-d.Stop:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return false
}

const (
	// The wait before Polar is asked again is askLeast at first; it doubles each time, up to askMost.
	askLeast, askMost = 5 * time.Second, time.Minute
)

// gainAccess asks Polar which organization the token belongs to, until it answers. It reads the token again before each request,
// as somebody may have replaced it. It returns an error that waiting does not heal.
func (d *Runner) gainAccess(ctx context.Context, ask func(context.Context) error) error {
	began := time.Now()
	for asked := 1; ; asked++ {
		d.renewToken(ctx)
		err := ask(ctx)
		// While Polar is deployed, a gateway may answer in its place: with a page, or that no version is served. A daemon that
		// starts waits for that to pass. If it does not, the daemon ends: it needs another syncd, or the right address.
		unserved := errors.Is(err, fetch.ErrContract) && !d.worked.Load() && time.Since(began) >= d.config().Patience
		if err != nil && (!mayPass(err) || unserved) {
			d.access.note(err, "")
			return err
		}
		d.noteAnswer(ctx, err)
		if err == nil {
			d.worked.Store(true)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		d.pause(ctx, askAfter(err, asked))
	}
}

// askAfter is how long to wait after this many requests, of which the last ended with err.
func askAfter(err error, asked int) time.Duration {
	if errors.Is(err, fetch.ErrAuth) {
		return askMost
	}
	return min(askLeast<<min(asked-1, 10), askMost)
}

// mayPass: the error may go away without a change to the configuration, except to the token.
func mayPass(err error) bool {
	for _, kind := range []error{fetch.ErrAuth, fetch.ErrContract, fetch.ErrTransient, fetch.ErrRateLimited, pg.ErrUnreachable} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return pg.IsLost(err)
}

// noteAnswer records the outcome of a request for access, and logs it once.
func (d *Runner) noteAnswer(ctx context.Context, err error) {
	class := fetch.Class(err)
	if ctx.Err() != nil {
		return
	}
	news := d.access.note(err, class)
	if err == nil && d.IsOpen() {
		d.sched.Hurry()
	}
	if !news {
		return
	}
	switch class {
	case "":
		d.Log.InfoContext(ctx, "Polar can be read from")
	case fetch.ClassAuth:
		d.Log.WarnContext(ctx, "Polar refuses the access token: nothing is read until it is replaced or works again; syncd asks once a minute", slog.Any("error", err))
	default:
		d.Log.WarnContext(ctx, "Polar cannot be read from: syncd asks again until it can", slog.Any("error", err))
	}
}

// keepAccess gains access again whenever it is lost, until ctx ends. An error that waiting does not heal, such as a token of
// another organization, does not end a running daemon. The daemon is not ready until it gets a token of its own organization.
func (d *Runner) keepAccess(ctx context.Context) {
	for {
		select {
		case <-d.access.again:
		case <-ctx.Done():
			return
		}
		said := ""
		for d.access.problem() != nil {
			err := d.gainAccess(ctx, d.org.Mirror.CheckAccess)
			if err == nil || ctx.Err() != nil {
				break
			}
			if text := err.Error(); text != said {
				said = text
				d.Log.ErrorContext(ctx, "nothing is read from Polar until this is fixed; syncd asks once a minute", slog.Any("error", err))
			}
			d.pause(ctx, askMost)
		}
	}
}

// pause waits for a time, or until there is a reason to ask at once.
func (d *Runner) pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.access.again:
	case <-ctx.Done():
	}
}

// concernsAll: every other request would get this error, too.
func concernsAll(err error) bool {
	return errors.Is(err, fetch.ErrAuth) || errors.Is(err, fetch.ErrVersion)
}

// isShutOut tells whether the token as such is refused, after a run got 401, or no version is served, after it got 404. It asks
// Polar once more: an answer that only one stream's requests get is a failure of that stream.
func (d *Runner) isShutOut(ctx context.Context, err error) bool {
	d.asking.Lock()
	defer d.asking.Unlock()
	if d.access.problem() != nil { // another run has found out
		return true
	}
	if again := d.org.Mirror.CheckAccess(ctx); !concernsAll(again) {
		return false
	}
	d.noteAnswer(ctx, err)
	d.access.askAgain()
	return true
}

// renewToken takes over a token that was replaced in its source. If the source cannot be read, the old token stays: somebody may
// be writing the file.
func (d *Runner) renewToken(ctx context.Context) {
	cfg, _, err := d.Sources.Load(config.GroupPolar)
	if err != nil {
		d.Log.DebugContext(ctx, "the configuration cannot be read now", slog.Any("error", err))
		return
	}
	d.setToken(ctx, cfg.AccessToken)
}

// setToken makes the client send this token. It returns true if the token is a new one.
func (d *Runner) setToken(ctx context.Context, token config.Secret) (changed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if token == d.token {
		return false
	}
	if err := d.client.SetToken(token.Reveal()); err != nil {
		d.Log.WarnContext(ctx, "the new access token does not work: syncd goes on with the old one", slog.Any("error", err))
		return false
	}
	d.token = token
	d.Log.InfoContext(ctx, "the access token was replaced")
	return true
}

func (d *Runner) tokenInUse() config.Secret {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.token
}

// Problem is why Polar cannot be read from; "" when it can, or was not asked yet.
func (d *Runner) Problem() string {
	if err := d.access.problem(); err != nil && !errors.Is(err, errNotAsked) {
		return err.Error()
	}
	return ""
}
