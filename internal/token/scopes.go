package token

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"syncd/internal/fetch"
)

// Scope is a scope that streams need, and whether a token has it.
type Scope struct {
	Name     string
	Path     string   // where it is asked for
	Streams  []string // that need it
	Optional bool     // Polar refuses the path to some kinds of tokens whatever their scopes
	Lacking  bool
}

// atOnce is how many scopes are asked for at a time.
const atOnce = 4

var parameter = regexp.MustCompile(`\{[a-z_]+\}`)

// Ask finds out which of the scopes the token of a client has, by one request for each.
//
// Polar looks at the scope of a token before it looks at parameters (polarsource/polar, server/polar/auth/dependencies.py). So any
// answer other than a refusal tells that the scope is there, even that a row does not exist or a parameter is missing.
func Ask(ctx context.Context, c *fetch.Client, scopes []Scope) ([]Scope, error) {
	asked := slices.Clone(scopes)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := range asked {
		g.Go(func() (err error) {
			s := &asked[i]
			s.Lacking, err = lacks(ctx, c, s.Path)
			if s.Optional && errors.Is(err, fetch.ErrAuth) {
				s.Lacking, err = true, nil
			}
			return err
		})
	}
	return asked, g.Wait()
}

// lacks asks for one row of a path.
func lacks(ctx context.Context, c *fetch.Client, path string) (bool, error) {
	_, err := c.Get(ctx, parameter.ReplaceAllString(path, uuid.Nil.String()), url.Values{"limit": {"1"}})
	failed, is := errors.AsType[*fetch.Error](err)
	switch {
	case err == nil, errors.Is(err, fetch.ErrNotFound):
		return false, nil
	case errors.Is(err, fetch.ErrScope):
		return true, nil
	case is && failed.Status == http.StatusUnprocessableEntity:
		return false, nil
	}
	return false, err
}

// Sum says in one line which scopes a token lacks and what that costs; "" = it lacks none.
func Sum(scopes []Scope) string {
	var lacks, streams []string
	for _, s := range scopes {
		if s.Lacking && !s.Optional {
			lacks, streams = append(lacks, s.Name), append(streams, s.Streams...)
		}
	}
	if len(lacks) == 0 {
		return ""
	}
	return "the token lacks " + strings.Join(lacks, ", ") + "; these streams are not mirrored: " + strings.Join(streams, ", ")
}
