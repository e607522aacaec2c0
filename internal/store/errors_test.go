package store_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/localpg"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/slowtest"
	"syncd/internal/store"
)

// says checks an error of the database: one line with these words in it, told as one of the store.
func says(t *testing.T, what string, err error, words ...string) {
	t.Helper()
	if err == nil || !store.IsStore(err) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "s3cret") {
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
	pg, err := localpg.Start(t.Context(), localpg.Options{TCP: true})
	if errors.Is(err, localpg.ErrNoServer) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := pg.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, tc := range []struct {
		name      string
		change    func(*url.URL)
		words     []string
		permanent bool
	}{
		{"password", func(u *url.URL) { u.User = url.UserPassword("postgres", "s3cret") }, []string{`user "postgres"`, "correct the password in SYNCD_DATABASE_URL", "28P01"}, true},
		{"role", func(u *url.URL) { u.User = url.UserPassword("nobody", "s3cret") }, []string{"correct the password in SYNCD_DATABASE_URL"}, true},
		{"database", func(u *url.URL) { u.Path = "/missing" }, []string{`database "missing" does not exist`, "create the database, or correct its name in SYNCD_DATABASE_URL"}, true},
		{"TLS", func(u *url.URL) { u.RawQuery = "sslmode=require" }, []string{"server refused TLS", "sslmode"}, true},
		{"port", func(u *url.URL) { u.Host = "127.0.0.1:1" }, []string{"connection refused", "check SYNCD_DATABASE_URL"}, false},
		{"setting", func(u *url.URL) { u.RawQuery = "sslmode=disable&no_such=1" }, []string{`parameter "no_such"`}, true},
		{"value", func(u *url.URL) { u.RawQuery = "sslmode=disable&work_mem=huge" }, []string{`"work_mem"`, "22023"}, true},
		{"password that goes on", func(u *url.URL) { u.RawQuery = inQuery(u) + "&s3cret=1" }, []string{"a setting that it is given", "42704", "%26"}, true},
		{"password that ends as a value", func(u *url.URL) { u.RawQuery = inQuery(u) + "&work_mem=s3cret" }, []string{"a setting that it is given", "22023", "%26"}, true},
	} {
		u, err := url.Parse(pg.DSN())
		if err != nil {
			t.Fatal(err)
		}
		tc.change(u)
		_, err = store.Open(t.Context(), store.Config{DSN: u.String(), Schema: "polar"})
		says(t, tc.name, err, tc.words...)
		if errors.Is(err, store.ErrRefused) != tc.permanent || errors.Is(err, store.ErrUnreachable) == tc.permanent {
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
		_, err := store.Open(t.Context(), store.Config{DSN: through, Schema: "polar"})
		says(t, name, err, name, "let it pool by session or transaction")
	}
}

func TestFailuresSayWhatHelps(t *testing.T) {
	t.Parallel()
	admin := connectTo(t, pgtest.Migrated(t))
	_, dsn := role(t, admin, "SUPERUSER")
	do(t, admin, `CREATE FUNCTION polar.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device' USING ERRCODE = '53100'; END $$`,
		"CREATE TRIGGER full_disk BEFORE INSERT ON polar.customers EXECUTE FUNCTION polar.full()")
	s := open(t, dsn, "polar")
	run := begin(t, s)
	_, err := run.Put(t.Context(), customers(), customerPage(1))
	says(t, "disk", err, "No space left on device", "SQLSTATE 53100", "the disk of the database server is full", "store page of customers")

	for setting, words := range map[string][]string{
		"lock_timeout=20":                  {"SQLSTATE 55P03", "raise lock_timeout"},
		"statement_timeout=20":             {"SQLSTATE 57014", "raise statement_timeout"},
		"default_transaction_read_only=on": {"SQLSTATE 25006", "the database takes no writes"},
	} {
		t.Run(setting, func(t *testing.T) {
			s := open(t, dsn+" "+setting, "polar")
			do(t, admin, "BEGIN")
			if strings.Contains(setting, "timeout") {
				do(t, admin, "LOCK TABLE polar.sync_meta")
			}
			err := s.Polar().BindOrganization(t.Context(), uuid.NameSpaceOID, "https://api.polar.sh")
			do(t, admin, "COMMIT")
			says(t, setting, err, words...)
		})
	}

	do(t, admin, "BEGIN", "LOCK TABLE polar.customers")
	failed := make(chan error, 1)
	go func() { _, err := s.Rows("customers").CountLive(t.Context()); failed <- err }()
	waitFor(t, admin)
	do(t, admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()", "COMMIT")
	says(t, "ended", <-failed, "57P01", "somebody ended this session")
	if _, err := s.Rows("customers").CountLive(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A connection that breaks is a failure of the database wherever it breaks.
func TestLostConnection(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	admin := connectTo(t, dsn)
	pgtest.Pooler(t, dsn, "session") // skips where there is none
	for what, use := range map[string]func(*store.Store, *store.Run) error{
		"a question": func(s *store.Store, _ *store.Run) error {
			_, err := s.Rows("customers").CountLive(t.Context())
			return err
		},
		"rows": func(s *store.Store, _ *store.Run) error { _, _, err := s.Polar().Organization(t.Context()); return err },
		"a page": func(_ *store.Store, r *store.Run) error {
			_, err := r.Put(t.Context(), customers(), customerPage(1))
			return err
		},
		"an end": func(_ *store.Store, r *store.Run) error {
			return r.Finish(t.Context(), store.Closing{Outcome: "succeeded"})
		},
	} {
		pooler, err := localpg.StartPooler(t.Context(), dsn, "session")
		if err != nil {
			t.Fatal(err)
		}
		s := open(t, pooler.DSN(), "polar")
		run, err := s.Runs().Begin(t.Context(), "customers", store.KindSweep, "test", time.Nanosecond)
		if err != nil {
			t.Fatal(err)
		}
		do(t, admin, "BEGIN", "LOCK TABLE polar.customers, polar.sync_meta, polar.sync_runs")
		failed := make(chan error, 1)
		go func() { failed <- use(s, run) }()
		waitFor(t, admin)
		if err := pooler.Close(); err != nil {
			t.Error(err)
		}
		says(t, what, <-failed, "the connection to the database was lost")
		do(t, admin, "COMMIT")
	}
}

// waitFor waits until a session waits for a lock.
func waitFor(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	late := time.After(time.Minute)
	for len(list(t, conn, "SELECT pid::text FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")) == 0 {
		select {
		case <-late:
			t.Fatal("waited a minute in vain for a session that waits for a lock")
		default:
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
		err := store.CheckDSN(dsn)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q: %v, want %q", dsn, err, want)
		}
		if want == "" {
			continue
		}
		if _, err := store.Open(context.Background(), store.Config{DSN: dsn, Schema: "polar"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("open %q: %v", dsn, err)
		}
	}
	_, err := store.Open(t.Context(), store.Config{DSN: "postgres://u:s3cret@127.0.0.1:1/app?pool_max_conns=0", Schema: "polar"})
	if err == nil || !strings.Contains(err.Error(), "pool_max_conns") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
}
