package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/humanize"
)

// ErrRendering: Polar answered 202. It is still making the document; ask again later.
var ErrRendering = errors.New("still being rendered")

// downloads bounds the attempts to get a file. Each begins with a new link, since links expire.
const downloads = 3

// DownloadDocument reads the PDF that GET path leads to. Polar answers with {"url": ...}, a presigned link to a file store that
// is valid for ten minutes (polarsource/polar, server/polar/integrations/aws/s3/service.py). The link is a secret: it is
// requested without the token, appears in no log line and no error, and no redirect of it is followed. The error is ErrRendering
// when Polar answers 202; other errors are *Error.
func (c *Client) DownloadDocument(ctx context.Context, path string) ([]byte, error) {
	ctx, done := stoppable(ctx)
	defer done()
	for attempt := 1; ; attempt++ {
		file, err := c.document(ctx, path)
		failed, is := errors.AsType[*Error](err)
		if !is || failed.Op != opDownload || failed.Class != ClassTransient || attempt == downloads {
			return file, err
		}
		timer := time.NewTimer(c.cfg.Backoff(attempt))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			failed.Class, failed.Err = ClassCanceled, ctx.Err()
			return nil, failed
		}
	}
}

const opDownload = "download the file behind a link"

func (c *Client) document(ctx context.Context, path string) ([]byte, error) {
	body, err := c.Get(ctx, path, nil)
	if failed, is := errors.AsType[*Error](err); is && failed.Status == http.StatusAccepted {
		return nil, fmt.Errorf("%s: %w", path, ErrRendering)
	}
	if err != nil {
		return nil, err
	}
	fail := &Error{Op: opDownload, Method: http.MethodGet, Server: c.Server(), Path: path, Class: ClassContract, Attempts: 1,
		Remedy: "this syncd may be too old for the API: upgrade it, else report this message"}
	link, err := linkOf(body.Value)
	if err != nil {
		fail.Err = err
		return nil, fail
	}
	fail.Server = link.Scheme + "://" + link.Host
	file, err := c.download(ctx, link, fail)
	if err != nil {
		fail.Err = err
		if ctx.Err() != nil {
			fail.Class, fail.Err = ClassCanceled, ctx.Err()
		}
		return nil, fail
	}
	return file, nil
}

// linkOf reads {"url": ...}. Its errors never show the link.
func linkOf(body jsontext.Value) (*url.URL, error) {
	var answer struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal(body, &answer, lenient, jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, errors.New("the answer holds no link to a file")
	}
	link, err := url.Parse(answer.URL)
	switch {
	case err != nil || link.Host == "":
		return nil, errors.New("the answer holds no usable link to a file")
	case link.Scheme != "https" && (link.Scheme != "http" || !isLoopback(link.Hostname())):
		return nil, fmt.Errorf("the link to the file leads to %s://%s, which is not https", link.Scheme, link.Host)
	}
	return link, nil
}

// download reads the file. It sets the class and the status of fail.
func (c *Client) download(ctx context.Context, link *url.URL, fail *Error) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.AttemptTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link.String(), nil)
	if err != nil {
		return nil, errors.New("the answer holds no usable link to a file")
	}
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	client := &http.Client{
		Transport:     c.exchange.next,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		fail.Class, fail.Remedy = ClassTransient, "check the network and that this machine may reach the host of the file"
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // the text of url.Error repeats the whole link
		}
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read as far as it matters
	fail.Status = resp.StatusCode
	switch {
	case resp.StatusCode == http.StatusOK:
	// The link has expired or the file store is unwell: a new link may help.
	case resp.StatusCode == http.StatusForbidden, resp.StatusCode >= 500:
		fail.Class, fail.Remedy = ClassTransient, "try again later"
		return nil, errors.New("the file store did not give the file")
	default:
		return nil, errors.New("the file store did not give the file")
	}
	file, err := readBody(resp, c.cfg.MaxBody)
	if err != nil {
		if _, too := errors.AsType[*errUnreadable](err); !too {
			fail.Class, fail.Remedy = ClassTransient, "try again later"
		}
		return nil, err
	}
	if !bytes.HasPrefix(file, []byte("%PDF-")) {
		fail.Remedy = "a proxy may answer in place of the file store: check the network"
		return nil, fmt.Errorf("what came is no PDF, but %d bytes of %q", len(file), humanize.Line(resp.Header.Get("Content-Type"), 80))
	}
	return file, nil
}
