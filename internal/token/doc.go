// Package token asks Polar what an access token is good for: whose it is, and what it may read.
//
// Organization is the question that everything begins with (organization.go). KindOf tells from the text alone which kind of token
// it seems to be (kind.go), and Ask which scopes it has, by a request for each (scopes.go). Nothing is kept: this package knows no
// table and no database.
package token
