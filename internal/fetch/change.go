package fetch

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// credentials is the token that requests carry, and those that they carried before: an answer may repeat either.
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

// redact takes the tokens out of text that the server sent.
func (c *credentials) redact(text string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, token := range c.tokens {
		text = strings.ReplaceAll(text, token, "[token]")
	}
	return text
}

// SetToken makes every further attempt carry another token.
func (c *Client) SetToken(token string) error {
	if err := checkToken(token); err != nil {
		return err
	}
	c.tokens.replace(token)
	return nil
}

// SetLimits changes the budget, as Config.RequestsPerMinute has it, and the patience with a Polar that is away.
func (c *Client) SetLimits(requestsPerMinute int, patience time.Duration) {
	c.limiter.SetBudget(max(0, or(requestsPerMinute, defaultBudget(c.base))), patience)
}
