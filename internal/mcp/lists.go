package mcp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/pg"
)

// listed are the tables that have a tool of their own.
var listed = []string{"customers", "orders", "subscriptions", "payments", "members", "meters", "customer_meters", "products", "refunds", "metric_dashboards", "metrics"}

type (
	listArgs struct {
		Filters map[string]string `json:"filters,omitempty" jsonschema:"values that columns must have, such as {\"status\": \"active\"}, or {\"id\": \"...\"} to get one; customer_id, customer_external_id and customer_email find what belongs to a customer; e-mail addresses match in any case"`
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
)

// list reads rows of a table without deleted ones, in an order that has an index where it matters, a page at a time.
func (s *Server) list(ctx context.Context, name string, in listArgs) (any, error) {
	tables, err := s.tables(ctx)
	if err != nil {
		return nil, err
	}
	live := tables.find(name + "_live")
	if live == nil {
		return nil, fmt.Errorf("%s may not be read here", name)
	}
	limit := in.Limit
	if limit == 0 {
		limit = min(20, s.cfg.Rows)
	}
	if limit < 1 || limit > s.cfg.Rows {
		return nil, fmt.Errorf("limit: %d is not between 1 and %d", limit, s.cfg.Rows)
	}
	by := "created_at"
	if name == "metrics" {
		by = "period_start"
	}
	where, err := s.where(*live, tables.find("customers"), in.Filters)
	if err != nil {
		return nil, fmt.Errorf("filters: %w", err)
	}
	if in.Since != "" {
		where = append(where, by+" >= "+pg.Literal(in.Since))
	}
	if in.Until != "" {
		where = append(where, by+" < "+pg.Literal(in.Until))
	}
	if in.Cursor != "" {
		after, err := after(by, in.Cursor)
		if err != nil {
			return nil, err
		}
		where = append(where, after)
	}
	columns := live.columns()
	for i, c := range columns {
		columns[i] = pgx.Identifier{c}.Sanitize()
	}
	a, err := s.read(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s DESC, id DESC", strings.Join(columns, ", "), live.Name, strings.Join(append(where, "true"), " AND "), by), limit)
	if err == nil && a.Limit != "" && len(a.Rows) > 0 {
		last := a.Rows[len(a.Rows)-1]
		at, _ := last[slices.Index(a.Columns, by)].(string)
		id, _ := last[slices.Index(a.Columns, "id")].(string)
		a.Next = at + "/" + id
		a.Limit = fmt.Sprintf("stopped after %d rows: go on with next_cursor", len(a.Rows))
	}
	return a, err
}

// after is the condition of rows that come after the last one of a page, which may be gone by now. Rows without a time come first.
func after(by, cursor string) (string, error) {
	at, id, _ := strings.Cut(cursor, "/")
	if _, err := uuid.Parse(id); err != nil {
		return "", fmt.Errorf("cursor: %q is not the next_cursor of an answer", cursor)
	}
	if at == "" {
		return fmt.Sprintf("(%s IS NOT NULL OR id < %s)", by, pg.Literal(id)), nil
	}
	return fmt.Sprintf("(%s, id) < (%s, %s)", by, pg.Literal(at), pg.Literal(id)), nil
}

// where are the conditions of filters. Those of a customer find also what names none itself: payments, by their order or checkout.
func (s *Server) where(t table, customers *table, filters map[string]string) (where []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(filters)) {
		value := filters[name]
		if col, is := t.column(name); is {
			condition, err := s.equals(t.Name, col, value)
			if err != nil {
				return nil, err
			}
			where = append(where, condition)
			continue
		}
		of, isOf := strings.CutPrefix(name, "customer_")
		owner := owner(t)
		if !isOf || owner == "" || customers == nil || !slices.Contains([]string{"id", "external_id", "email"}, of) {
			return nil, fmt.Errorf("%s has no column %q, but %s", strings.TrimSuffix(t.Name, "_live"), name, strings.Join(t.columns(), ", "))
		}
		col, _ := customers.column(of)
		condition, err := s.equals("customers", col, value)
		if err != nil {
			return nil, err
		}
		where = append(where, strings.ReplaceAll(owner, "%", "(SELECT id FROM customers WHERE "+condition+")"))
	}
	return where, nil
}

// owner is the condition that rows belong to customers (%); "" where they belong to none. Payments do by their order or checkout.
func owner(t table) string {
	has := func(column string) bool { return slices.Contains(t.columns(), column) }
	switch {
	case has("customer_id"):
		return "customer_id IN %"
	case has("order_id") && has("checkout_id"):
		return "(order_id IN (SELECT id FROM orders WHERE customer_id IN %) OR checkout_id IN (SELECT id FROM checkouts WHERE customer_id IN %))"
	}
	return ""
}

var pseudonym = regexp.MustCompile(`^[0-9a-f]{32}$`)

// equals is the condition that a column has a value.
func (s *Server) equals(of string, c column, value string) (string, error) {
	of = strings.TrimSuffix(of, "_live")
	switch {
	case s.cfg.PersonalData || c.Personal == "":
	case c.Personal != "identifier":
		return "", fmt.Errorf("%s.%s is personal data, and empty here: start syncd mcp with --personal-data to have it", of, c.Name)
	case !pseudonym.MatchString(value):
		return "", fmt.Errorf("%s.%s is personal data, and a pseudonym of 32 hexadecimal digits here: give one, or an id, or start syncd mcp with --personal-data", of, c.Name)
	}
	if strings.HasSuffix(c.Name, "email") {
		return "lower(" + c.Name + ") = lower(" + pg.Literal(value) + ")", nil
	}
	return pgx.Identifier{c.Name}.Sanitize() + " = " + pg.Literal(value), nil
}

// customerState finds one customer, and tells what it has.
func (s *Server) customerState(ctx context.Context, in customerArgs) (any, error) {
	filters := map[string]string{}
	for column, value := range map[string]string{"id": in.ID, "external_id": in.ExternalID, "email": in.Email} {
		if value != "" {
			filters[column] = value
		}
	}
	if len(filters) != 1 {
		return nil, errors.New("give one of id, external_id and email")
	}
	tables, err := s.tables(ctx)
	if err != nil {
		return nil, err
	}
	customers := tables.find("customers_live")
	if customers == nil {
		return nil, errors.New("customers may not be read here")
	}
	where, err := s.where(*customers, nil, filters)
	if err != nil {
		return nil, err
	}
	a, err := s.read(ctx, "SELECT customer_state(id) AS state FROM customers_live WHERE "+where[0]+" LIMIT 2", 2)
	if err == nil && len(a.Rows) == 0 {
		return nil, errors.New("there is no such customer in the mirror")
	}
	return a, err
}
