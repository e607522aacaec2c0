package store_test

import (
	"testing"

	"syncd/internal/store"
)

func TestDSNIsShownWithoutPasswords(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"": "",
		"postgres://syncd:hunter2@db.example:5432/billing":               "postgres://syncd:xxxxx@db.example:5432/billing",
		"postgres://syncd@db.example/billing?sslmode=disable":            "postgres://syncd@db.example/billing?sslmode=disable",
		"postgres://db.example/billing?user=syncd&password=hunter2":      "postgres://db.example/billing?password=xxxxx&user=syncd",
		"host=db.example user=syncd password=hunter2 dbname=billing":     "host=db.example user=syncd password=xxxxx dbname=billing",
		`host=db.example password = 'hunter2 \' hunter2' dbname=billing`: "host=db.example password=xxxxx dbname=billing",
		"postgres://syncd:hunter2/hunter2@db.example/billing":            "[redacted]",
		"postgres://syncd:hunter2@db.example:port/billing":               "[redacted]",
		"postgres://syncd:hun%ter2@db.example/billing":                   "[redacted]",
		"host=db.example password='hunter2":                              "[redacted]",
		"hunter2":                                                        "[redacted]",
	} {
		if got := store.RedactDSN(dsn); got != want {
			t.Errorf("%s is shown as %s, want %s", dsn, got, want)
		}
	}
}
