package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"time"

	"syncd/internal/fetch/limit"
	"syncd/internal/humanize"
)

// Spool is an answer kept in a file: an export may be larger than memory, and no row of it counts before its end was seen. Where
// the system allows it, the file is already unlinked, so that a crash leaves nothing behind.
type Spool struct {
	Query       url.Values // the query that was sent
	RequestedAt time.Time  // when the successful attempt was sent
	Requests    int        // HTTP attempts, retries included

	file     *os.File
	leftover string // name of the file, where it could not be removed while open
}

// Read reads the answer on from where it stands.
func (s *Spool) Read(p []byte) (int, error) { return s.file.Read(p) }

// Close releases the file.
func (s *Spool) Close() error {
	err := s.file.Close()
	if s.leftover != "" {
		err = errors.Join(err, os.Remove(s.leftover))
	}
	return err
}

// errLocal is a failure of this machine that another attempt would meet again.
type errLocal struct {
	cause  error
	remedy string
}

func (e *errLocal) Error() string { return e.cause.Error() }
func (e *errLocal) Unwrap() error { return e.cause }

// exportAttempts bounds the attempts at one export: each makes Polar compute the whole file.
const exportAttempts = 3

// SpoolCSV reads a CSV file into a temporary file and returns it rewound. It calls check with each complete file: an error of
// check fails the request, except io.ErrUnexpectedEOF, which means that the file was cut short and is worth another attempt. The
// error is an *Error; the Spool then tells what the attempts cost, and there is nothing to read or close.
func (c *Client) SpoolCSV(ctx context.Context, path string, query url.Values, check func(io.Reader) error) (*Spool, error) {
	s := &Spool{Query: c.WithOrganization(query)}
	dir := or(c.cfg.ExportDir, os.TempDir())
	local := func(err error) error {
		return &errLocal{fmt.Errorf("keep the export in a temporary file: %w", err),
			"make room in " + dir + ", or let TMPDIR name a directory that has some"}
	}
	file, err := os.CreateTemp(dir, "syncd-export-*.csv")
	if err != nil {
		fail := &Error{Op: "read an export", Method: http.MethodGet, Server: c.Server(), Path: path, Query: s.Query}
		c.classify(ctx, fail, nil, local(err))
		return s, fail
	}
	s.file = file
	if os.Remove(file.Name()) != nil {
		s.leftover = file.Name()
	}
	ctx = limit.WithPriority(ctx, limit.PriorityExport)
	ctx = context.WithValue(context.WithValue(ctx, idleKey{}, c.cfg.ExportIdle), attemptsKey{}, exportAttempts)
	made, err := c.send(ctx, "read an export", path, s.Query, func(resp *http.Response) error {
		defer resp.Body.Close() //nolint:errcheck // an error after the last byte changes nothing
		contentType := resp.Header.Get("Content-Type")
		if media, _, err := mime.ParseMediaType(contentType); err != nil || media != "text/csv" {
			return &errUnreadable{fmt.Errorf("no CSV, but content type %q", humanize.Line(contentType, 80))}
		}
		if err := rewind(file); err != nil {
			return local(err)
		}
		n, err := io.Copy(writerOf{file}, resp.Body)
		if full, is := errors.AsType[*errWrite](err); is {
			return local(full.cause)
		}
		if err != nil {
			return fmt.Errorf("the export broke off after %d bytes: %w", n, err)
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return local(err)
		}
		if err := check(file); err != nil {
			return &errUnreadable{err}
		}
		return nil
	})
	s.RequestedAt, s.Requests = made.sent, made.attempts
	if err != nil {
		return s, errors.Join(err, s.Close())
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return s, errors.Join(err, s.Close())
	}
	return s, nil
}

// rewind empties a file that holds part of an earlier attempt.
func rewind(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.Seek(0, io.SeekStart)
	return err
}

// writerOf marks errors of writing, so that they are told from errors of reading.
type writerOf struct{ w io.Writer }

type errWrite struct{ cause error }

func (e *errWrite) Error() string { return e.cause.Error() }

func (w writerOf) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if err != nil {
		return n, &errWrite{err}
	}
	return n, nil
}
