//go:build !linux && !darwin

package localpg

import (
	"context"
	"fmt"
	"runtime"
)

// cluster does not exist on this platform: use a DSN.
type cluster struct{ dsn string }

func startCluster(context.Context, string, Options) (*cluster, error) {
	return nil, fmt.Errorf("%w: private servers are not supported on %s; name a running server by its DSN", ErrNoServer, runtime.GOOS)
}

func (*cluster) stop() error { return nil }

// Pooler does not exist on this platform.
type Pooler struct{}

// StartPooler reports ErrNoPooler.
func StartPooler(context.Context, string, string, ...string) (*Pooler, error) {
	return nil, ErrNoPooler
}

func (*Pooler) DSN() string  { return "" }
func (*Pooler) Close() error { return nil }
