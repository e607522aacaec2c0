package pg_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"syncd/internal/store/pg"
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
		if got := pg.RedactDSN(dsn); got != want {
			t.Errorf("%s is shown as %s, want %s", dsn, got, want)
		}
	}
}

func TestDSNs(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		`"postgres://u:s3cret@db.internal/app?sslmode=require"`:               "in quotes",
		`'postgres://u:s3cret@db.internal/app'`:                               "in quotes",
		" postgres://u:s3cret@db.internal/app":                                "blanks",
		"postgres://u:s3cret@db.internal/app\n":                               "line breaks",
		"\ufeffpostgres://u:s3cret@db.internal/app":                           "byte order mark",
		"jdbc:postgresql://db.internal/app?password=s3cret":                   "JDBC",
		"mysql://u:s3cret@db.internal/app":                                    "not a URL of Postgres",
		"postgresql+psycopg2://u:s3cret@db.internal/app":                      "not a URL of Postgres",
		"https://u:s3cret@db.internal":                                        "not a URL of Postgres",
		"postgres://u:x@s3cret@db.internal/app":                               "percent-encoded",
		"postgres://u:1#s3cret@db.internal/app":                               "percent-encoded",
		"postgres://u:x#s3cret@db.internal/app":                               "percent-encoded",
		"postgres://u:1/s3cret@db.internal/app":                               "percent-encoded",
		"postgres://u:s3cret/x@db.internal/app":                               "percent-encoded",
		"postgres://u:1?x=s3cret@db.internal/app":                             "percent-encoded",
		"postgres://u:1?s3cret@db.internal/app":                               "percent-encoded",
		"postgres://u:s3cret%zz@db.internal/app":                              "percent-encoded",
		"postgres://u:s3cret@db.internal:port/app":                            "no URL",
		"postgres://u:s3cret@[db.internal/app":                                "no URL",
		"SYNCD_DATABASE_URL=postgres://u:s3cret@db/app":                       "the name of the setting",
		"export DATABASE_URL='postgres://u:s3cret@db/app'":                    "the name of the setting",
		"url: postgres://u:s3cret@db/app":                                     "the name of the setting",
		"postgres://u:s3cret@db/app?sslmode=sometimes":                        "its parameter sslmode",
		"postgres://u:s3cret@db/app?connect_timeout=s3cret":                   "its parameter connect_timeout",
		"postgres://u:s3cret@db/app?service=s3cret":                           "its parameter service",
		"postgres://u:s3cret@db/app?sslmode=verify-ca&sslrootcert=/no/s3cret": "the file that its parameter sslrootcert names cannot be read: no such file",
		"host=db password=s3cret sslmode=verify-ca sslrootcert=/no/s3cret":    "sslrootcert, cannot be read: no such file",
		"host=db.internal password=s3cret x user=u":                           "cannot be read",
		"host=db.internal password=a s3cret=b":                                "",
		"s3cret":                                                              "cannot be read",
		"":                                                                    "empty",
		"  ":                                                                  "empty",
		"postgres://u@db.internal/app?pool_max_conns=0":                       "",
		// What is right is taken.
		"postgres://u:p%40%23%2F%3F%25@db.internal:5432/app?sslmode=require": "",
		"postgresql://u@one,two:5433/app?target_session_attrs=read-write":    "",
		"postgres://u@/app?host=/var/run/postgresql":                         "",
		"postgres://u@db/app?options=-c%20x.y%3Da@b":                         "",
		"host=/tmp user=u password='s3cret with blanks' dbname=app":          "",
	} {
		err := pg.CheckDSN(dsn)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q: %v, want %q", dsn, err, want)
		}
		if want == "" {
			continue
		}
		if _, err := pg.Open(context.Background(), pg.Config{DSN: dsn, Schema: "polar"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("open %q: %v", dsn, err)
		}
	}
	_, err := pg.Open(t.Context(), pg.Config{DSN: "postgres://u:s3cret@127.0.0.1:1/app?pool_max_conns=0", Schema: "polar"})
	if err == nil || !strings.Contains(err.Error(), "pool_max_conns") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
}

func TestErrorsKeepTheSecretAndNameTheHost(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{
		"postgres://u:s3cret@127.0.0.1:1/db?connect_timeout=2",
		"postgres://u:s3cret@:bad:port/db",
		"host=127.0.0.1 port=1 user=u password=s3cret bogus",
	} {
		_, err := pg.Open(t.Context(), pg.Config{DSN: dsn, Schema: "polar"})
		if err == nil {
			t.Fatalf("%s: opened", dsn)
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the password is in: %v", err)
		}
	}
	_, err := pg.Open(t.Context(), pg.Config{DSN: "postgres://u:x@127.0.0.1:1/billing", Schema: "polar"})
	if !errors.Is(err, pg.ErrUnreachable) || !strings.Contains(err.Error(), "127.0.0.1:1") || !strings.Contains(err.Error(), "billing") {
		t.Errorf("unreachable: %v", err)
	}
}
