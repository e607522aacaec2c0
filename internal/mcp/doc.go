// Package mcp lets an assistant read the mirror by the Model Context Protocol: tools over stdio or HTTP, and nothing that writes.
//
// The way of a question, in order:
//
//  1. The SDK checks the arguments of a tool. Lists and recipes become one SELECT (tools.go, lists.go, recipes.go); run_sql brings its own.
//  2. guard.go reads the names in it: other schemas, the catalogs of Postgres, and functions that act or run SQL are refused.
//  3. query.go opens a READ ONLY transaction as of one moment, with a time limit, and the schema of the answers alone in its path: that without
//     personal data, or with --personal-data that of the data.
//  4. The SELECT runs with the rights of a reader, in a function of that role's (store/readers), where Postgres lets nobody change the role. As many
//     rows and bytes are read as an answer may have. Where there is no reader, it becomes a cursor of the connection.
//  5. about.go adds how fresh the streams behind the answer are, and whether they are whole.
package mcp
