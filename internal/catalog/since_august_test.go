package catalog_test

import (
	"testing"

	"github.com/google/uuid"

	"syncd/internal/worldtest"
)

// A subscription that is moved to Polar from another provider is here after the next round, though it began before any other that
// is new; and when the events are, the view tells what it was called there.
func TestMigratedSubscriptionIsShown(t *testing.T) {
	t.Parallel()
	h := start(t, setup{Metrics: true, Mirror: worldtest.Tailing})
	streams := []string{"customers", "products", "subscriptions", "events"}
	h.SyncAll(t, streams...)
	h.Round(t, streams...)
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM migrated_subscriptions"); n > 0 {
		t.Fatalf("%d were migrated already", n)
	}
	id := uuid.MustParse(h.World.Migrate("stripe", "sub_1ABC"))
	h.Round(t, streams...)
	h.Equal(t, "subscriptions")
	h.Round(t, "events") // the turn of its slow question
	const row = `SELECT concat_ws(' ', m.provider, m.provider_subscription_id, m.migrated_at = s.created_at, m.customer_id = s.customer_id)
		FROM migrated_subscriptions m JOIN subscriptions s ON s.id = m.subscription_id WHERE s.id = $1`
	if got := worldtest.Query[string](t, h, row, id); got != "stripe sub_1ABC t t" {
		t.Errorf("the view shows %q", got)
	}
}
