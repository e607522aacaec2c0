package main

import (
	"cmp"
	"context"
	"fmt"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"syncd/internal/catalog"
	"syncd/internal/contract"
	"syncd/internal/daemon"
	"syncd/internal/store/pg"
)

// makeParts makes each part, by its name.
func makeParts(tables []table, root string) (map[string]string, error) {
	rooms, err := rooms(root)
	if err != nil {
		return nil, err
	}
	tables = withoutLive(tables)
	common := commonColumns(tables)
	return map[string]string{
		"scopes":      scopes(),
		"streams":     streams(),
		"unseen":      unseen(),
		"unmade":      exceptions(contract.OnlyReal()),
		"made-up":     exceptions(contract.OnlySimulated()),
		"rooms":       rooms,
		"common":      columnRows(common),
		"live":        liveNames(),
		"dictionary":  dictionary(tables, common, false),
		"bookkeeping": dictionary(tables, common, true),
	}, nil
}

// cell is text in a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// scopes are what a token needs for everything that Polar gives to tokens.
func scopes() string {
	var all []string
	for _, s := range catalog.Entries() {
		if !s.Optional && !slices.Contains(all, s.Scope) {
			all = append(all, s.Scope)
		}
	}
	slices.Sort(all)
	return "```\n" + strings.Join(all, "\n") + "\n```\n"
}

// streams tells of each stream what is not in the database.
func streams() string {
	var b strings.Builder
	b.WriteString("| stream | tables inside it | scope | swept | off by default, because |\n|---|---|---|---|---|\n")
	schedules := map[string]string{}
	for _, s := range daemon.Domain().Streams {
		schedules[s.Name] = s.Schedule
	}
	for _, s := range catalog.Entries() {
		var children []string
		for _, c := range s.Children {
			children = append(children, "`"+c.Name+"`")
		}
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | `%s` | `%s` | %s |\n", s.Name, s.Name, strings.Join(children, ", "), s.Scope, schedules[s.Name], cell(s.OptIn))
	}
	return b.String()
}

// unseen tells what no tail sees of each stream.
func unseen() string {
	var b strings.Builder
	b.WriteString("| stream | unseen by tails |\n|---|---|\n")
	for _, s := range catalog.Entries() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", s.Name, cell(s.Tail.Unseen))
	}
	return b.String()
}

// exceptions tells where the simulated Polar is known to differ from the real one.
func exceptions(known contract.Exceptions) string {
	var b strings.Builder
	b.WriteString("| what | why |\n|---|---|\n")
	for _, e := range known {
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.Join(e.Shapes, "`<br>`"), cell(e.Why))
	}
	return b.String()
}

// rooms has the first sentence of what each package says of itself.
func rooms(root string) (string, error) {
	var b strings.Builder
	b.WriteString("| room | what it is |\n|---|---|\n")
	err := filepath.WalkDir(root, func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, dir)
		if err != nil {
			return err
		}
		if name = filepath.ToSlash(name); name != "." && !isRoom(name) {
			return fs.SkipDir
		}
		said, err := synopsis(dir)
		if said != "" {
			_, what, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(said, "Package "), "Command "), " ") // its name
			fmt.Fprintf(&b, "| `%s` | %s |\n", name, cell(strings.TrimRight(what, ".:")))
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read what packages say of themselves: %w", err)
	}
	return b.String(), nil
}

// isRoom tells which directories hold packages of the program, or lead to such.
func isRoom(name string) bool {
	top, beneath, _ := strings.Cut(name, "/")
	return (top == "cmd" || top == "internal") && !strings.Contains("/"+beneath+"/", "/testdata/")
}

// synopsis is the first sentence of a package's comment; "" where there is no package, or it says nothing.
func synopsis(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return "", err
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			return "", err
		}
		if said := new(doc.Package).Synopsis(file.Doc.Text()); said != "" {
			return said, nil
		}
	}
	return "", nil
}

// table is a table or view of the database; column one of its columns.
type (
	table struct {
		schema, name, comment string
		columns               []column
	}
	column struct {
		name, kind, comment string
		personal            catalog.Treatment // "" where nothing is said of it, as of a number
	}
)

func (t table) isBookkeeping() bool { return t.schema != schema }

// readTables reads all tables and views of both schemas that have a comment, by name, with their columns in order.
func readTables(ctx context.Context, db pg.Querier) ([]table, error) {
	rows, err := db.Query(ctx, `
		SELECT n.nspname, c.relname, obj_description(c.oid, 'pg_class'), a.attname, format_type(a.atttypid, a.atttypmod), COALESCE(col_description(c.oid, a.attnum), '')
		FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE n.nspname IN ($1, $2) AND c.relkind IN ('r', 'p', 'v') AND obj_description(c.oid, 'pg_class') IS NOT NULL
		ORDER BY c.relname COLLATE "C", a.attnum`, schema, pg.Bookkeeping(schema))
	if err != nil {
		return nil, fmt.Errorf("read the comments: %w", err)
	}
	data, bookkeeping := catalog.PersonalData(), catalog.PersonalBookkeeping()
	var tables []table
	var t table
	var c column
	if _, err := pgx.ForEachRow(rows, []any{&t.schema, &t.name, &t.comment, &c.name, &c.kind, &c.comment}, func() error {
		if len(tables) == 0 || tables[len(tables)-1].name != t.name {
			tables = append(tables, table{schema: t.schema, name: t.name, comment: t.comment})
		}
		c.kind = strings.ReplaceAll(c.kind, "timestamp with time zone", "timestamptz")
		last := &tables[len(tables)-1]
		c.personal = data[t.name][c.name]
		if last.isBookkeeping() {
			c.personal = bookkeeping[t.name][c.name]
		}
		last.columns = append(last.columns, c)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read the comments: %w", err)
	}
	return tables, nil
}

// commonColumns are those of syncd's own, each as most tables of streams describe it.
func commonColumns(tables []table) []column {
	count := map[column]int{}
	for _, t := range tables {
		for _, c := range t.columns {
			if strings.HasPrefix(c.name, "_") {
				count[c]++
			}
		}
	}
	most := map[string]column{}
	for c, n := range count {
		if was, is := most[c.name]; !is || n > count[was] || n == count[was] && c.comment < was.comment {
			most[c.name] = c
		}
	}
	common := make([]column, 0, len(most))
	for _, c := range most {
		common = append(common, c)
	}
	slices.SortFunc(common, func(a, b column) int { return cmp.Compare(a.name, b.name) })
	return common
}

// columnRows is a table of columns.
func columnRows(columns []column) string {
	var b strings.Builder
	b.WriteString("| column | type | meaning |\n|---|---|---|\n")
	for _, c := range columns {
		personal := ""
		if c.personal != "" && c.personal != catalog.None {
			personal = " *Personal: " + string(c.personal) + ".*"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s%s |\n", c.name, c.kind, cell(c.comment), personal)
	}
	return b.String()
}

// dictionary describes the tables of streams, or those of the bookkeeping, without the columns that all have in common.
func dictionary(tables []table, common []column, bookkeeping bool) string {
	var b strings.Builder
	for _, t := range tables {
		if t.isBookkeeping() != bookkeeping {
			continue
		}
		own := slices.DeleteFunc(slices.Clone(t.columns), func(c column) bool { return slices.Contains(common, c) })
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n%s", t.name, t.comment, columnRows(own))
	}
	b.WriteString("\n")
	return b.String()
}
