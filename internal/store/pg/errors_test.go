package pg_test

import (
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"

	"syncd/internal/localpg"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/slowtest"
	"syncd/internal/store/pg"
)

// says checks an error of the database: one line with these words in it, told as one of the pg.
func says(t *testing.T, what string, err error, words ...string) {
	t.Helper()
	if err == nil || !pg.IsError(err) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%s: %v", what, err)
		return
	}
	for _, w := range words {
		if strings.Count(err.Error(), w) != 1 {
			t.Errorf("%s: %v; want %q in it, once", what, err, w)
		}
	}
}

func TestConnectionsThatAreRefused(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	server, err := localpg.Start(t.Context(), localpg.Options{TCP: true})
	if errors.Is(err, localpg.ErrNoServer) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, tc := range []struct {
		name      string
		change    func(*url.URL)
		words     []string
		permanent bool
	}{
		{"password", func(u *url.URL) { u.User = url.UserPassword("postgres", "s3cret") }, []string{`user "postgres"`, "correct the password: in SYNCD_DATABASE_URL, in PGPASSWORD, or in the file that PGPASSFILE names", "28P01"}, true},
		{"role", func(u *url.URL) { u.User = url.UserPassword("nobody", "s3cret") }, []string{"correct the password: in SYNCD_DATABASE_URL, in PGPASSWORD, or in the file that PGPASSFILE names"}, true},
		{"database", func(u *url.URL) { u.Path = "/missing" }, []string{`database "missing" does not exist`, "createdb missing, or correct the name in SYNCD_DATABASE_URL"}, true},
		{"TLS", func(u *url.URL) { u.RawQuery = "sslmode=require" }, []string{"server refused TLS", "sslmode"}, true},
		{"port", func(u *url.URL) { u.Host = "127.0.0.1:1" }, []string{"connection refused", "check SYNCD_DATABASE_URL"}, false},
		{"setting", func(u *url.URL) { u.RawQuery = "sslmode=disable&no_such=1" }, []string{`parameter "no_such"`}, true},
		{"value", func(u *url.URL) { u.RawQuery = "sslmode=disable&work_mem=huge" }, []string{`"work_mem"`, "22023"}, true},
		{"password that goes on", func(u *url.URL) { u.RawQuery = inQuery(u) + "&s3cret=1" }, []string{"a setting that it is given", "42704", "%26"}, true},
		{"password that ends as a value", func(u *url.URL) { u.RawQuery = inQuery(u) + "&work_mem=s3cret" }, []string{"a setting that it is given", "22023", "%26"}, true},
	} {
		u, err := url.Parse(server.DSN())
		if err != nil {
			t.Fatal(err)
		}
		tc.change(u)
		_, err = pg.Open(t.Context(), pg.Config{DSN: u.String(), Schema: "polar"})
		says(t, tc.name, err, tc.words...)
		if errors.Is(err, pg.ErrRefused) != tc.permanent || errors.Is(err, pg.ErrUnreachable) == tc.permanent {
			t.Errorf("%s: %v: will it heal by itself?", tc.name, err)
		}
	}
}

// inQuery puts the password of a URL among its parameters.
func inQuery(u *url.URL) string {
	password, _ := u.User.Password()
	u.User = url.User(u.User.Username())
	return "sslmode=disable&password=" + url.QueryEscape(password)
}

func TestPoolersThatCannotBeUsed(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	dsn := pgtest.Empty(t)
	for name, through := range map[string]string{
		"transaction blocks":        pgtest.Pooler(t, dsn, "statement"),
		"parameter: default_no_one": pgtest.Pooler(t, dsn, "transaction") + "&default_no_one=1",
	} {
		_, err := pg.Open(t.Context(), pg.Config{DSN: through, Schema: "polar"})
		says(t, name, err, name, "let it pool by session or transaction")
	}
}
