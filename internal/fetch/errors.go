package fetch

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/humanize"
)

// The sentinel errors are as many as callers must act differently on. Every error that a Client returns is an *Error and matches
// exactly one of these, or context.Canceled / context.DeadlineExceeded of the caller's context.
var (
	// ErrAuth: 401. The token is unknown, expired, revoked, or of another environment. No request will succeed.
	ErrAuth = errors.New("unauthorized")
	// ErrScope: 403 with Polar's error body. The token may not read this resource; it may read others.
	ErrScope = errors.New("not permitted")
	// ErrNotFound: 404 with exactly {"error":"ResourceNotFound"}. The object does not exist (any more), or belongs to another
	// organization. Any other 404 is ErrContract, and never evidence of a deletion.
	ErrNotFound = errors.New("not found")
	// ErrRateLimited: 429 on every attempt.
	ErrRateLimited = errors.New("rate limited")
	// ErrTransient: no attempt got a usable answer: transport error, timeout, 408, 5xx, body cut short.
	ErrTransient = errors.New("temporarily failed")
	// ErrContract: an answer that Polar's API never gives: a redirect, a 404 for the path or the version, no JSON, a body larger
	// than accepted, another 4xx.
	ErrContract = errors.New("unexpected answer")
	// ErrEnded: Polar has no such operation (any more): 405, 410, or the 404 of an unknown route in a version that it serves. It
	// is also an ErrContract.
	ErrEnded = errors.New("not served any more")
	// ErrVersion: Polar serves no version of the API that syncd can request. It is also an ErrContract.
	ErrVersion = errors.New("version not served")
	// ErrLocal: this machine could not take in the answer, as when its disk is full. Polar is not the cause.
	ErrLocal = errors.New("failed on this machine")
)

// The classes of errors, used as the label of a metric. See Class.
const (
	ClassAuth        = "auth"
	ClassScope       = "scope"
	ClassNotFound    = "not_found"
	ClassRateLimited = "rate_limited"
	ClassTransient   = "transient"
	ClassContract    = "contract"
	ClassLocal       = "local"
	ClassCanceled    = "canceled"
	ClassUnknown     = "unknown"
)

// Class returns the class of an error: auth, scope, not_found, rate_limited, transient, contract, local, canceled or unknown;
// empty for nil.
func Class(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return ClassCanceled
	}
	return ClassUnknown
}

// Error is a request that failed for good: what was requested, what came back, and what to do about it.
type Error struct {
	Op         string // what was being done: "read a page", "read"
	Method     string
	Server     string // scheme and host
	Path       string
	Query      url.Values
	Status     int           // 0 when there was no answer
	Code       string        // Polar's "error" value: ResourceNotFound, invalid_token, insufficient_scope ...
	Detail     string        // Polar's "detail" or "error_description", shortened
	Scopes     string        // on 403: the scopes of which one would do, separated by blanks
	RetryAfter time.Duration // on 429 and 503, where the header is set
	RequestID  string
	Attempts   int
	Class      string // see Class
	Remedy     string // what the operator can do
	Err        error  // the underlying cause, if any
	unserved   bool   // see ErrVersion
	ended      bool   // see ErrEnded
}

// Error names what failed and the remedy. It never contains the token.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.summary())
	b.WriteString(" (")
	b.WriteString(e.Method + " " + e.Path)
	if query := e.Query.Encode(); query != "" {
		b.WriteString("?" + humanize.Line(query, 200))
	}
	if e.Status != 0 {
		b.WriteString(": " + strconv.Itoa(e.Status))
		if e.Code != "" {
			b.WriteString(" " + e.Code)
		}
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, ", %d attempts", e.Attempts)
	}
	if e.RequestID != "" {
		b.WriteString(", request " + e.RequestID)
	}
	b.WriteString(")")
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Remedy != "" { // Polar's own sentences end with a full stop
		return strings.TrimRight(b.String(), ".") + "; " + e.Remedy
	}
	return b.String()
}

func (e *Error) summary() string {
	switch e.Class {
	case ClassAuth:
		return "POLAR_ACCESS_TOKEN was refused by " + e.Server
	case ClassScope:
		return "the token may not read " + e.Path + " at " + e.Server
	case ClassNotFound:
		return e.Path + " does not exist at " + e.Server
	case ClassRateLimited:
		return e.Server + " still answers that there are too many requests"
	case ClassTransient:
		return e.Server + " gave no usable answer"
	case ClassCanceled:
		return "given up waiting for " + e.Server
	case ClassLocal:
		if e.Attempts == 0 {
			return e.Server + " was not asked"
		}
		return "the answer of " + e.Server + " could not be kept"
	}
	return e.Server + " gave an unexpected answer"
}

// Is matches the sentinel of the error's class.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrAuth:
		return e.Class == ClassAuth
	case ErrScope:
		return e.Class == ClassScope
	case ErrNotFound:
		return e.Class == ClassNotFound
	case ErrRateLimited:
		return e.Class == ClassRateLimited
	case ErrTransient:
		return e.Class == ClassTransient
	case ErrVersion:
		return e.unserved
	case ErrEnded:
		return e.ended
	case ErrContract:
		return e.Class == ClassContract
	case ErrLocal:
		return e.Class == ClassLocal
	}
	return false
}

// Unwrap returns the underlying cause, if any.
func (e *Error) Unwrap() error { return e.Err }

// answer classifies an answer other than 200 by its status and the first bytes of its body.
func (e *Error) answer(resp *http.Response, body []byte) {
	e.Status = resp.StatusCode
	e.RetryAfter = retryAfter(resp)
	e.RequestID = requestID(resp.Header)
	polar := e.describe(resp, body)
	e.ended = ended(resp, e)
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized:
		e.Class = ClassAuth
		e.Remedy = "create an organization access token in the settings of the organization, and check that POLAR_SERVER names the environment it was made in: production and sandbox have separate tokens"
	case status == http.StatusForbidden && polar:
		e.Class = ClassScope
		e.Scopes = neededScopes(resp.Header)
		e.Remedy = "add the read scope of this resource to the organization access token"
		if e.Scopes != "" {
			e.Remedy = "add one of these scopes to the organization access token: " + e.Scopes
		}
	case status == http.StatusNotFound && e.Code == "ResourceNotFound":
		e.Class = ClassNotFound
	case unserved(resp, body):
		e.Class, e.unserved = ClassContract, true
		e.Remedy = "Polar serves neither the Polar-Version that syncd requests nor a default one, or POLAR_SERVER is not the address of a Polar API: check the address, then upgrade syncd or set polar_version"
	case status == http.StatusNotFound && e.Code == "":
		e.Class = ClassContract
		e.Remedy = "check that POLAR_SERVER is the address of a Polar API"
	case status == http.StatusTooManyRequests:
		e.Class = ClassRateLimited
		e.Remedy = "another client of the organization uses up its request limit: lower the budget of syncd or slow the other one down"
	case status == http.StatusRequestTimeout || status >= 500:
		e.Class = ClassTransient
		e.Remedy = "try again later; if it lasts, see https://status.polar.sh"
	case status == http.StatusForbidden:
		e.Class = ClassContract
		e.Remedy = "a proxy or firewall between here and Polar seems to refuse the request"
	default:
		e.Class = ClassContract
		e.Remedy = "this syncd may be too old for the API: upgrade it, else report this message"
	}
}

// describe fills Code and Detail from the body. It returns true if the body is one of Polar's error bodies: {"error", "detail"}
// or, as in OAuth, {"error", "error_description"}.
func (e *Error) describe(resp *http.Response, body []byte) bool {
	var said struct {
		Error       string         `json:"error"`
		Description string         `json:"error_description"`
		Detail      jsontext.Value `json:"detail"`
	}
	if err := json.Unmarshal(body, &said, lenient); err != nil {
		e.Detail = describeForeign(resp, body)
		return false
	}
	e.Code = humanize.Line(said.Error, 60)
	e.Detail = said.Description
	if e.Detail == "" && len(said.Detail) > 0 {
		e.Detail = string(said.Detail)
		if said.Detail.Kind() == '"' {
			if text, err := jsontext.AppendUnquote(nil, said.Detail); err == nil {
				e.Detail = string(text)
			}
		}
	}
	e.Detail = humanize.Line(e.Detail, 300)
	return said.Error != ""
}

// describeForeign describes a body that is not Polar's: text as it is, anything else by type and size.
func describeForeign(resp *http.Response, body []byte) string {
	if len(body) == 0 {
		return ""
	}
	contentType, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		contentType = "no content type"
	}
	if contentType == "text/plain" {
		return humanize.Line(strings.ToValidUTF8(string(body), "?"), 120)
	}
	return fmt.Sprintf("a body that is not Polar's (%s, %d bytes)", contentType, len(body))
}

// requestID returns the id under which the server or its proxy may have logged the request.
func requestID(h http.Header) string {
	for _, name := range []string{"X-Request-Id", "Cf-Ray"} {
		if id := h.Get(name); id != "" {
			return humanize.Line(id, 80)
		}
	}
	return ""
}

// scopeParameter finds the scopes in a WWW-Authenticate header: Bearer realm="polar", ..., scope="orders:read".
var scopeParameter = regexp.MustCompile(`(?:^|[\s,])scope="([^"]*)"`)

func neededScopes(h http.Header) string {
	if found := scopeParameter.FindStringSubmatch(h.Get("Www-Authenticate")); found != nil {
		return humanize.Line(found[1], 200)
	}
	return ""
}
