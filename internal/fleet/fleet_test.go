package fleet_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/fleet"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
	"syncd/internal/serve"
	"syncd/internal/slowtest"
	"syncd/internal/status"
	"syncd/internal/store/pg"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// replica is a process of a fleet, in this one.
type replica struct {
	url    string
	hooks  string // where webhooks come in
	reload chan struct{}
	stop   func() error // as the first signal does
	end    func() error // waits until the process ends by itself
}

// lines catches the address that the process listens on.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
	addr chan [2]string // of the server and of webhooks
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
	var line struct{ Msg, Listen, Webhooks string }
	if json.Unmarshal(b, &line) == nil && line.Msg == "syncd starts" {
		l.addr <- [2]string{line.Listen, line.Webhooks}
	}
	return len(b), nil
}

// run runs a process on a configuration file.
func run(t *testing.T, file string) *replica {
	t.Helper()
	r := begin(t, file)
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// begin does so, and leaves it to the caller what the process ends with.
func begin(t *testing.T, file string) *replica {
	t.Helper()
	sources := config.Sources{Domain: daemon.Domain(), Flags: map[string]string{"config": file, "streams": "organizations,customers,products"}}
	all, err := sources.Organizations()
	if err != nil {
		t.Fatal(err)
	}
	cfg, shown, err := sources.Load()
	if err != nil {
		t.Fatal(err)
	}
	said := &lines{addr: make(chan [2]string, 1)}
	stop, ended := make(chan struct{}), make(chan error, 1)
	r := &replica{reload: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		ended <- fleet.Run(ctx, fleet.Options{Config: cfg, Shown: shown, Sources: sources, Organizations: all, Migrate: true, Build: serve.Build{Version: "test"},
			Log: slog.New(slog.NewJSONHandler(said, nil)), LogLevel: new(slog.LevelVar), Stop: stop, Reload: r.reload})
	}()
	r.end = sync.OnceValue(func() error { return <-ended })
	r.stop = sync.OnceValue(func() error { close(stop); return r.end() })
	t.Cleanup(func() {
		_ = r.stop() // whoever minds has looked
		cancel()
		if t.Failed() {
			t.Log(said.text.String())
		}
	})
	select {
	case addr := <-said.addr:
		r.url, r.hooks = "http://"+addr[0], "http://"+addr[1]
	case err := <-ended:
		r.end = func() error { return err }
	}
	return r
}

func (r *replica) get(t *testing.T, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// await asks for /status until what it shows holds.
func (r *replica) await(t *testing.T, what string, holds func(map[string]status.Member) bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	body := ""
	for range 1200 {
		<-tick.C
		var f status.Fleet
		code := 0
		if code, body = r.get(t, "/status"); code != http.StatusOK {
			continue
		}
		if err := json.Unmarshal([]byte(body), &f); err != nil {
			t.Fatal(err)
		}
		by := map[string]status.Member{}
		for _, m := range f.Organizations {
			by[m.Name] = m
		}
		if holds(by) {
			return
		}
	}
	t.Fatalf("%s: not after a minute: %s", what, body)
}

func whole(m status.Member) bool {
	return m.State == status.StateHere && m.Problem == "" && m.First == 0 && len(m.Missing) == 0
}

// One process runs all organizations of a directory by few connections. One with a token that is refused harms no other; they come and
// go while it runs; another process takes its share, and all of it when the first one ends.
func TestFleet(t *testing.T) {
	t.Parallel()
	slowtest.Mark(t)
	polar := polarsim.NewFleet(polarsim.FleetOptions{Organizations: 4, World: polarsim.Options{Customers: 5, Seed: 1}, Server: polarsim.ServerOptions{Token: "polar_oat_fleet"}})
	server := httptest.NewServer(polar)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	orgs := filepath.Join(dir, "organizations")
	if err := os.Mkdir(orgs, 0o700); err != nil {
		t.Fatal(err)
	}
	add := func(name, token string) {
		if err := os.WriteFile(filepath.Join(orgs, name+".yaml"), []byte("polar_access_token: "+token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dsn := pgtest.Empty(t)
	file := filepath.Join(dir, "syncd.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "database_url: %q\npolar_server: %s\norganizations_dir: %s\nlisten: 127.0.0.1:0\nlease: 2s\njitter: 0s\naudit: off\nfeed: off\n", dsn+"&pool_max_conns=4", server.URL, orgs), 0o600); err != nil {
		t.Fatal(err)
	}
	add("a", polar.Token(1))
	add("b", polar.Token(2))
	add("refused", "polar_oat_other")

	first := run(t, file)
	first.await(t, "a and b are whole", func(by map[string]status.Member) bool {
		return whole(by["a"]) && whole(by["b"]) && by["refused"].Problem != ""
	})
	if code, body := first.get(t, "/readyz"); code != http.StatusOK || !strings.Contains(body, "3 here, 1 not fresh: refused") {
		t.Errorf("/readyz answers %d: %s", code, body)
	}
	if _, body := first.get(t, "/metrics"); !strings.Contains(body, `syncd_organization_whole{organization="a"} 1`) || !strings.Contains(body, "syncd_organizations 3") || strings.Contains(body, "syncd_stream_rows{") {
		t.Error("/metrics has not what a fleet shows, or what it should not show")
	}
	if _, body := first.get(t, "/"); !strings.Contains(body, `<a href="/organizations/b">`) {
		t.Errorf("the page does not list b: %s", body)
	}
	if code, body := first.get(t, "/organizations/b"); code != http.StatusOK || !strings.Contains(body, "polar_b") {
		t.Errorf("the page of b: %d", code)
	}
	conn := pgtest.Connect(t, dsn)
	if n := pgtest.List(t, conn, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'syncd' AND datname = current_database()"); n[0] > "5" {
		t.Errorf("%s connections, 4 and one for the leases are allowed", n)
	}
	ids := pgtest.List(t, conn, "SELECT id FROM polar_a.organizations UNION ALL SELECT id FROM polar_b.organizations ORDER BY id")
	if want := []string{polar.ID(1), polar.ID(2)}; !slices.Equal(ids, slices.Sorted(slices.Values(want))) {
		t.Errorf("the schemas hold the organizations %v, want %v", ids, want)
	}

	if err := os.Remove(filepath.Join(orgs, "refused.yaml")); err != nil {
		t.Fatal(err)
	}
	add("c", polar.Token(3))
	first.reload <- struct{}{}
	first.await(t, "c comes and the refused one goes", func(by map[string]status.Member) bool { return len(by) == 3 && whole(by["c"]) })

	second := run(t, file)
	second.await(t, "the second process has its share", func(by map[string]status.Member) bool {
		here := 0
		for _, m := range by {
			if whole(m) {
				here++
			}
		}
		return here == 1
	})
	if err := first.stop(); err != nil {
		t.Error(err)
	}
	second.await(t, "the second process has all", func(by map[string]status.Member) bool { return whole(by["a"]) && whole(by["b"]) && whole(by["c"]) })
	if err := second.stop(); err != nil {
		t.Error(err)
	}
	if left := pgtest.List(t, conn, "SELECT id FROM syncd_fleet.replicas UNION ALL SELECT name FROM syncd_fleet.organizations WHERE holder IS NOT NULL"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	// A takeover is no reason to read everything again, and each organization is read by one process at a time.
	if n := pgtest.List(t, conn, "SELECT count(*) FROM polar_a_sync.sync_runs WHERE kind = 'sweep' AND stream = 'customers'"); n[0] != "1" {
		t.Errorf("customers of a were swept %s times", n[0])
	}
}

// What waiting does not heal ends the process with its error, when it starts and later: leases that this role may not use, or that a newer
// syncd has made.
func TestLastingErrorsEndTheProcess(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Empty(t)
	file := filepath.Join(t.TempDir(), "syncd.yaml")
	configure := func(dsn string) {
		text := fmt.Sprintf("database_url: %q\npolar_server: http://127.0.0.1:1\nlisten: 127.0.0.1:0\nlease: 2s\norganizations:\n  - name: a\n    polar_access_token: polar_oat_a\n", dsn)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	configure(dsn)
	admin := pgtest.Connect(t, dsn)
	r := begin(t, file)
	r.await(t, "the process holds a", func(by map[string]status.Member) bool { return by["a"].State == status.StateStarting })
	pgtest.Exec(t, admin, "UPDATE syncd_fleet.version SET number = 2; UPDATE syncd_fleet.replicas SET holds_until = clock_timestamp()")
	if err := r.end(); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("the leases are of a newer syncd: %v", err)
	}
	if err := begin(t, file).end(); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("the leases are of a newer syncd from the start: %v", err)
	}
	_, other := pgtest.NewRole(t, admin, "")
	configure(other)
	if err := begin(t, file).end(); !pg.IsCode(err, "42501") {
		t.Errorf("the leases are not for this role: %v", err)
	}
}

// Any process of a fleet may receive a webhook, whichever of them runs the organization.
func TestAnyProcessReceivesWebhooks(t *testing.T) {
	t.Parallel()
	slowtest.Mark(t)
	polar := polarsim.NewFleet(polarsim.FleetOptions{Organizations: 1, World: polarsim.Options{Customers: 5, Seed: 1, Tick: time.Second}, Server: polarsim.ServerOptions{Token: "polar_oat_fleet"}})
	server := httptest.NewServer(polar)
	t.Cleanup(server.Close)
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
	dsn := pgtest.Empty(t)
	file := filepath.Join(t.TempDir(), "syncd.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "database_url: %q\npolar_server: %s\nlisten: 127.0.0.1:0\nwebhook_listen: 127.0.0.1:0\nlease: 2s\njitter: 0s\naudit: off\nfeed: off\ntail: 24h\n"+
		"organizations:\n  - name: a\n    polar_access_token: %s\n    webhook_secret: %s\n", dsn, server.URL, polar.Token(1), secret), 0o600); err != nil {
		t.Fatal(err)
	}
	first := run(t, file)
	first.await(t, "a is whole", func(by map[string]status.Member) bool { return whole(by["a"]) })
	second := run(t, file)
	conn := pgtest.Connect(t, dsn)
	product := pgtest.List(t, conn, "SELECT id FROM polar_a.products ORDER BY id LIMIT 1")[0]
	for n, to := range []*replica{second, first} {
		name := fmt.Sprintf("Told to process %d", n)
		code, answered := request(t, http.MethodPatch, server.URL+"/v1/products/"+product, fmt.Sprintf(`{"name":%q}`, name), http.Header{"Authorization": {"Bearer " + polar.Token(1)}})
		if code != http.StatusOK {
			t.Fatalf("the product is not changed: %d", code)
		}
		changed, err := http.ParseTime(answered.Get("Date"))
		if err != nil {
			t.Fatal(err)
		}
		at := changed
		if to == second { // it has not asked Polar, and knows no other clock
			at = time.Now()
		}
		for path, answers := range map[string][2]int{"/webhooks/a": {http.StatusAccepted, http.StatusForbidden}, "/webhooks/b": {http.StatusNotFound, http.StatusNotFound}, "/a": {http.StatusNotFound, http.StatusNotFound}} {
			for i, signedWith := range []string{secret, "whsec_of_nobody"} {
				body := fmt.Sprintf(`{"type":"product.updated","timestamp":%q,"data":{"id":%q,"name":"not believed"}}`, changed.Format(time.RFC3339), product)
				if code, _ := request(t, http.MethodPost, to.hooks+path, body, signed(t, signedWith, name, body, at)); code != answers[i] {
					t.Errorf("a webhook to %s of process %d, signed with %s, is answered with %d, want %d", path, n, signedWith, code, answers[i])
				}
			}
		}
		first.await(t, "the product has its new name", func(map[string]status.Member) bool {
			return pgtest.List(t, conn, "SELECT name FROM polar_a.products WHERE id = '"+product+"'")[0] == name
		})
	}
	if left := pgtest.List(t, conn, "SELECT changed FROM syncd_fleet.notices"); len(left) > 0 {
		t.Errorf("notices are left: %v", left)
	}
}

func signed(t *testing.T, secret, id, body string, at time.Time) http.Header {
	t.Helper()
	key, err := standardwebhooks.NewWebhookRaw([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := key.Sign(id, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	h.Set(standardwebhooks.HeaderWebhookID, id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return h
}

func request(t *testing.T, method, url, body string, h http.Header) (int, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = h
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header
}
