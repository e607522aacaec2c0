package localpg

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// packagePaths are where packages install the server's binaries outside PATH.
var packagePaths = []string{
	"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                   // PGDG on Fedora and RHEL
	"/usr/libexec/postgresql*",                           // Alpine
	"/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew on Apple silicon
	"/usr/local/opt/postgresql@*/bin",                    // Homebrew on Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",    // Homebrew on Linux
	"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
}

// finder looks for server binaries. Tests set its fields to hide those of the machine.
type finder struct {
	binDir, pgBin, path string
	patterns            []string
}

// findBinaries returns the directory that holds both initdb and postgres.
func findBinaries(binDir string) (string, error) {
	return finder{binDir: binDir, pgBin: os.Getenv("PG_BIN"), path: os.Getenv("PATH"), patterns: packagePaths}.find()
}

func (f finder) find() (string, error) {
	// A directory that somebody named is used or refused, never replaced by another server.
	for _, named := range []struct{ by, dir string }{{"the given directory", f.binDir}, {"PG_BIN", f.pgBin}} {
		if named.dir == "" {
			continue
		}
		if !hasServer(named.dir) {
			return "", fmt.Errorf("localpg: %w: %s %s has no initdb and postgres", ErrNoServer, named.by, named.dir)
		}
		return named.dir, nil
	}
	for _, dir := range filepath.SplitList(f.path) {
		if dir == "" {
			continue
		}
		if hasServer(dir) {
			return dir, nil
		}
		// A lone initdb on the PATH is often a link into the directory that holds the rest.
		if target, err := filepath.EvalSymlinks(filepath.Join(dir, "initdb")); err == nil && hasServer(filepath.Dir(target)) {
			return filepath.Dir(target), nil
		}
	}
	var found []string
	for _, pattern := range f.patterns {
		dirs, err := filepath.Glob(pattern)
		if err != nil {
			return "", fmt.Errorf("localpg: look for %s: %w", pattern, err)
		}
		found = append(found, dirs...)
	}
	slices.SortStableFunc(found, func(a, b string) int { return cmp.Compare(versionOf(b), versionOf(a)) })
	for _, dir := range found {
		if hasServer(dir) {
			return dir, nil
		}
	}
	return "", fmt.Errorf(`localpg: %w: looked at PG_BIN, at PATH and in %s
ways out:
  - name a running server by its DSN (postgres://user:password@host:5432/postgres), whose role may create databases
  - install PostgreSQL: %s
  - set PG_BIN to the directory that holds initdb and postgres`,
		ErrNoServer, strings.Join(f.patterns, ", "), installHint(runtime.GOOS, osRelease()))
}

func hasServer(dir string) bool {
	return slices.IndexFunc([]string{"initdb", "postgres"}, func(name string) bool {
		info, err := os.Stat(filepath.Join(dir, name))
		return err != nil || info.IsDir() || info.Mode()&0o111 == 0
	}) == -1
}

var versionDigits = regexp.MustCompile(`\d+(\.\d+)?`)

// versionOf is the last number in a directory's name: 9.6 for /usr/lib/postgresql/9.6/bin; 0 without one.
func versionOf(dir string) float64 {
	numbers := versionDigits.FindAllString(dir, -1)
	if len(numbers) == 0 {
		return 0
	}
	v, err := strconv.ParseFloat(numbers[len(numbers)-1], 64)
	if err != nil {
		return 0
	}
	return v
}

// installHint is the command that installs a server on this platform.
func installHint(goos, release string) string {
	switch {
	case goos == "darwin":
		return "brew install postgresql@17"
	case strings.Contains(release, "debian"): // Ubuntu and other derivatives have ID_LIKE=debian
		return "apt-get install postgresql"
	case strings.Contains(release, "fedora"), strings.Contains(release, "rhel"):
		return "dnf install postgresql-server"
	case strings.Contains(release, "alpine"):
		return "apk add postgresql"
	case strings.Contains(release, "arch"):
		return "pacman -S postgresql"
	}
	return "https://www.postgresql.org/download/"
}

// osRelease is the ID and ID_LIKE lines of /etc/os-release; empty where there is none.
func osRelease() string {
	content, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return ""
	}
	var ids []string
	for line := range strings.Lines(string(content)) {
		if strings.HasPrefix(line, "ID=") || strings.HasPrefix(line, "ID_LIKE=") {
			ids = append(ids, strings.TrimSpace(line))
		}
	}
	return strings.Join(ids, " ")
}
