package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"syncd/internal/config"
	"syncd/internal/fetch"
	"syncd/internal/store"
)

// access is whether Polar lets the daemon in. Jobs wait for it, so that a token that is refused costs a request a minute
// and not one a stream.
type access struct {
	mu      sync.Mutex
	err     error         // why Polar cannot be read from; nil when it can
	said    string        // class of the error that was told last
	granted chan struct{} // closed while it can
	look    chan struct{} // holds one: ask now, something has changed
}

var errNotAsked = errors.New("Polar has not been asked yet")

func newAccess() *access {
	return &access{err: errNotAsked, granted: make(chan struct{}), look: make(chan struct{}, 1)}
}

func (a *access) problem() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// set notes what the last question came to, and tells whether that is news to whoever reads the log.
func (a *access) set(err error, class string) (news bool) {
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

// poke has who asks ask now.
func (a *access) poke() {
	select {
	case a.look <- struct{}{}:
	default:
	}
}

// wait returns false when there is to be no more work.
func (a *access) wait(ctx context.Context, stop <-chan struct{}) bool {
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

const (
	// Polar may be down while the daemon starts.
	askLeast, askMost = 5 * time.Second, time.Minute
)

// gainAccess asks Polar who we are until it answers with that. The token is read again before each question: it may have
// been replaced. What waiting does not heal is the error.
func (d *daemonProcess) gainAccess(ctx context.Context) error {
	began := time.Now()
	for wait := askLeast; ; wait = min(2*wait, askMost) {
		d.renewToken(ctx)
		err := d.engine.runner.Check(ctx)
		// No version that can be asked for may be a gateway's word while Polar is deployed. A daemon that starts waits for
		// that to pass, and then ends: another syncd is needed.
		unserved := errors.Is(err, fetch.ErrVersion) && !d.worked.Load() && time.Since(began) >= d.config().Patience
		if err != nil && (!passes(err) || unserved) {
			d.access.set(err, "")
			return err
		}
		d.lost(ctx, err)
		if err == nil {
			d.worked.Store(true)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		if errors.Is(err, fetch.ErrAuth) {
			wait = askMost
		}
		d.pause(ctx, wait)
	}
}

// passes tells the errors that may go away without a change to the configuration, but for the token.
func passes(err error) bool {
	for _, kind := range []error{fetch.ErrAuth, fetch.ErrVersion, fetch.ErrTransient, fetch.ErrRateLimited, store.ErrUnreachable} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// lost notes what a question to Polar came to, and tells it once.
func (d *daemonProcess) lost(ctx context.Context, err error) {
	class := fetch.Class(err)
	if ctx.Err() != nil || !d.access.set(err, class) {
		return
	}
	switch class {
	case "":
		d.log.InfoContext(ctx, "Polar can be read from")
	case fetch.ClassAuth:
		d.log.WarnContext(ctx, "the access token is refused: nothing is read until it is replaced or works again; Polar is asked once a minute", slog.Any("error", err))
	default:
		d.log.WarnContext(ctx, "Polar cannot be read from: it is asked again until it can", slog.Any("error", err))
	}
}

// keepAccess gains access again whenever it was lost, until ctx ends. A token of another organization, say, does not end a
// daemon that runs: it is not ready until it gets one of its own.
func (d *daemonProcess) keepAccess(ctx context.Context) {
	for {
		select {
		case <-d.access.look:
		case <-ctx.Done():
			return
		}
		said := ""
		for d.access.problem() != nil {
			err := d.gainAccess(ctx)
			if err == nil || ctx.Err() != nil {
				break
			}
			if text := err.Error(); text != said {
				said = text
				d.log.ErrorContext(ctx, "nothing is read from Polar until this is mended; it is asked once a minute", slog.Any("error", err))
			}
			d.pause(ctx, askMost)
		}
	}
}

// pause waits for d, or until there is reason to ask at once.
func (d *daemonProcess) pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.access.look:
	case <-ctx.Done():
	}
}

// shuts tells the answers that every other request would get, too.
func shuts(err error) bool { return errors.Is(err, fetch.ErrAuth) || errors.Is(err, fetch.ErrVersion) }

// refused tells whether a 401 that a run met means that the token is refused as such, and a 404 that no version is served.
// One that a stream alone is answered with is a failure of that stream.
func (d *daemonProcess) refused(ctx context.Context, err error) bool {
	d.asking.Lock()
	defer d.asking.Unlock()
	if d.access.problem() != nil { // another run has found out
		return true
	}
	if again := d.engine.runner.Check(ctx); !shuts(again) {
		return false
	}
	d.lost(ctx, err)
	d.access.poke()
	return true
}

// renewToken takes over a token that was replaced where the configuration has it. While it cannot be read, the old one
// stays: it may be being written.
func (d *daemonProcess) renewToken(ctx context.Context) {
	cfg, _, err := d.sources.Load(config.GroupPolar)
	if err != nil {
		d.log.DebugContext(ctx, "the configuration cannot be read now", slog.Any("error", err))
		return
	}
	d.setToken(ctx, cfg.AccessToken)
}

// setToken tells whether it is another token than before.
func (d *daemonProcess) setToken(ctx context.Context, token config.Secret) (changed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if token == d.token {
		return false
	}
	if err := d.engine.client.SetToken(token.Reveal()); err != nil {
		d.log.WarnContext(ctx, "the new access token is of no use: going on with the old one", slog.Any("error", err))
		return false
	}
	d.token = token
	d.log.InfoContext(ctx, "the access token was replaced")
	return true
}
