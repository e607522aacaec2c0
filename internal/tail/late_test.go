package tail_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"syncd/internal/catalog"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
	"syncd/internal/store"
	"syncd/internal/store/tails"
	"syncd/internal/worldtest"
)

// told are fields whose changes tails see, by stream.
var told = map[string][]string{
	"customers": {"name", "email"}, "subscriptions": {"status", "cancel_at_period_end", "current_period_end"}, "orders": {"status", "refunded_amount"},
	"payments": {"status"}, "refunds": {"amount"}, "disputes": {"status"}, "benefit_grants": {"is_granted"}, "members": {"email"}, "customer_meters": {"consumed_units"},
}

// dated is an organization whose time passes before that of the machine, with sweeps that were made by its own clock.
type dated struct {
	*harness
	swept   time.Time
	deleted map[string]time.Time // customers
	random  *rand.Rand
}

func startDated(t *testing.T, seed uint64, world polarsim.Options) *dated {
	t.Helper()
	world.Now, world.Customers, world.Seed = time.Now().UTC().Add(-48*time.Hour).Truncate(time.Second), 40, seed
	d := &dated{deleted: map[string]time.Time{}, random: rand.New(rand.NewPCG(seed, 3))}
	d.harness = start(t, setup{World: world, Mirror: worldtest.Tailing})
	d.swept = d.World.Now()
	d.SyncAll(t)
	d.age(t)
	return d
}

// age has complete sweeps be as old as the organization's clock says.
func (d *dated) age(t *testing.T) {
	t.Helper()
	d.Exec(t, "UPDATE sync_streams SET complete_at = $1 WHERE complete_at IS NOT NULL", d.swept)
}

// write makes some change or other.
func (d *dated) write(t *testing.T) {
	t.Helper()
	d.World.Advance(time.Duration(1+d.random.IntN(50)) * time.Second)
	customers := d.All(t, "/v1/customers/", nil)
	some := "/v1/customers/" + customers[d.random.IntN(len(customers))]["id"].(string)
	switch d.random.IntN(6) {
	case 0:
		d.Make(t, "/v1/customers/", fmt.Sprintf(`{"type":"individual","email":"n%d@example.com"}`, d.random.Uint64()))
	case 1:
		d.Want(t, http.StatusOK, http.MethodPatch, some, fmt.Sprintf(`{"name":"N%d"}`, d.random.Uint64()))
	case 2:
		if d.random.IntN(3) == 0 {
			d.Want(t, http.StatusNoContent, http.MethodDelete, some, "")
			d.deleted[strings.TrimPrefix(some, "/v1/customers/")] = d.World.Now()
		}
	case 3:
		for _, s := range d.All(t, "/v1/subscriptions/", url.Values{"active": {"true"}, "cancel_at_period_end": {"false"}}) {
			if s["status"] == "active" {
				d.Want(t, http.StatusOK, http.MethodPatch, "/v1/subscriptions/"+s["id"].(string), `{"cancel_at_period_end":true}`)
				break
			}
		}
	default:
		d.World.Churn(1)
	}
}

// follow makes a round and demands that no stream claims to be fresh through a moment after a change that is not mirrored.
func (d *dated) follow(t *testing.T) map[string]store.Freshness {
	t.Helper()
	d.Round(t)
	d.age(t)
	fresh, err := d.Store.Streams().Freshness(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for stream, fields := range told {
		d.truthful(t, stream, fields, fresh[stream].DataThrough)
	}
	return fresh
}

func (d *dated) truthful(t *testing.T, stream string, fields []string, through time.Time) {
	t.Helper()
	if through.After(d.World.Now()) {
		t.Errorf("%s claims to be fresh through %s, which has not come", stream, through)
	}
	here := map[any]map[string]any{}
	columns := "'id', id"
	for _, f := range fields {
		columns += ", '" + f + "', " + f
	}
	for _, text := range d.Texts(t, "SELECT jsonb_build_object("+columns+")::text FROM "+stream+" WHERE _deleted_at IS NULL") {
		var row map[string]any
		worldtest.Decode(t, []byte(text), &row)
		here[row["id"]] = row
	}
	i := slices.IndexFunc(catalog.Entries(), func(s catalog.Entry) bool { return s.Name == stream })
	for _, item := range d.All(t, catalog.Entries()[i].Path, nil) {
		var last time.Time
		for _, f := range []string{"created_at", "started_at", "modified_at"} {
			if text, _ := item[f].(string); text != "" {
				at, err := time.Parse(time.RFC3339Nano, text)
				if err != nil {
					t.Fatal(err)
				}
				if at.After(last) {
					last = at
				}
			}
		}
		if last.After(through) {
			continue
		}
		row := here[item["id"]]
		if row == nil && last.Before(d.swept) {
			continue // made since, and dated back: members have the date of their customer
		}
		if row == nil {
			t.Errorf("%s is fresh through %s and lacks %v of %s", stream, through.Format(time.TimeOnly), item["id"], last.Format(time.TimeOnly))
			continue
		}
		for _, f := range fields {
			if !worldtest.Alike(row[f], item[f]) {
				t.Errorf("%s is fresh through %s; %s of %v, changed at %s, is %v here and %v at Polar", stream, through.Format(time.TimeOnly), f, item["id"], last.Format(time.TimeOnly), row[f], item[f])
			}
		}
	}
	if stream != "customers" {
		return
	}
	for id, at := range d.deleted {
		if here[id] != nil && !at.After(through) {
			t.Errorf("customers is fresh through %s; %s, deleted at %s, looks alive", through.Format(time.TimeOnly), id, at.Format(time.TimeOnly))
		}
	}
}

// Events and deliveries come late and out of order, or not at all for hours, while lists show each change at once.
func TestTailClaimsNothingThatALateFeedHides(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	for name, world := range map[string]polarsim.Options{"with an endpoint": {}, "without": {NoWebhook: true}} {
		for seed := range uint64(2) {
			t.Run(fmt.Sprintf("%s, seed %d", name, seed), func(t *testing.T) {
				t.Parallel()
				d := startDated(t, seed+1, world)
				d.World.SetFeedLag(8 * time.Minute)
				stops := 4 + d.random.IntN(3)
				for n := range 24 {
					switch n {
					case stops:
						d.World.StopWorker()
						d.Make(t, "/v1/customers/", fmt.Sprintf(`{"type":"individual","email":"untold%d@example.com"}`, n))
					case stops + 6:
						d.still(t)
						d.World.StartWorker()
					}
					for range d.random.IntN(5) {
						d.write(t)
					}
					if d.random.IntN(6) == 0 {
						d.World.Advance(time.Duration(d.random.IntN(40)) * time.Minute)
					}
					d.World.Advance(time.Duration(30+d.random.IntN(240)) * time.Second)
					d.follow(t)
					if t.Failed() {
						t.Fatalf("in round %d; the worker stood still in rounds %d to %d", n, stops, stops+5)
					}
				}
				// Once the worker has told all, and new changes show that it is on time, so are the claims.
				d.World.SetFeedLag(0)
				for range 10 {
					d.World.Advance(time.Hour)
					d.Want(t, http.StatusOK, http.MethodPatch, "/v1/customers/"+d.All(t, "/v1/customers/", nil)[0]["id"].(string), fmt.Sprintf(`{"name":"N%d"}`, d.random.Uint64()))
					d.follow(t)
				}
				fresh := d.follow(t)
				if lag := d.World.Now().Sub(fresh["customers"].DataThrough); lag > 2*time.Hour || fresh["customers"].FeedLag > time.Minute {
					t.Errorf("hours later customers are fresh as of %s ago, the feed %s late", lag, fresh["customers"].FeedLag)
				}
				for stream, fields := range map[string][]string{"customers": told["customers"], "subscriptions": told["subscriptions"], "orders": told["orders"]} {
					d.seen(t, stream, fields...)
				}
			})
		}
	}
}

// still demands that a feed which stands still is known to.
func (d *dated) still(t *testing.T) {
	t.Helper()
	feeds, err := tails.New(d.Store.Pool()).Feeds().List(t.Context())
	if err != nil || len(feeds) == 0 {
		t.Fatal(feeds, err)
	}
	fresh, err := d.Store.Streams().Freshness(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range feeds {
		if !f.StandsStill || f.Lag < 10*time.Minute {
			t.Errorf("the worker stands still, and nothing tells: %+v, at %s", f, d.World.Now())
		}
	}
	if f := fresh["customers"]; f.FeedLag < 10*time.Minute || len(f.CoveredBy) < 2 {
		t.Errorf("%+v", f)
	}
}
