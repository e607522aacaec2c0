package polarsim

import (
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxRequestBody is the largest request body upstream takes.
const maxRequestBody = 10 << 20

// ServerOptions are how a server treats its clients.
type ServerOptions struct {
	Token        string   // the one accepted token; "" = any that begins with polar_oat_
	Scopes       []string // of the token; nil = all
	PerMinute    int      // requests a minute; 0 = no limit; Polar's production has 500, its sandbox 100
	Sandbox      bool     // X-Polar-Sandbox on responses
	WholeSeconds bool     // bounds of events are cut to seconds, rather than to milliseconds
	StableTies   bool     // rows that tie keep one order, rather than another for each query, page and limit
	FreshState   bool     // no cache of customer states
	Faults       []Fault
	Retired      []string         // versions that are not served
	Clock        func() time.Time // of the rate limiter alone; default time.Now
	Log          *slog.Logger     // one line a request, at debug level; nil = none
}

// Server is the API of a world, and its controls under /sim/.
type Server struct {
	world    *World
	opts     ServerOptions
	lists    []*resource
	routes   []route
	limits   limiter
	faults   faults
	charts   metricsCache
	served   atomic.Uint64
	mu       sync.Mutex
	counts   map[string]int     // requests by path pattern
	receipts map[Ref]*rendering // by order; guarded by mu too
	total    int
}

// NewServer serves w.
func NewServer(w *World, o ServerOptions) *Server {
	s := &Server{world: w, opts: o, limits: limiter{perMinute: o.PerMinute, now: o.Clock}, counts: map[string]int{}, receipts: map[Ref]*rendering{}}
	if s.limits.now == nil {
		s.limits.now = time.Now
	}
	if s.opts.Log == nil {
		s.opts.Log = slog.New(slog.DiscardHandler)
	}
	for _, f := range o.Faults {
		s.faults.arm(f)
	}
	s.lists = resources()
	s.routes = routes()
	return s
}

// World is what the server serves.
func (s *Server) World() *World { return s.world }

// AddFault arms a fault; ClearFaults disarms all.
func (s *Server) AddFault(f Fault) { s.faults.arm(f) }

// SetToken replaces the accepted token; the old one is refused from now on.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Token = token
}

func (s *Server) token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opts.Token
}

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() { s.faults.clear() }

// Requests counts the requests to the API since the start or the last Reset, refused ones too.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// RequestsByPath counts them by path pattern, such as "GET /v1/orders/{id}".
func (s *Server) RequestsByPath() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// Reset sets the counts to zero.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total = 0
	clear(s.counts)
}

func (s *Server) count(pattern string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total++
	s.counts[pattern]++
}

// call is one request being answered.
type call struct {
	*Server
	w       *World
	r       *http.Request
	query   url.Values
	params  map[string]string // of the path
	input   []byte            // request body
	version string            // that it is answered in
	hits    []hit             // faults that strike it
	number  uint64            // of the request
	offset  int               // of the first row of a page in its list
	broken  bool              // a row cannot be rendered

	status int
	header http.Header
	body   []byte
	stream func(emit func([]byte) bool) // instead of body: a response of unknown length
}

// ServeHTTP answers as Polar does.
func (s *Server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, filesPrefix) {
		s.file(rw, r)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/sim/") {
		s.control(rw, r)
		return
	}
	c := &call{Server: s, w: s.world, r: r, query: r.URL.Query(), number: s.served.Add(1), status: http.StatusOK, header: rw.Header()}
	c.header.Set("Date", s.world.tick().Format(http.TimeFormat)) // of the clock that dates the rows, too
	rt, params, others := s.route(r.Method, r.URL.Path, s.version(r.Header.Get("Polar-Version")))
	c.params = params
	pattern := "unknown"
	if rt != nil {
		pattern = rt.method + " " + rt.pattern
	}
	s.count(pattern)
	c.hits = s.faults.strike(r, c.query, rt)
	if !c.disturb() {
		c.answer(rt, others)
	}
	s.opts.Log.DebugContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "query", r.URL.RawQuery, "status", c.status, "bytes", len(c.body))
	c.send(rw)
}

// answer fills in the response. The order of the checks is upstream's: version, limit, route, credentials, scope, body.
func (c *call) answer(rt *route, others []string) {
	c.version = c.Server.version(c.r.Header.Get("Polar-Version"))
	if c.version == "" {
		c.respond(http.StatusNotFound, `{"detail":"Not Found"}`)
		return
	}
	c.header.Set("Polar-Version", c.version)
	c.header.Set("Cache-Control", "private, no-store")
	if c.opts.Sandbox {
		c.header.Set("X-Polar-Sandbox", "1")
	}
	scheme, token, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		token = ""
	}
	if !c.limits.allow(token) {
		c.refuseRate()
		return
	}
	if rt == nil {
		c.unrouted(others)
		return
	}
	if !c.authorize(rt, token) || !c.readBody() {
		return
	}
	switch rt.lock {
	case lockRead:
		c.w.mu.RLock()
		defer c.w.mu.RUnlock()
	case lockWrite:
		c.w.mu.Lock()
		defer c.w.mu.Unlock()
		c.w.startJournal()
	case lockOwn:
	}
	rt.handle(c)
}

// unrouted answers a path that has no route: a redirect where only the trailing slash is wrong, as Starlette does by default.
func (c *call) unrouted(others []string) {
	path := c.r.URL.Path
	if c.r.Method == http.MethodOptions && c.r.Header.Get("Origin") != "" { // a browser asks what it may do
		c.header.Set("Access-Control-Allow-Origin", "*")
		c.header.Set("Content-Type", "text/plain; charset=utf-8")
		c.body = []byte("OK")
		return
	}
	if len(others) > 0 {
		c.header.Set("Allow", others[0]) // Starlette names the methods of the first route that has the path
		c.respond(http.StatusMethodNotAllowed, `{"detail":"Method Not Allowed"}`)
		return
	}
	toggled := strings.TrimSuffix(path, "/")
	if toggled == path {
		toggled += "/"
	}
	if rt, _, methods := c.route(c.r.Method, toggled, c.version); path != "/" && (rt != nil || len(methods) > 0) {
		scheme := "http"
		if c.r.TLS != nil {
			scheme = "https"
		}
		location := url.URL{Scheme: scheme, Host: c.r.Host, Path: toggled, RawQuery: c.r.URL.RawQuery}
		c.header.Set("Location", location.String())
		c.status = http.StatusTemporaryRedirect
		return
	}
	c.respond(http.StatusNotFound, `{"detail":"Not Found"}`)
}

// authorize checks token and scopes (polarsource/polar, server/polar/auth/dependencies.py and server/polar/oauth2/exceptions.py).
func (c *call) authorize(rt *route, token string) bool {
	const realm = `Bearer realm="polar"`
	if token == "" || rt.webOnly && c.accepts(token) {
		c.header.Set("WWW-Authenticate", realm)
		c.refuse(http.StatusUnauthorized, "Unauthorized", "Unauthorized")
		return false
	}
	if !c.accepts(token) {
		c.refuseToken()
		return false
	}
	c.limits.recognize(token)
	if !c.allowed(rt.scopes) {
		c.refuseScope(rt.scopes)
		return false
	}
	return true
}

func (c *call) accepts(token string) bool {
	if want := c.token(); want != "" {
		return token == want
	}
	return strings.HasPrefix(token, "polar_oat_")
}

func (c *call) allowed(scopes []string) bool {
	if c.opts.Scopes == nil || len(scopes) == 0 {
		return true
	}
	for _, have := range c.opts.Scopes {
		for _, want := range scopes {
			if have == want {
				return true
			}
		}
	}
	return false
}

// refuseToken and refuseScope answer with what Authlib makes of an error of RFC 6750.
func (c *call) refuseToken() {
	const text = "The access token provided is expired, revoked, malformed, or invalid for other reasons."
	c.refuseBearer(http.StatusUnauthorized, "invalid_token", text, "")
}

func (c *call) refuseScope(scopes []string) {
	const text = "The request requires higher privileges than provided by the access token."
	c.refuseBearer(http.StatusForbidden, "insufficient_scope", text, `, scope="`+strings.Join(scopes, " ")+`"`)
}

func (c *call) refuseBearer(status int, name, text, attribute string) {
	c.respond(status, `{"error": "`+name+`", "error_description": "`+text+`"}`)
	c.header.Set("Cache-Control", "no-store")
	c.header.Set("Pragma", "no-cache")
	c.header.Set("WWW-Authenticate", `Bearer realm="polar"`+attribute+`, error="`+name+`", error_description="`+text+`"`)
}

// refuseRate is a 429: an empty body, and the whole window to wait, however much of it has passed.
func (c *call) refuseRate() {
	c.header.Set("Retry-After", "60")
	c.status, c.body = http.StatusTooManyRequests, nil
}

// readBody reads the request body of a write.
func (c *call) readBody() bool {
	if c.r.Method == http.MethodGet || c.r.Body == nil || c.r.Body == http.NoBody {
		return true
	}
	if c.r.ContentLength < 0 {
		c.respond(http.StatusLengthRequired, `{"detail":"Content-Length header is required"}`)
		return false
	}
	input, err := io.ReadAll(io.LimitReader(c.r.Body, maxRequestBody+1))
	if err != nil {
		c.respond(http.StatusBadRequest, `{"detail":"There was an error parsing the body"}`)
		return false
	}
	if len(input) > maxRequestBody {
		c.respond(http.StatusRequestEntityTooLarge, `{"detail":"Request body too large"}`)
		return false
	}
	c.input = input
	return true
}
