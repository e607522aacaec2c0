package mcp

import (
	"errors"
	"fmt"
	"strings"
)

// name is an identifier in a statement, as Postgres folds it.
type name struct {
	text      string
	qualifies bool // a dot follows
	called    bool // a parenthesis follows
}

// names reads the identifiers of a statement outside of texts and comments.
// Source: PostgreSQL documentation, Lexical Structure. Texts are read as with standard_conforming_strings.
func names(sql string) (list []name, err error) {
	for i := 0; i < len(sql); {
		rest := sql[i:]
		switch c := sql[i]; {
		case c == 0:
			return nil, errors.New("the statement holds a zero byte")
		case strings.HasPrefix(rest, "--"):
			i += lineEnd(rest)
		case strings.HasPrefix(rest, "/*"):
			i += comment(rest)
		case c == '\'':
			i += quoted(rest, '\'', false)
		case c == '$':
			i += dollar(rest)
		case c == '"':
			n := quoted(rest, '"', false)
			list = append(list, follow(unquoted(rest[:n]), sql[i+n:]))
			i += n
		case isStart(c):
			n := 1
			for n < len(rest) && (isStart(rest[n]) || rest[n] >= '0' && rest[n] <= '9' || rest[n] == '$') {
				n++
			}
			word, after := strings.ToLower(rest[:n]), rest[n:]
			switch {
			case word == "u" && strings.HasPrefix(after, `&"`):
				return nil, errors.New(`names with escapes (U&"...") are not taken: write the name itself`)
			case word == "e" && strings.HasPrefix(after, "'"):
				n += quoted(after, '\'', true)
			default:
				list = append(list, follow(word, after))
			}
			i += n
		default:
			i++
		}
	}
	return list, nil
}

func isStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

// lineEnd is the length of what is left of the line.
func lineEnd(s string) int {
	if n := strings.IndexAny(s, "\n\r"); n >= 0 {
		return n
	}
	return len(s)
}

// comment is the length of a comment, which may hold others.
func comment(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// quoted is the length of a text or a name in quotes.
func quoted(s string, quote byte, escapes bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}

// unquoted is a name without its quotes.
func unquoted(s string) string {
	return strings.ReplaceAll(strings.TrimSuffix(s[1:], `"`), `""`, `"`)
}

// dollar is the length of a text between dollars, or 1.
func dollar(s string) int {
	n := 1
	for n < len(s) && (isStart(s[n]) || n > 1 && s[n] >= '0' && s[n] <= '9') {
		n++
	}
	if n == len(s) || s[n] != '$' {
		return 1
	}
	tag := s[:n+1]
	if end := strings.Index(s[n+1:], tag); end >= 0 {
		return n + 1 + end + len(tag)
	}
	return len(s)
}

// follow makes a name, and looks at what is behind it.
func follow(text, after string) name {
	for {
		after = strings.TrimLeft(after, " \t\n\r\f\v")
		switch {
		case strings.HasPrefix(after, "--"):
			after = after[lineEnd(after):]
		case strings.HasPrefix(after, "/*"):
			after = after[comment(after):]
		default:
			return name{text, strings.HasPrefix(after, "."), strings.HasPrefix(after, "(")}
		}
	}
}

// volatile are the functions that Postgres calls volatile and that are harmless.
var volatile = map[string]bool{"random": true, "gen_random_uuid": true, "clock_timestamp": true, "timeofday": true}

// check refuses names that lead out of the schema of the answers, and functions that act or run SQL of their own, as query_to_xml() does. What it
// lets through is still bound by the rights of the reader and by the transaction. It says sooner and more clearly what they would, and holds where
// the connection has more rights than a reader: there it keeps a statement from set_config('transaction_read_only', ...) and the like.
func (c schema) check(list []name) error {
	for _, n := range list {
		switch {
		case strings.HasPrefix(n.text, "pg_") || n.text == "information_schema":
			return fmt.Errorf("%s belongs to Postgres and not to the mirror: list_tables and describe_table say what there is", n.text)
		case n.qualifies && c.schemas[n.text]:
			return fmt.Errorf("the schema %s is not readable here: only the tables of %s are, without a schema before their name", n.text, c.name)
		case n.called && c.foreign[n.text] && !volatile[n.text]:
			return fmt.Errorf("the function %s() is not allowed: it does more than to compute from its arguments", n.text)
		}
	}
	return nil
}
