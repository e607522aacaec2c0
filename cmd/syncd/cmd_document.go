package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/documents"
	"syncd/internal/humanize"
	"syncd/internal/privatefile"
)

// documentArgs are the arguments of both commands that fetch a document of an order.
type documentArgs struct {
	Order  string `arg:"" help:"The order: Polar's id, or its invoice number as the mirror has it."`
	Output string `short:"o" placeholder:"FILE" help:"File for the PDF, - for standard output. By default a file in this directory, named after the document's number."`
	Force  bool   `help:"Overwrite the file if there is one."`
	mirrorFlags
}

type invoiceCmd struct {
	documentArgs
}

// Help is the long description of the command.
func (cmd *invoiceCmd) Help() string {
	return `An invoice exists once somebody has had Polar generate it, which fixes it for ever: syncd never does that. If there is none, the
exit code is 3. The file is written whole or not at all.`
}

func (cmd *invoiceCmd) Run(c *command) error { return cmd.run(c, "invoice", documents.Fetcher.Invoice) }

type receiptCmd struct {
	documentArgs
}

// Help is the long description of the command.
func (cmd *receiptCmd) Help() string {
	return `Polar renders a receipt at the first request. syncd requests only receipts of orders that have a receipt number, and waits
up to a minute. If there is no receipt, or none after that time, the exit code is 3. The file is written whole or not at all.`
}

func (cmd *receiptCmd) Run(c *command) error {
	return cmd.run(c, "receipt", func(f documents.Fetcher, ctx context.Context, order string) (documents.Document, error) {
		return f.Receipt(ctx, order, time.Second)
	})
}

func (a *documentArgs) run(c *command, kind string, fetch func(documents.Fetcher, context.Context, string) (documents.Document, error)) error {
	cfg, log, err := c.config(config.GroupDatabase, config.GroupPolar)
	if err := errors.Join(err, a.checkWritable(a.Output)); err != nil {
		return usageError(err)
	}
	ctx, release := c.interruptible()
	defer release()
	tuneMemory(1)
	org, err := daemon.Open(ctx, cfg, c.opening(log))
	if err != nil {
		return daemon.InterruptionOr(ctx, err)
	}
	defer org.Close()
	if err := org.Store.CheckSchema(ctx); err != nil {
		return daemon.InterruptionOr(ctx, err)
	}
	doc, err := fetch(documents.Fetcher{Client: org.Client, Store: org.Store, Log: log}, ctx, a.Order)
	switch {
	case errors.Is(err, documents.ErrNoDocument):
		return &exitError{exitPartial, err}
	case err != nil:
		return daemon.InterruptionOr(ctx, fmt.Errorf("%s of order %s: %w", kind, a.Order, err))
	case a.Output == "-":
		_, err := c.stdout.Write(doc.PDF)
		return err
	}
	path := a.Output
	if path == "" {
		path = fileName(kind, doc)
		if err := a.checkWritable(path); err != nil {
			return usageError(err)
		}
	}
	if err := privatefile.Write(path, doc.PDF, a.Force); errors.Is(err, fs.ErrExist) {
		return usageError(errExists(path))
	} else if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.stdout, "%s of order %s: %s, %s bytes\n", kind, doc.Order, path, humanize.Count(len(doc.PDF)))
	return err
}

// checkWritable refuses a path that could not be written, before any request.
func (a *documentArgs) checkWritable(path string) error {
	if path == "" || path == "-" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a directory: name a file in it", path)
	case err == nil && !a.Force:
		return errExists(path)
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fmt.Errorf("the directory of %s does not exist: make it first", path)
	}
	return nil
}

func errExists(path string) error { return fmt.Errorf("%s exists: --force overwrites it", path) }

// fileName is invoice-NUMBER.pdf, with characters that are safe in file names everywhere.
func fileName(kind string, doc documents.Document) string {
	number := doc.Number
	if number == "" {
		number = doc.Order.String()
	}
	number = strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", r) {
			return r
		}
		return '_'
	}, number)
	return kind + "-" + number + ".pdf"
}
