package worldtest

import (
	"testing"

	"syncd/internal/audit"
	"syncd/internal/mirror"
	"syncd/internal/tail"
)

// SyncAll runs the streams and wants each of them whole.
func (h *Harness) SyncAll(t *testing.T, names ...string) map[string]mirror.Result {
	t.Helper()
	results, err := h.Sync(t.Context(), names...)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]mirror.Result{}
	for _, r := range results {
		if !r.IsWhole() {
			t.Errorf("%s: %s: %s", r.Stream, r.Outcome, r.Reason)
		}
		by[r.Stream] = r
	}
	return by
}

// Round makes one round of tails, of all streams or of these, that must succeed, and tells how many requests it took.
func (h *Harness) Round(t *testing.T, names ...string) (res mirror.Result) {
	t.Helper()
	h.counted(t, "tail", func() (mirror.Result, error) {
		var err error
		res, err = h.Tail(t.Context(), names...)
		return res, err
	})
	return res
}

// Feed makes one round of feeds that must succeed.
func (h *Harness) Feed(t *testing.T, q tail.Question) (a tail.Answer) {
	t.Helper()
	h.counted(t, "feed", func() (mirror.Result, error) {
		var err error
		a, err = h.Mirror.Feed(t.Context(), q)
		return a.Result, err
	})
	return a
}

// counted makes a round that must succeed, and counts as many requests as Polar.
func (h *Harness) counted(t *testing.T, what string, round func() (mirror.Result, error)) {
	t.Helper()
	before := h.Server.Requests()
	res, err := round()
	if err != nil {
		t.Fatal(err)
	}
	if res.Outcome != mirror.Succeeded {
		t.Errorf("%s: %s: %s", what, res.Outcome, res.Reason)
	}
	if sent := h.Server.Requests() - before; sent != int(res.Requests) {
		t.Errorf("the round counts %d requests, Polar %d", res.Requests, sent)
	}
}

// AuditAll makes an audit of which no comparison may fail.
func (h *Harness) AuditAll(t *testing.T, o audit.Options) audit.Report {
	t.Helper()
	a, err := h.Audit(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range a.Checks {
		if c.Failed != "" {
			t.Errorf("%s against %s: %s", c.Stream, c.Against, c.Failed)
		}
	}
	return a
}

// RequireCleanAudit demands an audit without findings.
func (h *Harness) RequireCleanAudit(t *testing.T, o audit.Options) {
	t.Helper()
	if a := h.AuditAll(t, o); !a.Clean() {
		for _, f := range a.Findings {
			t.Errorf("finding %+v", f)
		}
	}
}
