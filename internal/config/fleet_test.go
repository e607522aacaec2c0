package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/config"
	"syncd/internal/daemon"
)

const (
	anID      = "1dbfc517-0bbf-4301-9ba8-555ca42b9737"
	anotherID = "2dbfc517-0bbf-4301-9ba8-555ca42b9737"
)

func sources(flags, environ map[string]string) config.Sources {
	s := config.NewSources(daemon.Domain(), environ)
	s.Flags = flags
	return s
}

// writeFiles makes a directory with these files.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// What is most specific wins: flag, entry of the organization, environment, top of the file, default.
func TestOrganizationsPrecedence(t *testing.T) {
	t.Parallel()
	dir := writeFiles(t, map[string]string{
		"south.yaml":       "polar_access_token: c\ntail: 11m\n",
		".hidden.yaml":     "shcema: x",
		"notes.txt":        "none",
		"..data/acme.yaml": "none",
	})
	path := write(t, "syncd.yaml", `
organizations_dir: `+dir+`
tail: 7m
parallel: 7
streams: {orders: {schedule: "@every 1h"}, members: {schedule: off}}
organizations:
  - name: acme-eu
    polar_access_token: a
    tail: 8m
    jitter: 8s
    streams: {orders: {schedule: "@every 2h"}}
  - {name: Acme_US, polar_access_token: b, schema: us}
`)
	s := sources(map[string]string{"config": path, "jitter": "9s"}, map[string]string{"SYNCD_TAIL": "10m", "SYNCD_PARALLEL": "5"})
	list, err := s.Organizations()
	if err != nil || !slices.Equal(list, []string{"acme-eu", "Acme_US", "south"}) {
		t.Fatalf("organizations are %q, %v", list, err)
	}
	for name, want := range map[string][]string{
		"acme-eu": {"polar_acme_eu", "8m0s", "9s", "5", "@every 2h", "off", "a"},
		"Acme_US": {"us", "10m0s", "9s", "5", "@every 1h", "off", "b"},
		"south":   {"polar_south", "11m0s", "9s", "5", "@every 1h", "off", "c"},
	} {
		c, values, err := s.Of(name).Load(config.GroupDatabase, config.GroupPolar)
		if err == nil || !strings.Contains(err.Error(), "SYNCD_DATABASE_URL is not set") {
			t.Errorf("%s: %v", name, err)
		}
		parallel, _ := shown(t, values, "parallel")
		got := []string{c.Schema, c.Tail.String(), c.Jitter.String(), parallel, c.ScheduleOf("orders"), c.ScheduleOf("members"), c.AccessToken.Reveal()}
		if c.Name != name || !slices.Equal(got, want) {
			t.Errorf("%s: %s has %q, want %q", name, c.Name, got, want)
		}
	}
	_, values, _ := s.Of("acme-eu").Load()
	for key, want := range map[string]string{
		"tail": "file " + path + ":9 organizations.acme-eu.tail", "parallel": "environment SYNCD_PARALLEL", "schema": "default",
		"streams.orders.schedule":  "file " + path + ":11 organizations.acme-eu.streams.orders.schedule",
		"streams.members.schedule": "file " + path + ":5 streams.members.schedule",
	} {
		if _, source := shown(t, values, key); source != want {
			t.Errorf("%s comes from %q, want %q", key, source, want)
		}
	}
}

func TestOneOrganizationIsMeant(t *testing.T) {
	t.Parallel()
	path := write(t, "syncd.yaml", "organizations: [{name: acme, polar_access_token: a}, {name: north, polar_access_token: b}]\n")
	for _, tc := range []struct {
		name           string
		flags, environ map[string]string
		want           string // the one; "" = an error
		says           string
	}{
		{"by flag", map[string]string{"organization": "north", "schema": "x"}, map[string]string{"SYNCD_ORGANIZATION": "acme"}, "north", ""},
		{"by environment", nil, map[string]string{"SYNCD_ORGANIZATION": "acme", "POLAR_ACCESS_TOKEN": "z"}, "acme", ""},
		{"mistyped", map[string]string{"organization": "nroth"}, nil, "", "organization nroth is not in the configuration: did you mean north?"},
		{"unknown", map[string]string{"organization": "zzzzzzzzz"}, nil, "", "which has acme, north"},
		{"schema for all", map[string]string{"schema": "x"}, nil, "", "flag --schema: each organization has its own, and the configuration has 2"},
		{"token for all", nil, map[string]string{"POLAR_ACCESS_TOKEN_FILE": "x"}, "", "environment POLAR_ACCESS_TOKEN_FILE: each organization has its own"},
		{"id for all", nil, map[string]string{"POLAR_ORGANIZATION_ID": anID}, "", "environment POLAR_ORGANIZATION_ID: each organization has its own"},
		{"the top is wrong", nil, map[string]string{"SYNCD_TAIL": "x"}, "", "SYNCD_TAIL"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			flags := map[string]string{"config": path}
			for key, text := range tc.flags {
				flags[key] = text
			}
			s := sources(flags, tc.environ)
			list, err := s.Organizations()
			if tc.want == "" {
				if err == nil || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("organizations are %q, %v", list, err)
				}
				return
			}
			if c, _, e := s.Load(config.GroupPolar); err != nil || e != nil || !slices.Equal(list, []string{tc.want}) || c.Name != tc.want {
				t.Errorf("organizations are %q, %v, %v", list, err, e)
			}
		})
	}
	if _, _, err := sources(map[string]string{"config": path}, nil).Load(config.GroupPolar); err == nil || !strings.Contains(err.Error(), "the configuration has 2 organizations: name the one that is meant by --organization or SYNCD_ORGANIZATION") {
		t.Errorf("no organization is named, and it says: %v", err)
	}
}

// One token serves many organizations where each request names which one is meant.
func TestOneTokenForMany(t *testing.T) {
	t.Parallel()
	path := write(t, "syncd.yaml", "polar_organization_header: true\norganizations: [{name: acme, polar_organization_id: "+anID+"}, {name: north, polar_organization_id: "+anotherID+"}, {name: south, polar_organization_header: false, polar_access_token: s}]\n")
	s := sources(map[string]string{"config": path}, map[string]string{"POLAR_ACCESS_TOKEN": "a"})
	if list, err := s.Organizations(); err != nil || len(list) != 3 {
		t.Fatalf("organizations are %q, %v", list, err)
	}
	for name, want := range map[string]bool{"acme": true, "north": true, "south": false} {
		if c, _, err := s.Of(name).Load(config.GroupPolar); err != nil || c.OrganizationHeader != want {
			t.Errorf("%s: %v, %v", name, c.OrganizationHeader, err)
		}
	}
	path = write(t, "syncd.yaml", "polar_organization_header: true\norganizations: [{name: acme, polar_organization_id: "+anID+"}, {name: north, polar_organization_id: "+anotherID+"}, {name: south, polar_organization_id: "+anID+"}]\n")
	for where, s := range map[string]config.Sources{
		"environment POLAR_ACCESS_TOKEN": sources(map[string]string{"config": path}, map[string]string{"POLAR_ACCESS_TOKEN": "a"}),
		"flag --polar-access-token-file": sources(map[string]string{"config": path, "polar_access_token_file": write(t, "token", "a")}, nil),
	} {
		want := ": organization south has the access token of organization acme (" + where
		if _, err := s.Organizations(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "north") {
			t.Errorf("two organizations of one id say %v, want %s", err, want)
		}
	}
	path = write(t, "syncd.yaml", "organizations:\n- {name: acme, polar_access_token: a,\n   polar_organization_header: true}\n")
	if _, _, err := sources(map[string]string{"config": path}, nil).Of("acme").Load(config.GroupPolar); err == nil || !strings.Contains(err.Error(), path+":3 organizations.acme.polar_organization_header: polar_organization_header is on, and polar_organization_id is not set") {
		t.Errorf("an organization without an id: %v", err)
	}
}

func TestWithoutOrganizations(t *testing.T) {
	t.Parallel()
	if list, err := sources(nil, nil).Organizations(); list != nil || err != nil {
		t.Errorf("organizations are %q, %v", list, err)
	}
	if _, err := sources(map[string]string{"organization": "acme"}, nil).Organizations(); err == nil || !strings.Contains(err.Error(), "the configuration has no organizations") {
		t.Errorf("an organization was found: %v", err)
	}
	if list, err := sources(map[string]string{"organizations_dir": t.TempDir()}, nil).Organizations(); list == nil || len(list) > 0 || err != nil {
		t.Errorf("an empty directory holds %q, %v", list, err)
	}
}

// Every problem of the fleet at once, each with its line.
func TestProblemsOfTheFleet(t *testing.T) {
	t.Parallel()
	dir := writeFiles(t, map[string]string{"acme.yaml": "schema: other", "my org.yml": "", "late.yml": "schema: polar_acme_sync"})
	path := write(t, "syncd.yaml", `organizations_dir: `+dir+`
organizations:
  - name: acme
    polar_access_token: secret-a
  - name: a-b
    polar_access_token: secret-b
    polar_organization_id: `+anID+`
  - name: A_B
    polar_access_token: secret-b
    polar_organization_id: `+anotherID+`
  - name: last
    polar_access_token: secret-a
    polar_organization_id: `+anID+`
  - polar_access_token: x
  - none
`)
	_, err := sources(map[string]string{"config": path}, nil).Organizations()
	if err == nil {
		t.Fatal("no problem")
	}
	want := []string{
		path + ":14 organizations: this organization has no name",
		path + ":15 organizations: this organization has no name",
		"file " + filepath.Join(dir, "acme.yaml") + ": an organization has this name already: file " + path + ":3 organizations.acme",
		"file " + filepath.Join(dir, "my org.yml") + `: "my org" names no organization`,
		path + ":8 organizations.A_B: organization A_B needs the schema polar_a_b, which is that of organization a-b (file " + path + ":5",
		path + ":12 organizations.last.polar_access_token: organization last has the access token of organization acme (file " + path + ":4",
		filepath.Join(dir, "late.yml") + ":1 schema: organization late needs the schema polar_acme_sync, which is that of organization acme",
	}
	for _, want := range want {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no problem says %q", want)
		}
	}
	if n := len(strings.Split(err.Error(), "\n  - ")) - 1; n != len(want) || strings.Contains(err.Error(), "secret") {
		t.Errorf("%d problems, want %d:\n%v", n, len(want), err)
	}
}

// The problems of one organization are those of its own configuration, and of no other.
func TestProblemsOfOneOrganization(t *testing.T) {
	t.Parallel()
	dir := writeFiles(t, map[string]string{"south.yaml": "taill: 1m\nname: south\nlog_level: debug\n", "north.yaml": ": x: y"})
	path := write(t, "syncd.yaml", `organizations_dir: `+dir+`
organizations:
  - name: acme
    listen: off
    database_url_file: x
    shcema: y
    jitter: 1m
    jitter: 2m
    streams: {ordrs: {schedule: "@daily"}}
    organizations_dir: z
    tail: 1s
`)
	s := sources(map[string]string{"config": path}, nil)
	if _, err := s.Organizations(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"acme": {
			path + ":4 organizations.acme.listen is a setting of the whole process", path + ":5 organizations.acme.database_url_file is a setting",
			path + ":6 organizations.acme.shcema is no setting: did you mean schema?", path + ":8 organizations.acme.jitter is set twice",
			path + ":9 organizations.acme.streams.ordrs is no setting: did you mean orders?", path + ":10 organizations.acme.organizations_dir is a setting of the whole",
			path + `:11 organizations.acme.tail: "1s": write a duration`,
		},
		"south": {dir + "/south.yaml:1 taill is no setting: did you mean tail?", dir + "/south.yaml:2 name is no setting", dir + "/south.yaml:3 log_level is a setting of the whole process"},
		"north": {"file " + dir + "/north.yaml is no YAML"},
		"nobdy": {"organization nobdy is not in the configuration"},
	} {
		_, _, err := s.Of(name).Load()
		if err == nil {
			t.Errorf("%s has no problem", name)
			continue
		}
		if n := len(strings.Split(err.Error(), "\n  - ")); len(want) > 1 && n != len(want)+1 {
			t.Errorf("%s has %d problems: %v", name, n-1, err)
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: no problem says %q: %v", name, w, err)
			}
		}
	}
}

// listOf writes a file with so many organizations.
func listOf(t testing.TB, n int, tail string) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "tail: %s\norganizations:\n", tail)
	for i := range n {
		fmt.Fprintf(&b, "  - name: org%d\n    polar_access_token: polar_oat_%[1]d\n    jitter: %ds\n", i, i+1)
	}
	path := filepath.Join(t.TempDir(), "syncd.yaml")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// loadAll loads each organization, as a fleet does.
func loadAll(t testing.TB, s config.Sources, n int, tail time.Duration) {
	t.Helper()
	names, err := s.Organizations()
	if err != nil || len(names) != n {
		t.Fatalf("%d organizations, %v", len(names), err)
	}
	for i, name := range names {
		cfg, _, err := s.Of(name).Load(config.GroupPolar)
		if err != nil || cfg.Tail != tail || cfg.Jitter != time.Duration(i+1)*time.Second {
			t.Fatalf("%s: tail %v, jitter %v, %v", name, cfg.Tail, cfg.Jitter, err)
		}
	}
}

// However many organizations a file lists, it is parsed once, and anew when it says something else.
func TestListIsParsedOnce(t *testing.T) {
	t.Parallel()
	path := listOf(t, 30, "7m")
	s := sources(map[string]string{"config": path}, nil)
	loadAll(t, s, 30, 7*time.Minute)
	if n := s.Parsed(); n != 1 {
		t.Errorf("parsed %d times", n)
	}
	if err := os.Rename(listOf(t, 30, "8m"), path); err != nil {
		t.Fatal(err)
	}
	loadAll(t, s, 30, 8*time.Minute)
	if n := s.Parsed(); n != 2 {
		t.Errorf("parsed %d times after a change", n)
	}
}

func BenchmarkListOfAThousand(b *testing.B) {
	path := listOf(b, 1000, "7m")
	for b.Loop() {
		loadAll(b, sources(map[string]string{"config": path}, nil), 1000, 7*time.Minute)
	}
}
