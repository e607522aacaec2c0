package mrr_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/store/mrr"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// id ends in a digit.
func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-00000000000%d", n) }

// insert is a row of syncd's with these columns.
func insert(table string, n int, columns, values string) string {
	return fmt.Sprintf("INSERT INTO %s (id, _hash, _requested_at, %s) VALUES ('%s', '', now(), %s)", table, columns, id(n), values)
}

// subscription is one that is billed by the month, with what else is to be said.
func subscription(n int, amount int, started, columns, values string) string {
	return insert("subscriptions", n, "status, currency, recurring_interval, recurring_interval_count, customer_id, product_id, amount, created_at, started_at"+columns,
		fmt.Sprintf("'active', 'usd', 'month', 1, '%s', '%s', %d, '%s', '%s'", id(n), id(9), amount, started, started)+values)
}

// order is a charge of 11.90, and how much of it is tax.
func order(n, of int, at string, tax int) string {
	return insert("orders", n, "subscription_id, created_at, subtotal_amount, discount_amount, tax_amount, net_amount", fmt.Sprintf("'%s', '%s', 1190, 0, %d, %d", id(of), at, tax, 1190-tax))
}

// Days of subscriptions whose answers are worked out by hand: one with inclusive tax whose rate changes, an imported one, one that is paused, one that is
// past due, one in its trial and one that ends; and then they change.
func TestDaysByHand(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Migrated(t)
	pool, conn := pgtest.Pool(t, dsn), pgtest.Connect(t, dsn)
	pgtest.Exec(t, conn, "SET search_path TO polar, polar_sync", "SET timezone TO 'America/Los_Angeles'")
	now := func(at string) {
		t.Helper()
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		pgtest.StopClock(t, dsn, instant, pool)
	}
	keep := func() {
		t.Helper()
		var log strings.Builder
		if mrr.Keep(t.Context(), pool, slog.New(slog.NewTextHandler(&log, nil))); log.Len() > 0 {
			t.Fatal(log.String())
		}
	}
	now("2026-04-30T23:00:00Z")
	pgtest.Exec(t, conn,
		subscription(1, 1190, "2026-01-10T00:30:00Z", "", ""), order(1, 1, "2026-01-10T00:30:00Z", 190), order(2, 1, "2026-02-10T00:30:00Z", 190), order(3, 1, "2026-03-10T00:30:00Z", 207),
		subscription(2, 200, "2025-06-01Z", "", ""), "UPDATE subscriptions SET created_at = '2026-02-05Z' WHERE id = '"+id(2)+"'",
		subscription(3, 3000, "2026-01-01Z", ", paused_at", ", '2026-03-05Z'"), "UPDATE subscriptions SET status = 'paused' WHERE id = '"+id(3)+"'",
		subscription(4, 40000, "2026-01-01Z", ", past_due_at", ", '2026-03-06Z'"), "UPDATE subscriptions SET status = 'past_due' WHERE id = '"+id(4)+"'",
		subscription(5, 500000, "2026-03-01Z", ", trial_end", ", '2026-03-15T12:00:00Z'"),
		subscription(6, 6000000, "2026-03-01Z", ", ends_at", ", '2026-03-20T23:59:59Z'"),
		insert("subscriptions", 7, "status, started_at, created_at, amount, currency", "'incomplete', NULL, now(), 7, 'usd'"))
	days := func(view, columns string, days ...string) []string {
		t.Helper()
		return pgtest.List(t, conn, "SELECT concat_ws(' ', to_char(day, 'MM-DD'), "+columns+") FROM "+view+" WHERE day IN ('"+strings.Join(days, "', '")+"') ORDER BY day")
	}
	if got := pgtest.List(t, conn, "SELECT day::text FROM mrr_daily"); len(got) > 0 {
		t.Errorf("before the first time: %q", got)
	}
	keep()
	want := []string{
		"01-09 43000 0 0 0", "01-10 44000 0 0 0", // by UTC, whatever the zone of the reader
		"02-04 44000 0 0 0", "02-05 44200 0 0 0", // imported
		"03-04 6044200 500000 0 0", "03-05 6041200 500000 3000 0", "03-06 6001200 500000 3000 40000",
		"03-09 6001200 500000 3000 40000", "03-10 6001183 500000 3000 40000", // another rate of tax
		"03-14 6001183 500000 3000 40000", "03-15 6501183 0 3000 40000", // the trial ends
		"03-19 6501183 0 3000 40000", "03-20 501183 0 3000 40000", // it ends on that day
	}
	var asked []string
	for _, line := range want {
		asked = append(asked, "2026-"+line[:5])
	}
	const columns = "mrr_amount, trial_mrr_amount, paused_mrr_amount, past_due_mrr_amount"
	if diff := cmp.Diff(want, days("mrr_daily", columns, asked...)); diff != "" {
		t.Errorf("mrr_daily (-want +got):\n%s", diff)
	}
	polar := []string{"01-10 44183", "02-04 44183", "03-05 6044183", "03-10 6044183", "03-20 544183"} // the last rate of tax, and from the start
	if diff := cmp.Diff(polar, days("mrr_daily_polar", "mrr_amount", "2026-01-10", "2026-02-04", "2026-03-05", "2026-03-10", "2026-03-20")); diff != "" {
		t.Errorf("mrr_daily_polar (-want +got):\n%s", diff)
	}
	if last := pgtest.List(t, conn, "SELECT max(day)::text FROM mrr_daily UNION SELECT max(day)::text FROM mrr_daily_polar"); !slices.Equal(last, []string{"2026-04-30"}) {
		t.Errorf("the last day is %q", last)
	}

	reasons := func(days string) []string {
		t.Helper()
		return pgtest.List(t, conn, "SELECT d || ' ' || right(m.subscription_id::text, 1) || ' ' || m.reason FROM unnest('{"+days+"}'::date[]) d, mrr_difference(d) m ORDER BY 1")
	}
	if diff := cmp.Diff([]string{"2026-02-20 1 tax", "2026-04-01 3 paused", "2026-04-01 4 past_due"}, reasons("2026-02-20,2026-04-01")); diff != "" {
		t.Errorf("why they differ (-want +got):\n%s", diff)
	}

	// Nothing has changed, so nothing is written.
	state := func() string {
		return pgtest.List(t, conn, "SELECT concat(m.xmin, ' ', (SELECT max(xmin::text::bigint) FROM sync_mrr_spans)) FROM sync_mrr m")[0]
	}
	before := state()
	if keep(); state() != before {
		t.Error("the second time writes, too")
	}

	// What changes in May is not of April: a price, a product, an end that is taken back, and one that is deleted.
	now("2026-05-10T12:00:00Z")
	for _, change := range []string{
		"UPDATE subscriptions SET amount = 100, modified_at = '2026-05-02T10:00:00Z', _requested_at = now() WHERE id = '" + id(2) + "'",
		"UPDATE subscriptions SET product_id = '" + id(8) + "', seats = 3, modified_at = '2026-05-03T10:00:00Z', _requested_at = now() WHERE id = '" + id(5) + "'",
		"UPDATE subscriptions SET ends_at = NULL, modified_at = '2026-05-04T10:00:00Z', _requested_at = now() WHERE id = '" + id(6) + "'",
		"UPDATE subscriptions SET _deleted_at = now(), _requested_at = '2026-05-05T10:00:00Z' WHERE id = '" + id(4) + "'",
		"UPDATE subscriptions SET status = 'active', paused_at = NULL, modified_at = '2026-05-06T10:00:00Z', _requested_at = now() WHERE id = '" + id(3) + "'",
		"UPDATE orders SET tax_amount = 0, net_amount = 1190, _requested_at = now() WHERE id = '" + id(3) + "'",
	} {
		pgtest.Exec(t, conn, "BEGIN", "SELECT set_config('syncd.history', 'subscriptions,orders', true)", change, "SELECT announce_changes()", "COMMIT")
	}
	keep()
	want[8], want[9], want[10], want[11], want[12] = "03-10 6001390 500000 3000 40000", "03-14 6001390 500000 3000 40000", "03-15 6501390 0 3000 40000", "03-19 6501390 0 3000 40000", "03-20 501390 0 3000 40000" // the order itself was corrected
	if diff := cmp.Diff(want, days("mrr_daily", columns, asked...)); diff != "" {
		t.Errorf("after the changes mrr_daily was (-want +got):\n%s", diff)
	}
	after := []string{
		"05-01 501390 0 3000 40000", "05-02 501290 0 3000 40000", "05-03 1290 0 3000 40000", "05-03 500000 0 0 0", "05-04 6001290 0 3000 40000", "05-04 500000 0 0 0",
		"05-05 6001290 0 3000 0", "05-05 500000 0 0 0", "05-06 6004290 0 0 0", "05-06 500000 0 0 0",
	}
	got := pgtest.List(t, conn, "SELECT concat_ws(' ', to_char(day, 'MM-DD'), "+columns+") FROM mrr_daily WHERE day BETWEEN '2026-05-01' AND '2026-05-06' AND (day >= '2026-05-03' OR product_id = '"+id(9)+"') ORDER BY day, product_id DESC")
	if diff := cmp.Diff(after, got); diff != "" {
		t.Errorf("days of the changes (-want +got):\n%s", diff)
	}
	why := []string{"2025-07-01 2 imported", "2026-02-20 1 tax", "2026-02-20 2 price", "2026-02-20 4 deleted", "2026-04-01 2 price", "2026-04-01 3 paused", "2026-04-01 5 product", "2026-04-01 5 product", "2026-04-01 6 not_running"}
	if diff := cmp.Diff(why, reasons("2025-07-01,2026-02-20,2026-04-01")); diff != "" {
		t.Errorf("why they differ after the changes (-want +got):\n%s", diff)
	}

	// What is rebuilt of the time before refines it: the first one had twice the price in January.
	pgtest.Exec(t, conn, `INSERT INTO changes (seq, stream, id, operation, source, seen_at, changed_at, old, new, retention)
		SELECT nextval('changes_rebuilt_seq'), 'subscriptions', id, 'update', 'event', '2026-02-01T12:00:00Z', '2026-02-01T12:00:00Z', '{"amount": 2380}', '{"amount": 1190}', 'permanent'
		FROM subscriptions WHERE id = '`+id(1)+"'")
	keep()
	if got, want := days("mrr_daily", columns, "2026-01-31", "2026-02-01"), []string{"01-31 45000 0 0 0", "02-01 44000 0 0 0"}; !slices.Equal(got, want) {
		t.Errorf("rebuilt: %q, want %q", got, want)
	}
	if wrong := pgtest.List(t, conn, "SELECT d::text FROM ((TABLE sync_mrr_spans EXCEPT SELECT * FROM mrr_spans_of(ARRAY(SELECT id FROM subscriptions))) UNION ALL (SELECT * FROM mrr_spans_of(ARRAY(SELECT id FROM subscriptions)) EXCEPT TABLE sync_mrr_spans)) d"); len(wrong) > 0 {
		t.Errorf("spans that are kept and those made anew differ: %q", wrong)
	}
}

// The first time, all subscriptions are made in one statement, of tables that have no statistics yet. What it costs is to grow as they do:
// with each compared with each, ten thousand would take a minute.
func TestManySubscriptions(t *testing.T) {
	t.Parallel()
	const subscriptions = 1200
	config, err := pgx.ParseConfig(pgtest.Migrated(t))
	if err != nil {
		t.Fatal(err)
	}
	var plans strings.Builder
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { plans.WriteString(n.Message + "\n") }
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	pgtest.Exec(t, conn, "SET search_path TO polar_sync, polar",
		fmt.Sprintf(`INSERT INTO subscriptions (id, _hash, _requested_at, status, currency, recurring_interval, recurring_interval_count, customer_id, product_id, amount, created_at, started_at)
			SELECT gen_random_uuid(), '', now(), 'active', 'usd', 'month', 1, gen_random_uuid(), gen_random_uuid(), 1000, '2026-01-01', '2026-01-01' FROM generate_series(1, %d)`, subscriptions),
		"LOAD 'auto_explain'", "SET auto_explain.log_min_duration TO 0", "SET auto_explain.log_nested_statements TO on",
		"SET auto_explain.log_analyze TO on", "SET client_min_messages TO log",
		"SELECT keep_mrr()")
	if n := pgtest.List(t, conn, "SELECT count(*)::text FROM sync_mrr_spans WHERE version = 'now'"); !slices.Equal(n, []string{fmt.Sprint(subscriptions)}) {
		t.Fatalf("%s spans of now", n)
	}
	if !strings.Contains(plans.String(), "CTE priced") {
		t.Fatalf("no plan:\n%s", plans.String())
	}
	for _, found := range regexp.MustCompile(`Rows Removed by Join Filter: (\d+)`).FindAllStringSubmatch(plans.String(), -1) {
		if n, err := strconv.Atoi(found[1]); err != nil || n > 10*subscriptions {
			t.Errorf("a join compares %s pairs of rows that do not belong together, %v", found[1], err)
		}
	}
}
