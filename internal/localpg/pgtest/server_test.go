package pgtest

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestStartChooses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		env  map[string]string
		want string // part of the error
	}{
		{"unknown word", map[string]string{"SYNCD_TEST_POSTGRES": "docker"}, `"docker": say container or local`},
		{"a server that is not there", map[string]string{"SYNCD_TEST_DATABASE_URL": "postgres://u@127.0.0.1:1/x", "SYNCD_TEST_POSTGRES": "local"}, "SYNCD_TEST_DATABASE_URL"},
	} {
		_, _, err := start(t.Context(), func(name string) string { return tc.env[name] })
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.want)
		}
	}
}

func TestStartContainerOrSaysWhy(t *testing.T) {
	t.Parallel()
	pg, stop, err := start(t.Context(), func(name string) string { return map[string]string{"SYNCD_TEST_POSTGRES": "container"}[name] })
	if dockerHealth(t.Context()) != nil {
		if err == nil || !strings.Contains(err.Error(), image) {
			t.Errorf("without Docker: %v, want an error that names the image", err)
		}
		return
	}
	if err != nil {
		t.Skip("Docker is there, but has no image:", err)
	}
	if err := pg.Close(); err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A server given by DSN is used for the databases of the tests, and is left clean.
func TestGivenServer(t *testing.T) {
	t.Parallel()
	given := Empty(t)
	s := new(shared)
	pg, stop, err := start(t.Context(), func(name string) string { return map[string]string{"SYNCD_TEST_DATABASE_URL": given}[name] })
	if err != nil {
		t.Fatal(err)
	}
	s.started, s.pg, s.stop = true, pg, stop
	template, err := s.migrated(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.migrated(t.Context())
	if err != nil || again != template {
		t.Errorf("the second template is %s, %v; want %s again", again, err, template)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	conn, err := pgconn.Connect(t.Context(), given)
	if err != nil {
		t.Fatal("the given server was stopped:", err)
	}
	defer func() {
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	left, err := conn.Exec(t.Context(), "SELECT 1 FROM pg_database WHERE datname = '"+template+"'").ReadAll()
	if err != nil || len(left[0].Rows) != 0 {
		t.Errorf("the template is left behind (%v)", err)
	}
}
