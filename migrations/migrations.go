// Package migrations carries the SQL that builds syncd's schema, in goose's format.
package migrations

import "embed"

// FS holds the migrations, named NNNNN_table.sql and applied in that order.
// Their SQL names no schema: the connection's search_path decides.
//
//go:embed *.sql
var FS embed.FS
