package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const dictionary = "syncd://dictionary"

type (
	tableArgs struct {
		Table string `json:"table" jsonschema:"name of the table or view, without a schema"`
	}
	sqlArgs struct {
		SQL string `json:"sql" jsonschema:"one SELECT statement of Postgres"`
	}
	questionArgs struct {
		Number     int               `json:"number" jsonschema:"of the question in list_questions"`
		Parameters map[string]string `json:"parameters,omitempty" jsonschema:"by name"`
	}
	none struct{}
)

func (s *Server) addTools() {
	add(s, "list_tables", "Lists tables and views with what they hold.", func(ctx context.Context, _ none) (any, error) {
		tables, about, err := s.aboutTables(ctx)
		for i := range tables {
			tables[i].Columns, tables[i].Keys = nil, nil
		}
		return map[string]any{"tables": tables, "about": about}, err
	})
	add(s, "describe_table", "Describes a table or view: columns, types, units, keys.", s.describe)
	add(s, "run_sql", fmt.Sprintf("Runs one SELECT on the mirror, read-only. At most %d rows and %s.", s.cfg.Rows, s.cfg.Timeout), func(ctx context.Context, in sqlArgs) (any, error) {
		return s.read(ctx, in.SQL, s.cfg.Rows)
	})
	for _, t := range listed {
		add(s, "list_"+t, "Lists "+strings.ReplaceAll(t, "_", " ")+", the newest first, or gets one by a filter.", func(ctx context.Context, in listArgs) (any, error) {
			return s.list(ctx, t, in)
		})
	}
	add(s, "customer_state", "Tells what one customer has now: active subscriptions, granted benefits, meters.", s.customerState)
	add(s, "list_questions", "Lists common questions about billing that answer_question answers, with their parameters.", func(ctx context.Context, _ none) (any, error) {
		verdicts, err := s.verdicts(ctx)
		return map[string]any{"questions": s.recipes, "about": verdicts.about(nil, nil)}, err
	})
	add(s, "answer_question", "Answers a question of list_questions by tested queries.", s.answerQuestion)
}

// add registers a tool. Arguments that it does not know are refused by the schema made of In.
func add[In any](s *Server, name, description string, do func(context.Context, In) (any, error)) {
	closed := false
	tool := &sdk.Tool{Name: name, Description: description, Annotations: &sdk.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: &closed}}
	sdk.AddTool(s.sdk, tool, func(ctx context.Context, _ *sdk.CallToolRequest, in In) (*sdk.CallToolResult, any, error) {
		out, err := do(ctx, in)
		if err != nil {
			s.cfg.Log.DebugContext(ctx, "a tool was refused", "tool", name, "error", err)
			return nil, nil, err
		}
		text, err := json.Marshal(out)
		if err != nil {
			return nil, nil, err
		}
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: string(text)}}, StructuredContent: json.RawMessage(text)}, nil, nil
	})
}

// tables are all tables and views that may be read.
func (s *Server) tables(ctx context.Context) (list tables, err error) {
	err = s.cfg.Pool.Snapshot(ctx, func(tx pgx.Tx) error {
		list, err = s.readTables(ctx, tx)
		return err
	})
	return list, err
}

// aboutTables are the tables, and how fresh and whole the mirror is.
func (s *Server) aboutTables(ctx context.Context) (list tables, a about, err error) {
	verdicts, err := s.verdicts(ctx)
	if err != nil {
		return nil, a, err
	}
	list, err = s.tables(ctx)
	return list, verdicts.about(nil, nil), err
}

func (s *Server) describe(ctx context.Context, in tableArgs) (any, error) {
	list, about, err := s.aboutTables(ctx)
	if err != nil {
		return nil, err
	}
	if t := list.find(in.Table); t != nil {
		return map[string]any{"table": *t, "about": about}, nil
	}
	return nil, fmt.Errorf("there is no table or view %q: list_tables lists them", in.Table)
}

func (s *Server) dictionary(ctx context.Context, _ *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
	list, err := s.tables(ctx)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(list)
	return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{URI: dictionary, MIMEType: "application/json", Text: string(text)}}}, err
}

func (s *Server) answerQuestion(ctx context.Context, in questionArgs) (any, error) {
	if in.Number < 1 || in.Number > len(s.recipes) {
		return nil, fmt.Errorf("there is no question %d: list_questions has 1 to %d", in.Number, len(s.recipes))
	}
	r := s.recipes[in.Number-1]
	queries, err := r.with(in.Parameters)
	if err != nil {
		return nil, err
	}
	out := struct {
		Question string   `json:"question"`
		Answers  []answer `json:"answers"`
		Notes    string   `json:"notes,omitempty"`
	}{Question: r.Question, Notes: r.Notes}
	for _, sql := range queries {
		a, err := s.read(ctx, sql, s.cfg.Rows)
		if err != nil {
			return nil, fmt.Errorf("%s %w", r.Question, err)
		}
		out.Answers = append(out.Answers, a)
	}
	return out, nil
}
