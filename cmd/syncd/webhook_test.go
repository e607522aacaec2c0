package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
)

// webhooks is the address on which a daemon says that it receives webhooks.
func (d *daemonUnderTest) webhooks(t *testing.T) string {
	t.Helper()
	for line := range strings.Lines(d.logged()) {
		var said struct{ Webhooks string }
		if json.Unmarshal([]byte(line), &said) == nil && said.Webhooks != "" {
			return "http://" + said.Webhooks + "/polar"
		}
	}
	t.Fatal("the daemon says nothing of webhooks")
	return ""
}

// A daemon that asks no feed has a change as soon as a webhook names it. Its secrets can be replaced while it runs, and webhooks that
// are signed with another are refused.
func TestDaemonReceivesWebhooks(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	polar, sim := simulatedWorld(t, polarsim.Options{Seed: 1, Customers: 12, Tick: time.Second}, polarsim.ServerOptions{}) // no two changes are of one instant
	const first, second = "whsec_ovyN6cPrTv56AApvzCaJno08SSmGJmgbWilb33N2JuK", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
	secrets := write(t, "webhook_secret", first+"\n")
	d := startDaemon(t, polar, "--streams", "products", "--feed", "off", "--fresh-share", "0", "--tail", "24h", "--webhook-listen", "127.0.0.1:0", "--webhook-secret-file", secrets)
	await(t, "readiness", func() bool { code, _ := d.get(t, "/readyz"); return code == http.StatusOK })
	await(t, "the products", func() bool {
		return d.row(t, "SELECT count(*)::text FROM polar_sync.sync_streams WHERE stream = 'products' AND complete_at IS NOT NULL") == "1"
	})
	ctx, stop := context.WithCancel(t.Context())
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		sim.World().Send(ctx, polarsim.Sending{Wait: func(int) time.Duration { return 10 * time.Millisecond }})
	}()
	defer func() { stop(); <-sent }()
	product := d.row(t, "SELECT id::text FROM polar.products LIMIT 1")
	rename := func(name string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, polar+"/v1/products/"+product, strings.NewReader(`{"name":"`+name+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+simulatedToken)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status)
		}
	}
	named := func(name string) func() bool {
		return func() bool { return d.row(t, "SELECT name FROM polar.products WHERE id = '"+product+"'") == name }
	}
	counted := func(line string) func() bool {
		return func() bool {
			_, metrics := d.get(t, "/metrics")
			return strings.Contains(metrics, line+"\n")
		}
	}
	sim.World().SendTo(d.webhooks(t), first)
	rename("By the first secret")
	await(t, "the first name", named("By the first secret"))
	await(t, "its count", counted("syncd_webhook_to_row_seconds_count 1"))

	if err := os.WriteFile(secrets, []byte(first+"\n"+second+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.signal(t, syscall.SIGHUP)
	await(t, "the secrets to be read again", func() bool { return strings.Contains(d.logged(), `"changed":"webhook_secret"`) })
	sim.World().SendTo(d.webhooks(t), second)
	rename("By the second secret")
	await(t, "the second name", named("By the second secret"))
	await(t, "the end of its round, which fetches it once more", counted("syncd_webhook_to_row_seconds_count 2"))

	sim.World().SendTo(d.webhooks(t), "nobody's secret, of 32 characters")
	rename("Refused")
	await(t, "a refusal", counted(`syncd_webhooks_refused_total{reason="signature"} 10`))
	if !named("By the second secret")() {
		t.Error("believed")
	}
	if log := d.logged(); strings.Count(log, "webhooks are refused") != 1 || strings.Contains(log, "whsec_") {
		t.Errorf("log: %s", log)
	}
	d.stop(t)
}
