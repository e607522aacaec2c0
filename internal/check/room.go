package check

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"syncd/internal/humanize"
	"syncd/internal/store/pg"
)

// scarce is how much free room is little: a first sync of 100,000 orders takes less.
const scarce = 1 << 30

// room says how much room the disks have, as far as this machine can know: its own for exports, and that of a database on it.
func (c Config) room(f *pg.Facts) Line {
	line := Line{Name: "disk", State: OK}
	look := func(what, dir string) {
		free, known := freeIn(dir)
		if !known {
			return
		}
		if line.Found != "" {
			line.Found += ", "
		}
		line.Found += fmt.Sprintf("%s are free for %s", humanize.Bytes(free), what)
		if free < scarce {
			line.State, line.Remedy = Warn, "make room"
		}
	}
	look("exports in "+c.TempDir, c.TempDir)
	if f != nil && isLocal(f.Address) && f.Directory != "" && holds(f.Directory) {
		look("Postgres in "+f.Directory, f.Directory)
	}
	if f != nil {
		if line.Found != "" {
			line.Found += ", "
		}
		line.Found += "the database has " + humanize.Bytes(f.Size)
	}
	return line
}

// isLocal: the server listens on this machine, as far as its address tells.
func isLocal(address string) bool {
	if strings.HasPrefix(address, "/") || address == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(address)
	return err == nil && ip.IsLoopback()
}

// holds: the directory is that of a server of Postgres. A container behind a local port has none here.
func holds(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "PG_VERSION"))
	return err == nil
}

// freeIn is how many bytes an ordinary user may still write in a directory.
func freeIn(dir string) (free int64, known bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true //nolint:unconvert // their types differ from system to system
}
