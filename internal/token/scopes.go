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
	Name    string
	Path    string   // where it is asked for
	Streams []string // that need it
	Lacking bool
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
			s.Lacking, err = IsLacking(ctx, c, s.Path)
			return err
		})
	}
	return asked, g.Wait()
}

// IsLacking tells whether the token of a client lacks the scope of a path. It asks for one row of it.
func IsLacking(ctx context.Context, c *fetch.Client, path string) (bool, error) {
	_, err := c.Get(ctx, parameter.ReplaceAllString(path, uuid.Nil.String()), url.Values{"limit": {"1"}})
	failed, is := errors.AsType[*fetch.Error](err)
	switch {
	case err == nil, errors.Is(err, fetch.ErrNotFound):
		return false, nil
	case errors.Is(err, fetch.ErrScope):
		return true, nil
	case is && (failed.Status == http.StatusBadRequest || failed.Status == http.StatusUnprocessableEntity):
		return false, nil
	}
	return false, err
}

// lack begins the reason of a stream whose scope the token lacks.
const lack = "the token lacks "

// Lack is the reason why a stream is not mirrored.
func Lack(scope string) string { return lack + scope }

// Lacked is the scope that a reason names; false if it is another reason.
func Lacked(reason string) (scope string, is bool) {
	scope, is = strings.CutPrefix(reason, lack)
	return scope, is && !strings.ContainsAny(scope, " ;,")
}

// Add adds a stream to those that need a scope.
func Add(list []Scope, one Scope, stream string) []Scope {
	i := slices.IndexFunc(list, func(s Scope) bool { return s.Name == one.Name })
	if i < 0 {
		list, i = append(list, one), len(list)
	}
	list[i].Streams = append(list[i].Streams, stream)
	return list
}

// Sum says in one line which scopes a token lacks and what that costs; "" = it lacks none.
func Sum(scopes []Scope) string {
	var lacks, streams []string
	for _, s := range scopes {
		if s.Lacking {
			lacks, streams = append(lacks, s.Name), append(streams, s.Streams...)
		}
	}
	if len(lacks) == 0 {
		return ""
	}
	return lack + strings.Join(lacks, ", ") + "; these streams are not mirrored: " + strings.Join(streams, ", ")
}

// SumReasons is the Sum of streams with their reasons; other reasons are left out.
func SumReasons(each func(yield func(stream, reason string))) string {
	var list []Scope
	each(func(stream, reason string) {
		if scope, is := Lacked(reason); is {
			list = Add(list, Scope{Name: scope, Lacking: true}, stream)
		}
	})
	return Sum(list)
}
