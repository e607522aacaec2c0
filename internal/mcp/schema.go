package mcp

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// column is one of a table or view.
type column struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Comment string `json:"comment,omitempty"`
	// Personal is the kind of personal data: identifier, text, document or region.
	Personal string `json:"personal,omitempty"`
}

// table is a table or view of the data.
type table struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"` // table or view
	Comment string   `json:"comment,omitempty"`
	Keys    []string `json:"keys,omitempty"`
	Columns []column `json:"columns,omitempty"`
}

// schema is where a statement may read, as of one transaction.
type schema struct {
	data, name string          // the schema of the data, and that of the answers
	schemas    map[string]bool // other schemas
	foreign    map[string]bool // functions of Postgres that act, or run SQL
}

// schema reads what is beyond its bounds.
func (s *Server) schema(ctx context.Context, tx pgx.Tx) (schema, error) {
	c := schema{data: s.cfg.Schema, name: s.reads, schemas: map[string]bool{}, foreign: map[string]bool{}}
	rows, err := tx.Query(ctx, `
		SELECT true, nspname::text FROM pg_namespace WHERE nspname <> $1
		UNION ALL
		SELECT false, proname::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND (provolatile = 'v' OR proname ~ '_to_xml')`, c.name)
	if err != nil {
		return c, err
	}
	kinds := map[bool]map[string]bool{true: c.schemas, false: c.foreign}
	var isSchema bool
	var text string
	_, err = pgx.ForEachRow(rows, []any{&isSchema, &text}, func() error { kinds[isSchema][text] = true; return nil })
	return c, err
}

// readTables reads which tables and views there are that may be read, by name.
func (s *Server) readTables(ctx context.Context, tx pgx.Tx) (list []table, err error) {
	rows, err := tx.Query(ctx, `
		SELECT c.relname::text, CASE WHEN d.relkind IN ('r', 'p') THEN 'table' ELSE 'view' END, COALESCE(obj_description(c.oid, 'pg_class'), ''),
		       a.attname::text, format_type(a.atttypid, a.atttypmod), COALESCE(col_description(c.oid, a.attnum), ''), COALESCE(p.treatment, ''),
		       ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = d.oid AND k.contype IN ('p', 'u', 'f') ORDER BY k.contype DESC, k.conname)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		LEFT JOIN pg_class d ON d.relnamespace = to_regnamespace(quote_ident($3)) AND d.relname = c.relname
		LEFT JOIN personal_columns() p ON p.relation = c.relname AND p.column_name = a.attname AND p.treatment <> 'none'
		WHERE c.relnamespace = to_regnamespace(quote_ident($1)) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
		  AND a.attnum > 0 AND NOT a.attisdropped
		  AND ($2 = '' OR has_table_privilege(NULLIF($2, '')::name, c.oid, 'SELECT') OR has_column_privilege(NULLIF($2, '')::name, c.oid, a.attnum, 'SELECT'))
		ORDER BY c.relname COLLATE "C", a.attnum`, s.reads, s.role, s.cfg.Schema)
	if err != nil {
		return nil, err
	}
	var t table
	var col column
	_, err = pgx.ForEachRow(rows, []any{&t.Name, &t.Kind, &t.Comment, &col.Name, &col.Type, &col.Comment, &col.Personal, &t.Keys}, func() error {
		if len(list) == 0 || list[len(list)-1].Name != t.Name {
			list = append(list, table{Name: t.Name, Kind: t.Kind, Comment: t.Comment, Keys: slices.Clone(t.Keys)})
		}
		last := &list[len(list)-1]
		last.Columns = append(last.Columns, col)
		return nil
	})
	return list, err
}

// tables are tables and views.
type tables []table

// find finds one by its name; nil: there is none.
func (list tables) find(name string) *table {
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}

// columns are the names of those of a table.
func (t table) columns() []string {
	list := make([]string, len(t.Columns))
	for i, col := range t.Columns {
		list[i] = col.Name
	}
	return list
}

// column finds one by its name.
func (t table) column(name string) (column, bool) {
	at := slices.IndexFunc(t.Columns, func(c column) bool { return c.Name == name })
	if at < 0 {
		return column{}, false
	}
	return t.Columns[at], true
}

// used are the tables that a statement reads, also through views and functions. Views without personal data have the names of those of the data.
func (c schema) used(ctx context.Context, tx pgx.Tx, list []name) ([]string, error) {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = n.text
	}
	rows, err := tx.Query(ctx, `
		WITH RECURSIVE ns AS (SELECT oid FROM pg_namespace WHERE nspname = $1),
		used (oid) AS (
			SELECT oid FROM (SELECT c.oid FROM pg_class c, ns WHERE c.relnamespace = ns.oid AND c.relname = ANY ($2)
				UNION SELECT p.oid FROM pg_proc p, ns WHERE p.pronamespace = ns.oid AND p.proname = ANY ($2)) named
			UNION
			SELECT d.to_oid FROM used u JOIN (
				SELECT r.ev_class AS oid, d.refobjid AS to_oid FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
				UNION ALL
				SELECT d.objid, d.refobjid FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass) d ON d.oid = u.oid)
		SELECT DISTINCT c.relname::text FROM used u JOIN pg_class c ON c.oid = u.oid WHERE c.relkind IN ('r', 'p') ORDER BY 1`, c.data, texts)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
