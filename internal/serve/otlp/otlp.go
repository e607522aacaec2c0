// Package otlp sends the metrics to a collector by OTLP, over HTTP, for those who do not scrape them.
//
// The standard variables of OpenTelemetry say where to and how: OTEL_EXPORTER_OTLP_ENDPOINT turns it on, and its kin set headers,
// timeouts, certificates and the interval. What is sent is what /metrics shows, under the same names: a bridge reads the registry.
package otlp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
)

// The variables that say where the metrics go; see https://opentelemetry.io/docs/specs/otel/protocol/exporter/.
var (
	endpoints = []string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"}
	protocols = []string{"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"}
)

// lastSend is how long the last metrics may take when the process ends.
const lastSend = 3 * time.Second

// Sender sends metrics at intervals of its own until it is closed.
type Sender struct{ provider *metric.MeterProvider }

// Start begins to send what the registry holds; nil where no variable says where to.
func Start(ctx context.Context, from prometheus.Gatherer, version string, log *slog.Logger) (*Sender, error) {
	name, endpoint := first(endpoints)
	if endpoint == "" || os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_METRICS_EXPORTER") == "none" {
		return nil, nil
	}
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%s: write the address of a collector, such as http://localhost:4318", name)
	}
	if name, protocol := first(protocols); protocol != "" && protocol != "http/protobuf" {
		return nil, fmt.Errorf("%s: %q: syncd sends http/protobuf, at port 4318 of most collectors", name, protocol)
	}
	exporter, err := otlpmetrichttp.New(ctx)
	if err != nil {
		return nil, errors.New("metrics cannot be sent by OTLP: look at the variables that begin with OTEL_EXPORTER_OTLP")
	}
	of, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "syncd"), attribute.String("service.version", version)),
		resource.WithHost(), resource.WithProcessPID(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	reader := metric.NewPeriodicReader(&told{Exporter: exporter, log: log}, metric.WithProducer(bridge.NewMetricProducer(bridge.WithGatherer(from))))
	return &Sender{metric.NewMeterProvider(metric.WithReader(reader), metric.WithResource(of))}, nil
}

// Close sends the metrics a last time, for a few seconds at most.
func (s *Sender) Close(ctx context.Context) {
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSend)
	defer cancel()
	_ = s.provider.Shutdown(ctx) // what fails is logged where it is sent
}

// first is the first of these variables that is set.
func first(names []string) (name, value string) {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return name, value
		}
	}
	return names[len(names)-1], ""
}

// told logs when metrics cannot be sent, once, and when they can again. Nothing else depends on them.
type told struct {
	metric.Exporter
	log *slog.Logger

	mu      sync.Mutex
	failing bool
}

// Export implements metric.Exporter.
func (t *told) Export(ctx context.Context, metrics *metricdata.ResourceMetrics) error {
	err := t.Exporter.Export(ctx, metrics)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err != nil && !t.failing:
		t.log.Warn("metrics could not be sent by OTLP; they are sent again at each interval, and the mirror goes on without", "error", reason(err))
	case err == nil && t.failing:
		t.log.Info("metrics are sent by OTLP again")
	}
	t.failing = err != nil
	return nil
}

// reason is an error without the address, in which a password may stand.
func reason(err error) error {
	if wrapped, is := errors.AsType[*url.Error](err); is {
		return wrapped.Err
	}
	return err
}
