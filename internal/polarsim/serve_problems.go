package polarsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// problems collects what is wrong with a request, for a 422 of the form that FastAPI and pydantic give.
type problems struct {
	polar bool // found by Polar's own code rather than by its framework
	list  []problem
}

type problem struct {
	kind, message string
	loc           []any // strings and ints
	input         any
	ctx           string // JSON, "" = none
}

func (p *problems) add(kind string, loc []any, message string, input any, ctx string) {
	p.list = append(p.list, problem{kind: kind, loc: loc, message: message, input: input, ctx: ctx})
}

// body is the response: {"error":..., "detail":[{"type","loc","msg","input","ctx"?}]}.
func (p *problems) body() []byte {
	var o object
	o.open()
	if p.polar {
		o.str("error", "PolarRequestValidationError")
	} else {
		o.str("error", "RequestValidationError")
	}
	list(&o, "detail", p.list, func(o *object, e problem) {
		o.open()
		o.str("type", e.kind)
		list(o, "loc", e.loc, func(o *object, v any) {
			switch v := v.(type) {
			case int:
				o.b = strconv.AppendInt(o.b, int64(v), 10)
			case string:
				o.b = appendString(o.b, v)
			}
		})
		o.str("msg", e.message)
		input, err := json.Marshal(e.input)
		if err != nil {
			input = []byte("null")
		}
		o.raw("input", string(input))
		if e.ctx != "" {
			o.raw("ctx", e.ctx)
		}
		o.close()
	})
	o.close()
	return o.b
}

// pydanticErrors are pydantic's errors by type: the message with a %v for each argument, and the argument's name in ctx, "" = not there. {s} is the
// plural of what the last bound counts (https://docs.pydantic.dev/latest/errors/validation_errors/; pydantic-core, src/errors/types.rs).
var pydanticErrors = map[string]struct {
	message string
	ctx     []string
}{
	"missing":                    {"Field required", nil},
	"model_attributes_type":      {"Input should be a valid dictionary or object to extract fields from", nil},
	"dict_type":                  {"Input should be a valid dictionary", nil},
	"list_type":                  {"Input should be a valid list", nil},
	"string_type":                {"Input should be a valid string", nil},
	"bool_type":                  {"Input should be a valid boolean", nil},
	"bool_parsing":               {"Input should be a valid boolean, unable to interpret input", nil},
	"int_type":                   {"Input should be a valid integer", nil},
	"int_parsing":                {"Input should be a valid integer, unable to parse string as an integer", nil},
	"finite_number":              {"Input should be a finite number", nil},
	"decimal_parsing":            {"Input should be a valid decimal", nil},
	"greater_than":               {"Input should be greater than %v", []string{"gt"}},
	"greater_than_equal":         {"Input should be greater than or equal to %v", []string{"ge"}},
	"less_than_equal":            {"Input should be less than or equal to %v", []string{"le"}},
	"string_too_short":           {"String should have at least %v character{s}", []string{"min_length"}},
	"string_too_long":            {"String should have at most %v character{s}", []string{"max_length"}},
	"string_pattern_mismatch":    {"String should match pattern '%v'", []string{"pattern"}},
	"too_short":                  {"%v should have at least %v item{s} after validation, not %v", []string{"field_type", "min_length", "actual_length"}},
	"too_long":                   {"%v should have at most %v item{s} after validation, not %v", []string{"field_type", "max_length", "actual_length"}},
	"enum":                       {"Input should be %v", []string{"expected"}},
	"uuid_type":                  {"UUID input should be a string, bytes or UUID object", nil},
	"uuid_parsing":               {"Input should be a valid UUID, %v", []string{"error"}},
	"uuid_version":               {"UUID version %v expected", []string{"expected_version"}},
	"url_parsing":                {"Input should be a valid URL, %v", []string{"error"}},
	"url_scheme":                 {"URL scheme should be %v", []string{"expected_schemes"}},
	"timezone_aware":             {"Input should have timezone info", nil},
	"datetime_from_date_parsing": {"Input should be a valid datetime or date, %v", []string{"error"}},
	"date_from_datetime_parsing": {"Input should be a valid date or datetime, %v", []string{"error"}},
}

// pydantic adds an error in pydantic's words. args are what the message of its type tells.
func (p *problems) pydantic(kind string, loc []any, input any, args ...any) {
	e := pydanticErrors[kind]
	plural := "s"
	for _, a := range args[:min(2, len(args))] {
		if fmt.Sprint(a) == "1" {
			plural = ""
		}
	}
	var ctx object
	for i, name := range e.ctx {
		if i == 0 {
			ctx.open()
		}
		value, err := json.Marshal(args[i])
		if err != nil {
			value = []byte("null")
		}
		ctx.raw(name, string(value))
		if i == len(e.ctx)-1 {
			ctx.close()
		}
	}
	p.add(kind, loc, strings.Replace(fmt.Sprintf(e.message, args...), "{s}", plural, 1), input, string(ctx.b))
}

// checkEnum refuses a value that is not among those allowed.
func checkEnum(p *problems, loc []any, value string, allowed []string) {
	if !slices.Contains(allowed, value) {
		p.pydantic("enum", loc, value, expected(allowed))
	}
}

// expected tells the values of an enumeration.
func expected(allowed []string) string {
	quoted := make([]string, len(allowed))
	for i, a := range allowed {
		quoted[i] = "'" + a + "'"
	}
	last := len(quoted) - 1
	if last == 0 {
		return quoted[0]
	}
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}

// parseID reads an id, and refuses what is none.
func parseID(p *problems, loc []any, value string) (id ID, ok bool) {
	if id, ok = ParseID(value); !ok {
		p.pydantic("uuid_parsing", loc, value, uuidProblem(value))
	}
	return id, ok
}

// uuidProblem says what is wrong with a text that is no UUID, in the words of the Rust library that pydantic uses
// (https://docs.rs/uuid).
func uuidProblem(text string) string {
	groups := strings.Split(text, "-")
	sizes := []int{8, 4, 4, 4, 12}
	for i, r := range text {
		if r != '-' && !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			return fmt.Sprintf("invalid character: found `%c` at %d", r, i+1)
		}
	}
	switch len(groups) {
	case 1:
		return fmt.Sprintf("invalid length: expected length 32 for simple format, found %d", len(text))
	case len(sizes):
		for i, size := range sizes {
			if len(groups[i]) != size {
				return fmt.Sprintf("invalid group length in group %d: expected %d, found %d", i, size, len(groups[i]))
			}
		}
	}
	return fmt.Sprintf("invalid group count: expected %d, found %d", len(sizes), len(groups))
}

// parseIDs reads the ids of a parameter that takes one or more.
func parseIDs(p *problems, name string, values []string) []ID {
	ids, bad := make([]ID, len(values)), false
	for i, v := range values {
		id, ok := ParseID(v)
		ids[i], bad = id, bad || !ok
	}
	if !bad {
		return ids
	}
	p.pydantic("uuid_type", []any{"query", name, "uuid"}, values)
	for i, v := range values {
		parseID(p, sequenceOf("uuid", name, i), v)
	}
	return ids
}

// checkEnums refuses values that are not among those of an enumeration, which has the name kind. The parameter takes one or more.
func checkEnums(p *problems, kind, name string, values, allowed []string) {
	if !slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(allowed, v) }) {
		return
	}
	kind = "str-enum[" + kind + "]"
	p.pydantic("enum", []any{"query", name, kind}, values, expected(allowed))
	for i, v := range values {
		checkEnum(p, sequenceOf(kind, name, i), v, allowed)
	}
}

// sequenceOf is the place of a value in a parameter that is, in pydantic's words, either one of a kind or a sequence of them.
func sequenceOf(kind, name string, i int) []any {
	return []any{"query", name, "json-or-python[json=list[" + kind + "],python=chain[is-instance[Sequence],function-wrap[sequence_validator()]]]", i}
}

func parseBool(p *problems, name, value string) bool {
	switch strings.ToLower(value) {
	case "true", "1", "t", "yes", "y", "on":
		return true
	case "false", "0", "f", "no", "n", "off":
		return false
	}
	p.pydantic("bool_parsing", []any{"query", name}, value)
	return false
}

// parsePositive reads page and limit: integers of at least 1. One that is too large for an int is the largest.
func parsePositive(p *problems, name, value string) int {
	n, err := strconv.Atoi(value)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		p.pydantic("int_parsing", []any{"query", name}, value)
		return 1
	}
	if n < 1 {
		p.pydantic("greater_than", []any{"query", name}, value, 0)
		return 1
	}
	return n
}

// parseTime reads a time of a list filter. A time without an offset is taken as UTC: naive.
func parseTime(p *problems, name, value string) (t Time, naive bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00"} {
		if parsed, err := time.Parse(layout, value); err == nil {
			return At(parsed), false
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02"} {
		if parsed, err := time.Parse(layout, value); err == nil {
			return At(parsed), true
		}
	}
	reason := "invalid character in year"
	if len(value) < len(time.DateOnly) {
		reason = "input is too short"
	}
	p.pydantic("datetime_from_date_parsing", []any{"query", name}, value, reason)
	return 0, false
}

func unquote(raw json.RawMessage) string {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return string(raw)
	}
	return s
}
