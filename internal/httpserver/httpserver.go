// Package httpserver serves HTTP until it is told to stop, and lets the current requests finish.
package httpserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Run serves on a listener until ctx ends, and returns when the current requests have finished, or when they have had this time to.
// It closes the listener. Errors name what is served, such as "health and metrics".
func Run(ctx context.Context, server *http.Server, l net.Listener, what string, within time.Duration) error {
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve %s on %s: %w", what, l.Addr(), err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	err := server.Shutdown(closing)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop serving %s: %w", what, err), server.Close())
	}
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
