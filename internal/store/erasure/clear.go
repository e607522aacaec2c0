package erasure

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/pg"
)

// known is by what else than the id a customer is known.
type known struct {
	emails, names []string // addresses in lower case; ids of the organization's own
	texts         []string // names and lines of addresses
}

// erase does the whole work, in its order.
func (w *work) erase(ctx context.Context) error {
	if err := w.prepare(ctx); err != nil {
		return err
	}
	if err := w.makeFunctions(ctx); err != nil {
		return err
	}
	if !w.order.Trial {
		if err := w.lock(ctx); err != nil {
			return err
		}
		if err := w.attach(ctx); err != nil {
			return err
		}
	}
	if err := w.note(ctx); err != nil {
		return err
	}
	// What belongs to rows comes before them: their trigger would clear it uncounted.
	slices.SortStableFunc(w.tables, func(a, b owned) int { return min(len(b.Parents), 1) - min(len(a.Parents), 1) })
	if err := w.clearRows(ctx); err != nil {
		return err
	}
	if err := w.clearQuotes(ctx); err != nil {
		return err
	}
	return w.close(ctx)
}

// eraseAgain clears once more what belongs to rows of customers who are erased, and was not written with these. Functions and triggers are
// there: one of them has put these customers down.
func (w *work) eraseAgain(ctx context.Context) error {
	if err := w.prepare(ctx); err != nil {
		return err
	}
	if err := w.lock(ctx); err != nil {
		return err
	}
	w.tables = slices.DeleteFunc(w.tables, func(t owned) bool { return len(t.Parents) == 0 || t.Child })
	if err := w.clearRows(ctx); err != nil {
		return err
	}
	if err := w.clearRejects(ctx); err != nil {
		return err
	}
	return w.close(ctx)
}

// clearRows clears the rows of the tables, and what was recorded of them.
func (w *work) clearRows(ctx context.Context) error {
	for _, t := range w.tables {
		if err := w.clearChanges(ctx, t); err != nil {
			return err
		}
		if err := w.clearTable(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// close puts down that the customers are cleared.
func (w *work) close(ctx context.Context) error {
	rows := w.rows
	if len(w.order.Customers) > 1 {
		rows = 0 // nobody has counted whose each was
	}
	if _, err := w.tx.Exec(ctx, "DELETE FROM sync_erasure_again WHERE customer_id = ANY ($1)", w.order.Customers); err != nil {
		return err
	}
	_, err := w.tx.Exec(ctx, "UPDATE sync_erasures SET cleared_at = now(), rows_cleared = rows_cleared + $2 WHERE customer_id = ANY ($1)", w.order.Customers, rows)
	return err
}

// note puts down whose data are to go, and reads by what else they are found.
func (w *work) note(ctx context.Context) error {
	_, err := w.tx.Exec(ctx, `
		INSERT INTO sync_erasures (customer_id, reason, asked_by) SELECT unnest($1::uuid[]), $2, $3 || ', database role ' || session_user
		ON CONFLICT (customer_id) DO UPDATE SET reason = EXCLUDED.reason, asked_by = EXCLUDED.asked_by WHERE EXCLUDED.reason = 'asked'`,
		w.order.Customers, w.order.Reason, w.order.By)
	if err != nil {
		return fmt.Errorf("note the erasure: %w", err)
	}
	rows, err := w.tx.Query(ctx, `
		WITH docs AS (
			SELECT c.id, to_jsonb(c) AS d FROM customers c WHERE c.id = ANY ($1)
			UNION ALL SELECT x.id, to_jsonb(x) FROM customers_export x WHERE x.id = ANY ($1)
			UNION ALL SELECT c.id, c.old FROM changes c WHERE c.stream = 'customers' AND c.id = ANY ($1)
			UNION ALL SELECT c.id, c.new FROM changes c WHERE c.stream = 'customers' AND c.id = ANY ($1)
			UNION ALL SELECT k.customer_id, jsonb_build_object('email', k.customer_email, 'external_id', k.external_customer_id, 'external_id_too', k.customer_external_id,
				'name', k.customer_name, 'billing_name', k.customer_billing_name, 'billing_address', k.customer_billing_address)
			FROM checkouts k WHERE k.customer_id = ANY ($1)
			UNION ALL SELECT o.customer_id, jsonb_build_object('billing_name', o.billing_name, 'billing_address', o.billing_address) FROM orders o WHERE o.customer_id = ANY ($1)
		)
		SELECT DISTINCT docs.id, v.kind, v.value, erasure_hash(v.value) FROM docs, LATERAL (VALUES
			('email', lower(d->>'email')), ('name', d->>'external_id'), ('name', d->>'external_id_too'), ('name', d->'metadata'->>'__external_id'),
			('text', d->>'name'), ('text', d->>'billing_name'), ('text', d->'billing_address'->>'line1'), ('text', d->'billing_address'->>'line2'),
			('text', d->>'billing_line1'), ('text', d->>'billing_line2'), ('text', d->'tax_id'->>0)) v (kind, value)
		WHERE v.value <> ''`, w.order.Customers)
	var whose []uuid.UUID
	var hashes [][]byte
	if err == nil {
		var of uuid.UUID
		var kind, value string
		var hash []byte
		_, err = pgx.ForEachRow(rows, []any{&of, &kind, &value, &hash}, func() error {
			switch {
			case kind == "email":
				w.known.emails = append(w.known.emails, value)
			case kind == "name":
				w.known.names = append(w.known.names, value)
			case utf8.RuneCountInString(value) > 5:
				w.known.texts = append(w.known.texts, value)
			}
			if kind != "text" {
				whose, hashes = append(whose, of), append(hashes, bytes.Clone(hash))
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("read by what customers are known: %w", err)
	}
	_, err = w.tx.Exec(ctx, "INSERT INTO sync_erasure_hashes (hash, customer_id) SELECT * FROM unnest($1::bytea[], $2::uuid[]) ON CONFLICT DO NOTHING", hashes, whose)
	if err != nil {
		return fmt.Errorf("note by what customers are known: %w", err)
	}
	return nil
}

// count adds rows to the report.
func (w *work) count(table string, n int64) {
	w.rows += n
	for i := range w.cleared {
		if w.cleared[i].Table == table {
			w.cleared[i].Rows += n
			return
		}
	}
	if n > 0 {
		w.cleared = append(w.cleared, Cleared{table, n})
	}
}

// setting is what becomes of rows t: a list of assignments, in which v.a and v.b are expressions on the row, of type jsonb.
type setting struct{ sql, a, b string }

// update changes rows t of a table, or takes them out where nothing is to be set; in a trial it counts them. They are found and locked first,
// and written by where they are: Citus takes no function of a column in a statement that writes, unless it is immutable.
func (w *work) update(ctx context.Context, table string, set setting, where string, args ...any) error {
	n, err := w.rewrite(ctx, table, set, where, args...)
	if err != nil {
		return fmt.Errorf("clear %s: %w", table, err)
	}
	w.count(table, n)
	return nil
}

func (w *work) rewrite(ctx context.Context, table string, set setting, where string, args ...any) (n int64, err error) {
	if w.order.Trial {
		err = w.tx.QueryRow(ctx, "SELECT count(*) FROM "+name(table)+" t WHERE "+where, args...).Scan(&n)
		return n, err
	}
	rows, err := w.tx.Query(ctx, fmt.Sprintf("SELECT t.ctid::text, t.tableoid::bigint, %s, %s FROM %s t WHERE %s FOR UPDATE OF t", cmp.Or(set.a, "NULL::jsonb"), cmp.Or(set.b, "NULL::jsonb"), name(table), where), args...)
	if err != nil {
		return 0, err
	}
	var at []string
	var in []int64
	var a, b []json.RawMessage
	var is struct {
		at   string
		in   int64
		a, b json.RawMessage
	}
	if _, err := pgx.ForEachRow(rows, []any{&is.at, &is.in, &is.a, &is.b}, func() error {
		at, in, a, b = append(at, is.at), append(in, is.in), append(a, slices.Clone(is.a)), append(b, slices.Clone(is.b))
		return nil
	}); err != nil || len(at) == 0 {
		return 0, err
	}
	sql := "UPDATE " + name(table) + " t SET " + set.sql + " FROM "
	if set.sql == "" {
		sql = "DELETE FROM " + name(table) + " t USING "
	}
	tag, err := w.tx.Exec(ctx, sql+"unnest($1::text[]::tid[], $2::bigint[]::oid[], $3::jsonb[], $4::jsonb[]) v (at, part, a, b) WHERE t.ctid = v.at AND t.tableoid = v.part", at, in, a, b)
	return tag.RowsAffected(), err
}

// clearTable writes the customer's rows again. The trigger clears them. They are found first, by a query of their own: in one with what
// costs more for a row, Postgres may ask that of all rows of the table.
func (w *work) clearTable(ctx context.Context, o owned) error {
	found := fmt.Sprintf("t.ctid = ANY (ARRAY(SELECT t.ctid FROM %s t WHERE %s))", name(o.Table), o.mayBe())
	return w.update(ctx, o.Table, setting{sql: "_synced_at = now()"}, fmt.Sprintf("%s AND %s AND impersonal(%s, to_jsonb(t)) <> '{}'", found, o.isErased("t"), pg.Literal(string(o.Cleared))),
		w.order.Customers, w.known.emails, w.known.names)
}

// clearChanges clears what was recorded of the customer's rows. It comes before the rows themselves, which tell whose they are.
func (w *work) clearChanges(ctx context.Context, o owned) error {
	if strings.HasPrefix(o.Table, "sync_") {
		return nil
	}
	columns := pg.Literal(string(o.Cleared)) + "::jsonb"
	rows := "t.id IN (" + o.found("t.id") + ")"
	if o.Child {
		rows = ofParent("t.parent_id", o.Parents[0]) + " AND " + typed
	}
	changed := fmt.Sprintf("impersonal(%[1]s, t.old) <> '{}' OR impersonal(%[1]s, t.new) <> '{}'", columns)
	err := w.update(ctx, "changes", setting{"old = v.a, new = v.b", "t.old || impersonal(" + columns + ", t.old)", "t.new || impersonal(" + columns + ", t.new)"},
		fmt.Sprintf("t.stream = '%s' AND %s AND (%s)", o.Table, rows, changed), w.order.Customers, w.known.emails, w.known.names)
	if err != nil || o.Child {
		return err
	}
	return w.update(ctx, "sync_findings", setting{sql: "mirror_value = NULL, other_value = NULL"},
		fmt.Sprintf("t.stream = '%s' AND (t.mirror_value IS NOT NULL OR t.other_value IS NOT NULL) AND t.key IN (%s)", o.Table, o.found("t.id::text")),
		w.order.Customers, w.known.emails, w.known.names)
}

// clearQuotes clears what quotes rows or objects elsewhere in the bookkeeping, and changes of rows that are in no table any more.
func (w *work) clearQuotes(ctx context.Context) error {
	const cleared = "(SELECT o.cleared FROM personal_owners() o WHERE o.relation = t.stream)"
	err := w.update(ctx, "changes", setting{sql: "old = v.a", a: "t.old || impersonal(" + cleared + ", t.old)"},
		"t.operation = 'delete' AND t.new IS NULL AND t.old->>'customer_id' = ANY ($1::uuid[]::text[]) AND impersonal("+cleared+", t.old) <> '{}'", w.order.Customers)
	if err == nil {
		err = w.clearRejects(ctx)
	}
	if err == nil { // the customer's state differs from Polar's from now on
		err = w.update(ctx, "sync_findings", setting{}, "t.kind = 'state' AND t.key = ANY ($1::uuid[]::text[])", w.order.Customers)
	}
	if err != nil {
		return err
	}
	for _, q := range []struct{ table, columns, set string }{
		{"sync_findings", "mirror_value, other_value, evidence", "mirror_value = NULL, other_value = NULL, evidence = 'cleared'"},
		{"sync_findings", "key", ""},
		{"sync_drift", "value", ""},
		{"sync_runs", "reason, error", "reason = 'cleared', error = NULL"},
		{"sync_tombstones", "evidence", "evidence = 'cleared'"},
	} {
		if err := w.update(ctx, q.table, setting{sql: q.set}, fmt.Sprintf(quotes, q.columns), w.known.texts, w.known.emails); err != nil {
			return err
		}
	}
	return nil
}

// clearRejects clears objects that could not be stored. They may name an order alone, which came later.
func (w *work) clearRejects(ctx context.Context) error {
	return w.update(ctx, "sync_rejects", setting{sql: "reason = t.reason"}, "t.body <> '{}' AND is_erased_reject(t.item_id, t.body)")
}

// quotes is an SQL condition: columns hold one of these texts, as such and not as a pattern.
const quotes = `EXISTS (SELECT FROM unnest($1::text[] || $2::text[]) v WHERE position(lower(v) IN lower(concat_ws(' ', %s))) > 0)`
