package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
)

// RawClient sends single requests and gives their answers as they came, whatever these are: refusals, redirects and bodies that
// are no JSON. It is for who compares servers. It draws on the budget of its Client.
type RawClient struct{ client *Client }

// NewRawClient makes a RawClient of a Client.
func NewRawClient(c *Client) *RawClient { return &RawClient{c} }

// RawRequest is one request of a RawClient.
type RawRequest struct {
	Method  string // "" = GET
	Path    string
	Query   url.Values
	Version string // Polar-Version; "" = that of the Client
	// Token takes the place of the Client's; NoToken sends none at all.
	Token string
	// Most is how many bytes of the body are read; 0 = all, up to what the Client accepts. The rest is left unread, and the
	// connection closed: so the header of a CSV file costs no whole file.
	Most int64
}

// NoToken as the Token of a RawRequest sends a request without one.
const NoToken = "-"

// RawAnswer is what came.
type RawAnswer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Send asks, and again where there was no answer of Polar's: after 429, 502, 503, 504 and a broken connection, as often as
// its Client would. A 500 is Polar's own and is given like any answer. Redirects are not followed. An error is an *Error, and
// stands where no attempt had an answer.
func (r *RawClient) Send(ctx context.Context, ask RawRequest) (RawAnswer, error) {
	c := r.client
	fail := &Error{Op: "read", Method: or(ask.Method, http.MethodGet), Server: c.Server(), Path: ask.Path, Query: ask.Query}
	for {
		answer, resp, err := r.once(ctx, ask) //nolint:bodyclose // once has closed it
		fail.Attempts++
		most := c.cfg.MaxAttempts
		if resp != nil && resp.StatusCode == http.StatusTooManyRequests {
			most = refusedFor // the limiter waits before each of them
		}
		if again := repeatable(ctx, resp, err); again && fail.Attempts < most {
			if resp == nil || resp.StatusCode != http.StatusTooManyRequests {
				sleep(ctx, backoff(c.cfg, fail.Attempts, resp))
			}
			continue
		} else if !again && err == nil {
			return answer, nil
		}
		if err == nil {
			fail.answer(resp, answer.Body)
		} else {
			c.classify(ctx, fail, resp, err)
		}
		fail.Detail = c.tokens.redact(fail.Detail)
		return RawAnswer{}, fail
	}
}

// repeatable tells an attempt that says nothing of what was asked for.
func repeatable(ctx context.Context, resp *http.Response, err error) bool {
	if err != nil {
		return ctx.Err() == nil && retryable(err)
	}
	return resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode > http.StatusInternalServerError
}

// rawKey is the key under which a context says that answers are wanted as they came.
type rawKey struct{}

// once makes one attempt, when it is its turn.
func (r *RawClient) once(ctx context.Context, ask RawRequest) (RawAnswer, *http.Response, error) {
	c := r.client
	wrapped, err := c.request(context.WithValue(ctx, rawKey{}, true), ask.Path, ask.Query)
	if err != nil {
		return RawAnswer{}, nil, err
	}
	req := wrapped.Request
	req.Method = or(ask.Method, http.MethodGet)
	if ask.Version != "" {
		req.Header.Set(versionHeader, ask.Version)
	}
	switch ask.Token {
	case "":
	case NoToken:
		req.Header.Del("Authorization")
	default:
		req.Header.Set("Authorization", "Bearer "+ask.Token)
	}
	resp, err := gate{c.limiter, c.exchange, c.cfg}.RoundTrip(req)
	if err != nil {
		return RawAnswer{}, nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read as far as it matters
	a := RawAnswer{Status: resp.StatusCode, Header: resp.Header}
	if ask.Most > 0 {
		a.Body, err = io.ReadAll(io.LimitReader(resp.Body, ask.Most))
	} else {
		a.Body, err = readBody(resp, c.cfg.MaxBody)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = &errUnreadable{err}
	}
	return a, resp, err
}
