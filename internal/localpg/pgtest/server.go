package pgtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/postgres"
	"go.uber.org/goleak"

	"syncd/internal/localpg"
)

// image is the server of the container.
const image = "postgres:17-alpine"

// start chooses and starts the server; stop is nil where closing the server is enough.
func start(ctx context.Context, env func(string) string) (_ *localpg.Server, stop func() error, err error) {
	if dsn := env("SYNCD_TEST_DATABASE_URL"); dsn != "" {
		pg, err := localpg.Start(ctx, localpg.Options{DSN: dsn})
		if err != nil {
			return nil, nil, fmt.Errorf("SYNCD_TEST_DATABASE_URL: %w", err)
		}
		return pg, nil, nil
	}
	switch forced := env("SYNCD_TEST_POSTGRES"); forced {
	case "container":
		return startContainer(ctx)
	case "local":
	case "":
		if dockerHealth(ctx) != nil {
			break
		}
		pg, stop, err := startContainer(ctx)
		if err == nil {
			return pg, stop, nil
		}
		fmt.Fprintf(os.Stderr, "pgtest: Docker is there, but no container could be started; using a private server: %v\n", err)
	default:
		return nil, nil, fmt.Errorf("SYNCD_TEST_POSTGRES is %q: say container or local", forced)
	}
	pg, err := localpg.Start(ctx, localpg.Options{Dir: localpg.MemoryDir(), Log: slog.Default()})
	return pg, nil, err
}

// dockerHealth is nil when a container can probably be started. It answers within seconds; the library would wait minutes for a
// host that is down.
func dockerHealth(ctx context.Context) error {
	if u, err := url.Parse(os.Getenv("DOCKER_HOST")); err == nil && u.Scheme == "tcp" {
		conn, err := (&net.Dialer{Timeout: 3 * time.Second}).DialContext(ctx, "tcp", u.Host)
		if err != nil {
			return err
		}
		if err := conn.Close(); err != nil {
			return err
		}
	}
	provider, err := testcontainers.NewDockerProvider()
	if err != nil {
		return err
	}
	return errors.Join(provider.Health(ctx), provider.Close())
}

func startContainer(ctx context.Context) (*localpg.Server, func() error, error) {
	container, err := postgres.Run(ctx, image,
		postgres.WithUsername("postgres"), postgres.WithPassword("postgres"), postgres.WithDatabase("postgres"),
		postgres.BasicWaitStrategies(),
		testcontainers.WithTmpfs(map[string]string{"/var/lib/postgresql/data": "rw"}),
		testcontainers.WithCmdArgs("-c", "fsync=off", "-c", "timezone=UTC"),
	)
	stop := func() error { return testcontainers.TerminateContainer(container) } // it accepts nil
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("start a container of %s: %w", image, err), stop())
	}
	dsn, err := container.ConnectionString(ctx, "sslmode=disable")
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("container of %s: %w", image, err), stop())
	}
	pg, err := localpg.Start(ctx, localpg.Options{DSN: dsn})
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return pg, stop, nil
}

// ignored are goroutines of the container library that live as long as the process: the connection to its reaper, and idle
// connections to Docker.
func ignored(container bool) []goleak.Option {
	if !container {
		return nil
	}
	return []goleak.Option{
		goleak.IgnoreAnyFunction("github.com/testcontainers/testcontainers-go.(*Reaper).connect.func1"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
	}
}
