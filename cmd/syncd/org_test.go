package main

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
)

// An organization is added, looked at and removed by commands; its data are dropped only when that is asked for.
func TestOrg(t *testing.T) {
	t.Parallel()
	fleet := polarsim.NewFleet(polarsim.FleetOptions{Organizations: 2, World: polarsim.Options{Seed: 1, Customers: 2}})
	server := httptest.NewServer(fleet)
	defer server.Close()
	environ := map[string]string{"SYNCD_DATABASE_URL": pgtest.Migrated(t), "POLAR_SERVER": server.URL}
	syncd := func(want int, token string, args ...string) string {
		t.Helper()
		if delete(environ, "POLAR_ACCESS_TOKEN"); token != "" {
			environ["POLAR_ACCESS_TOKEN"] = token
		}
		var out bytes.Buffer
		if code := run(t.Context(), nil, append([]string{"org"}, args...), environ, &out, &out); code != want {
			t.Errorf("syncd org %s: exit code %d, want %d\n%s", strings.Join(args, " "), code, want, &out)
		}
		return out.String()
	}
	says := func(text, part string) {
		t.Helper()
		if !strings.Contains(text, part) {
			t.Errorf("%q is not said:\n%s", part, text)
		}
	}
	says(syncd(exitUsage, "", "list"), "the configuration has no organizations")
	says(syncd(exitUsage, fleet.Token(1), "add", "acme"), "organizations_dir is not set")
	dir := filepath.Join(t.TempDir(), "organizations")
	environ["SYNCD_ORGANIZATIONS_DIR"] = dir
	says(syncd(exitUsage, "x", "add", "a.b"), `"a.b" names no organization`)
	says(syncd(exitUsage, "", "add", "acme"), "POLAR_ACCESS_TOKEN is not set")
	says(syncd(exitFailed, "polar_oat_wrong", "add", "acme"), "refused")
	says(syncd(exitUsage, fleet.Token(1), "add", "acme", "--tail", "1s"), `organization acme: tail: "1s": write a duration`)
	says(syncd(exitComplete, fleet.Token(1), "add", "acme", "--schema", "polar", "--tail", "7m"), "acme.yaml: organization "+fleet.ID(1)+" at "+server.URL+", schema polar\n")
	text, err := os.ReadFile(filepath.Join(dir, "acme.yaml"))
	if want := "polar_access_token: \"" + fleet.Token(1) + "\"\npolar_server: \"" + server.URL + "\"\nschema: \"polar\"\ntail: \"7m\"\n"; err != nil || string(text) != want {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "acme.yaml")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
	says(syncd(exitUsage, fleet.Token(2), "add", "acme"), "organization acme: an organization has this name already: file "+dir)
	says(syncd(exitUsage, fleet.Token(1), "add", "north"), "organization north has the access token of organization acme")
	says(syncd(exitComplete, "polar_oat_later", "add", "north", "--no-check"), "the token was not tried, schema polar_north")

	var list []struct {
		Name    string `json:"organization_name"`
		Schema  string
		Verdict string
	}
	if err := json.Unmarshal([]byte(syncd(exitComplete, "", "list", "--json")), &list); err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	if list[0].Name != "acme" || list[0].Verdict != "missing" || list[1].Schema != "polar_north" || list[1].Verdict != "empty" {
		t.Errorf("the list is %v", list)
	}
	says(syncd(exitComplete, "", "list"), "north  polar_north  "+server.URL)

	says(syncd(exitUsage, "", "remove", "nroth"), "did you mean north?")
	says(syncd(exitComplete, "", "remove", "north"), "north.yaml; its data stay")
	says(syncd(exitUsage, "", "remove", "acme", "--drop-data"), "this would drop the schemas polar, polar_sync, with all data: add --yes")
	if _, err := os.Stat(filepath.Join(dir, "acme.yaml")); err != nil {
		t.Error(err)
	}
	says(syncd(exitComplete, "", "remove", "acme", "--drop-data", "--yes"), "dropped the schemas polar, polar_sync")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}
