package tail

import (
	"net/url"
	"time"
)

// always is later than any date.
var always = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

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
	for k, v := range q {
		all[k] = v
	}
	for k, v := range more {
		all[k] = v
	}
	return all
}
