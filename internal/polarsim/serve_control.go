package polarsim

import (
	"encoding/json"
	"errors"
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
//	POST /sim/migrate?provider=stripe&id=sub_1
//	                            moves a subscription to Polar that had this id with another provider
//	POST /sim/faults            arms the faults of the body, a text form a line; GET lists them, DELETE disarms them
//	POST /sim/worker?lag=2m     delays events and deliveries by up to lag, out of order; ?stopped=true stops them, ?stopped=false releases what piled up
//	POST /sim/retire?version=V  ends a version of the API
//	POST /sim/token?is=TOKEN    replaces the accepted token
//	GET  /sim/files/...         the files that links to invoices and receipts lead to
//	POST /sim/reset             sets the request counts to zero
func (s *Server) control(rw http.ResponseWriter, r *http.Request) {
	controls := map[string]func(r *http.Request) (answer any, err error){
		"GET /sim/stats": func(*http.Request) (any, error) { return s.stats(), nil },
		"POST /sim/advance": func(r *http.Request) (any, error) {
			by, err := time.ParseDuration(r.URL.Query().Get("by"))
			if err != nil || by <= 0 {
				return nil, errors.New("want ?by= a positive duration such as 24h")
			}
			s.world.Advance(by)
			return s.stats(), nil
		},
		"POST /sim/churn": func(r *http.Request) (any, error) {
			n, err := strconv.Atoi(r.URL.Query().Get("n"))
			if err != nil || n < 1 {
				return nil, errors.New("want ?n= a positive number of changes")
			}
			return map[string]any{"changes": s.world.Churn(n)}, nil
		},
		"POST /sim/migrate": func(r *http.Request) (any, error) {
			provider, theirs := r.URL.Query().Get("provider"), r.URL.Query().Get("id")
			if provider == "" || theirs == "" {
				return nil, errors.New("want ?provider= where the subscription was before, and &id= what it was called there")
			}
			return map[string]any{"subscription_id": s.world.Migrate(provider, theirs)}, nil
		},
		"POST /sim/worker": s.controlWorker,
		"POST /sim/retire": func(r *http.Request) (any, error) {
			s.RetireVersion(r.URL.Query().Get("version"))
			return s.stats(), nil
		},
		"POST /sim/token": func(r *http.Request) (any, error) {
			s.SetToken(r.URL.Query().Get("is"))
			return s.stats(), nil
		},
		"POST /sim/faults": s.controlFaults,
		"GET /sim/faults":  func(*http.Request) (any, error) { return s.armed(), nil },
		"DELETE /sim/faults": func(*http.Request) (any, error) {
			s.ClearFaults()
			return map[string]any{"faults": []string{}}, nil
		},
		"POST /sim/reset": func(*http.Request) (any, error) {
			s.Reset()
			return s.stats(), nil
		},
	}
	control := controls[r.Method+" "+r.URL.Path]
	if control == nil {
		http.Error(rw, "not a control of the simulator: see the documentation of internal/polarsim", http.StatusNotFound)
		return
	}
	answer, err := control(r)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(rw).Encode(answer); err != nil {
		s.opts.Log.Debug("control response not sent", "error", err)
	}
}

func (s *Server) controlWorker(r *http.Request) (any, error) {
	q := r.URL.Query()
	lag, err := time.ParseDuration(q.Get("lag"))
	if (q.Has("lag") || !q.Has("stopped")) && (err != nil || lag < 0) {
		return nil, errors.New("want ?lag= a duration such as 2m, or ?stopped= true or false")
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
	return s.stats(), nil
}

// controlFaults arms the faults of the body, or none if one of them is wrong.
func (s *Server) controlFaults(r *http.Request) (any, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	var parsed []Fault
	for line := range strings.Lines(string(body)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		f, err := ParseFault(line)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, f)
	}
	for _, f := range parsed {
		s.AddFault(f)
	}
	return s.armed(), nil
}

func (s *Server) armed() map[string]any { return map[string]any{"faults": s.faults.describe()} }

// stats describes world and server.
func (s *Server) stats() map[string]any {
	return map[string]any{
		"now": s.world.Now().Format(time.RFC3339Nano), "organization_id": s.world.OrganizationID(), "rows": s.world.Counts(),
		"requests": s.Requests(), "requests_by_path": s.RequestsByPath(), "faults": s.faults.describe(),
	}
}
