package polarsim

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// control answers under /sim/, which Polar does not have; no token is asked for:
//
//	GET  /sim/stats             rows, requests, clock, faults
//	POST /sim/advance?by=24h    moves the clock
//	POST /sim/churn?n=10        makes changes
//	POST /sim/faults            arms the faults of the body, a text form a line; GET lists them, DELETE disarms them
//	POST /sim/worker?lag=2m     has events and deliveries show up to so late, out of order; ?stopped=true has none show, ?stopped=false those that piled up
//	POST /sim/retire?version=V  ends a version of the API
//	POST /sim/token?is=TOKEN    makes another token the one that is accepted
//	GET  /sim/files/...         the files that links to invoices and receipts lead to
//	POST /sim/reset             sets the request counts to zero
func (s *Server) control(rw http.ResponseWriter, r *http.Request) {
	reply := func(v any) {
		rw.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(rw).Encode(v); err != nil {
			s.opts.Log.Debug("control response not sent", "error", err)
		}
	}
	wrong := func(err error) { http.Error(rw, err.Error(), http.StatusBadRequest) }
	switch r.Method + " " + r.URL.Path {
	case "GET /sim/stats":
		reply(s.stats())
	case "POST /sim/advance":
		by, err := time.ParseDuration(r.URL.Query().Get("by"))
		if err != nil || by <= 0 {
			http.Error(rw, "want ?by= a positive duration such as 24h", http.StatusBadRequest)
			return
		}
		s.world.Advance(by)
		reply(s.stats())
	case "POST /sim/churn":
		n, err := strconv.Atoi(r.URL.Query().Get("n"))
		if err != nil || n < 1 {
			http.Error(rw, "want ?n= a positive number of changes", http.StatusBadRequest)
			return
		}
		reply(map[string]any{"changes": s.world.Churn(n)})
	case "POST /sim/worker":
		q := r.URL.Query()
		lag, err := time.ParseDuration(q.Get("lag"))
		if (q.Has("lag") || !q.Has("stopped")) && (err != nil || lag < 0) {
			http.Error(rw, "want ?lag= a duration such as 2m, or ?stopped= true or false", http.StatusBadRequest)
			return
		}
		if q.Has("lag") {
			s.world.SetFeedLag(lag)
		}
		switch q.Get("stopped") {
		case "true":
			s.world.StopWorker()
		case "false":
			s.world.StartWorker()
		}
		reply(s.stats())
	case "POST /sim/retire":
		s.Retire(r.URL.Query().Get("version"))
		reply(s.stats())
	case "POST /sim/token":
		s.SetToken(r.URL.Query().Get("is"))
		reply(s.stats())
	case "POST /sim/faults":
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			wrong(err)
			return
		}
		var parsed []Fault
		for line := range strings.Lines(string(body)) {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			f, err := ParseFault(line)
			if err != nil {
				wrong(err)
				return
			}
			parsed = append(parsed, f)
		}
		for _, f := range parsed {
			s.AddFault(f)
		}
		reply(map[string]any{"faults": s.faults.describe()})
	case "GET /sim/faults":
		reply(map[string]any{"faults": s.faults.describe()})
	case "DELETE /sim/faults":
		s.ClearFaults()
		reply(map[string]any{"faults": []string{}})
	case "POST /sim/reset":
		s.Reset()
		reply(s.stats())
	default:
		http.Error(rw, "not a control of the simulator: see the documentation of internal/polarsim", http.StatusNotFound)
	}
}

// stats describes world and server.
func (s *Server) stats() map[string]any {
	return map[string]any{
		"now": s.world.Now().Format(time.RFC3339Nano), "organization_id": s.world.OrganizationID(), "rows": s.world.Counts(),
		"requests": s.Requests(), "requests_by_path": s.RequestsByPath(), "faults": s.faults.describe(),
	}
}
