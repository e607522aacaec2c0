package fleet

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"syncd/internal/daemon"
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
			"GET /organizations/{name}": http.HandlerFunc(m.servePage),
		},
		MoreStatus: map[string]func(*http.Request) (any, error){
			"GET /organizations/{name}/status": m.statusOf,
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
	m.mu.Lock()
	clock := m.clock
	m.mu.Unlock()
	if clock == nil {
		return time.Now()
	}
	return clock.Now()
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
	r := status.Fleet{Now: m.now().UTC(), Replica: id, Replicas: replicas}
	for _, name := range list {
		one, holder := status.Member{Name: name, State: status.StateWaiting, Replica: holders[name]}, holders[name]
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

// errElsewhere: the organization does not run here.
var errElsewhere = fmt.Errorf("the organization does not run in this process; / tells which one runs it (%w)", serve.ErrNone)

// find returns what runs the organization that a request names, and its page.
func (m *many) find(r *http.Request) (*daemon.Runner, *page.Page, error) {
	m.mu.Lock()
	one := m.running[r.PathValue("name")]
	m.mu.Unlock()
	if one != nil {
		one.mu.Lock()
		defer one.mu.Unlock()
		if one.current != nil {
			return one.current, one.page, nil
		}
	}
	return nil, nil, errElsewhere
}

func (m *many) servePage(w http.ResponseWriter, r *http.Request) {
	_, shown, err := m.find(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	shown.ServeHTTP(w, r)
}

func (m *many) statusOf(r *http.Request) (any, error) {
	runner, _, err := m.find(r)
	if err != nil {
		return nil, err
	}
	return runner.Status(r.Context())
}
