package main

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"syncd/internal/catalog"
	"syncd/internal/daemon"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/slowtest"
)

// The demo syncs everything, answers its questions, waits for Ctrl-C with --keep, and then leaves nothing behind.
func TestDemo(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	signals := make(chan os.Signal, 1)
	stdout := &watched{want: "Both servers run until Ctrl-C.", found: func() { signals <- os.Interrupt }}
	var stderr bytes.Buffer
	code := run(t.Context(), signals, []string{"demo", "--customers", "10", "--keep", "--postgres", pgtest.Empty(t)}, nil, stdout, &stderr)
	out := stdout.buf.String()
	if code != exitComplete {
		t.Fatalf("exit code %d\n%s\n%s", code, out, stderr.String())
	}
	off, err := catalog.Select("default", catalog.Entries())
	if err != nil {
		t.Fatal(err)
	}
	for _, stream := range daemon.Domain().StreamNames() {
		if off[stream] {
			continue
		}
		want := "succeeded"
		if stream == "organization_access_tokens" {
			want = "unavailable to this token"
		}
		if !regexp.MustCompile(`(?m)^` + stream + ` .*` + want + `$`).MatchString(out) {
			t.Errorf("%s is not %s", stream, want)
		}
	}
	if n := strings.Count(out, " equal\n"); n < 10 {
		t.Errorf("%d tables are compared with Polar, want 10 or more", n)
	}
	for _, want := range []string{"\n5. ", "sync every stream", "the mirror holds what Polar holds", "export SYNCD_DATABASE_URL="} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

// watched calls found once what was written holds want.
type watched struct {
	buf   bytes.Buffer
	want  string
	found func()
}

func (w *watched) Write(b []byte) (int, error) {
	n, err := w.buf.Write(b)
	if w.found != nil && strings.Contains(w.buf.String(), w.want) {
		w.found()
		w.found = nil
	}
	return n, err
}

// The first signal asks, the second one cuts off; SIGHUP is neither.
func TestTwoSignals(t *testing.T) {
	t.Parallel()
	signals := make(chan os.Signal, 2)
	stop, reload := make(chan struct{}), make(chan struct{}, 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); watchSignals(ctx, signals, stop, reload, cancel) }()
	signals <- syscall.SIGHUP
	<-reload
	signals <- syscall.SIGTERM
	<-stop
	if ctx.Err() != nil {
		t.Error("the first signal cut the work off")
	}
	signals <- syscall.SIGHUP
	<-reload
	signals <- syscall.SIGTERM
	<-ctx.Done()
	<-done
	if cause := context.Cause(ctx).Error(); !strings.Contains(cause, "second one") {
		t.Errorf("cause is %s", cause)
	}
}
