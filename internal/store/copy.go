package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ErrCopy: the quick way to store rows, COPY for one, cannot store one of them,
// and does not tell which. The page is to be written again in a way that does,
// and Page.Write is called for that.
var ErrCopy = errors.New("rows cannot be copied")

// Begin and end of COPY's binary format: signature, flags, length of what extends
// the header; and the length -1 in place of a tuple's. Source: PostgreSQL documentation, COPY.
var (
	copyBegin = []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	copyEnd   = []byte{0xff, 0xff}
)

// Copy inserts rows, given as tuples in COPY's binary format. If one of them is
// in the table already, or refused, it fails with ErrCopy.
func Copy(ctx context.Context, tx pgx.Tx, table string, columns []string, tuples []byte) error {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = pgx.Identifier{c}.Sanitize()
	}
	sql := "COPY " + pgx.Identifier{table}.Sanitize() + " (" + strings.Join(names, ", ") + ") FROM STDIN BINARY"
	_, err := tx.Conn().PgConn().CopyFrom(ctx, io.MultiReader(bytes.NewReader(copyBegin), bytes.NewReader(tuples), bytes.NewReader(copyEnd)), sql)
	switch {
	case err == nil:
		return nil
	case IsDataError(err):
		return fmt.Errorf("%w to %s: %w", ErrCopy, table, err)
	}
	return fmt.Errorf("copy to %s: %w", table, err)
}
