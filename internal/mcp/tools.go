package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const dictionary = "syncd://dictionary"

// listed are the tables that have a tool of their own.
var listed = []string{"customers", "orders", "subscriptions", "payments", "members", "meters", "customer_meters", "products", "refunds", "metric_dashboards", "metrics"}

type (
	tableArgs struct {
		Table string `json:"table" jsonschema:"name of the table or view, without a schema"`
	}
	sqlArgs struct {
		SQL string `json:"sql" jsonschema:"one SELECT statement of Postgres"`
	}
	listArgs struct {
		Filters map[string]string `json:"filters,omitempty" jsonschema:"values that columns must have, such as {\"status\": \"active\"}, or {\"id\": \"...\"} to get one; e-mail addresses match in any case"`
		Since   string            `json:"since,omitempty" jsonschema:"only rows from this time on, such as 2026-11-01"`
		Until   string            `json:"until,omitempty" jsonschema:"only rows before this time"`
		Limit   int               `json:"limit,omitempty" jsonschema:"at most so many rows; 20 by default"`
		Cursor  string            `json:"cursor,omitempty" jsonschema:"next_cursor of the answer before"`
	}
	customerArgs struct {
		ID         string `json:"id,omitempty"`
		ExternalID string `json:"external_id,omitempty" jsonschema:"your own id of the customer"`
		Email      string `json:"email,omitempty"`
	}
	questionArgs struct {
		Number     int               `json:"number" jsonschema:"of the question in list_questions"`
		Parameters map[string]string `json:"parameters,omitempty" jsonschema:"by name"`
	}
	none struct{}
)

func (s *Server) addTools() {
	add(s, "list_tables", "Lists tables and views with what they hold.", func(ctx context.Context, _ none) (any, error) {
		tables, about, err := s.tables(ctx)
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
	if s.cfg.PersonalData {
		add(s, "customer_state", "Tells what one customer has now: active subscriptions, granted benefits, meters.", s.customerState)
	}
	add(s, "list_questions", "Lists common questions about billing that answer_question answers, with their parameters.", func(context.Context, none) (any, error) {
		return map[string]any{"questions": s.recipes}, nil
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

// tables are all tables and views without what may not be read.
func (s *Server) tables(ctx context.Context) (list []table, a about, err error) {
	verdicts, err := s.verdicts(ctx)
	if err != nil {
		return nil, a, err
	}
	err = s.cfg.Pool.Snapshot(ctx, func(tx pgx.Tx) error {
		c, err := s.schema(ctx, tx)
		list = nil
		for _, name := range slices.Sorted(maps.Keys(c.tables)) {
			t := c.tables[name]
			t.Columns = slices.DeleteFunc(t.Columns, func(col column) bool { return slices.Contains(t.LeftOut, col.Name) })
			list = append(list, t)
		}
		return err
	})
	return list, verdicts.about(nil, nil), err
}

func (s *Server) describe(ctx context.Context, in tableArgs) (any, error) {
	list, about, err := s.tables(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range list {
		if t.Name == in.Table {
			return map[string]any{"table": t, "about": about}, nil
		}
	}
	return nil, fmt.Errorf("there is no table or view %q: list_tables lists them", in.Table)
}

func (s *Server) dictionary(ctx context.Context, _ *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
	list, _, err := s.tables(ctx)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(list)
	return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{URI: dictionary, MIMEType: "application/json", Text: string(text)}}}, err
}

// text is a text of SQL. The server reads it with standard_conforming_strings.
func text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// list reads rows of a table without deleted ones, in an order that has an index where it matters, a page at a time.
func (s *Server) list(ctx context.Context, name string, in listArgs) (any, error) {
	tables, _, err := s.tables(ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(tables, func(t table) bool { return t.Name == name+"_live" })
	if at < 0 {
		return nil, fmt.Errorf("%s may not be read here", name)
	}
	live := tables[at]
	limit := in.Limit
	if limit == 0 {
		limit = 20
	}
	if limit < 1 || limit > s.cfg.Rows {
		return nil, fmt.Errorf("limit: %d is not between 1 and %d", limit, s.cfg.Rows)
	}
	by := "created_at"
	if name == "metrics" {
		by = "period_start"
	}
	columns := live.visible()
	where := []string{"true"}
	for _, column := range slices.Sorted(maps.Keys(in.Filters)) {
		value := text(in.Filters[column])
		switch {
		case slices.Contains(live.LeftOut, column):
			return nil, fmt.Errorf("filters: %s.%s is personal data: start syncd mcp with --personal-data to allow it", name, column)
		case !slices.Contains(columns, column):
			return nil, fmt.Errorf("filters: %s has no column %q, but %s", name, column, strings.Join(columns, ", "))
		case strings.HasSuffix(column, "email"):
			where = append(where, "lower("+column+") = lower("+value+")")
		default:
			where = append(where, pgx.Identifier{column}.Sanitize()+" = "+value)
		}
	}
	if in.Since != "" {
		where = append(where, by+" >= "+text(in.Since))
	}
	if in.Until != "" {
		where = append(where, by+" < "+text(in.Until))
	}
	if in.Cursor != "" {
		if _, err := uuid.Parse(in.Cursor); err != nil {
			return nil, fmt.Errorf("cursor: %q is not the next_cursor of an answer", in.Cursor)
		}
		where = append(where, fmt.Sprintf("(%s, id) < (SELECT %s, id FROM %s_live WHERE id = %s)", by, by, name, text(in.Cursor)))
	}
	for i, c := range columns {
		columns[i] = pgx.Identifier{c}.Sanitize()
	}
	a, err := s.read(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s DESC, id DESC", strings.Join(columns, ", "), live.Name, strings.Join(where, " AND "), by), limit)
	if err == nil && a.Limit != "" && len(a.Rows) > 0 {
		a.Next, _ = a.Rows[len(a.Rows)-1][slices.Index(a.Columns, "id")].(string)
		a.Limit = fmt.Sprintf("stopped after %d rows: go on with next_cursor", len(a.Rows))
	}
	return a, err
}

func (s *Server) customerState(ctx context.Context, in customerArgs) (any, error) {
	var where []string
	for column, value := range map[string]string{"id": in.ID, "external_id": in.ExternalID} {
		if value != "" {
			where = append(where, column+" = "+text(value))
		}
	}
	if in.Email != "" {
		where = append(where, "lower(email) = lower("+text(in.Email)+")")
	}
	if len(where) != 1 {
		return nil, errors.New("give one of id, external_id and email")
	}
	a, err := s.read(ctx, "SELECT customer_state(id) AS state FROM customers_live WHERE "+where[0]+" LIMIT 2", 2)
	if err == nil && len(a.Rows) == 0 {
		return nil, errors.New("there is no such customer in the mirror")
	}
	return a, err
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
