// Command docs writes those parts of the pages in docs/ that follow from the program: the data dictionary from the comments in the
// database, tables of streams from the table of streams, and the rooms from what the packages say of themselves.
//
// It also writes what else follows from the tables: files of views (viewFiles), the sources of the dbt package, and the keys for
// Metabase.
//
// It is run from the root of the repository, by make generate. A part stands between two marks:
//
//	<!-- generated: NAME -->
//	<!-- /generated -->
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"syncd/internal/localpg"
	"syncd/internal/store"
	"syncd/internal/store/pg"
)

// schema of the tables that the dictionary is made of.
const schema = "polar"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

// run writes the pages that have changed.
func run(ctx context.Context) (err error) {
	pg, err := localpg.Start(ctx, localpg.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pg.Close()) }()
	dsn, err := pg.CreateDatabase(ctx, "docs", "")
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, store.Config{DSN: dsn, Schema: schema})
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.Migrate(ctx); err != nil {
		return err
	}
	pages, err := generate(ctx, s.Pool(), ".")
	if err != nil {
		return err
	}
	for _, p := range pages {
		if p.now == p.was {
			continue
		}
		if err := os.WriteFile(p.path, []byte(p.now), 0o644); err != nil {
			return fmt.Errorf("write a page: %w", err)
		}
	}
	return nil
}

// page is one file of docs/, as it is and as it should be.
type page struct{ path, was, now string }

// generate makes the parts anew, of all pages beneath a root. They follow from the views as these should be.
func generate(ctx context.Context, db pg.Querier, root string) ([]page, error) {
	files, err := makeViews(ctx, db, root)
	if err != nil {
		return nil, err
	}
	tables, err := readTables(ctx, db) // with what these files have made
	if err != nil {
		return nil, err
	}
	others, err := makeOthers(tables, root)
	if err != nil {
		return nil, err
	}
	parts, err := makeParts(tables, root)
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		return nil, fmt.Errorf("list the pages: %w", err)
	}
	placed := map[string]bool{}
	pages := make([]page, len(paths))
	for i, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read a page: %w", err)
		}
		now, err := fill(string(text), parts, placed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		pages[i] = page{path, string(text), now}
	}
	for name := range parts {
		if !placed[name] {
			return nil, fmt.Errorf("no page has a place for the part %s", name)
		}
	}
	return slices.Concat(pages, files, others), nil
}

// makeOthers makes the files that other tools read.
func makeOthers(tables []table, root string) (pages []page, err error) {
	for _, f := range []struct {
		path string
		make func([]table) (string, error)
	}{{dbtPath, dbt}, {keysPath, metabase}} {
		p, err := readMade(root, f.path)
		if err == nil {
			p.now, err = f.make(tables)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.path, err)
		}
		pages = append(pages, p)
	}
	return pages, nil
}

const (
	opening, opened = "<!-- generated: ", " -->\n"
	closing         = "<!-- /generated -->"
)

// fill puts the parts of a page between their marks, and notes which they are.
func fill(text string, parts map[string]string, placed map[string]bool) (string, error) {
	before, rest, found := strings.Cut(text, opening)
	if !found {
		return text, nil
	}
	name, rest, ok := strings.Cut(rest, opened)
	_, rest, closed := strings.Cut(rest, closing)
	part, known := parts[name]
	if !ok || !closed || !known {
		return "", fmt.Errorf("the part %q is not closed, or nothing makes it", name)
	}
	placed[name] = true
	rest, err := fill(rest, parts, placed)
	return before + opening + name + opened + part + closing + rest, err
}
