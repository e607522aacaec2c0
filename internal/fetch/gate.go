package fetch

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"syncd/internal/fetch/limit"
)

// gate sends an attempt when the limiter says that it is its turn, and tells the limiter what came of it.
type gate struct {
	limiter *limit.Limiter
	next    http.RoundTripper
}

func (g gate) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	lead, err := g.limiter.WaitTurn(ctx)
	if err != nil {
		return nil, err
	}
	sent := time.Now()
	resp, err := g.next.RoundTrip(req)
	verdict := g.limiter.EndTurn(ctx, lead, sent, said(ctx, resp, err))
	if made, counted := ctx.Value(callKey{}).(*call); counted && verdict.Waits {
		made.waits = true
		if verdict.Lasting {
			made.outage++
		}
	}
	return resp, err
}

// said is what came of an attempt, as the limiter has it.
func said(ctx context.Context, resp *http.Response, err error) limit.Answer {
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

// errStatus is an answer that speaks of what stands before Polar, and not of the request.
type errStatus struct{ status int }

func (e *errStatus) Error() string { return fmt.Sprintf("answered with %d", e.status) }

// unanswered is why an attempt had no answer from Polar; nil = it had one, or nobody waits for it any more.
func unanswered(ctx context.Context, resp *http.Response, err error) error {
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil && retryable(err):
		return err
	case err != nil || resp.StatusCode <= http.StatusInternalServerError: // 500 is Polar's own, and about the rows that were asked for
		return nil
	case resp.StatusCode == http.StatusGatewayTimeout && ctx.Value(attemptsKey{}) != nil: // what is heavy may have taken too long
		return nil
	}
	return &errStatus{resp.StatusCode}
}

// DefaultLimit is how many requests a minute Polar allows an organization by default: 500, in the sandbox 100. Groups with
// other limits cannot be told from outside.
func (c *Client) DefaultLimit() int { return 2 * defaultBudget(c.base) }

// SustainedRate is how many requests a minute the budget sustains; 0 without a budget.
func (c *Client) SustainedRate() float64 { return limit.SustainedRate(c.Budget().PerMinute) }

// Budget tells how the budget stands.
func (c *Client) Budget() limit.Budget {
	b := c.limiter.Budget()
	b.Retries = c.exchange.retries.Load()
	return b
}

// ShareBudget makes the client draw on a budget that it has in common with other processes. It is called before the first
// request. A client without a budget shares none.
func (c *Client) ShareBudget(b limit.SharedBudget) { c.limiter.ShareBudget(b) }
