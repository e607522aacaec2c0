package fetch

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Version is a version of the API that this syncd knows.
//
// Polar serves three at a time, the deprecated, the current and the next one. A new one comes in the first week of
// January, April, July or October, and the deprecated one is gone that week: it is answered with 404
// (polarsource/polar, docs/snippets/api-reference/versioning.mdx).
type Version struct {
	Name string
	Ends time.Time // the first day on which Polar may remove it, UTC
}

// DefaultVersion is the one that is asked for unless another is configured.
const DefaultVersion = "2026-10"

// Versions lists them, oldest first. They differ in license keys alone: 2026-10 adds member_id and member, 2027-01
// subscription_id, subscription, order_id and order.
func Versions() []Version {
	first := func(year int, month time.Month) time.Time { return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC) }
	return []Version{
		{"2026-04", first(2027, time.January)},
		{"2026-10", first(2027, time.April)},
		{"2027-01", first(2027, time.July)},
	}
}

// FindVersion returns what is known of a version; false where that is nothing.
func FindVersion(name string) (Version, bool) {
	list := Versions()
	if i := slices.IndexFunc(list, func(v Version) bool { return v.Name == name }); i >= 0 {
		return list[i], true
	}
	return Version{}, false
}

// DaysLeft is for how many more days Polar serves a version for certain: negative where it may be gone.
func (v Version) DaysLeft(now time.Time) int {
	return int(v.Ends.Sub(now).Hours()) / 24
}

// versions is which version a client asks for.
type versions struct {
	mu    sync.Mutex
	asked string // as configured
	inUse string
}

// Version is the Polar-Version that is asked for: the one that is configured, or Polar's current one where that is retired.
func (c *Client) Version() string {
	c.versions.mu.Lock()
	defer c.versions.mu.Unlock()
	return c.versions.inUse
}

// RetiredVersion is the version that was configured and is not served any more; "" = it is.
func (c *Client) RetiredVersion() string {
	c.versions.mu.Lock()
	defer c.versions.mu.Unlock()
	if c.versions.inUse == c.versions.asked {
		return ""
	}
	return c.versions.asked
}

// unserved tells whether an answer says that Polar has no such version: the check comes before everything else, so the
// answer is the 404 of an unknown route, without the header that names the version of all others
// (polarsource/polar, server/polar/kit/versioning.py). It never says anything of an object.
func unserved(resp *http.Response, body []byte) bool {
	if resp.StatusCode != http.StatusNotFound || resp.Header.Get(versionHeader) != "" || !isJSON(resp) {
		return false
	}
	var said Error
	return !said.describe(resp, body) && said.Detail == "Not Found"
}

// adopt goes on with the version that Polar answered in when none was asked for, after the one asked for was refused.
func (c *Client) adopt(ctx context.Context, version string) {
	c.versions.mu.Lock()
	before := c.versions.inUse
	c.versions.inUse = version
	c.versions.mu.Unlock()
	if before == version {
		return
	}
	line := c.cfg.Log.With(slog.String("retired", before), slog.String("version", version))
	if _, known := FindVersion(version); !known {
		line.WarnContext(ctx, "Polar has retired the version of its API that syncd asked for: going on with its current one, which this syncd does not know; what it cannot take in is refused. Upgrade syncd")
		return
	}
	line.WarnContext(ctx, "Polar has retired the version of its API that syncd asked for: going on with its current one. Set polar_version to it, or upgrade syncd")
}
