package catalog_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"syncd/internal/polarsim/recorded"
	"syncd/internal/worldtest"
)

// What history would have noted of three subscriptions, had it been there: their prices and states changed, one of them twice.
const recipesHistory = `
UPDATE polar_sync.sync_streams SET history_since = '2026-06-01' WHERE stream = 'subscriptions';
INSERT INTO changes (stream, id, operation, seen_at, changed_at, old, new, retention)
(SELECT 'subscriptions', id, 'update', now(), timestamptz '2026-09-10', jsonb_build_object('amount', amount - 900), jsonb_build_object('amount', amount), 'permanent'
FROM subscriptions WHERE currency = 'usd' AND status = 'active' AND recurring_interval = 'month' AND recurring_interval_count = 1 ORDER BY id LIMIT 1)
UNION ALL
(SELECT 'subscriptions', id, 'update', now(), '2026-09-12', jsonb_build_object('amount', amount + 24000), jsonb_build_object('amount', amount), 'permanent'
FROM subscriptions WHERE currency = 'eur' AND recurring_interval = 'year' AND recurring_interval_count = 2 ORDER BY id LIMIT 1)
UNION ALL
SELECT 'subscriptions', id, 'update', now(), c.at, jsonb_build_object('status', c.old), jsonb_build_object('status', c.new), 'permanent'
FROM subscriptions, (VALUES (timestamptz '2026-06-15', 'trialing', 'active'), ('2026-08-15', 'active', 'paused')) c (at, old, new) WHERE status = 'paused'`

// MRR at the ends of months by customer, from the rows of today and what is known of their history. It is for the checks.
const mrrByHand = `
CREATE TEMP VIEW mrr_by_hand AS
SELECT day, s.customer_id, s.currency, sum(round(coalesce(round(a.amount * t.net / (t.net + t.tax)), a.amount) / s.recurring_interval_count
    / CASE s.recurring_interval WHEN 'month' THEN 1 WHEN 'year' THEN 12 WHEN 'week' THEN 12 / 52.0 ELSE 12 / 365.0 END)) AS mrr
FROM (SELECT (month + interval '1 month')::date - 1 AS day FROM generate_series(timestamp '2025-09-01', '2026-10-01', '1 month') month) d
JOIN subscriptions s ON s.started_at::date <= day AND (coalesce(s.ended_at, s.ends_at) IS NULL OR coalesce(s.ended_at, s.ends_at)::date > day) AND (s.trial_end IS NULL OR s.trial_end::date <= day)
    AND NOT (s.status = 'paused' AND day >= '2026-08-15') AND NOT (s.status IN ('past_due', 'unpaid') AND day >= s.past_due_at::date)
LEFT JOIN changes c ON c.id = s.id AND c.old ? 'amount' AND c.changed_at::date > day
CROSS JOIN LATERAL (SELECT coalesce((c.old->>'amount')::numeric, s.amount) AS amount) a
LEFT JOIN LATERAL (SELECT net_amount AS net, CASE WHEN net_amount + tax_amount = subtotal_amount - discount_amount THEN tax_amount ELSE 0 END AS tax
    FROM orders WHERE subscription_id = s.id AND net_amount + tax_amount > 0 AND created_at::date <= day ORDER BY created_at DESC LIMIT 1) t ON true
GROUP BY 1, 2, 3`

// recipe is a question of docs/recipes.md and its queries, or the same of a file of testdata.
type recipe struct {
	question string
	queries  []string
}

// answerRecipes runs the queries of docs/recipes.md over the recorded organization, and holds their answers against testdata: against those that are
// expected, and against those found in another way. Assistants give the same.
func answerRecipes(t *testing.T, h *worldtest.Harness, truth recorded.Truth) {
	t.Helper()
	h.Exec(t, recipesHistory)
	h.Exec(t, "SELECT keep_mrr()")
	h.Aside(t, func(tx pgx.Tx) { answerRecipesIn(t, tx, truth) })
	askAssistants(t, h)
}

func answerRecipesIn(t *testing.T, tx pgx.Tx, truth recorded.Truth) {
	t.Helper()
	head, recipes := readRecipes(t, "../../docs/recipes.md")
	_, expected := readRecipes(t, "testdata/recipes.golden")
	_, checks := readRecipes(t, "testdata/recipes_check.sql")
	if len(recipes) != 25 || len(expected) != len(recipes) || len(checks) != len(recipes) {
		t.Fatalf("%d questions, %d answers, %d checks, want 25 of each", len(recipes), len(expected), len(checks))
	}
	for _, sql := range append([]string{mrrByHand}, head...) {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	storePolarMetrics(t, tx, truth)
	for i, r := range recipes {
		var answers []string
		for _, sql := range r.queries {
			answers = append(answers, answer(t, tx, sql))
		}
		if got, want := strings.Join(answers, "\n"), strings.Join(expected[i].queries, "\n"); r.question != expected[i].question || got != want {
			t.Errorf("%s\n%s\nwant, of testdata/recipes.golden:\n%s\n%s", r.question, got, expected[i].question, want)
		}
		if r.question != checks[i].question {
			t.Errorf("%s: the check is for %s", r.question, checks[i].question)
		}
		for n, sql := range checks[i].queries {
			_, got, _ := strings.Cut(answers[n], "\n") // without the names of the columns
			if _, want, _ := strings.Cut(answer(t, tx, sql), "\n"); plain(got) != plain(want) {
				t.Errorf("%s\n%s\nfound in another way:\n%s", r.question, got, want)
			}
		}
	}
	requireNoGuess(t, tx, recipes)
}

// requireNoGuess wants no state of a subscription for a day before history begins.
func requireNoGuess(t *testing.T, tx pgx.Tx, recipes []recipe) {
	t.Helper()
	if _, err := tx.Exec(t.Context(), "UPDATE polar_sync.sync_streams SET history_since = '2026-07-02' WHERE stream = 'subscriptions'"); err != nil {
		t.Fatal(err)
	}
	for _, r := range recipes {
		if strings.Contains(r.question, "in which state") {
			if got := answer(t, tx, r.queries[0]); !regexp.MustCompile(`^status_then\|running\nnot known\|\d+\n$`).MatchString(got) {
				t.Errorf("%s\n%s", r.question, got)
			}
			return
		}
	}
	t.Error("no question is about a state in the past")
}

// readRecipes reads a page, or a file of testdata, in parts that begin with a line of # and a question. What of a part is SQL is in fenced blocks of a page, and
// all else than comments in a .sql file; of other files a part is one text for each empty line. Head is what stands in blocks before the first question.
func readRecipes(t *testing.T, path string) (head []string, recipes []recipe) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range regexp.MustCompile(`(?m)^(?:### |-- ## |## )`).Split(string(text), -1) {
		question, body, _ := strings.Cut(part, "\n")
		var queries []string
		switch {
		case strings.HasSuffix(path, ".md"):
			for _, block := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(part, -1) {
				queries = append(queries, block[1])
			}
		case strings.HasSuffix(path, ".sql"):
			for _, sql := range strings.SplitAfter(regexp.MustCompile(`(?m)^--.*\n`).ReplaceAllString(body, ""), ";\n") {
				if strings.TrimSpace(sql) != "" {
					queries = append(queries, sql)
				}
			}
		default:
			for answer := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
				queries = append(queries, answer+"\n")
			}
		}
		if i == 0 {
			head = queries
		} else if len(queries) > 0 || strings.HasSuffix(path, ".sql") {
			recipes = append(recipes, recipe{question, queries})
		}
	}
	return head, recipes
}

// storePolarMetrics makes a table of what Polar said about months.
func storePolarMetrics(t *testing.T, tx pgx.Tx, truth recorded.Truth) {
	t.Helper()
	exchanges, err := truth.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "CREATE TEMP TABLE polar_metrics (period_start timestamptz, slug text, value numeric) ON COMMIT DROP"); err != nil {
		t.Fatal(err)
	}
	for _, e := range exchanges {
		if e.Request.Path != "/v1/metrics/?start_date=2025-09-01&end_date=2026-11-30&interval=month" {
			continue
		}
		if _, err := tx.Exec(t.Context(), `INSERT INTO polar_metrics SELECT (p->>'timestamp')::timestamptz, m.key, m.value::numeric
			FROM jsonb_array_elements($1::jsonb->'periods') p, jsonb_each_text(p - 'timestamp') m`, e.Body); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatal("what Polar said about months was not recorded")
}

// answer is the names of the columns and the rows, a line each.
func answer(t *testing.T, tx pgx.Tx, sql string) string {
	t.Helper()
	rows, err := tx.Query(t.Context(), sql, pgx.QueryExecModeSimpleProtocol) // in text
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer rows.Close()
	var text strings.Builder
	var cells []string
	for _, f := range rows.FieldDescriptions() {
		cells = append(cells, f.Name)
	}
	text.WriteString(strings.Join(cells, "|") + "\n")
	for rows.Next() {
		for i, value := range rows.RawValues() {
			cells[i] = string(value)
		}
		text.WriteString(strings.Join(cells, "|") + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text.String()
}

var fraction = regexp.MustCompile(`(?m)\.(\d*?)0*(\||$)`)

// plain are rows whose numbers have no zeros at their end.
func plain(rows string) string {
	return strings.ReplaceAll(strings.ReplaceAll(fraction.ReplaceAllString(rows, ".$1$2"), ".|", "|"), ".\n", "\n")
}
