package daemon

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"syncd/internal/fetch/fetchtest"
	"syncd/internal/sched"
	"syncd/internal/tail"
)

// A sweep, a round of tails and a round of feeds hold no place while they wait for a token that is refused, or for the end of a pause that
// Polar demands.
func TestWaitingForPolarHoldsNoPlace(t *testing.T) {
	t.Parallel()
	for reason, paused := range map[string]bool{"refused": false, "paused": true} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := fetchtest.InProcess(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Retry-After", "50")
					w.WriteHeader(http.StatusTooManyRequests)
				})
				stop := make(chan struct{})
				d := &Runner{Options: Options{Stop: stop, Beside: Beside{rounds: sched.NewPlaces(1)}}, client: client, access: newAccess(), opened: make(chan struct{})}
				if paused {
					d.access.note(nil, "")
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					if _, err := client.Get(ctx, "/v1/organizations/", nil); err == nil {
						t.Error("what is refused is answered")
					}
					cancel()
				}
				for name, job := range map[string]func(context.Context) error{"sweep": d.sweepJob("orders"), "tail": d.runTails} {
					if again, is := errors.AsType[*sched.Again](job(t.Context())); !is || again.After <= 40*time.Second || again.After > time.Minute {
						t.Errorf("a %s does not wait outside of its place: %+v", name, again)
					}
				}
				ended := make(chan error, 1)
				go func() {
					_, err := d.askFeeds(t.Context(), tail.Question{})
					ended <- err
				}()
				synctest.Wait()
				full := make(chan struct{})
				time.AfterFunc(time.Second, func() { close(full) })
				if !d.Beside.rounds.Take(t.Context(), full) {
					t.Error("feeds hold a place while they wait")
				}
				close(stop)
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Errorf("feeds that are told to stop: %v", err)
				}
			})
		})
	}
}

// A sweep begins when nobody waits to be opened any more, not just when an opening has ended; a round waits for none.
func TestSweepsWaitForOpenings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		opening := sched.NewPlaces(1)
		refused := fetchtest.InProcess(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
		d := &Runner{Options: Options{Stop: make(chan struct{}), Beside: Beside{opening: opening}}, client: refused, access: newAccess(), opened: make(chan struct{})}
		if !opening.Take(t.Context(), nil) {
			t.Fatal("nobody is opened, and there is no place")
		}
		swept := make(chan error, 1)
		go func() { swept <- d.sweepJob("orders")(t.Context()) }()
		synctest.Wait()
		other := make(chan bool, 1)
		go func() { other <- opening.TakeAt(t.Context(), nil, 7) }() // comes later, and goes first
		synctest.Wait()
		if err := d.runTails(t.Context()); err == nil {
			t.Error("a round without access succeeds")
		}
		opening.Free()
		<-other
		synctest.Wait()
		select {
		case err := <-swept:
			t.Errorf("a sweep goes on while an organization is opened: %v", err)
		default:
		}
		opening.Free()
		if again, is := errors.AsType[*sched.Again](<-swept); !is {
			t.Errorf("a sweep without access: %+v", again)
		}
	})
}
