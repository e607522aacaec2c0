package mcp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// column is one of a table or view.
type column struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Comment string `json:"comment,omitempty"`
}

// table is a table or view of the data.
type table struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"` // table or view
	Comment string   `json:"comment,omitempty"`
	Keys    []string `json:"keys,omitempty"`
	Columns []column `json:"columns,omitempty"`
	LeftOut []string `json:"personal_columns_left_out,omitempty"`
}

// schema is what there is to read, as of one transaction.
type schema struct {
	name      string
	tables    map[string]table
	schemas   map[string]bool // other schemas
	functions map[string]bool // functions of the data that may give personal data
	foreign   map[string]bool // functions of Postgres that act, or run SQL
}

// schema reads what there is.
func (s *Server) schema(ctx context.Context, tx pgx.Tx) (schema, error) {
	c := schema{name: s.cfg.Schema, tables: map[string]table{}, schemas: map[string]bool{}, functions: map[string]bool{}, foreign: map[string]bool{}}
	rows, err := tx.Query(ctx, `
		SELECT c.relname::text, CASE WHEN c.relkind IN ('r', 'p') THEN 'table' ELSE 'view' END, COALESCE(obj_description(c.oid, 'pg_class'), ''),
		       a.attname::text, format_type(a.atttypid, a.atttypmod), COALESCE(col_description(c.oid, a.attnum), ''),
		       ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f') ORDER BY k.contype DESC, k.conname)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
		  AND a.attnum > 0 AND NOT a.attisdropped
		  AND ($2 = '' OR has_table_privilege(NULLIF($2, '')::name, c.oid, 'SELECT') OR has_column_privilege(NULLIF($2, '')::name, c.oid, a.attnum, 'SELECT'))
		ORDER BY c.relname, a.attnum`, c.name, s.cfg.Role)
	if err != nil {
		return c, err
	}
	var t table
	var col column
	_, err = pgx.ForEachRow(rows, []any{&t.Name, &t.Kind, &t.Comment, &col.Name, &col.Type, &col.Comment, &t.Keys}, func() error {
		all := c.tables[t.Name]
		all.Name, all.Kind, all.Comment, all.Keys = t.Name, t.Kind, t.Comment, slices.Clone(t.Keys)
		if !s.cfg.PersonalData && s.isPersonal(t.Name, col) {
			all.LeftOut = append(all.LeftOut, col.Name)
		}
		all.Columns = append(all.Columns, col)
		c.tables[t.Name] = all
		return nil
	})
	if err != nil {
		return c, err
	}
	rows, err = tx.Query(ctx, `
		SELECT 'schema', nspname::text FROM pg_namespace WHERE nspname <> $1
		UNION ALL
		SELECT 'foreign', proname::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND (provolatile = 'v' OR proname ~ '_to_xml')
		UNION ALL
		SELECT 'function', p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE n.nspname = $1 AND p.proname NOT IN ('metrics_own')
		  AND NOT (p.prorettype = ANY (ARRAY['numeric', 'bigint', 'integer', 'boolean', 'date', 'timestamptz']::regtype[]) AND NOT p.proretset)`, c.name)
	if err != nil {
		return c, err
	}
	kinds := map[string]map[string]bool{"schema": c.schemas, "foreign": c.foreign, "function": c.functions}
	var kind, text string
	_, err = pgx.ForEachRow(rows, []any{&kind, &text}, func() error { kinds[kind][text] = true; return nil })
	return c, err
}

// isPersonal tells whether a column may hold personal data. One that is not classified may, unless it holds a number, a time or an id:
// a text, a document, the digest of a row, a column of somebody else's.
func (s *Server) isPersonal(table string, c column) bool {
	if personal, known := s.cfg.Personal[table][c.Name]; known {
		return personal
	}
	kind, _, _ := strings.Cut(c.Type, "(")
	kind, _, _ = strings.Cut(kind, " ")
	return !slices.Contains([]string{"bigint", "integer", "smallint", "numeric", "double", "real", "boolean", "timestamp", "date", "interval", "uuid"}, kind)
}

// visible are the columns that may be read.
func (t table) visible() (list []string) {
	for _, col := range t.Columns {
		if !slices.Contains(t.LeftOut, col.Name) {
			list = append(list, col.Name)
		}
	}
	return list
}

// hiding puts before a statement a table of the same name for each table with personal columns: names without a schema find it first.
func (c schema) hiding(list []name, sql string, personal bool) string {
	var with []string
	done := map[string]bool{}
	for _, n := range list {
		t := c.tables[n.text]
		if personal || len(t.LeftOut) == 0 || done[n.text] {
			continue
		}
		done[n.text] = true
		columns := t.visible()
		for i, col := range columns {
			columns[i] = pgx.Identifier{col}.Sanitize()
		}
		with = append(with, fmt.Sprintf("%s AS NOT MATERIALIZED (SELECT %s FROM %s)", pgx.Identifier{n.text}.Sanitize(), strings.Join(columns, ", "), pgx.Identifier{c.name, n.text}.Sanitize()))
	}
	if with == nil {
		return sql
	}
	return "WITH " + strings.Join(with, ", ") + " SELECT * FROM (" + sql + "\n) answer"
}

// used are the tables that a statement reads, also through views and functions.
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
		SELECT DISTINCT c.relname::text FROM used u JOIN pg_class c ON c.oid = u.oid WHERE c.relkind IN ('r', 'p') ORDER BY 1`, c.name, texts)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
