// Package mcp lets an assistant read the mirror by the Model Context Protocol: tools over stdio or HTTP, and nothing that writes.
//
// The way of a question, in order:
//
//  1. The SDK checks the arguments of a tool. Lists and recipes become one SELECT (tools.go, recipes.go); run_sql brings its own.
//  2. guard.go reads the names in it: other schemas, the catalogs of Postgres, and functions that act or run SQL are refused.
//  3. query.go opens a READ ONLY transaction as of one moment, with a time limit, the schema of the data alone, and the role of the
//     reader. Without --personal-data, each table is hidden by one of its name without the personal columns (schema.go).
//  4. The SELECT becomes a cursor, which Postgres makes of nothing else, by the extended protocol, which takes one statement. As many
//     rows and bytes are fetched as an answer may have.
//  5. about.go adds how fresh the streams behind the answer are, and whether they are whole.
package mcp
