package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"syncd/internal/daemon"
	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
)

// tests runs the tests of the package with pgtest's server.
type tests struct{ *testing.M }

func (t tests) Run() int { return pgtest.Main(t.M) }

// TestMain also makes this binary answer to the name syncd, so that tests can run it as a program.
func TestMain(m *testing.M) { testscript.Main(tests{m}, map[string]func(){"syncd": main}) }

const simulatedToken = "polar_oat_of_the_tests"

// simulated starts a simulated Polar of a few customers that accepts one token.
func simulated(t *testing.T, o polarsim.ServerOptions) (url string, sim *polarsim.Server) {
	t.Helper()
	return simulatedWorld(t, polarsim.Options{Seed: 1, Customers: 12}, o)
}

// simulatedWorld starts a simulated Polar of an organization that a test has chosen.
func simulatedWorld(t *testing.T, world polarsim.Options, o polarsim.ServerOptions) (url string, sim *polarsim.Server) {
	t.Helper()
	o.Token = simulatedToken
	sim = polarsim.NewServer(polarsim.NewWorld(world), o)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return server.URL, sim
}

// Each script runs with an empty database and a simulated Polar of its own. Its commands beyond those of testscript:
//
//	exits CODE PROGRAM ARG...   runs a program that must end with this exit code
//	fault KIND:KEY=VALUE,...    arms a fault of the simulated Polar
//	scopes SCOPE...             is what the token is left with
//	envfile NAME FILE           puts the first line of a file into a variable
//	sql STATEMENT               runs a statement in the database; a result goes to stdout
func TestScripts(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("scripts: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.Empty(t)
			url, sim := simulated(t, polarsim.ServerOptions{Scopes: scopesOf(t, file)})
			testscript.Run(t, testscript.Params{
				Files: []string{file},
				Setup: func(env *testscript.Env) error {
					env.Setenv("SYNCD_DATABASE_URL", dsn)
					env.Setenv("POLAR_SERVER", url)
					env.Setenv("POLAR_ACCESS_TOKEN", simulatedToken)
					env.Setenv("GORACE", os.Getenv("GORACE")) // no second of waiting at the end of each command: see scripts/gotest
					return nil
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"exits":   exits,
					"scopes":  func(*testscript.TestScript, bool, []string) {}, // read beforehand, by scopesOf
					"envfile": envfile,
					"fault": func(ts *testscript.TestScript, _ bool, args []string) {
						f, err := polarsim.ParseFault(args[0])
						ts.Check(err)
						sim.AddFault(f)
					},
					"sql": func(ts *testscript.TestScript, _ bool, args []string) {
						query(t.Context(), ts, dsn, strings.Join(args, " "))
					},
				},
			})
		})
	}
}

// scopesOf reads the line of a script that names the token's scopes; nil without one.
func scopesOf(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if scopes, ok := strings.CutPrefix(line, "scopes "); ok {
			return strings.Fields(scopes)
		}
	}
	return nil
}

// envfile puts the first line of a file into a variable.
func envfile(ts *testscript.TestScript, _ bool, args []string) {
	line, _, _ := strings.Cut(ts.ReadFile(args[1]), "\n")
	ts.Setenv(args[0], line)
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		failed, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = failed.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func query(ctx context.Context, ts *testscript.TestScript, dsn, sql string) {
	conn, err := pgx.Connect(ctx, dsn)
	ts.Check(err)
	defer func() { ts.Check(conn.Close(ctx)) }()
	rows, err := conn.Query(ctx, sql, pgx.QueryResultFormats{pgx.TextFormatCode})
	ts.Check(err)
	defer rows.Close()
	for rows.Next() {
		for i, v := range rows.RawValues() {
			if i > 0 {
				fmt.Fprint(ts.Stdout(), "|")
			}
			fmt.Fprintf(ts.Stdout(), "%s", v)
		}
		fmt.Fprintln(ts.Stdout())
	}
	ts.Check(rows.Err())
}

// write makes a file and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every command's help ends with an example of that command.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ command, has, lacks string }{
		{"", "Commands:", "--schema"},
		{"demo", "--keep", "--schema"},
		{"init", "--force", "--polar-access-token="},
		{"check", "--json", "--listen"},
		{"sync", "POLAR_ACCESS_TOKEN_FILE", "--polar-access-token="},
		{"run", "--listen=HOST:PORT", "--polar-access-token="},
		{"status", "--json", "--listen"},
		{"verify", "--json", "--listen"},
		{"approve-deletions", "POLAR_ACCESS_TOKEN_FILE", "--listen"},
		{"refresh", "--external-id", "--listen"},
		{"backfill", "Commands:", "--listen"},
		{"backfill window", "--since", "--listen"},
		{"backfill history", "--dry-run", "--listen"},
		{"invoice", "--force", "--listen"},
		{"receipt", "--output", "--listen"},
		{"migrate", "Commands:", "--listen"},
		{"migrate up", "--schema", "--listen"},
		{"migrate status", "--schema", "--listen"},
		{"migrate print", "--schema", "--listen"},
		{"config", "Commands:", "--schema"},
		{"config print", "--listen", "--polar-access-token="},
		{"config reference", "--format", "--schema"},
		{"simulate", "--fault", "--schema"},
		{"version", "--log-level", "--schema"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), nil, append(strings.Fields(tc.command), "--help"), nil, &stdout, &stderr)
		help := stdout.String()
		_, example, _ := strings.Cut(help, "\nExample:\n  ")
		if code != exitComplete || stderr.Len() > 0 || !strings.HasPrefix(example, strings.TrimSpace("syncd "+tc.command)) || strings.Count(example, "\n") != 1 {
			t.Errorf("%s --help: exit code %d, example %q, errors %q", tc.command, code, example, stderr.String())
		}
		if !strings.Contains(help, tc.has) || strings.Contains(help, tc.lacks) {
			t.Errorf("%s --help lacks %s or has %s:\n%s", tc.command, tc.has, tc.lacks, help)
		}
	}
}

// Every setting that may be on the command line has its flag, with the words of the table of settings.
func TestFlagsOfSettings(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), nil, []string{"run", "--help"}, nil, &stdout, &stderr); code != exitComplete {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	help := strings.Join(strings.Fields(stdout.String()), " ")
	for _, d := range daemon.Domain().DescribeSettings() {
		if d.Flag == "" {
			continue
		}
		if want := strings.Join(strings.Fields("--"+d.Flag+"="+d.Hint+" "+d.FlagHelp()), " "); !strings.Contains(help, want) {
			t.Errorf("`syncd run --help` lacks %q", want)
		}
	}
}
