package catalog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"syncd/docs"
	"syncd/internal/catalog"
	"syncd/internal/mcp"
	"syncd/internal/mcp/mcptest"
	"syncd/internal/worldtest"
)

// askAssistants answers all questions through assistants, over a pipe without personal data and over HTTP with it, by the tool for questions alone.
// The answers are those of testdata/recipes.golden.
func askAssistants(t *testing.T, h *worldtest.Harness) {
	t.Helper()
	_, expected := readRecipes(t, "testdata/recipes.golden")
	through := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	server := func(personal bool) *mcp.Server {
		s, err := mcp.New(t.Context(), mcp.Config{
			Pool: h.Store.Pool(), Schema: "polar", PersonalData: personal, Streams: catalog.StreamsOfTables(), Recipes: docs.Recipes, Timeout: time.Minute,
			Verdicts: func(context.Context) (list []mcp.Verdict, wrong string, err error) {
				for _, stream := range catalog.Names() {
					list = append(list, mcp.Verdict{Stream: stream, Verdict: "whole", DataThrough: through})
				}
				return list, "", nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	t.Run("pipe", func(t *testing.T) { askAll(t, mcptest.Pipe(t, server(false)), expected, true) })
	t.Run("http", func(t *testing.T) {
		s, _, _ := mcptest.HTTP(t, server(true))
		askAll(t, s, expected, false)
	})
}

var hidden = regexp.MustCompile(`(?m)^([0-9a-f]{32}|[^|@\n]+@[^|\n]+)\|`)

func askAll(t *testing.T, s mcptest.Session, expected []recipe, safe bool) {
	t.Helper()
	var list struct {
		Questions []struct {
			Number     int
			Question   string
			Parameters []struct{ Name, Example string }
		}
	}
	out, wrong := s.Call(t, "list_questions", nil)
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Questions) != len(expected) {
		t.Fatal(len(list.Questions), wrong, err)
	}
	pseudonyms := 0
	for i, q := range list.Questions {
		values := map[string]string{}
		for _, p := range q.Parameters {
			values[p.Name] = p.Example
		}
		out, wrong := s.Call(t, "answer_question", map[string]any{"number": q.Number, "parameters": values})
		got, want := answersOf(t, out), strings.Join(expected[i].queries, "\n")
		if safe && hidden.MatchString(want) { // an address
			pseudonyms += len(hidden.FindAllString(got, -1))
			if strings.Contains(got, "@") {
				t.Errorf("%s\n%s", q.Question, got)
			}
			got, want = hidden.ReplaceAllString(got, "somebody|"), hidden.ReplaceAllString(want, "somebody|")
		}
		if q.Question != expected[i].question || got != want {
			t.Errorf("%s\n%s%s\nwant, of testdata/recipes.golden:\n%s\n%s", q.Question, got, wrong, expected[i].question, want)
		}
	}
	if safe && pseudonyms == 0 {
		t.Error("no question names a customer, so the test does not see whether personal data is left out")
	}
}

// answersOf are the answers as testdata has them. Each must say how far it can be trusted.
func answersOf(t *testing.T, out string) string {
	t.Helper()
	var a struct {
		Answers []struct {
			Columns []string
			Rows    [][]json.RawMessage
			Limit   string
			About   struct {
				DataThrough time.Time `json:"data_through"`
				Verdict     string
				Streams     []struct{ Stream string }
			}
		}
	}
	if out == "" {
		return ""
	}
	if err := json.Unmarshal([]byte(out), &a); err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, a := range a.Answers {
		if a.About.DataThrough.IsZero() || a.About.Verdict != "whole" || len(a.About.Streams) == 0 || a.Limit != "" {
			t.Errorf("an answer says of itself %+v %s", a.About, a.Limit)
		}
		text := strings.Join(a.Columns, "|") + "\n"
		for _, row := range a.Rows {
			cells := make([]string, len(row))
			for i, cell := range row {
				switch {
				case bytes.Equal(cell, []byte("null")):
				case bytes.Equal(cell, []byte("true")), bytes.Equal(cell, []byte("false")):
					cells[i] = string(cell[:1])
				case json.Unmarshal(cell, &cells[i]) != nil:
					cells[i] = string(cell) // a number, to its last digit
				}
			}
			text += strings.Join(cells, "|") + "\n"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "\n")
}
