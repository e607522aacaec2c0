// Package views carries the SQL of views and functions: what is worked out from the tables and not stored in them.
//
// A file is repeatable: it makes anew what is there. Files are run in the order of their names, after the migrations, when one
// of them is not the one by which the database has its views; see pg.Migrate. A file may use what those before it make, and
// consists of CREATE OR REPLACE VIEW, CREATE OR REPLACE FUNCTION and COMMENT. It names no schema: the connection's search_path
// decides.
package views

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"sync"
)

//go:embed *.sql
var files embed.FS

// File is one file.
type File struct {
	Name  string // NN_theme.sql
	SQL   string
	Hash  string // SHA-256 of the search_path under which SQL is run, and of SQL, in hexadecimal
	Makes []Object
}

// Object is a view or function. Its name is the only one of its kind in the schema: functions are not overloaded.
type Object struct {
	Kind string // VIEW or FUNCTION
	Name string
}

// All lists the files in their order. A caller gets a list of its own.
func All() ([]File, error) {
	list, err := read()
	return slices.Clone(list), err
}

var creates = regexp.MustCompile(`(?m)^CREATE OR REPLACE (VIEW|FUNCTION) (\w+)`)

var read = sync.OnceValues(func() ([]File, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list the files of views: %w", err)
	}
	list := make([]File, len(names))
	for i, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read a file of views: %w", err)
		}
		list[i] = NewFile(name, string(text))
	}
	return list, nil
})

// NewFile is a file of this text.
func NewFile(name, sql string) File {
	f := File{Name: name, SQL: sql}.Under("")
	for _, m := range creates.FindAllStringSubmatch(sql, -1) {
		f.Makes = append(f.Makes, Object{Kind: m[1], Name: m[2]})
	}
	return f
}

// Under is the file as it is run under a search_path.
func (f File) Under(path string) File {
	sum := sha256.Sum256([]byte(path + f.SQL))
	f.Hash = hex.EncodeToString(sum[:])
	return f
}
