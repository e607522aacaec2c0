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
// Polar serves three at a time: the deprecated, the current and the next one. A new one comes in the first week of January,
// April, July or October. In that week the deprecated one ends and is answered with 404 (polarsource/polar,
// docs/snippets/api-reference/versioning.mdx).
type Version struct {
	Name string
	Ends time.Time // the first day on which Polar may remove it, UTC
}

// DefaultVersion is requested unless another version is configured.
const DefaultVersion = "2026-10"

// Versions lists the known versions, oldest first. They differ in license keys only: 2026-10 adds member_id and member, 2027-01
// subscription_id, subscription, order_id and order.
func Versions() []Version {
	first := func(year int, month time.Month) time.Time { return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC) }
	return []Version{
		{"2026-04", first(2027, time.January)},
		{"2026-10", first(2027, time.April)},
		{"2027-01", first(2027, time.July)},
	}
}

// FindVersion returns the known version of this name; false if there is none.
func FindVersion(name string) (Version, bool) {
	list := Versions()
	if i := slices.IndexFunc(list, func(v Version) bool { return v.Name == name }); i >= 0 {
		return list[i], true
	}
	return Version{}, false
}

// DaysLeft is for how many more days Polar certainly serves the version; negative where it may be gone.
func (v Version) DaysLeft(now time.Time) int {
	return int(v.Ends.Sub(now).Hours()) / 24
}

// versions records which version a client requests.
type versions struct {
	mu    sync.Mutex
	asked string // as configured
	inUse string
}

// Version is the Polar-Version that is requested: the configured one, or Polar's current one where that is retired.
func (c *Client) Version() string {
	c.versions.mu.Lock()
	defer c.versions.mu.Unlock()
	return c.versions.inUse
}

// RetiredVersion is the configured version, if Polar no longer serves it; "" = it does.
func (c *Client) RetiredVersion() string {
	c.versions.mu.Lock()
	defer c.versions.mu.Unlock()
	if c.versions.inUse == c.versions.asked {
		return ""
	}
	return c.versions.asked
}

// unserved tells whether an answer says that Polar has no such version. Polar checks the version before everything else: the
// answer is the 404 of an unknown route, without the Polar-Version header that all other answers have (polarsource/polar,
// server/polar/kit/versioning.py). It says nothing about any object.
func unserved(resp *http.Response, body []byte) bool {
	if resp.StatusCode != http.StatusNotFound || resp.Header.Get(versionHeader) != "" || !isJSON(resp) {
		return false
	}
	var said Error
	return !said.describe(resp, body) && said.Detail == "Not Found"
}

// ended tells whether an answer says that Polar has no such operation, in a version that it serves.
func ended(resp *http.Response, said *Error) bool {
	switch resp.StatusCode {
	case http.StatusMethodNotAllowed, http.StatusGone: // other methods of the path may be left
		return resp.Header.Get(versionHeader) != ""
	case http.StatusNotFound:
		return resp.Header.Get(versionHeader) != "" && said.Code == "" && said.Detail == "Not Found"
	}
	return false
}

// adopt switches to the version that Polar answered in when none was requested, after it refused the requested one.
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
		line.WarnContext(ctx, "Polar has retired the version of its API that syncd requested: syncd goes on with the current one, which it does not know, and stores no page that differs by more than additions. Upgrade syncd")
		return
	}
	line.WarnContext(ctx, "Polar has retired the version of its API that syncd requested: syncd goes on with the current one. Set polar_version to it, or upgrade syncd")
}
