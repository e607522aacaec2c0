package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/hashicorp/go-retryablehttp"

	"syncd/internal/fetch/limit"
	"syncd/internal/humanize"
)

const (
	versionHeader      = "Polar-Version"
	organizationHeader = "Polar-Organization"
)

// Client reads from one Polar server with one token within one budget. It is safe for use by many goroutines.
type Client struct {
	cfg      Config
	base     *url.URL
	retrier  *retryablehttp.Client
	limiter  *limit.Limiter
	exchange *exchange
	tokens   *credentials
	versions versions
	owned    *http.Transport // nil when the caller brought its own transport
	echo     atomic.Pointer[string]
	warned   atomic.Bool // true once syncd has warned of another version
}

// New makes a Client and sends nothing. Its error names everything that is wrong with the configuration.
func New(cfg Config) (*Client, error) {
	cfg, base, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, base: base, tokens: &credentials{tokens: []string{cfg.Token}}, versions: versions{asked: cfg.Version, inUse: cfg.Version}}
	transport := cfg.Transport
	if transport == nil {
		c.owned = NewTransport(16) // streams are read in parallel
		transport = c.owned
	}
	c.exchange = &exchange{next: transport, timeout: cfg.AttemptTimeout, log: cfg.Log, stamp: byMachine, observe: cfg.Observe}
	if cfg.Now == nil {
		c.cfg.Now = c.exchange.polar.now
	}
	c.limiter = limit.New(limit.Config{PerMinute: cfg.RequestsPerMinute, Window: cfg.Window, MaxPause: cfg.MaxPause, Patience: cfg.Patience, Backoff: cfg.Backoff, Log: cfg.Log})
	c.retrier = newRetrier(cfg, gate{c.limiter, c.exchange, cfg}, c.prepare)
	return c, nil
}

// NewTransport makes a transport that keeps so many idle connections: all lead to one host.
func NewTransport(idle int) *http.Transport {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	transport = transport.Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, idle
	return transport
}

// Close closes the idle connections of a transport that New made.
func (c *Client) Close() {
	if c.owned != nil {
		c.owned.CloseIdleConnections()
	}
}

// Requests is the number of HTTP attempts so far, retries included.
func (c *Client) Requests() int64 { return c.exchange.requests.Load() }

// AnsweredAt is when the server last answered; a refusal counts. It is zero before the first answer. A 5xx does not count: a
// proxy sends one in place of a server that is down.
func (c *Client) AnsweredAt() time.Time {
	if at := c.exchange.answered.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

// VersionEcho is the Polar-Version header of the last answer that had one; empty before. It differs from the requested version
// when the server does not serve that one.
func (c *Client) VersionEcho() string {
	if echo := c.echo.Load(); echo != nil {
		return *echo
	}
	return ""
}

// Server is the scheme and host of the API, for messages.
func (c *Client) Server() string { return c.base.Scheme + "://" + c.base.Host }

// ActsOn is the organization that each request names; "" = none.
func (c *Client) ActsOn() string { return c.cfg.ActsOn }

// Page is one list response.
type Page struct {
	// Items are the raw items in wire order. They are slices of one buffer that belongs to this page: keeping one item keeps the
	// whole buffer in memory.
	Items []jsontext.Value
	// Checked is true when every item is valid JSON, escapes included. A page with an invalid item is returned too, with Checked
	// false.
	Checked bool
	// TotalCount is the number of rows that match the query. The server counts them just before it reads the page. It is -1 where
	// the endpoint does not say.
	TotalCount  int
	MaxPage     int        // ceil(TotalCount / the limit that the server applied); 0 when empty
	RequestedAt time.Time  // when the successful attempt was sent; it decides which of two answers is newer
	Requests    int        // HTTP attempts that this page cost, retries included
	Query       url.Values // the query that was sent, for error messages
	// Gaps are rows of this page that the server cannot render. See Client.SalvagePage.
	Gaps []Gap
}

// Body is one JSON body.
type Body struct {
	Value       jsontext.Value // belongs to this Body alone
	RequestedAt time.Time      // when the successful attempt was sent
	Requests    int            // HTTP attempts, retries included
}

// Page reads one page of a list: GET path with exactly this query. An empty organization_id is filled in from the configuration.
// Errors are *Error; the Page then still tells what the attempts cost.
func (c *Client) Page(ctx context.Context, path string, query url.Values) (Page, error) {
	p := Page{Query: c.WithOrganization(query)}
	made, err := c.do(ctx, "read a page", path, p.Query, func(body []byte) (err error) {
		p.Items, p.TotalCount, p.MaxPage, p.Checked, err = splitPage(body)
		return err
	})
	p.RequestedAt, p.Requests = made.sent, made.attempts
	return p, err
}

// Get reads one JSON body of any shape: an object by id, a bare array, metrics. Otherwise it works as Page does.
func (c *Client) Get(ctx context.Context, path string, query url.Values) (Body, error) {
	var b Body
	made, err := c.do(ctx, "read", path, c.WithOrganization(query), func(body []byte) error {
		b.Value = body
		return checkValue(body)
	})
	b.RequestedAt, b.Requests = made.sent, made.attempts
	if err != nil {
		b.Value = nil
	}
	return b, err
}

// ReadBody reads one JSON body that is not a page of a list. It calls take with the body of each attempt. An error of take fails
// the request, except io.ErrUnexpectedEOF: that body was cut short and is worth another attempt. The Page has no items and no
// counts. It tells what was asked, when, and what that cost, even with an error. Errors are *Error.
func (c *Client) ReadBody(ctx context.Context, path string, query url.Values, take func(body []byte) error) (Page, error) {
	p := Page{TotalCount: -1, Query: c.WithOrganization(query)}
	made, err := c.do(ctx, "read", path, p.Query, take)
	p.RequestedAt, p.Requests = made.sent, made.attempts
	return p, err
}

// WithOrganization returns the query as it is sent: an empty organization_id becomes the configured one, or is left out where
// none is configured. The caller's map is not changed.
func (c *Client) WithOrganization(query url.Values) url.Values {
	query = maps.Clone(query)
	if wanted := query["organization_id"]; len(wanted) == 1 && wanted[0] == "" {
		delete(query, "organization_id")
		if c.cfg.OrganizationID != "" {
			query.Set("organization_id", c.cfg.OrganizationID)
		}
	}
	return query
}

// do sends GET path?query until decode accepts a body, or until another attempt would not help.
func (c *Client) do(ctx context.Context, op, path string, query url.Values, decode func([]byte) error) (call, error) {
	return c.send(ctx, op, path, query, func(resp *http.Response) error { return c.read(resp, decode) })
}

// send does the same for a body of any kind: take reads the body of a 200.
func (c *Client) send(ctx context.Context, op, path string, query url.Values, take func(*http.Response) error) (call, error) {
	ctx, done := stoppable(ctx)
	defer done()
	made := &call{began: time.Now()}
	fail := &Error{Op: op, Method: http.MethodGet, Server: c.Server(), Path: path, Query: query}
	req, err := c.request(context.WithValue(ctx, callKey{}, made), path, query)
	if err != nil {
		fail.Class, fail.Err = ClassContract, err
		return *made, fail
	}
	req.SetResponseHandler(func(resp *http.Response) error {
		c.noteVersion(ctx, made, resp)
		if resp.StatusCode != http.StatusOK {
			return nil // left open for the classification below
		}
		return take(resp)
	})
	resp, err := c.retrier.Do(req)
	fail.Attempts = made.attempts
	if resp != nil {
		defer resp.Body.Close() //nolint:errcheck //nolint:errcheck // the body is read as far as it matters; closing it twice is harmless
	}
	switch {
	case err == nil && resp.StatusCode == http.StatusOK:
		return *made, nil
	case err == nil:
		c.noteVersion(ctx, made, resp)
		body, err := io.ReadAll(io.LimitReader(resp.Body, mostOfError))
		fail.answer(resp, body)
		fail.Err = err
	default:
		c.classify(ctx, fail, resp, err)
	}
	fail.Detail = c.tokens.redact(fail.Detail)
	return *made, fail
}

// prepare makes a request ready for another attempt: it waits, then sets the token in use by then.
func (c *Client) prepare(req *http.Request) error {
	made, counted := req.Context().Value(callKey{}).(*call)
	if counted {
		sleep(req.Context(), made.wait)
	}
	req.Header = req.Header.Clone() // the previous attempt may still be reading it
	c.dress(req)
	if counted && made.unversioned {
		req.Header.Del(versionHeader)
	}
	return nil
}

// dress sets the headers that may change from one attempt to the next.
func (c *Client) dress(req *http.Request) {
	req.Header.Set("Authorization", "Bearer "+c.tokens.current())
	req.Header.Set(versionHeader, c.Version())
	if c.cfg.ActsOn != "" {
		req.Header.Set(organizationHeader, c.cfg.ActsOn)
	}
}

func (c *Client) request(ctx context.Context, path string, query url.Values) (*retryablehttp.Request, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("the path %q does not begin with a slash", path)
	}
	target, err := url.Parse(c.base.String() + path)
	if err != nil {
		return nil, fmt.Errorf("the path %q: %w", path, err)
	}
	if target.RawQuery != "" || target.ForceQuery || target.Fragment != "" {
		return nil, fmt.Errorf("the path %q carries a query", path)
	}
	target.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	c.dress(req)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	return retryablehttp.FromRequest(req)
}

// read reads the body of a 200 and decodes it.
func (c *Client) read(resp *http.Response, decode func([]byte) error) error {
	defer resp.Body.Close() //nolint:errcheck // an error after the last byte changes nothing
	if !isJSON(resp) {
		return &errUnreadable{fmt.Errorf("no JSON, but content type %q", humanize.Line(resp.Header.Get("Content-Type"), 80))}
	}
	body, err := readBody(resp, c.cfg.MaxBody)
	if err != nil {
		return err
	}
	if err := decode(body); err != nil {
		return &errUnreadable{err}
	}
	return nil
}

func isJSON(resp *http.Response) bool {
	media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

func readBody(resp *http.Response, most int64) ([]byte, error) {
	if resp.ContentLength > most {
		return nil, &errUnreadable{&errTooLarge{fmt.Sprintf("of %d bytes, more than the %d accepted", resp.ContentLength, most)}}
	}
	const firstGuess = 512 << 10
	size := resp.ContentLength
	if size < 0 {
		size = min(firstGuess, most)
	}
	body := make([]byte, 0, size+1) // one byte more, so that the end is seen without growing
	for {
		n, err := resp.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > most:
			return nil, &errUnreadable{&errTooLarge{fmt.Sprintf("of more than the %d bytes accepted", most)}}
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, fmt.Errorf("the body broke off after %d bytes: %w", len(body), err)
		case len(body) == cap(body):
			body = slices.Grow(body, len(body))
		}
	}
}

// errTooLarge is a body that exceeds Config.MaxBody and is not read to its end.
type errTooLarge struct{ size string }

func (e *errTooLarge) Error() string { return "a body " + e.size }

// classify fills in an error whose class the status of an answer does not tell.
func (c *Client) classify(ctx context.Context, fail *Error, resp *http.Response, err error) {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // the text of url.Error repeats the whole address
	}
	if resp != nil {
		fail.Status, fail.RequestID = resp.StatusCode, requestID(resp.Header)
	}
	fail.Err = err
	redirected, isRedirect := errors.AsType[*errRedirected](err)
	local, isLocal := errors.AsType[*errLocal](err)
	strange, isForeign := errors.AsType[*errForeign](err)
	unreadable, isUnreadable := errors.AsType[*errUnreadable](err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case ctx.Err() != nil:
		fail.Class, fail.Err = ClassCanceled, ctx.Err()
		if cause := context.Cause(ctx); !errors.Is(ctx.Err(), cause) {
			fail.Err = fmt.Errorf("%w: %w", ctx.Err(), cause)
		}
	case isLocal:
		fail.Class, fail.Err, fail.Remedy = ClassLocal, local, local.remedy
	case isRedirect:
		fail.Class, fail.Err = ClassContract, redirected
		fail.Remedy = "syncd follows no redirect, as that would pass the token on: check that POLAR_SERVER is the exact address of the API"
	case isUnreadable && !unreadable.truncated():
		fail.Class = ClassContract
		fail.Remedy = "check that POLAR_SERVER is the address of a Polar API and that no proxy answers in its place"
	case isForeign:
		fail.Class, fail.Status, fail.Err = ClassTransient, strange.status, strange
		fail.Remedy = "something in front of Polar answered in its place: check the address in POLAR_SERVER and the proxies on the way"
	case isCertificate:
		fail.Class = ClassContract
		fail.Remedy = "check the address in POLAR_SERVER and the certificate authorities of this machine"
	default:
		fail.Class = ClassTransient
		fail.Remedy = "check the network and the address in POLAR_SERVER, or try again later"
	}
}

// noteVersion records the version that the server says it answered in. It warns the first time that this is not the requested
// one.
func (c *Client) noteVersion(ctx context.Context, made *call, resp *http.Response) {
	echo := resp.Header.Get(versionHeader)
	if made.unversioned && echo != "" {
		c.adopt(ctx, humanize.Line(echo, 40))
	}
	if echo == "" || echo == c.VersionEcho() {
		return
	}
	c.echo.Store(&echo)
	if echo != c.Version() && c.warned.CompareAndSwap(false, true) {
		c.cfg.Log.WarnContext(ctx, "Polar answers in another version of its API than the requested one",
			slog.String("asked", c.cfg.Version), slog.String("answered", humanize.Line(echo, 40)))
	}
}
