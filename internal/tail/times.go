package tail

import (
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
	for k, v := range q {
		all[k] = v
	}
	for k, v := range more {
		all[k] = v
	}
	return all
}
