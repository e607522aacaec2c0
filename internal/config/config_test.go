package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syncd/internal/config"
	"syncd/internal/daemon"
)

const (
	testDSN   = "postgres://syncd:hunter2@db.example:5432/billing"
	testToken = "polar_oat_do_not_show"
)

// write makes a file and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load reads a configuration that is checked as syncd does.
func load(flags, environ map[string]string, needed ...string) (*config.Config, []config.Value, error) {
	return config.Sources{Domain: daemon.Domain(), Flags: flags, Environ: environ}.Load(needed...)
}

// shown returns the value and the source of a setting.
func shown(t *testing.T, list []config.Value, key string) (text, source string) {
	t.Helper()
	i := slices.IndexFunc(list, func(v config.Value) bool { return v.Key == key })
	if i < 0 {
		t.Fatalf("%s is not shown", key)
	}
	return list[i].Value, list[i].Source
}

func TestPrecedenceAndProvenance(t *testing.T) {
	t.Parallel()
	path := write(t, "syncd.yaml", `
schema: from_file   # line 2
parallel: 7
log_level: debug
timezone: Asia/Tokyo
streams:
  orders: {schedule: "@every 1h"}
  members:
    schedule: off
`)
	secret := write(t, "token", testToken+"\n")
	flags := map[string]string{"schema": "from_flag"}
	environ := map[string]string{
		"SYNCD_CONFIG": path, "SYNCD_SCHEMA": "from_env", "SYNCD_PARALLEL": "3", "SYNCD_SCHEDULE": "@weekly",
		"SYNCD_DATABASE_URL": testDSN, "POLAR_ACCESS_TOKEN_FILE": secret, "PATH": "/bin", "POLAR_WEBHOOK_SECRET": "not ours",
		"SYNCD_TEST_DATABASE_URL": "of the tests",
	}
	c, list, err := load(flags, environ, config.GroupDatabase, config.GroupPolar)
	if err != nil {
		t.Fatal(err)
	}
	if c.Schema != "from_flag" || c.Parallel != 3 || c.LogLevel != slog.LevelDebug || c.AccessToken.Reveal() != testToken ||
		c.Timezone.String() != "Asia/Tokyo" || c.Listen != "127.0.0.1:9464" || c.DatabaseURL.Reveal() != testDSN {
		t.Errorf("config is %+v", c)
	}
	for _, want := range []config.Value{
		{"schema", "from_flag", "flag --schema"},
		{"parallel", "3", "environment SYNCD_PARALLEL"},
		{"log_level", "debug", "file " + path + ":4 log_level"},
		{"jitter", "1m", "default"},
		{"polar_organization_id", "(not set)", "default"},
		{"polar_access_token", "[redacted]", "environment POLAR_ACCESS_TOKEN_FILE (" + secret + ")"},
		{"database_url", "postgres://syncd:xxxxx@db.example:5432/billing", "environment SYNCD_DATABASE_URL"},
		{"streams.orders.schedule", "@every 1h", "file " + path + ":7 streams.orders.schedule"},
		{"streams.members.schedule", "off", "file " + path + ":9 streams.members.schedule"},
		{"streams.metrics.schedule", "@weekly", "environment SYNCD_SCHEDULE"},
	} {
		got := config.Value{Key: want.Key}
		got.Value, got.Source = shown(t, list, want.Key)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if all := fmt.Sprint(list); strings.Contains(all, testToken) || strings.Contains(all, "hunter2") {
		t.Errorf("a secret is shown: %s", all)
	}
}

func TestDefaultSchedules(t *testing.T) {
	t.Parallel()
	c, _, err := load(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.ScheduleOf("orders") != "0 3 * * *" || c.ScheduleOf("metrics") != "@every 1h" {
		t.Errorf("orders %q, metrics %q", c.ScheduleOf("orders"), c.ScheduleOf("metrics"))
	}
}

func TestEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	empty := write(t, "empty", " \n")
	path := write(t, "bad.yaml", `shcema: a
parallel: [1, 2]
jitter: 1m
jitter: 2m
timezone:
config: other.yaml
streams:
  ordrs: {schedule: "@daily"}
  orders: {schedul: "@daily"}
  metrics: {schedule: "every day"}
`)
	_, list, err := load(
		map[string]string{"listen": "9464", "log_format": ""},
		map[string]string{
			"SYNCD_CONFIG": path, "SYNCD_SHEMA": "x", "SYNCD_SOMETHING_ELSE_ENTIRELY": "x", "POLAR_ACCES_TOKEN": "x",
			"SYNCD_DATABASE_URL": "postgres://syncd:hunter2@:port/x", "SYNCD_LOG_LEVEL": "loud", "POLAR_SERVER": "prod",
			"POLAR_ORGANIZATION_ID": "acme", "SYNCD_REQUESTS_PER_MINUTE": "0", "SYNCD_SCHEDULE": "0 3 * *",
			"POLAR_ACCESS_TOKEN_FILE": empty,
		}, config.GroupDatabase, config.GroupPolar)
	var all config.Problems
	if !errors.As(err, &all) {
		t.Fatalf("load = %v", err)
	}
	for _, want := range []string{
		path + ":1 shcema is no setting: did you mean schema?",
		path + ":2 parallel: write one value",
		path + ":4 jitter is set twice: leave one out",
		path + ":5 timezone is empty",
		path + ":6 config is no setting",
		path + ":8 streams.ordrs is no setting: did you mean orders?",
		path + ":9 streams.orders.schedul is no setting: did you mean schedule?",
		path + `:10 streams.metrics.schedule: schedule "every day"`,
		"flag --listen: \"9464\": write host:port",
		"flag --log-format is empty",
		"environment SYNCD_SHEMA is no setting: did you mean SYNCD_SCHEMA?",
		"environment SYNCD_SOMETHING_ELSE_ENTIRELY is no setting: remove it",
		"environment POLAR_ACCES_TOKEN is no setting: did you mean POLAR_ACCESS_TOKEN?",
		"environment SYNCD_DATABASE_URL: it is no URL that Postgres takes",
		`environment SYNCD_LOG_LEVEL: "loud": write debug, info, warn or error`,
		`environment POLAR_SERVER: "prod": write production, sandbox or a URL`,
		`environment POLAR_ORGANIZATION_ID: "acme": an organization has an id such as`,
		`environment SYNCD_REQUESTS_PER_MINUTE: "0": write a whole number from 1 to 60000`,
		`environment SYNCD_SCHEDULE: "0 3 * *": schedule`,
		"environment POLAR_ACCESS_TOKEN_FILE: " + empty + " is empty",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no problem says %q", want)
		}
	}
	if len(all) != 20 {
		t.Errorf("%d problems, want 20:\n%v", len(all), err)
	}
	if s := err.Error() + fmt.Sprint(list); strings.Contains(s, "hunter2") {
		t.Errorf("a secret is shown: %s", s)
	}
}

func TestSecretsThatAreNeeded(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "none")
	for _, tc := range []struct {
		name    string
		environ map[string]string
		needed  []string
		want    []string // in the error; none: no error
	}{
		{"nothing needed", nil, nil, nil},
		{"only the database", map[string]string{"SYNCD_DATABASE_URL": testDSN}, []string{config.GroupDatabase}, nil},
		{"both missing", nil, []string{config.GroupDatabase, config.GroupPolar}, []string{"SYNCD_DATABASE_URL is not set", "SYNCD_DATABASE_URL_FILE", "POLAR_ACCESS_TOKEN is not set"}},
		{"both ways", map[string]string{"POLAR_ACCESS_TOKEN": "a", "POLAR_ACCESS_TOKEN_FILE": "b"}, []string{config.GroupPolar}, []string{"POLAR_ACCESS_TOKEN and environment POLAR_ACCESS_TOKEN_FILE are both set"}},
		{"no such file", map[string]string{"POLAR_ACCESS_TOKEN_FILE": missing}, []string{config.GroupPolar}, []string{"POLAR_ACCESS_TOKEN_FILE", "no such file"}},
		{"webhooks are off", nil, []string{config.GroupWebhooks}, nil},
		{"webhooks without a secret", map[string]string{"SYNCD_WEBHOOK_LISTEN": "127.0.0.1:9466"}, []string{config.GroupWebhooks}, []string{"SYNCD_WEBHOOK_SECRET is not set", "SYNCD_WEBHOOK_SECRET_FILE"}},
		{"a short one", map[string]string{"SYNCD_WEBHOOK_SECRET": "whsec_0123456789 secret"}, nil, []string{"SYNCD_WEBHOOK_SECRET: a secret of an endpoint has at least 16 characters"}},
		{"no configuration file", map[string]string{"SYNCD_CONFIG": missing}, nil, []string{"SYNCD_CONFIG", "no such file"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := load(nil, tc.environ, tc.needed...)
			if (err != nil) != (len(tc.want) > 0) {
				t.Fatalf("load = %v", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
		})
	}
}

func TestFlagOverridesTheFileOfASecret(t *testing.T) {
	t.Parallel()
	c, _, err := load(map[string]string{"database_url": testDSN}, map[string]string{"SYNCD_DATABASE_URL_FILE": "/none"}, config.GroupDatabase)
	if err != nil || c.DatabaseURL.Reveal() != testDSN {
		t.Errorf("load = %v", err)
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	s := config.Secret(testToken)
	var out strings.Builder
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "a", s, "b", struct{ S config.Secret }{s})
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "a", s, "b", struct{ S config.Secret }{s})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", config.Config{AccessToken: s, DatabaseURL: s})
	}
	b, err := json.Marshal(map[string]any{"token": s})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	if strings.Contains(out.String(), testToken) || strings.Contains(out.String(), fmt.Sprintf("%x", testToken)) {
		t.Errorf("the secret is shown:\n%s", out.String())
	}
}

func FuzzConfigFile(f *testing.F) {
	f.Add("schema: a\nstreams: {orders: {schedule: '@daily'}}\n")
	f.Add("a: &a [*a]\n<<: *a")
	f.Add("- x\n---\ny")
	f.Add("organizations: [{name: a, <<: *a}, &b [*b], {name: {}}, {name: c, streams: [x]}]")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "f.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := sources(map[string]string{"config": path}, nil)
		list, err := s.Organizations()
		for _, name := range list {
			_, _, e := s.Of(name).Load()
			err = errors.Join(err, e)
		}
		if _, _, e := s.Load(config.GroupPolar); e != nil && e.Error() == "" || err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}
