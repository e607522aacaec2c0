package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"syncd/internal/store/pg"
)

// viewFiles are the files of views that follow from the tables.
var viewFiles = []struct {
	path string
	make func(ctx context.Context, db pg.Querier, tables []table) (string, error)
}{
	{"views/05_live.sql", live},
	{"views/95_as_of.sql", asOf},
	{"views/97_personal.sql", personal},
}

// makeViews makes these files anew, and the views of those that have changed.
func makeViews(ctx context.Context, db pg.Querier, root string) ([]page, error) {
	tables, err := readTables(ctx, db)
	if err != nil {
		return nil, err
	}
	var pages []page
	for _, f := range viewFiles {
		p, err := readMade(root, f.path)
		if err == nil {
			p.now, err = f.make(ctx, db, tables)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.path, err)
		}
		if p.now != p.was {
			if _, err := db.Exec(ctx, p.now); err != nil {
				return nil, fmt.Errorf("%s: %w", f.path, err)
			}
		}
		pages = append(pages, p)
	}
	return pages, nil
}

// readMade reads a file that is made as a whole, and may not be there yet.
func readMade(root, path string) (page, error) {
	p := page{path: filepath.Join(root, path)}
	was, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	p.was = string(was)
	return p, err
}

// polarColumns are the columns of a table without syncd's own, in their order. A column that a migration adds is the last one: so
// the views can be replaced when it comes, and what users have built on them stays.
func polarColumns(tables []table, name string) ([]column, error) {
	var columns []column
	for _, t := range tables {
		for _, c := range t.columns {
			if t.name == name && !strings.HasPrefix(c.name, "_") {
				columns = append(columns, c)
			}
		}
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("there is no table %s with columns of Polar's", name)
	}
	return columns, nil
}

// selected is a list of columns as SELECT takes it.
func selected(prefix string, columns []column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = prefix + c.name
	}
	return strings.Join(names, ", ")
}

// comments gives the columns of a view the comments of their table's.
func comments(view string, columns []column) string {
	var b strings.Builder
	for _, c := range columns {
		fmt.Fprintf(&b, "COMMENT ON COLUMN %s.%s IS '%s';\n", view, c.name, strings.ReplaceAll(c.comment, "'", "''"))
	}
	return b.String()
}
