package mcp

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// recipe is a question of docs/recipes.md and its queries.
type recipe struct {
	Number     int         `json:"number"`
	Question   string      `json:"question"`
	Parameters []parameter `json:"parameters,omitempty"`
	Notes      string      `json:"notes,omitempty"`
	queries    []string
}

// parameter stands for a date or a currency in the queries.
type parameter struct {
	Name    string `json:"name"`
	Example string `json:"example"`
}

var (
	block   = regexp.MustCompile("(?s)```sql\n(.*?)```\n*")
	literal = regexp.MustCompile(`'(\d{4}-\d{2}-\d{2}|usd|eur)'`)
	day     = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	three   = regexp.MustCompile(`^[a-z]{3}$`)
)

// readRecipes reads the page: a question for each heading that has queries.
func readRecipes(page string) (list []recipe) {
	for part := range strings.SplitSeq(page, "\n### ") {
		question, body, _ := strings.Cut(part, "\n")
		body, _, _ = strings.Cut(body, "\n## ")
		found := block.FindAllStringSubmatch(body, -1)
		if strings.HasPrefix(part, "# ") || found == nil {
			continue
		}
		r := recipe{Number: len(list) + 1, Question: question, Notes: strings.TrimSpace(block.ReplaceAllString(body, ""))}
		names := map[string]bool{}
		dates := 0
		for _, b := range found {
			r.queries = append(r.queries, b[1])
			for _, m := range literal.FindAllStringSubmatch(b[1], -1) {
				if names[m[1]] {
					continue
				}
				names[m[1]] = true
				name := "currency"
				if day.MatchString(m[1]) {
					dates++
					name = "date" + strconv.Itoa(dates)
				}
				r.Parameters = append(r.Parameters, parameter{name, m[1]})
			}
		}
		list = append(list, r)
	}
	return list
}

// with are the queries with values for the parameters. Dates are required: those of the page are of the past.
func (r recipe) with(values map[string]string) (queries []string, err error) {
	of := map[string]string{}
	known := map[string]bool{}
	for _, p := range r.Parameters {
		known[p.Name] = true
		value, given := values[p.Name]
		isDay := day.MatchString(p.Example)
		switch {
		case !given && isDay:
			return nil, fmt.Errorf("question %d needs %s, a day such as %s", r.Number, p.Name, p.Example)
		case !given:
			value = p.Example
		case isDay && !day.MatchString(value):
			return nil, fmt.Errorf("%s: %q is no day such as %s", p.Name, value, p.Example)
		case !isDay && !three.MatchString(value):
			return nil, fmt.Errorf("%s: %q is no currency such as %s", p.Name, value, p.Example)
		}
		of[p.Example] = value
	}
	for name := range values {
		if !known[name] {
			return nil, fmt.Errorf("question %d has no parameter %s", r.Number, name)
		}
	}
	for _, sql := range r.queries {
		queries = append(queries, literal.ReplaceAllStringFunc(sql, func(text string) string {
			return "'" + of[strings.Trim(text, "'")] + "'"
		}))
	}
	return queries, nil
}
