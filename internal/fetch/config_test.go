package fetch

import (
	"strings"
	"testing"
	"time"
)

func TestConfigServer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ server, base, problem string }{
		{"", "https://api.polar.sh", ""},
		{"production", "https://api.polar.sh", ""},
		{"sandbox", "https://sandbox-api.polar.sh", ""},
		{"https://polar.example/", "https://polar.example", ""},
		{"https://polar.example:8443/behind/proxy/", "https://polar.example:8443/behind/proxy", ""},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080", ""},
		{"http://127.8.9.1:8080", "http://127.8.9.1:8080", ""},
		{"http://[::1]:8080", "http://[::1]:8080", ""},
		{"http://localhost:8080", "http://localhost:8080", ""},
		{"http://api.polar.sh", "", "unencrypted"},
		{"http://127.0.0.1.evil.example", "", "unencrypted"},
		{"http://localhost.evil.example", "", "unencrypted"},
		{"http://10.0.0.1", "", "unencrypted"},
		{"https://user:pass@api.polar.sh", "", "user name"},
		{"https://api.polar.sh?x=1", "", "query"},
		{"https://api.polar.sh/v1/", "", "leave it out"},
		{"ftp://api.polar.sh", "", "only https"},
		{"prod", "", "neither production nor sandbox"},
		{"api.polar.sh", "", "neither production nor sandbox"},
		{"https://", "", "neither production nor sandbox"},
		{"http://[::1", "", "neither production nor sandbox"},
	} {
		base, err := parseServer(test.server)
		switch {
		case test.problem == "" && err != nil:
			t.Errorf("%q: %v", test.server, err)
		case test.problem == "" && base.String() != test.base:
			t.Errorf("%q is %s, want %s", test.server, base, test.base)
		case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)):
			t.Errorf("%q: error %v, want one about %q", test.server, err, test.problem)
		case err != nil && strings.Contains(err.Error(), "pass"):
			t.Errorf("%q: a password in %v", test.server, err)
		}
	}
}

func TestConfigReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Server: "prod", Token: "polar_oat_with a blank", MaxAttempts: -1, AttemptTimeout: -time.Second})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"POLAR_SERVER", "POLAR_ACCESS_TOKEN", "MaxAttempts", "AttemptTimeout"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "with a blank") {
		t.Errorf("the token is in %v", err)
	}
	if _, err := New(Config{}); err == nil || !strings.Contains(err.Error(), "POLAR_ACCESS_TOKEN is empty") {
		t.Errorf("without a token: %v", err)
	}
	for _, token := range []string{"a\nb", "a\x00b", "tokén"} {
		if _, err := New(Config{Token: token}); err == nil {
			t.Errorf("token %q accepted", token)
		}
	}
}

func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	for server, budget := range map[string]int{"production": 250, "sandbox": 50, "https://sandbox-api.polar.sh": 50, "http://localhost:1": 250} {
		cfg, _, err := Config{Server: server, Token: testToken}.withDefaults()
		if err != nil || cfg.RequestsPerMinute != budget || cfg.Version != DefaultVersion || cfg.MaxBody != 64<<20 || cfg.MaxAttempts != 6 {
			t.Errorf("%s: %+v, %v", server, cfg, err)
		}
	}
}

func TestDefaultBackoff(t *testing.T) {
	t.Parallel()
	for attempt, most := range map[int]time.Duration{
		1: 500 * time.Millisecond, 2: time.Second, 3: 2 * time.Second, 6: 16 * time.Second, 7: 30 * time.Second, 1000: 30 * time.Second,
	} {
		for range 100 {
			if d := defaultBackoff(attempt); d < most/2 || d > most {
				t.Fatalf("attempt %d waits %v, want %v to %v", attempt, d, most/2, most)
			}
		}
	}
}

// Quotes that an --env-file has kept are named as such.
func TestTokenInQuotes(t *testing.T) {
	t.Parallel()
	for _, token := range []string{`"polar_oat_x"`, "'polar_oat_x'", `polar_oat_x"`} {
		if err := checkToken(token); err == nil || !strings.Contains(err.Error(), "in quotes") || strings.Contains(err.Error(), "oat_x") {
			t.Errorf("%s: %v", token, err)
		}
	}
}
