package polarsim

import (
	"net/http"
	"strconv"
	"time"
)

// stall waits as long as a fault says, or until the client gives up.
func (c *call) stall(h hit) {
	var done <-chan time.Time
	if h.For > 0 {
		timer := time.NewTimer(h.For)
		defer timer.Stop()
		done = timer.C
	}
	select {
	case <-done:
	case <-c.r.Context().Done():
	}
}

// spoilt applies the faults that are for an item: by its id, or by its index in a page.
func (c *call) spoilt(item []byte, index int, id ID) []byte {
	for _, h := range c.hits {
		if h.fatal() && h.aims(index, c.offset, id) {
			c.broken = true
		}
		if h.spoils() && h.aims(index, c.offset, id) {
			item = h.spoil(item)
			if h.Kind == "dup" && index >= 0 {
				item = append(append(append(make([]byte, 0, 2*len(item)+1), item...), ','), item...)
			}
		}
	}
	return item
}

// crash is an error that upstream does not handle. It is answered without the headers that other layers add.
func (c *call) crash() {
	for _, name := range []string{"Polar-Version", "Cache-Control", "X-Polar-Sandbox"} {
		c.header.Del(name)
	}
	c.status, c.body = http.StatusInternalServerError, []byte("Internal Server Error")
	c.header.Set("Content-Type", "text/plain; charset=utf-8")
}

// disturb applies the faults that replace the whole answer, and returns true if one did.
func (c *call) disturb() bool {
	for _, h := range c.hits {
		switch h.Kind {
		case "500":
			if h.fatal() {
				continue
			}
			c.crash()
		case "502", "503", "504":
			c.status, _ = strconv.Atoi(h.Kind) // one of the three
			c.header.Set("Content-Type", "text/html; charset=UTF-8")
			c.body = []byte("<html><head><title>" + h.Kind + "</title></head><body><center><h1>" + h.Kind + " " + http.StatusText(c.status) + "</h1></center></body></html>\n")
		case "html":
			c.header.Set("Content-Type", "text/html; charset=UTF-8")
			c.body = []byte("<!doctype html><title>We will be right back</title>")
		case "401":
			c.refuseToken()
		case "403":
			rt, _, _ := c.route(c.r.Method, c.r.URL.Path, c.version)
			var scopes []string
			if rt != nil {
				scopes = rt.scopes
			}
			c.refuseScope(scopes)
		case "404":
			c.respond(http.StatusNotFound, `{"detail":"Not Found"}`)
		case "ended":
			status := http.StatusNotFound
			if value, err := strconv.Atoi(h.Value); err == nil {
				status = value
			}
			c.header.Set("Polar-Version", c.Server.version(c.r.Header.Get("Polar-Version")))
			c.respond(status, `{"detail":`+quote(http.StatusText(status))+`}`)
		case "429":
			c.refuseRate()
		case "reset":
			panic(http.ErrAbortHandler)
		default:
			continue
		}
		return true
	}
	return false
}
