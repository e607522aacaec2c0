// Package docs hands the pages that a program needs to it.
package docs

import _ "embed" // for Recipes

// Recipes is the page of questions with the queries that answer them.
//
//go:embed recipes.md
var Recipes string
