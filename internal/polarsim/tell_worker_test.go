package polarsim

import (
	"testing"
	"time"
)

// Events and deliveries are written by a worker: when it is late they come late and out of order, when it stands still none come; the rows show at once.
func TestFeedsComeFromAWorker(t *testing.T) {
	t.Parallel()
	for name, feed := range map[string]string{"events": "/v1/events/?source=system&name=customer.updated", "deliveries": "/v1/webhooks/deliveries?event_type=customer.updated"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			customer := text(f.first("/v1/customers/", func(map[string]any) bool { return true })["id"])
			count := func() int { return len(all(t, f.s, feed)) }
			write := func() {
				f.w.Advance(time.Second)
				f.send("PATCH", "/v1/customers/"+customer, `{"name":"`+f.w.Now().String()+`"}`, 200)
			}
			before := count()
			if write(); count() == before {
				t.Error("nothing shows at once")
			}
			f.w.SetFeedLag(10 * time.Minute)
			before = count()
			late, order := 0, ""
			for range 20 {
				write()
			}
			if late = count() - before; late > 10 {
				t.Errorf("%d of 20 show at once", late)
			}
			for range 60 {
				f.w.Advance(10 * time.Second)
				if n := count() - before; n != late {
					late, order = n, order+"."
				}
			}
			if late < 20 || len(order) < 5 {
				t.Errorf("%d of 20 shown after the lag, in %d steps", late, len(order))
			}
			f.w.SetFeedLag(0)
			f.w.StopWorker()
			before = count()
			write()
			f.w.Advance(time.Hour)
			if n := count(); n != before {
				t.Errorf("a worker that stands still wrote %d", n-before)
			}
			if now := f.send("GET", "/v1/customers/"+customer, "", 200); now["name"] == nil {
				t.Error("the row does not show")
			}
			f.w.StartWorker()
			f.w.Advance(time.Second)
			if count() == before {
				t.Error("nothing comes of a worker that goes on")
			}
		})
	}
}
