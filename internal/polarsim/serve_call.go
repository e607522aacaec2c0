package polarsim

import (
	"cmp"
	"net/http"
	"strconv"
)

// respond sets a JSON response.
func (c *call) respond(status int, body string) { c.json(status, []byte(body)) }

func (c *call) json(status int, body []byte) {
	c.status, c.body = status, body
	c.header.Set("Content-Type", "application/json")
}

// refuse answers with an error of Polar's form.
func (c *call) refuse(status int, name, detail string) {
	c.respond(status, `{"error":`+quote(name)+`,"detail":`+quote(detail)+`}`)
}

// notFound is the 404 of a row, also of another organization's. That of a route has no "error".
func (c *call) notFound() { c.refuse(http.StatusNotFound, "ResourceNotFound", "Not found") }

// invalid answers 422 if there are problems.
func (c *call) invalid(p *problems) bool {
	if len(p.list) == 0 {
		return false
	}
	c.json(http.StatusUnprocessableEntity, p.body())
	return true
}

// id reads a path parameter. ok is false when the response is set already: 422 if it is no UUID of version 4, 404 if it names
// nothing.
func (c *call) id(name string, kind Kind, rows int) (n Ref, ok bool) {
	return c.idOf(name, kind, rows, "Not found")
}

// idOf is id with the text of its 404.
func (c *call) idOf(name string, kind Kind, rows int, missing string) (n Ref, ok bool) {
	p, loc := &problems{}, []any{"path", name}
	id, valid := parseID(p, loc, c.params[name])
	if valid && id[6]>>4 != 4 {
		p.pydantic("uuid_version", loc, c.params[name], 4)
	}
	if c.invalid(p) {
		return 0, false
	}
	number, known := c.w.keys.number(kind, id)
	if !known || number >= rows {
		c.refuse(http.StatusNotFound, "ResourceNotFound", missing)
		return 0, false
	}
	return Ref(number), true
}

// get answers GET by id of a resource.
func (r *resource) get(c *call) {
	missing := cmp.Or(r.missing, "Not found")
	n, ok := c.idOf("id", r.kind, r.rows(c.w), missing)
	if !ok {
		return
	}
	if !r.shows(c.w, n) || c.lag(r) > 0 && !c.arrived(r, n, c.lag(r)) {
		c.refuse(http.StatusNotFound, "ResourceNotFound", missing)
		return
	}
	c.row(r, n, http.StatusOK)
}

// row answers with one row.
func (c *call) row(r *resource, n Ref, status int) {
	o := object{version: c.version}
	r.render(c.w, &o, n)
	c.json(status, c.spoilt(o.b, -1, c.w.id(r.kind, int(n))))
	if c.broken {
		c.crash()
	}
}

// list answers the list of a resource.
func (r *resource) list(c *call) {
	p := &problems{}
	l := c.w.parse(r, c.query, p)
	if c.invalid(p) {
		return
	}
	if l.beyond() {
		c.crash()
		return
	}
	rows, total := c.replicated(r, c.w.rows(r, &l)), 0
	if r.late != nil {
		rows = c.w.written(rows, func(n Ref) bool { return r.late(c.w, n) })
	}
	total = len(rows)
	for _, h := range c.hits {
		switch value, _ := strconv.Atoi(h.Value); h.Kind { // Value is no number where the kind wants none
		case "clamp":
			l.limit = min(l.limit, max(1, value))
		case "repeat":
			l.page = max(1, value)
		case "empty":
			rows, total = nil, 0
		case "total":
			if h.Value != "" && (h.Value[0] == '+' || h.Value[0] == '-') {
				total += value
			} else {
				total = value
			}
		case "drift":
			total += value * (h.before + 1)
		}
	}
	total = max(0, total)
	c.offset = (l.page - 1) * l.limit
	page := c.w.page(rows, l.sorting, c.offset, l.limit, c.ties(r.path, &l))
	o := object{b: make([]byte, 0, 512+len(page)*2048), version: c.version}
	o.open()
	o.key("items")
	o.b = append(o.b, '[')
	for i, n := range page {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		start := len(o.b)
		r.render(c.w, &o, n)
		if len(c.hits) > 0 {
			o.b = append(o.b[:start:start], c.spoilt(o.b[start:], i, c.w.id(r.kind, int(n)))...)
		}
	}
	o.b = append(o.b, ']')
	o.first = false
	o.key("pagination")
	o.open()
	o.int("total_count", int64(total))
	o.int("max_page", int64((total+l.limit-1)/l.limit))
	o.close()
	o.close()
	c.json(http.StatusOK, o.b)
	if c.broken {
		c.crash()
	}
}

// send writes the response.
func (c *call) send(rw http.ResponseWriter) {
	if c.stream != nil {
		c.sendStream(rw)
		return
	}
	body, cut := c.body, false
	for _, h := range c.hits {
		switch h.Kind {
		case "stall":
			c.stall(h)
		case "truncate":
			cut = true
		case "short":
			n, _ := strconv.Atoi(h.Value) // no number: nothing is sent
			body = body[:min(n, len(body))]
		}
	}
	if c.status != http.StatusNoContent {
		c.header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	rw.WriteHeader(c.status)
	if cut {
		body = body[:len(body)*2/3]
	}
	if len(body) == 0 && !cut { // a 204 may not be written to at all
		return
	}
	if _, err := rw.Write(body); err != nil || cut {
		panic(http.ErrAbortHandler) // the client is gone, or is to see a body that ends early
	}
}
