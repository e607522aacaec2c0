// Command against measures the programs of another commit and those of this tree in turn: a round of the one, a round of the other. What
// measures them is the benchmark of this tree, and so is the simulated Polar that both ask. It prints one table of both.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"syncd/bench/figures"
)

func main() {
	ref := flag.String("ref", "", "the commit whose programs are measured beside those of this tree")
	rounds := flag.Int("n", 5, "rounds of each")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "against -ref COMMIT [-n ROUNDS] [-- flags of the benchmark]")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := against(ctx, *ref, *rounds, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "against:", err)
		os.Exit(1)
	}
}

func against(ctx context.Context, ref string, rounds int, args []string) (err error) {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "against-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	there := filepath.Join(dir, "tree")
	if err := do(ctx, here, "git", "worktree", "add", "--quiet", "--detach", there, ref); err != nil {
		return err
	}
	// However this ends, git forgets the tree, which a context that has ended must not hinder.
	defer func() {
		err = errors.Join(err, do(context.WithoutCancel(ctx), here, "git", "worktree", "remove", "--force", there))
	}()
	fmt.Fprintln(os.Stderr, "building", ref)
	if err := do(ctx, there, "go", "build", "-trimpath", "-o", ".bin/", "./cmd/syncd"); err != nil {
		return err
	}
	for _, program := range []string{"naive", "floor"} { // what both are held against; an old commit has not all of it
		if err := os.Symlink(filepath.Join(here, ".bin", program), filepath.Join(there, ".bin", program)); err != nil {
			return err
		}
	}
	var all figures.Beside
	for n := range rounds {
		turns := []func() error{
			func() error { return round(ctx, here, there, args, all.Before) },
			func() error { return round(ctx, here, here, args, all.After) },
		}
		for i := range turns { // which is first changes, so that a machine that becomes slower harms both
			fmt.Fprintf(os.Stderr, "round %d of %d, %s\n", n+1, rounds, []string{ref, "this tree"}[(i+n)%2])
			if err := turns[(i+n)%2](); err != nil {
				return errors.Join(err, all.Print(os.Stdout)) // what was measured is told all the same
			}
		}
	}
	return all.Print(os.Stdout)
}

// round measures the programs of a tree once, with the benchmark and the simulator that are here.
func round(ctx context.Context, here, tree string, args []string, read func(io.Reader) error) error {
	var out bytes.Buffer
	cmd := command(ctx, tree, filepath.Join(here, ".bin/bench"), append([]string{"-rounds", "1"}, args...)...)
	cmd.Env = append(os.Environ(), "BENCH_SIMULATOR="+filepath.Join(here, ".bin/syncd"))
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", tree, err, out.String())
	}
	return read(&out)
}

func do(ctx context.Context, dir, name string, args ...string) error {
	cmd := command(ctx, dir, name, args...)
	cmd.Stdout = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %v: %w", name, args, err)
	}
	return nil
}

// command is asked to end when ctx does, and waited for: the benchmark takes its Postgres away. It is in a group of its own, so that ^C reaches it once.
func command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	return cmd
}
