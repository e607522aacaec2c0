package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"syncd/internal/catalog"
	"syncd/internal/daemon"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/slowtest"
)

// The demo tells its story on two screens of a terminal: a kill -9, a change, a damage, answers. With --keep it shows the status
// page of its daemon, waits for Ctrl-C, and then leaves nothing behind.
func TestDemo(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "syncd", "demo", "--customers", "10", "--keep", "--details", "--postgres", pgtest.Empty(t))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
		if _, page, is := strings.Cut(lines.Text(), "The daemon shows how it stands: "); is {
			if _, shown := (&daemonUnderTest{url: strings.TrimSuffix(page, "/")}).get(t, "/"); !strings.Contains(shown, "streams are whole.") {
				t.Errorf("the status page says: %s", shown)
			}
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Error(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, text.String(), stderr.String())
	}
	story, details, _ := strings.Cut(text.String(), "\nDetails\n")
	checkStory(t, story)
	checkDetails(t, details)
	if t.Failed() {
		t.Log(text.String())
	}
}

func checkStory(t *testing.T, story string) {
	t.Helper()
	if n := strings.Count(story, "\n"); n > 48 {
		t.Errorf("the story has %d lines, more than two screens", n)
	}
	for line := range strings.Lines(story) {
		if n := utf8.RuneCountInString(strings.TrimSpace(line)); n > 80 {
			t.Errorf("a line has %d characters: %s", n, line)
		}
	}
	story = strings.Join(strings.Fields(story), " ")
	for _, want := range []string{
		`1\. The first copy is killed \(kill -9\) after .*, when it has stored [0-9,]+ rows and page \d+ of \w+\. A second process goes on at page \d+\.`,
		`Polar has as many: \d\d tables are equal\.`,
		`2\. .* cancels a subscription of .* at Polar\. Postgres shows it .* later`,
		`3\. A script sets 3 orders to 0 in Postgres: .* finds 3, and writes them anew`,
		`Whose metered usage is nearest to its cap\?`,
		`Every stream is complete, and the mirror holds what Polar holds\.`,
	} {
		if !regexp.MustCompile(want).MatchString(story) {
			t.Errorf("the story lacks %s", want)
		}
	}
}

func checkDetails(t *testing.T, details string) {
	t.Helper()
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
		if !regexp.MustCompile(`(?m)^` + stream + ` .*` + want + `$`).MatchString(details) {
			t.Errorf("%s is not %s", stream, want)
		}
	}
	if n := strings.Count(details, " equal\n"); n < 10 {
		t.Errorf("%d tables are compared with Polar, want 10 or more", n)
	}
	for _, want := range []string{"FROM customer_lifetime_values", "export SYNCD_DATABASE_URL="} {
		if !strings.Contains(details, want) {
			t.Errorf("the details lack %q", want)
		}
	}
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
