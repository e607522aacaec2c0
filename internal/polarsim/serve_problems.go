package polarsim

import (
	"encoding/json"
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

// checkEnum refuses a value that is not among those allowed, in pydantic's words.
func checkEnum(p *problems, loc []any, value string, allowed []string) {
	for _, a := range allowed {
		if a == value {
			return
		}
	}
	quoted := make([]string, len(allowed))
	for i, a := range allowed {
		quoted[i] = "'" + a + "'"
	}
	expected := quoted[len(quoted)-1]
	if len(quoted) > 1 {
		expected = strings.Join(quoted[:len(quoted)-1], ", ") + " or " + expected
	}
	p.add("enum", loc, "Input should be "+expected, value, `{"expected":`+quote(expected)+`}`)
}

func parseBool(p *problems, name, value string) bool {
	switch strings.ToLower(value) {
	case "true", "1", "t", "yes", "y", "on":
		return true
	case "false", "0", "f", "no", "n", "off":
		return false
	}
	p.add("bool_parsing", []any{"query", name}, "Input should be a valid boolean, unable to interpret input", value, "")
	return false
}

// parsePositive reads page and limit: integers of at least 1.
func parsePositive(p *problems, name, value string) int {
	n, err := strconv.Atoi(value)
	if err != nil {
		p.add("int_parsing", []any{"query", name}, "Input should be a valid integer, unable to parse string as an integer", value, "")
		return 1
	}
	if n < 1 {
		p.add("greater_than", []any{"query", name}, "Input should be greater than 0", value, `{"gt":0}`)
		return 1
	}
	return n
}

// parseTime reads a time of a list filter. A time without an offset is valid for the framework, and then fails in the database driver: naive.
func parseTime(p *problems, name, value string) (t Time, naive bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00"} {
		if parsed, err := time.Parse(layout, value); err == nil {
			return At(parsed), false
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02"} {
		if _, err := time.Parse(layout, value); err == nil {
			return 0, true
		}
	}
	p.add("datetime_from_date_parsing", []any{"query", name}, "Input should be a valid datetime or date, invalid character in year", value, `{"error":"invalid character in year"}`)
	return 0, false
}

func unquote(raw json.RawMessage) string {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return string(raw)
	}
	return s
}
