package sched

import (
	"testing"
	"time"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	for spec, ok := range map[string]bool{
		"0 3 * * *": true, "*/15 * * * 1-5": true, "@daily": true, "@hourly": true, "@every 15m": true, "@every 1h30m": true, "off": true,
		"0 0 29 2 *": true,
		"":           false, "Off": false, "3": false, "* * * *": false, "* * * * * *": false, "61 * * * *": false, "*/0 * * * *": false,
		"@every": false, "@every soon": false, "@every 0s": false, "@every -5m": false, "@every 10ms": false, "@fortnightly": false,
		"0 0 30 2 *": false, "TZ=UTC": false, "CRON_TZ=Europe/Paris 0 3 * * *": false,
	} {
		if err := Validate(spec); (err == nil) != ok {
			t.Errorf("Validate(%q) = %v, want fine: %v", spec, err, ok)
		}
	}
}

func TestNextAndOverdue(t *testing.T) {
	t.Parallel()
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	from := at("2026-10-15T12:00:00Z")
	for _, tc := range []struct {
		spec string
		loc  *time.Location
		next string // "" = never
	}{
		{"0 3 * * *", nil, "2026-10-16T03:00:00Z"},
		{"0 3 * * *", tokyo, "2026-10-15T18:00:00Z"},
		{"@every 90m", tokyo, "2026-10-15T13:30:00Z"},
		{"@monthly", nil, "2026-11-01T00:00:00Z"},
		{"off", nil, ""},
	} {
		next, err := Next(tc.spec, tc.loc, from)
		if err != nil {
			t.Fatal(err)
		}
		var want time.Time
		if tc.next != "" {
			want = at(tc.next)
		}
		if !next.Equal(want) {
			t.Errorf("Next(%q, %v) = %v, want %v", tc.spec, tc.loc, next, want)
		}
	}
	if _, err := Next("nonsense", nil, from); err == nil {
		t.Error("Next of nonsense did not fail")
	}
	for _, tc := range []struct {
		spec string
		last time.Time
		want bool
	}{
		{"0 3 * * *", time.Time{}, true},
		{"off", time.Time{}, false},
		{"0 3 * * *", at("2026-10-15T03:00:10Z"), false},
		{"0 3 * * *", at("2026-10-14T23:00:00Z"), true},
		{"@every 1h", at("2026-10-15T11:00:01Z"), false},
		{"@every 1h", at("2026-10-15T11:00:00Z"), true},
	} {
		if got, err := Overdue(tc.spec, nil, tc.last, from); err != nil || got != tc.want {
			t.Errorf("Overdue(%q, %v) = %v, %v, want %v", tc.spec, tc.last, got, err, tc.want)
		}
	}
}

func FuzzValidate(f *testing.F) {
	f.Add("0 3 * * *")
	f.Add("TZ=")
	f.Add("@every 1h")
	f.Fuzz(func(t *testing.T, spec string) {
		if Validate(spec) != nil || spec == Off {
			return
		}
		now := time.Now()
		if next, err := Next(spec, time.UTC, now); err != nil || !next.After(now) {
			t.Errorf("Next(%q) = %v, %v: it is valid and never comes", spec, next, err)
		}
	})
}
