package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"syncd/internal/fetch/limit"
	"syncd/internal/humanize"
)

// gate sends an attempt when the limiter gives it a turn, and reports the outcome to the limiter.
type gate struct {
	limiter *limit.Limiter
	next    http.RoundTripper
	cfg     Config
}

func (g gate) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	made, counted := ctx.Value(callKey{}).(*call)
	over := g.cfg.Waits(fmt.Sprintf("waiting for a turn to ask %s (budget: %d requests a minute)", req.URL.Host, g.cfg.RequestsPerMinute))
	lead, err := g.limiter.WaitTurn(ctx)
	over(false)
	if err != nil {
		return nil, err
	}
	sent := time.Now()
	over = g.cfg.Waits(g.asking(req, made))
	resp, err := g.next.RoundTrip(req)
	over(err == nil && resp.StatusCode < http.StatusInternalServerError)
	verdict := g.limiter.EndTurn(ctx, lead, sent, limitAnswer(ctx, resp, err))
	if counted {
		made.failed, made.alone = inShort(resp, err), nobodyThere(err)
	}
	if counted && verdict.Waits {
		made.waits = true
		if verdict.Lasting {
			made.outage++
		}
	}
	return resp, err
}

// asking says which attempt of a request is made, and what became of the last one.
func (g gate) asking(req *http.Request, made *call) string {
	text := "asking " + req.URL.Scheme + "://" + req.URL.Host
	switch {
	case made == nil || made.attempts == 0:
		return text
	case made.outage > 0: // which are not counted
		return text + " again: " + made.failed
	}
	most := g.cfg.MaxAttempts
	if g.cfg.Hasty && made.alone {
		most = hastyAttempts
	}
	return fmt.Sprintf("%s, attempt %d of %d: %s", text, made.attempts+1, max(most, made.attempts+1), made.failed)
}

// inShort says in a few words why an attempt had no answer, or with which status it had one.
func inShort(resp *http.Response, err error) string {
	var dns *net.DNSError
	var refused syscall.Errno
	switch {
	case errors.As(err, &dns):
		return dns.Err
	case errors.As(err, &refused):
		return refused.Error()
	case err != nil:
		return humanize.Line(err.Error(), 100)
	}
	return (&errStatus{resp.StatusCode}).Error()
}

// limitAnswer is the outcome of an attempt in the limiter's terms.
func limitAnswer(ctx context.Context, resp *http.Response, err error) limit.Answer {
	a := limit.Answer{Away: unanswered(ctx, resp, err)}
	if err != nil {
		return a
	}
	a.Wait = retryAfter(resp)
	switch status := resp.StatusCode; {
	case status == http.StatusTooManyRequests:
		a.Outcome = limit.Refused
	case status == http.StatusUnauthorized || status >= http.StatusInternalServerError:
		a.Outcome = limit.Answered
	default:
		a.Outcome = limit.Granted
	}
	return a
}

// errStatus is an answer that comes from what stands in front of Polar and says nothing about the request.
type errStatus struct{ status int }

func (e *errStatus) Error() string { return fmt.Sprintf("answered with %d", e.status) }

// unanswered is why an attempt got no answer from Polar. nil = it got one, or nobody waits for it any more.
func unanswered(ctx context.Context, resp *http.Response, err error) error {
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil && retryable(err):
		return err
	// A 500 is Polar's own, and about the requested rows.
	case err != nil || resp.StatusCode <= http.StatusInternalServerError:
		return nil
	// A heavy request may have taken too long: that is no outage.
	case resp.StatusCode == http.StatusGatewayTimeout && ctx.Value(attemptsKey{}) != nil:
		return nil
	}
	return &errStatus{resp.StatusCode}
}

// DefaultLimit is how many requests a minute Polar allows an organization by default: 500, in the sandbox 100. The API does not
// tell which organizations have other limits.
func (c *Client) DefaultLimit() int { return 2 * defaultBudget(c.base) }

// SustainedRate is how many requests a minute the budget sustains; 0 without a budget.
func (c *Client) SustainedRate() float64 { return limit.SustainedRate(c.Budget().PerMinute) }

// Budget returns the state of the budget.
func (c *Client) Budget() limit.Budget {
	b := c.limiter.Budget()
	b.Retries = c.exchange.retries.Load()
	return b
}

// ShareBudget makes the client draw on a budget shared with other processes. Call it before the first request. A client without a
// budget shares none.
func (c *Client) ShareBudget(b limit.SharedBudget) { c.limiter.ShareBudget(b) }
