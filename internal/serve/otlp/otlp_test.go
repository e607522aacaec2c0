package otlp

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"syncd/internal/mirror"
	"syncd/internal/serve"
	"syncd/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// collector receives metrics as any OTLP collector does.
func collector(t *testing.T, status int) (*httptest.Server, <-chan *v1.ExportMetricsServiceRequest) {
	t.Helper()
	received := make(chan *v1.ExportMetricsServiceRequest, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v1/metrics" || r.Header.Get("Content-Type") != "application/x-protobuf" || r.Header.Get("Authorization") != "Bearer key" {
			t.Errorf("%s %s %v", r.Method, r.URL.Path, r.Header)
		}
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			unzipped, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = unzipped
		}
		raw, err := io.ReadAll(body)
		var request v1.ExportMetricsServiceRequest
		if err == nil {
			err = proto.Unmarshal(raw, &request)
		}
		if err != nil {
			t.Error(err)
		}
		received <- &request
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s, received
}

// What /metrics shows arrives at a collector, under the same names; the last of it when the process ends. Not parallel: the
// variables are the process's.
func TestMetricsArrive(t *testing.T) {
	s, received := collector(t, http.StatusOK)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", s.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer key")
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
	m := serve.NewMetrics(serve.Build{Version: "1.2.3", Commit: "abc"}, []string{"orders"})
	sender, err := Start(t.Context(), m.Registry(), "1.2.3", slog.New(slog.DiscardHandler))
	if err != nil || sender == nil {
		t.Fatal(sender, err)
	}
	m.RunFinished(mirror.Result{Stream: "orders", Outcome: mirror.Succeeded, StartedAt: time.UnixMilli(1_700_000_000_500), Duration: 2 * time.Second, Counts: store.Counts{Inserted: 240}})
	sender.Close(t.Context())
	request := <-received
	of := request.ResourceMetrics[0]
	attributes := map[string]string{}
	for _, a := range of.Resource.Attributes {
		attributes[a.Key] = a.Value.GetStringValue()
	}
	if attributes["service.name"] != "syncd" || attributes["service.version"] != "1.2.3" || attributes["deployment.environment"] != "test" {
		t.Errorf("resource %v", attributes)
	}
	values := map[string]float64{}
	for _, scope := range of.ScopeMetrics {
		for _, metric := range scope.Metrics {
			points := metric.GetSum().GetDataPoints()
			points = append(points, metric.GetGauge().GetDataPoints()...)
			for _, p := range points {
				name := metric.Name
				for _, a := range p.Attributes {
					name += " " + a.Value.GetStringValue()
				}
				values[name] = p.GetAsDouble()
			}
			for _, p := range metric.GetHistogram().GetDataPoints() {
				values[metric.Name+" count"] = float64(p.Count)
			}
		}
	}
	for name, want := range map[string]float64{"syncd_runs_total succeeded orders": 1, "syncd_rows_written_total inserted orders": 240,
		"syncd_last_success_timestamp_seconds orders": 1_700_000_000.5, "syncd_run_duration_seconds count": 1} {
		if got, is := values[name]; !is || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if t.Failed() {
		t.Log(values)
	}
}

// A collector that fails is told of once, without the address, in which a password may stand; nothing waits for it.
func TestCollectorFails(t *testing.T) {
	s, _ := collector(t, http.StatusBadRequest)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", strings.Replace(s.URL, "http://", "http://user:canary@", 1))
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer key")
	var log bytes.Buffer
	sender, err := Start(t.Context(), serve.NewMetrics(serve.Build{}, nil).Registry(), "1", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := sender.provider.ForceFlush(t.Context()); err != nil {
			t.Error(err)
		}
	}
	sender.Close(t.Context())
	if text := log.String(); strings.Count(text, "could not be sent") != 1 || strings.Contains(text, "canary") {
		t.Error(text)
	}
}

func TestWhereTo(t *testing.T) {
	for name, test := range map[string]struct{ endpoint, protocol, disabled, want string }{
		"nowhere":  {"", "", "", ""},
		"no http":  {"localhost:4318", "", "", "OTEL_EXPORTER_OTLP_ENDPOINT: write the address"},
		"grpc":     {"http://localhost:4317", "grpc", "", `OTEL_EXPORTER_OTLP_PROTOCOL: "grpc": syncd sends http/protobuf`},
		"disabled": {"http://localhost:4318", "", "true", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", test.endpoint)
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", test.protocol)
			t.Setenv("OTEL_SDK_DISABLED", test.disabled)
			sender, err := Start(t.Context(), nil, "1", slog.New(slog.DiscardHandler))
			if sender != nil || (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, %v; want %q", sender, err, test.want)
			}
			sender.Close(t.Context())
		})
	}
}
