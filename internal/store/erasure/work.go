package erasure

import (
	"context"
	_ "embed" // functions.sql
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"syncd/internal/store/pg"
)

//go:embed functions.sql
var functions string

// madeBy is an SQL expression: a sum of what functions and triggers are made by. $1 is functions.
const madeBy = `encode(sha256(convert_to($1 || current_schema() || (SELECT string_agg(o::text, ';' ORDER BY o.place) FROM personal_owners() o), 'UTF8')), 'hex')`

// isWait: a lock was not to be had in time.
func isWait(err error) bool { return pg.IsCode(err, "55P03") }

// owned is a table whose rows belong to customers, a row of personal_owners().
type owned struct {
	Table    string
	Customer string
	Emails   []string
	Names    []string
	Parents  []string
	Child    bool
	Cleared  json.RawMessage
}

// work is an erasure in its transaction.
type work struct {
	tx      pgx.Tx
	order   Order
	data    string // the schema
	path    string // search_path of the transaction
	tables  []owned
	known   known
	cleared []Cleared
	rows    int64
}

func name(parts ...string) string { return pgx.Identifier(parts).Sanitize() }

// columns are columns of a row, as a list of an array.
func columns(of string, names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = name(of, n)
	}
	return "ARRAY[" + strings.Join(list, ", ") + "]::text[]"
}

// parent takes a reference apart.
func parent(reference string) (table, column string) {
	table, column, _ = strings.Cut(reference, ".")
	return table, column
}

// isErased is an SQL condition: a row is of an erased customer.
func (o owned) isErased(row string) string {
	var any []string
	if o.Customer != "" {
		any = append(any, "is_erased("+name(row, o.Customer)+")")
	}
	for _, reference := range o.Parents {
		table, column := parent(reference)
		any = append(any, fmt.Sprintf("is_erased(owner_of('%s', %s))", table, name(row, column)))
	}
	if len(o.Emails)+len(o.Names) > 0 {
		any = append(any, fmt.Sprintf("are_erased_names(%s, %s)", columns(row, o.Emails), columns(row, o.Names)))
	}
	return "(" + strings.Join(any, " OR ") + ")"
}

// mayBe is an SQL condition that indexes answer: a row t may be of the customers $1, by its id, an address in $2 or another name in $3.
func (o owned) mayBe() string {
	var any []string
	if o.Customer != "" {
		any = append(any, name("t", o.Customer)+" = ANY ($1)")
	}
	for _, c := range o.Emails {
		any = append(any, "lower("+name("t", c)+") = ANY ($2)")
	}
	for _, c := range o.Names {
		any = append(any, name("t", c)+" = ANY ($3)")
	}
	for _, reference := range o.Parents {
		_, column := parent(reference)
		any = append(any, ofParent(name("t", column), reference))
	}
	return typed + " AND (" + strings.Join(any, " OR ") + ")"
}

// typed is an SQL condition that holds. It gives each parameter a type, also where nothing else does.
const typed = "(true OR ($1::uuid[] IS NULL AND $2::text[] IS NULL AND $3::text[] IS NULL))"

// ofParent is an SQL condition: a column names a row, in the table of a reference, of the customers $1.
func ofParent(column, reference string) string {
	table, _ := parent(reference)
	return fmt.Sprintf("%s IN (SELECT p.id FROM %s p WHERE p.customer_id = ANY ($1))", column, name(table))
}

// found is a query of what the rows t of the customers have in a column.
func (o owned) found(column string) string {
	return fmt.Sprintf("SELECT %s FROM %s t WHERE %s AND %s", column, name(o.Table), o.mayBe(), o.isErased("t"))
}

// prepare reads which tables there are, and works as the role that owns them from then on: the daemon must be able to make functions and
// triggers anew, whoever has run the command.
func (w *work) prepare(ctx context.Context) error {
	err := w.tx.QueryRow(ctx, `
		SELECT t.schemaname, current_setting('search_path') FROM pg_tables t
		WHERE t.schemaname = current_schema() AND t.tablename = 'sync_migrations' AND set_config('role', t.tableowner, true) <> ''`).Scan(&w.data, &w.path)
	if err != nil {
		return err
	}
	rows, err := w.tx.Query(ctx, "SELECT relation, customer, emails, names, parents, is_child, cleared FROM personal_owners() ORDER BY place")
	if err == nil {
		w.tables, err = pgx.CollectRows(rows, pgx.RowToStructByPos[owned])
	}
	if err != nil {
		return fmt.Errorf("read whose the rows of tables are: %w", err)
	}
	return nil
}

// makeFunctions makes the functions, or makes them anew.
func (w *work) makeFunctions(ctx context.Context) error {
	books := pg.Bookkeeping(w.data)
	made := strings.NewReplacer("DATA.", name(w.data)+".", "BOOKS.", name(books)+".", "OWNERS", w.owners(name(w.data)), "PARTS", w.parts(), "NAMED", w.named()).Replace(functions)
	for _, sql := range []string{"SET LOCAL search_path TO " + name(books) + ", " + name(w.data) + ", pg_temp", made, "SET LOCAL search_path TO " + w.path} {
		if _, err := w.tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("make functions: %w", err)
		}
	}
	return nil
}

// owners are the branches of owner_of, one for each table that others belong to.
func (w *work) owners(schema string) string {
	var sql strings.Builder
	for _, table := range w.parents(func(owned) bool { return true }) {
		fmt.Fprintf(&sql, "        WHEN '%s' THEN SELECT p.customer_id INTO owner FROM %s.%s p WHERE p.id = row_id;\n", table, schema, name(table))
	}
	return strings.TrimRight(sql.String(), "\n")
}

// parts are the branches of keep_erased_parts_out: what belongs to a row of each table that others than its children belong to.
func (w *work) parts() string {
	var sql strings.Builder
	for _, table := range w.parents(notChild) {
		fmt.Fprintf(&sql, "        WHEN '%s' THEN\n", table)
		for _, t := range w.tables {
			for _, reference := range t.Parents {
				if of, column := parent(reference); of == table {
					fmt.Fprintf(&sql, `            FOR part IN SELECT t.ctid FROM %[1]s t WHERE t.%[2]s = NEW.id AND impersonal(%[3]s, to_jsonb(t)) <> '{}' FOR UPDATE LOOP
                UPDATE %[1]s t SET _extra = _extra WHERE t.ctid = part;
            END LOOP;
`, name(t.Table), name(column), pg.Literal(string(t.Cleared)))
				}
			}
		}
	}
	return strings.TrimRight(sql.String(), "\n")
}

// named are the statements of keep_erased_names_out: one for each table whose rows tell by names whose they are.
func (w *work) named() string {
	var sql strings.Builder
	for _, t := range w.tables {
		var any []string
		for _, c := range t.Emails {
			any = append(any, "lower(t."+name(c)+") = ANY (names)")
		}
		for _, c := range t.Names {
			any = append(any, "t."+name(c)+" = ANY (names)")
		}
		if len(any) > 0 {
			fmt.Fprintf(&sql, "        UPDATE %s t SET _extra = _extra WHERE %s;\n", name(t.Table), strings.Join(any, " OR "))
		}
	}
	return strings.TrimRight(sql.String(), "\n")
}

func notChild(t owned) bool { return !t.Child }

// parents are the tables to which rows of such tables belong.
func (w *work) parents(of func(owned) bool) (tables []string) {
	for _, t := range w.tables {
		for _, reference := range t.Parents {
			if table, _ := parent(reference); of(t) && !slices.Contains(tables, table) {
				tables = append(tables, table)
			}
		}
	}
	return tables
}

// lock keeps writers out until the end of the transaction, and readers not. Whoever writes a page holds the row of its stream first, so
// with that table locked no page is under way. What waits for longer is given up: others wait behind it.
func (w *work) lock(ctx context.Context) error {
	tables := make([]string, 0, len(w.tables)+2)
	for _, t := range w.tables {
		tables = append(tables, name(t.Table))
	}
	_, err := w.tx.Exec(ctx, "SET LOCAL lock_timeout = '1s'; LOCK TABLE sync_streams IN EXCLUSIVE MODE; LOCK TABLE "+
		strings.Join(append(tables, "changes", "sync_rejects"), ", ")+" IN SHARE ROW EXCLUSIVE MODE")
	return err
}

// unasked is a condition before that of a trigger: whoever writes has not asked whose the row is, or it may be of somebody who is erased; see
// AskedSQL. It is of tables whose rows are a customer's by that one's id alone, and of what is inside such rows.
func (w *work) unasked(t owned) string {
	table, id := t.Table, "id"
	if t.Child {
		table, id = parent(t.Parents[0])
	}
	at := slices.IndexFunc(w.tables, func(o owned) bool { return o.Table == table })
	if of := w.tables[at]; of.Customer != OwnerColumn || len(of.Emails)+len(of.Names)+len(of.Parents) > 0 {
		return ""
	}
	const asked = "current_setting('syncd.asked', true)"
	// The first condition is the last of nearly every row: it is asked, and of nobody who is erased.
	return fmt.Sprintf("%s IS DISTINCT FROM '%s' AND (split_part(%s, ' ', 1) IS DISTINCT FROM '%s' OR strpos(%s, %s::text) > 0) AND ", asked, table, asked, table, asked, name("new", id))
}

// attach gives the tables the triggers by which writers obey. Their text here is no part of the sum of madeBy: where it changes, functions.sql
// has to, or mirrors keep the triggers that they have.
func (w *work) attach(ctx context.Context) error {
	var triggers []string
	trigger := func(which, when, table, condition, call string) {
		triggers = append(triggers, fmt.Sprintf("CREATE OR REPLACE TRIGGER %s %s INSERT OR UPDATE ON %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION %s", which, when, name(table), condition, call))
	}
	for _, t := range w.tables {
		args := pg.Literal(string(t.Cleared))
		if t.Customer == "id" { // what the customer is known by may have changed in Polar, and other tables tell whose a row is by that
			args += ", 'customer'"
		}
		trigger("keep_erased_out", "BEFORE", t.Table, w.unasked(t)+t.isErased("new"), "keep_erased_out("+args+")")
	}
	for _, table := range w.parents(notChild) {
		trigger("keep_erased_parts_out", "AFTER", table, "new.id::text = current_setting('syncd.kept_out', true)", "keep_erased_parts_out()")
	}
	trigger("keep_erased_out", "BEFORE", "sync_rejects", "is_erased_reject(new.item_id, new.body)", "keep_erased_rejects_out()")
	trigger("keep_erased_out", "BEFORE", "changes", "new.source <> 'observed' AND new.stream = 'subscriptions' AND is_erased(owner_of(new.stream, new.id))", "keep_erased_changes_out()")
	for _, sql := range triggers { // one by one: Citus hands each on as it came
		if _, err := w.tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("make triggers: %w", err)
		}
	}
	_, err := w.tx.Exec(ctx, "UPDATE sync_safe SET erasure_made_by = "+madeBy, functions)
	return err
}
