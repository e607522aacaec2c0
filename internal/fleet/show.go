package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"syncd/internal/serve"
	"syncd/internal/serve/page"
	"syncd/internal/status"
)

func (m *many) shown() serve.Config {
	return serve.Config{
		Ready: []serve.Check{
			{Name: "database", Ask: m.checkDatabase},
			{Name: "organizations", Ask: func(context.Context) error { return nil }, Note: m.notFresh},
		},
		Status: func(ctx context.Context) (any, error) { return m.report(ctx) },
		Page:   page.NewFleet(m.report, m.p.Build.Version, m.p.Log),
		More: map[string]http.Handler{
			"GET /organizations/{name}":        http.HandlerFunc(m.servePage),
			"GET /organizations/{name}/status": http.HandlerFunc(m.serveStatus),
		},
	}
}

func (m *many) checkDatabase(ctx context.Context) error {
	m.mu.Lock()
	away := m.away
	m.mu.Unlock()
	if away != nil {
		return away
	}
	return m.own.Ping(ctx)
}

// notFresh says how many organizations are here, and which of them are not fresh. That one is not makes no process unready: another
// process would do no better.
func (m *many) notFresh(context.Context) string {
	var late []string
	members := m.members()
	for _, one := range members {
		if s := one.status(); !s.IsFresh(m.now(), one.tail()) {
			late = append(late, s.Name)
		}
	}
	note := fmt.Sprintf("%d here", len(members))
	if len(late) > 0 {
		note += fmt.Sprintf(", %d not fresh: %s", len(late), listed(late))
	}
	return note
}

func listed(list []string) string {
	const most = 5
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + " and others"
}

// now is the clock of the database, once it was reached.
func (m *many) now() time.Time {
	select {
	case <-m.opened:
		return m.beside.Now()
	default:
		return time.Now()
	}
}

// report lists the organizations of the fleet: how those stand that run here, and who runs the others.
func (m *many) report(ctx context.Context) (status.Fleet, error) {
	m.mu.Lock()
	away, l, id, replicas := m.away, m.leases, m.id, m.share.Replicas
	here := map[string]*member{}
	for name, one := range m.running {
		here[name] = one
	}
	m.mu.Unlock()
	if away != nil {
		return status.Fleet{}, fmt.Errorf("syncd is starting: %w", away)
	}
	if l == nil {
		return status.Fleet{}, fmt.Errorf("syncd is starting")
	}
	list := m.names.list()
	holders, err := l.Holders(ctx, list)
	if err != nil {
		return status.Fleet{}, err
	}
	by := map[string]string{}
	for _, h := range holders {
		by[h.Name] = h.ID
	}
	r := status.Fleet{Now: m.now().UTC(), Replica: id, Replicas: replicas}
	for _, name := range list {
		one, holder := status.Member{Name: name, State: status.StateWaiting, Replica: by[name]}, by[name]
		if o := here[name]; o != nil {
			one = o.status()
			one.Replica = id
		} else if holder != "" {
			one.State = status.StateElsewhere
		}
		r.Organizations = append(r.Organizations, one)
	}
	return r, nil
}

// status is how the organization stands.
func (o *member) status() status.Member {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := status.Member{Name: o.name, State: status.StateStarting, Summary: o.gauges.Summary()}
	if o.config != nil {
		s.Schema = o.config.Schema
	}
	switch {
	case o.problem != nil:
		s.State, s.Problem = status.StateFailed, o.problem.Error()
	case o.current != nil:
		s.Problem = o.current.Problem()
		if o.current.IsOpen() {
			s.State = status.StateHere
		}
	}
	return s
}

// tail is how often rounds of tails are made.
func (o *member) tail() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.config == nil {
		return 0
	}
	return o.config.Tail
}

// find answers for an organization that does not run here.
func (m *many) find(w http.ResponseWriter, r *http.Request) *member {
	name := r.PathValue("name")
	m.mu.Lock()
	one := m.running[name]
	m.mu.Unlock()
	if one == nil || one.runner() == nil {
		http.Error(w, "the organization does not run in this process; / tells which one runs it", http.StatusNotFound)
		return nil
	}
	return one
}

func (m *many) servePage(w http.ResponseWriter, r *http.Request) {
	if one := m.find(w, r); one != nil {
		one.mu.Lock()
		p := one.page
		one.mu.Unlock()
		if p != nil {
			p.ServeHTTP(w, r)
		}
	}
}

func (m *many) serveStatus(w http.ResponseWriter, r *http.Request) {
	one := m.find(w, r)
	if one == nil {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	runner := one.runner()
	if runner == nil {
		return
	}
	v, err := runner.Status(ctx)
	if err == nil {
		var body []byte
		if body, err = json.MarshalIndent(v, "", "  "); err == nil {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			fmt.Fprintf(w, "%s\n", body)
			return
		}
	}
	http.Error(w, "the status could not be read: "+err.Error(), http.StatusServiceUnavailable)
}
