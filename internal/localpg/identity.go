//go:build linux || darwin

package localpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// identity is the user that the server runs as.
type identity struct {
	name  string
	chown bool // uid and gid must own the directory
	uid   uint32
	gid   uint32
	attr  syscall.SysProcAttr
}

// command is a command under this identity, in a process group of its own: a Ctrl-C that ends this process must not reach the
// server, whose clients have work to finish. It does not inherit PG* variables.
func (i identity) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	attr := i.attr
	attr.Setpgid = true
	cmd.SysProcAttr = &attr
	cmd.Dir = "/" // the current directory may be closed to the identity
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "PG") || strings.HasPrefix(kv, "LC_") || strings.HasPrefix(kv, "LANG")
	}), "LC_ALL=C")
	return cmd
}

// identities are the users that the server may run as, best first. PostgreSQL refuses to run as root; an ordinary user runs it as
// itself. In place of root it runs as the user postgres or nobody. Where root may not become another user (a container with a
// single id), it stays root but sees itself as that user in a user namespace.
func identities() []identity {
	if os.Geteuid() != 0 {
		return []identity{{name: "this user"}}
	}
	return rootIdentities()
}

// chooseIdentity finds the first candidate that can run the server in dir, and gives dir to it.
func chooseIdentity(ctx context.Context, candidates []identity, bin, dir string) (identity, error) {
	var problems []error
	for _, who := range candidates {
		err := who.try(ctx, bin, dir)
		if err == nil {
			return who, nil
		}
		problems = append(problems, fmt.Errorf("as %s: %w", who.name, err))
	}
	return identity{}, fmt.Errorf("no user can run the server (PostgreSQL refuses to run as root): %w", errors.Join(problems...))
}

func rootIdentities() []identity {
	var credentials, namespaces []identity
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr != nil || gidErr != nil || uid == 0 {
			continue
		}
		who := identity{name: "user " + name, chown: true, uid: uint32(uid), gid: uint32(gid)}
		who.attr.Credential = &syscall.Credential{Uid: who.uid, Gid: who.gid}
		credentials = append(credentials, who)
		if attr, ok := namespace(who.uid, who.gid); ok {
			namespaces = append(namespaces, identity{name: "user " + name + " of a user namespace", attr: attr})
		}
	}
	return append(credentials, namespaces...)
}

// try gives dir to the identity and proves that it can reach dir and run the server.
func (i identity) try(ctx context.Context, bin, dir string) error {
	uid, gid := os.Geteuid(), os.Getegid()
	if i.chown {
		uid, gid = int(i.uid), int(i.gid)
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		return err
	}
	const probe = `cd "$1" && : >probe && rm probe && "$2" --version`
	out, err := i.command(ctx, "/bin/sh", "-c", probe, "probe", dir, filepath.Join(bin, "postgres")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// ours: this user may have made the cluster's directory; root makes some that belong to others.
func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	if os.Geteuid() != 0 {
		return int(stat.Uid) == os.Geteuid()
	}
	return stat.Uid == 0 || slices.ContainsFunc(rootIdentities(), func(i identity) bool { return i.chown && i.uid == stat.Uid })
}
