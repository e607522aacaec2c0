package config

import (
	"reflect"
	"strings"
	"testing"
)

// testDomain is enough of a domain for tests of the table itself.
func testDomain() Domain {
	return Domain{
		Streams:        []Stream{{Name: "orders"}, {Name: "metrics"}},
		SelectStreams:  func(list string) (map[string]bool, error) { return map[string]bool{"metrics": list == "orders"}, nil },
		CheckDatabase:  func(string) error { return nil },
		RedactDatabase: func(string) string { return "" },
		PolarVersion:   "2026-10",
	}
}

// Every setting can be set in each of its ways, and is documented.
func TestSettingsTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range (&Config{domain: testDomain()}).settings() {
		if seen[s.key] || s.key != strings.ToLower(s.key) || s.meaning == "" || s.group == "" || s.hint == "" || s.set == nil {
			t.Errorf("setting %+v is wrong or there twice", s.key)
		}
		seen[s.key] = true
		if s.def != "" {
			if err := s.set(s.def); err != nil {
				t.Errorf("the default of %s is refused: %v", s.key, err)
			}
		}
		if s.secret && s.show == nil {
			t.Errorf("%s is secret and shown as it is", s.key)
		}
	}
}

// A live setting is taken over while the daemon runs, and no other is. The token is: by whoever tries it first.
func TestLiveSettings(t *testing.T) {
	t.Parallel()
	domain := testDomain()
	load := func(key, text string) *Config {
		c, _, err := Sources{Domain: domain, Flags: map[string]string{key: text}}.Load()
		if err != nil {
			t.Fatal(err)
		}
		c.domain = Domain{} // functions cannot be compared
		return c
	}
	for key, text := range map[string]string{
		"database_url": "postgres://other", "schema": "other", "polar_server": "sandbox", "polar_version": "2026-04",
		"polar_organization_id": "1dbfc517-0bbf-4301-9ba8-555ca42b9737", "polar_organization_header": "true", "requests_per_minute": "7", "patience": "7m", "parallel": "7", "lease": "7s",
		"organizations_dir": "x", "streams": "orders", "events_retention": "7", "history_retention": "7", "schedule": "@weekly", "tail": "7m", "timezone": "Asia/Tokyo", "jitter": "7s",
		"listen": "off", "webhook_listen": "127.0.0.1:9466", "webhook_secret": "whsec_0123456789", "log_level": "debug", "log_format": "json",
	} {
		before, after := load("schema", "polar"), load(key, text)
		if reflect.DeepEqual(before, after) {
			t.Errorf("%s: %s changes nothing", key, text)
		}
		if taken := !reflect.DeepEqual(before, before.WithLive(after)); taken != domain.IsLive(key) {
			t.Errorf("%s: taken over %v, live %v", key, taken, domain.IsLive(key))
		}
	}
	if !domain.IsLive("polar_access_token") || !domain.IsLive("streams.orders.schedule") || domain.IsLive("streams") {
		t.Error("the token and the schedules of streams are live, which streams are on is not")
	}
}
