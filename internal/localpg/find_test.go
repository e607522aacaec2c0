package localpg

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	at := func(dir string) string { return filepath.Join(root, dir) }
	program := func(path string, mode os.FileMode) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(at(path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(path), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"lib/9.6/bin", "lib/10/bin", "lib/16/bin", "named"} {
		program(dir+"/initdb", 0o755)
		program(dir+"/postgres", 0o755)
	}
	program("lib/17/bin/psql", 0o755) // the client package alone
	program("lib/18/bin/initdb", 0o755)
	program("lib/18/bin/postgres", 0o644)
	if err := os.Mkdir(at("links"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(at("lib/10/bin/initdb"), at("links/initdb")); err != nil {
		t.Fatal(err)
	}
	lib := []string{at("lib/*/bin")}

	for _, tc := range []struct {
		name string
		f    finder
		want string // "" is ErrNoServer
	}{
		{"given", finder{binDir: at("named"), pgBin: at("lib/10/bin"), patterns: lib}, at("named")},
		{"given, without a server", finder{binDir: at("lib/17/bin"), pgBin: at("named"), patterns: lib}, ""},
		{"PG_BIN", finder{pgBin: at("named"), path: at("lib/10/bin"), patterns: lib}, at("named")},
		{"PG_BIN, without a server", finder{pgBin: at("nowhere"), patterns: lib}, ""},
		{"PATH", finder{path: at("nowhere") + "::" + at("lib/10/bin"), patterns: lib}, at("lib/10/bin")},
		{"a link on the PATH", finder{path: at("links")}, at("lib/10/bin")},
		{"newest package", finder{path: at("nowhere"), patterns: lib}, at("lib/16/bin")},
		{"nothing", finder{path: at("nowhere"), patterns: []string{at("other/*/bin")}}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.f.find()
			if tc.want == "" {
				if !errors.Is(err, ErrNoServer) {
					t.Errorf("got %q, %v; want ErrNoServer", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want, err := filepath.EvalSymlinks(tc.want); err != nil || got != tc.want && got != want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestNoServerNamesTheWaysOut(t *testing.T) {
	t.Parallel()
	_, err := finder{}.find()
	if err == nil {
		t.Fatal("found a server nowhere")
	}
	for _, want := range []string{"DSN", "install PostgreSQL", "PG_BIN"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("does not name %s as a way out: %v", want, err)
		}
	}
	_, err = finder{pgBin: "/nowhere"}.find()
	if err == nil || !strings.Contains(err.Error(), "PG_BIN /nowhere") {
		t.Errorf("does not say what is wrong with PG_BIN: %v", err)
	}
}

func TestInstallHint(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ goos, release, want string }{
		{"darwin", "", "brew install"},
		{"linux", "ID=debian", "apt-get install"},
		{"linux", "ID=ubuntu ID_LIKE=debian", "apt-get install"},
		{"linux", "ID=fedora", "dnf install"},
		{"linux", "ID=alpine", "apk add"},
		{"linux", "ID=arch", "pacman"},
		{"linux", "", "https://www.postgresql.org/"},
		{"windows", "", "https://www.postgresql.org/"},
	} {
		if got := installHint(tc.goos, tc.release); !strings.Contains(got, tc.want) {
			t.Errorf("%s %s: %s, want %s", tc.goos, tc.release, got, tc.want)
		}
	}
}
