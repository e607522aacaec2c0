package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// child is syncd as a process of its own.
type child struct {
	cmd    *exec.Cmd
	ended  chan struct{} // closed when it has ended and err is set
	err    error         // how it ended
	listen chan string   // holds the address that it listens on, once it does
	last   string        // line of its log
}

// start starts the program once more, on the demo's database and Polar and with no setting from elsewhere.
func (d *demo) start(ctx context.Context, args ...string) (*child, error) {
	c := &child{cmd: exec.CommandContext(ctx, d.Program, args...), ended: make(chan struct{}), listen: make(chan string, 1)}
	c.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "SYNCD_") || strings.HasPrefix(s, "POLAR_") }),
		"SYNCD_DATABASE_URL="+d.dsn, "SYNCD_SCHEMA="+d.cfg.Schema, "POLAR_SERVER="+d.sim.URL, "POLAR_ACCESS_TOKEN="+d.cfg.AccessToken.Reveal())
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the demo, which ends it
	log, err := c.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s %s: %w", d.Program, args[0], err)
	}
	go func() {
		defer close(c.ended)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if at := listening(lines.Bytes()); at != "" {
				c.listen <- at
			}
			c.last = lines.Text()
		}
		if err := c.cmd.Wait(); err != nil {
			c.err = fmt.Errorf("%s %s: %w: %s", d.Program, args[0], err, c.last)
		}
	}()
	return c, nil
}

// over is closed when the child has ended; without a child never.
func (c *child) over() <-chan struct{} {
	if c == nil {
		return nil
	}
	return c.ended
}

// kill ends the child with SIGKILL, and waits for its end. One that has ended by itself is no error.
func (c *child) kill() error { return c.end(syscall.SIGKILL) }

// stop asks the child to end, and waits until it does.
func (c *child) stop() error { return c.end(syscall.SIGTERM) }

func (c *child) end(s syscall.Signal) error {
	if c == nil {
		return nil
	}
	err := c.cmd.Process.Signal(s)
	<-c.ended
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}
