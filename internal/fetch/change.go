package fetch

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// credentials holds the token in use and the tokens used before: an answer may repeat any of them.
type credentials struct {
	mu     sync.Mutex
	tokens []string // the last is in use
}

func (c *credentials) current() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tokens[len(c.tokens)-1]
}

func (c *credentials) replace(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens = append(slices.DeleteFunc(c.tokens, func(t string) bool { return t == token }), token)
}

// redact removes the tokens from text that the server sent.
func (c *credentials) redact(text string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, token := range c.tokens {
		text = strings.ReplaceAll(text, token, "[token]")
	}
	return text
}

// SetToken replaces the token: every further attempt carries the new one.
func (c *Client) SetToken(token string) error {
	if err := checkToken(token); err != nil {
		return err
	}
	c.tokens.replace(token)
	return nil
}

// SetLimits changes the budget (see Config.RequestsPerMinute) and how long requests wait for a Polar that is away (see
// Config.Patience).
func (c *Client) SetLimits(requestsPerMinute int, patience time.Duration) {
	c.limiter.SetBudget(max(0, or(requestsPerMinute, defaultBudget(c.base))), patience)
}
