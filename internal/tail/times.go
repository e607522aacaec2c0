package tail

import (
	"maps"
	"net/url"
	"time"
)

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func withQuery(q, more url.Values) url.Values {
	all := url.Values{}
	maps.Copy(all, q)
	maps.Copy(all, more)
	return all
}
