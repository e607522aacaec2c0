package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"syncd/internal/daemon"
)

type healthCmd struct {
	Ready bool `help:"Ask whether it can work, and not only whether it is alive."`
	serveFlags
}

// Help is the long description of the command.
func (cmd *healthCmd) Help() string {
	return `For container images and supervisors, which may have no other client of HTTP. Exit code 0: yes; 2: no, or no daemon answers.`
}

func (cmd *healthCmd) Run(c *command) error {
	cfg, _, err := c.config()
	if err != nil {
		return usageError(err)
	}
	if cfg.Listen == "" {
		return usageError(errors.New("listen is off: a daemon without an address cannot be asked"))
	}
	host, port, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return usageError(fmt.Errorf("listen: %w", err))
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost" // a daemon that listens everywhere listens here
	}
	url := "http://" + net.JoinHostPort(host, port) + "/healthz"
	if cmd.Ready {
		url = "http://" + net.JoinHostPort(host, port) + "/readyz"
	}
	ctx, release := c.interruptible()
	defer release()
	return daemon.InterruptionOr(ctx, askHealth(ctx, c.stdout, url))
}

// askHealth prints what a daemon answers, and fails unless that is 200.
func askHealth(ctx context.Context, w io.Writer, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return fmt.Errorf("no daemon answers at %s: %w", url, errors.Unwrap(err))
	}
	defer func() { _ = resp.Body.Close() }() // it was read to its end, or the error says why not
	if _, err := io.Copy(w, io.LimitReader(resp.Body, 1<<16)); err != nil {
		return fmt.Errorf("read the answer of %s: %w", url, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return nil
}
