package polarsim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// AnyToken is a token that a simulated Polar accepts unless it was given another one.
const AnyToken = "polar_oat_simulated"

// Listener is a simulated Polar that listens.
type Listener struct {
	URL   string
	Ended <-chan struct{} // closed when it serves no more
	http  *http.Server
	err   error // of serving; read after Ended
}

// Listen serves a handler on an address; port 0 takes a free one.
func Listen(ctx context.Context, addr string, handler http.Handler, log *slog.Logger) (*Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s for the simulated Polar: %w", addr, err)
	}
	ended := make(chan struct{})
	s := &Listener{
		URL:   "http://" + strings.Replace(l.Addr().String(), "[::]", "127.0.0.1", 1),
		http:  &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)},
		Ended: ended,
	}
	go func() {
		defer close(ended)
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.err = fmt.Errorf("serve the simulated Polar: %w", err)
		}
	}()
	return s, nil
}

// Close ends current requests, too: a fault may make a request wait for ever.
func (s *Listener) Close() error {
	err := s.http.Close()
	<-s.Ended
	return errors.Join(err, s.err)
}
