package daemon

import (
	"syncd/internal/catalog"
	"syncd/internal/token"
)

// Scopes are the scopes that streams need, in the order of the table, without the streams that are off and those that Polar refuses
// to organization access tokens whatever their scopes.
func Scopes(off map[string]bool) (list []token.Scope) {
	for _, e := range catalog.Entries() {
		if !off[e.Name] && !e.Optional {
			list = token.Add(list, token.Scope{Name: e.Scope, Path: e.Path}, e.Name)
		}
	}
	return list
}
