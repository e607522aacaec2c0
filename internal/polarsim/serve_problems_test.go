package polarsim

import (
	"net/http"
	"strings"
	"testing"
)

// What pydantic itself finds is told in its words, with the bound in the message and in ctx; what Polar's validators find begins with Value error.
func TestPydanticErrors(t *testing.T) {
	t.Parallel()
	server := NewServer(NewWorld(Options{Seed: 16, Customers: 5}), ServerOptions{})
	for _, c := range []struct{ request, body, want string }{
		{"GET /v1/orders/?limit=0", "", `{"type":"greater_than","loc":["query","limit"],"msg":"Input should be greater than 0","input":"0","ctx":{"gt":0}}`},
		{"GET /v1/orders/?limit=abc", "", `{"type":"int_parsing","loc":["query","limit"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"abc"}`},
		{"GET /v1/members/?sorting=nonsense", "", `{"type":"enum","loc":["query","sorting",0],"msg":"Input should be 'created_at' or '-created_at'","input":"nonsense","ctx":{"expected":"'created_at' or '-created_at'"}}`},
		{"GET /v1/orders/export?timezone=Nowhere/X", "", `{"type":"value_error","loc":["query","timezone"],"msg":"Value error, 'Nowhere/X' is not a valid IANA time zone","input":"Nowhere/X","ctx":{"error":{}}}`},
		{"POST /v1/metrics/dashboards", `{}`, `{"type":"missing","loc":["body","name"],"msg":"Field required","input":{}}`},
		{"POST /v1/metrics/dashboards", `[1]`, `{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from","input":[1]}`},
		{"POST /v1/metrics/dashboards", `{"name":5}`, `{"type":"string_type","loc":["body","name"],"msg":"Input should be a valid string","input":5}`},
		{"POST /v1/metrics/dashboards", `{"name":""}`, `{"type":"string_too_short","loc":["body","name"],"msg":"String should have at least 1 character","input":"","ctx":{"min_length":1}}`},
		{"POST /v1/metrics/dashboards", `{"name":"a","metrics":["b",5]}`, `{"type":"string_type","loc":["body","metrics",1],"msg":"Input should be a valid string","input":5}`},
		{"POST /v1/metrics/dashboards", `{"name":"a","metrics":[` + strings.Repeat(`"a",`, 10) + `"a"]}`, `{"type":"too_long","loc":["body","metrics"],"msg":"List should have at most 10 items after validation, not 11","input":[` +
			strings.Repeat(`"a",`, 10) + `"a"],"ctx":{"field_type":"List","max_length":10,"actual_length":11}}`},
		{"POST /v1/products/", `{"name":"ab","prices":[]}`, `{"type":"string_too_short","loc":["body","name"],"msg":"String should have at least 3 characters","input":"ab","ctx":{"min_length":3}}`},
		{"POST /v1/products/", `{"name":"abc","prices":[]}`, `{"type":"too_short","loc":["body","prices"],"msg":"List should have at least 1 item after validation, not 0","input":[],"ctx":{"field_type":"List","min_length":1,"actual_length":0}}`},
		{"POST /v1/checkout-links/", `{"payment_processor":"stripe","products":["` + unknownID + `"],"seats":1001}`, `{"type":"less_than_equal","loc":["body","seats"],"msg":"Input should be less than or equal to 1000","input":1001,"ctx":{"le":1000}}`},
		{"POST /v1/discounts/", `{"name":"a","type":"percentage","duration":"once","basis_points":1,"code":"a!"}`,
			`{"type":"value_error","loc":["body","code"],"msg":"Value error, Code must contain only alphanumeric characters.","input":"a!","ctx":{"error":{}}}`},
	} {
		method, target, _ := strings.Cut(c.request, " ")
		status, answer := send(t, server, method, target, c.body)
		if want := `{"error":"RequestValidationError","detail":[` + c.want + `]}`; status != http.StatusUnprocessableEntity || answer != want {
			t.Errorf("%s %s: %d\n got %s\nwant %s", c.request, c.body, status, answer, want)
		}
	}
}
