package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
)

// fleetOfTests is a configuration of two organizations at simulated Polars of their own.
func fleetOfTests(t *testing.T) (path string) {
	t.Helper()
	schemas := []string{"polar", "polar_north_1"} // one is there, and one is to be made
	text := "database_url: " + pgtest.Migrated(t) + "\nstreams: products\norganizations:\n"
	for i, name := range []string{"acme", "north-1"} {
		token := "polar_oat_of_" + name
		server := httptest.NewServer(polarsim.NewServer(polarsim.NewWorld(polarsim.Options{Seed: uint64(i + 1), Customers: 3}), polarsim.ServerOptions{Token: token}))
		t.Cleanup(server.Close)
		text += "  - {name: " + name + ", polar_access_token: " + token + ", polar_server: " + server.URL + ", schema: " + schemas[i] + "}\n"
	}
	return write(t, "fleet.yaml", text)
}

// A command does its work for each organization, under its name; one that fails does not stop the others.
func TestEachOrganization(t *testing.T) {
	t.Parallel()
	environ := map[string]string{"SYNCD_CONFIG": fleetOfTests(t)}
	syncd := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		var out, errors bytes.Buffer
		if code := run(t.Context(), nil, args, environ, &out, &errors); code != want {
			t.Errorf("syncd %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, &out, &errors)
		}
		return out.String(), errors.String()
	}
	holds := func(text string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%q is not said:\n%s", part, text)
			}
		}
	}
	out, _ := syncd(exitComplete, "migrate", "up")
	holds(out, "-- acme (1 of 2)\n", "schema polar is up to date", "-- north-1 (2 of 2)\n", "schema polar_north_1 is up to date")
	out, _ = syncd(exitComplete, "sync", "--quiet")
	holds(out)
	if out != "" {
		t.Errorf("quiet says %q", out)
	}
	for _, args := range [][]string{{"verify", "products", "--json"}, {"status", "--json"}, {"migrate", "status", "--json"}, {"config", "print", "--json"}, {"drift", "--json"}} {
		out, _ = syncd(exitComplete, args...)
		var names []string
		for d := json.NewDecoder(strings.NewReader(out)); ; {
			var one struct {
				Name string `json:"organization_name"`
			}
			err := d.Decode(&one)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%v: %v\n%s", args, err, out)
			}
			names = append(names, one.Name)
		}
		if !slices.Equal(names, []string{"acme", "north-1"}) {
			t.Errorf("%v tells of %q", args, names)
		}
	}
	out, _ = syncd(exitComplete, "verify", "products", "--organization", "north-1")
	if strings.Contains(out, "-- north-1") {
		t.Errorf("the name of the only one is a heading: %s", out)
	}
	out, _ = syncd(exitComplete, "erase", "--list")
	holds(out, "-- acme", "-- north-1")

	_, said := syncd(exitUsage, "refresh", "products", "x")
	holds(said, "`syncd refresh", "works for one organization, and the configuration has 2: add --organization NAME with one of acme, north-1")
	_, said = syncd(exitUsage, "erase", "ada@example.com")
	holds(said, "works for one organization")
	_, said = syncd(exitUsage, "sync", "--organization", "acne")
	holds(said, "did you mean acme?")
	_, said = syncd(exitUsage, "sync", "--schema", "x")
	holds(said, "flag --schema: each organization has its own")

	environ["SYNCD_ORGANIZATIONS_DIR"] = t.TempDir()
	if _, said = syncd(exitComplete, "verify", "products"); said != "" {
		t.Error(said)
	}
	environ["SYNCD_ORGANIZATIONS_DIR"] = filepath.Dir(write(t, "aa.yaml", "tail: 1s\npolar_access_token: x\n"))
	if out, said = syncd(exitUsage, "verify", "products"); strings.Count(out, "-- ") != 3 {
		t.Error(out)
	}
	holds(said, "syncd: aa: ", `aa.yaml:1 tail: "1s"`)
}

// What docs/fleet.md shows are configurations.
func TestFleetPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/fleet.md")
	if err != nil {
		t.Fatal(err)
	}
	secrets, dir := t.TempDir(), t.TempDir()
	for _, name := range []string{"database_url", "acme", "north", "polar"} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte("postgres://syncd@db.example/"+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found := map[string]int{}
	for _, example := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		text := strings.ReplaceAll(strings.ReplaceAll(example[1], "/run/secrets", secrets), "/etc/syncd/organizations", dir)
		if !strings.Contains(text, "organizations") { // the file of one
			if err := os.WriteFile(filepath.Join(dir, "acme.yaml"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			text = "organizations_dir: " + dir
		}
		sources := config.Sources{Domain: daemon.Domain(), Flags: map[string]string{"config": write(t, "syncd.yaml", text)}}
		names, err := sources.Organizations()
		if err != nil {
			t.Error(err)
		}
		for _, name := range names {
			found[name]++
			if _, _, err := sources.Of(name).Load(config.GroupPolar); err != nil {
				t.Error(err)
			}
		}
	}
	if found["acme"] != 3 || found["north-sandbox"] != 1 || found["north"] != 1 {
		t.Errorf("the page has %v", found)
	}
}

// The time of sync --for is that of all organizations: those that it does not reach are missing.
func TestTimeIsUp(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	c := &command{stderr: &said}
	c.timeIsUp.Store(true)
	if code := c.runForEach(nil, []string{"acme", "north"}); code != exitPartial || !strings.Contains(said.String(), "stopped before acme and what comes after it: 2 of 2") {
		t.Errorf("exit code %d: %s", code, &said)
	}
}

// Exit codes have an order.
func TestWorse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		worst, code, want int
	}{{exitComplete, exitPartial, exitPartial}, {exitUsage, exitPartial, exitUsage}, {exitFailed, exitUsage, exitFailed}, {exitFailed, exitInterrupted, exitInterrupted}} {
		if got := worse(tc.worst, tc.code); got != tc.want {
			t.Errorf("of %d and %d the worse is %d, want %d", tc.worst, tc.code, got, tc.want)
		}
	}
}

// Each command that has settings of an organization says for how many it works.
func TestReachOfCommands(t *testing.T) {
	t.Parallel()
	c := &command{stdout: io.Discard, stderr: io.Discard}
	c.sources.Domain = daemon.Domain()
	parser, _, err := c.parser(func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(false) {
		reach := ""
		for node := leaf; node != nil && reach == ""; node = node.Parent {
			reach = node.Tag.Get("organizations")
		}
		has := slices.ContainsFunc(slices.Concat(leaf.AllFlags(false)...), func(f *kong.Flag) bool { return f.Name == "schema" || f.Name == "polar-server" })
		if exempt := leaf.Name == "init" || leaf.Name == "add"; has && !exempt && reach != forEach && reach != forOne && reach != forAll {
			t.Errorf("%s: organizations:%q", leaf.Path(), reach)
		}
	}
}
