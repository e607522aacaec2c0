package polarsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// wireOnly are the keys that Polar sends although its OpenAPI document leaves them out: deprecated fields typed SkipJsonSchema and fields newer
// than the document (polarsource/polar, server/polar/*/schemas.py), by the name of the schema that describes the rest of the object.
var wireOnly = map[string][]string{
	"HTTPValidationError": {"error"},
	"Organization": {"bio", "company", "blog", "location", "twitter_username", "pledge_minimum_amount", "pledge_badge_show_amount",
		"default_upfront_split_to_contributors", "notification_settings"},
	"ProductPriceFixed":         {"type", "recurring_interval"},
	"ProductPriceCustom":        {"type", "recurring_interval"},
	"ProductPriceMeteredUnit":   {"type", "recurring_interval"},
	"ProductPriceSeatBased":     {"type", "recurring_interval", "price_per_seat"},
	"Order":                     {"amount", "from_balance_amount", "user_id", "user", "product_price_id", "product_price", "units"},
	"OrderSubscription":         {"user_id", "price_id", "units"},
	"Subscription":              {"user_id", "user", "price_id", "price", "units"},
	"PendingSubscriptionUpdate": {"units"},
	"CustomerStateSubscription": {"price_id"},
	"BenefitCustom":             {"is_tax_applicable"},
	"BenefitSlackSharedChannel": {"is_tax_applicable"},
	"BenefitPublic":             {"is_tax_applicable"},
	"BenefitGrant":              {"user_id"},
	"Checkout":                  {"customer_billing_address_fields", "subtotal_amount", "units", "min_units", "max_units"},
	"CheckoutLink":              {"product_id", "product_price_id", "product", "product_price", "units"},
	"LicenseKeyRead":            {"member_id", "member", "user_id", "user"},
	"LicenseKeyWithActivations": {"member_id", "member", "user_id", "user"},
}

// apiDocument is Polar's OpenAPI document with its response schemas, compiled when first used.
type apiDocument struct {
	root     map[string]any
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

const documentURL = "https://example.com/openapi.json"

// loadDocument finds the document at $SYNCD_TEST_OPENAPI or as shared/polar-openapi.json beside the module or above it; the test is skipped
// only where neither is there.
func loadDocument(t *testing.T) *apiDocument {
	t.Helper()
	path := os.Getenv("SYNCD_TEST_OPENAPI")
	if path == "" {
		path = findAbove(t, filepath.Join("shared", "polar-openapi.json"))
	}
	if path == "" {
		t.Skip("Polar's OpenAPI document is not here: set SYNCD_TEST_OPENAPI to its path to check the simulator against it")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read the OpenAPI document named by SYNCD_TEST_OPENAPI: %v", err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("parse the OpenAPI document: %v", err)
	}
	root, ok := parsed.(map[string]any)
	if !ok {
		t.Fatal("the OpenAPI document is not an object")
	}
	loosenUnions(root)
	// Only the schemas are JSON Schema; the operations around them are read here and not shown to the compiler, except as places to point at.
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.RegisterFormat(&jsonschema.Format{Name: "uuid4", Validate: isUUID4})
	c.RegisterFormat(&jsonschema.Format{Name: "ipvanyaddress", Validate: isAddress})
	c.UseRegexpEngine(compilePattern)
	if err := c.AddResource(documentURL, root); err != nil {
		t.Fatalf("add the OpenAPI document to the schema compiler: %v", err)
	}
	return &apiDocument{root: root, compiler: c, compiled: map[string]*jsonschema.Schema{}}
}

// loosenUnions makes anyOf of every oneOf without a discriminator. Polar tells the branches of these apart by code (a legacy price by its extra key, a
// repeating discount by its months), and whatever fits the narrower branch fits the wider one too, so that as oneOf they could never hold.
func loosenUnions(v any) {
	switch v := v.(type) {
	case map[string]any:
		if branches, ok := v["oneOf"]; ok && v["discriminator"] == nil {
			v["anyOf"] = branches
			delete(v, "oneOf")
		}
		for _, child := range v {
			loosenUnions(child)
		}
	case []any:
		for _, child := range v {
			loosenUnions(child)
		}
	}
}

// findAbove looks for rel in every directory from the package's up to the root; "" where it is in none.
func findAbove(t *testing.T, rel string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		path := filepath.Join(dir, rel)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

func isUUID4(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return err
	}
	if id.Version() != 4 || id.Variant() != uuid.RFC4122 || id.String() != s {
		return fmt.Errorf("%q is not a lower-case UUID of version 4", s)
	}
	return nil
}

func isAddress(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	_, err := netip.ParseAddr(s)
	return err
}

// notOnlySigns is how pydantic writes its decimals: a look-ahead that asks for a digit, and then the digits. Go's regexp has no look-ahead.
const notOnlySigns = `^(?!^[-+.]*$)`

type decimalPattern struct {
	*regexp.Regexp
	source string
}

func (p decimalPattern) String() string { return p.source }

func (p decimalPattern) MatchString(s string) bool {
	return strings.Trim(s, "-+.") != "" && p.Regexp.MatchString(s)
}

func compilePattern(s string) (jsonschema.Regexp, error) {
	rest, found := strings.CutPrefix(s, notOnlySigns)
	if !found {
		return regexp.Compile(s)
	}
	if strings.Contains(rest, "(?=") { // the digits are counted by a second look-ahead: at most 18 in all
		rest = `[+-]?0*\d{0,18}(\.\d{0,12}0*)?$`
	}
	re, err := regexp.Compile("^" + rest)
	return decimalPattern{re, s}, err
}

// operation is one GET of the document.
type operation struct {
	path       string // template
	parameters []parameter
	statuses   map[string]bool
}

type parameter struct {
	Name, In string
	Required bool
	Enum     []string // values, where the type has a closed list
	Boolean  bool
}

// operations lists the GETs of the document by path template.
func (d *apiDocument) operations(t *testing.T) map[string]operation {
	t.Helper()
	ops := map[string]operation{}
	for path, item := range d.root["paths"].(map[string]any) {
		get, ok := item.(map[string]any)["get"].(map[string]any)
		if !ok {
			continue
		}
		op := operation{path: path, statuses: map[string]bool{}}
		for status := range get["responses"].(map[string]any) {
			op.statuses[status] = true
		}
		parameters, _ := get["parameters"].([]any)
		for _, p := range parameters {
			p := p.(map[string]any)
			entry := parameter{Name: p["name"].(string), In: p["in"].(string)}
			entry.Required, _ = p["required"].(bool)
			d.values(p["schema"], &entry)
			op.parameters = append(op.parameters, entry)
		}
		ops[path] = op
	}
	return ops
}

// values collects what a parameter may be from the branches of its schema.
func (d *apiDocument) values(schema any, into *parameter) {
	s, ok := schema.(map[string]any)
	if !ok {
		return
	}
	if ref, ok := s["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/components/schemas/")
		d.values(d.root["components"].(map[string]any)["schemas"].(map[string]any)[name], into)
	}
	if enum, ok := s["enum"].([]any); ok {
		for _, v := range enum {
			into.Enum = append(into.Enum, fmt.Sprint(v))
		}
	}
	if c, ok := s["const"].(string); ok {
		into.Enum = append(into.Enum, c)
	}
	if s["type"] == "boolean" {
		into.Boolean = true
	}
	d.values(s["items"], into)
	for _, key := range []string{"anyOf", "oneOf"} {
		branches, _ := s[key].([]any)
		for _, b := range branches {
			d.values(b, into)
		}
	}
}

// response gives the schema of a documented JSON response; nil where the document has none.
func (d *apiDocument) response(path, status string) (*jsonschema.Schema, error) {
	get := d.root["paths"].(map[string]any)[path].(map[string]any)["get"].(map[string]any)
	r, ok := get["responses"].(map[string]any)[status].(map[string]any)
	if !ok {
		return nil, nil
	}
	content, _ := r["content"].(map[string]any)
	if _, ok := content["application/json"]; !ok {
		return nil, nil
	}
	return d.schema("/paths/" + escapePointer(path) + "/get/responses/" + status + "/content/application~1json/schema")
}

func (d *apiDocument) component(name string) (*jsonschema.Schema, error) {
	return d.schema("/components/schemas/" + escapePointer(name))
}

func (d *apiDocument) schema(pointer string) (*jsonschema.Schema, error) {
	if s := d.compiled[pointer]; s != nil {
		return s, nil
	}
	fragment := strings.NewReplacer("%", "%25", "{", "%7B", "}", "%7D").Replace(pointer)
	s, err := d.compiler.Compile(documentURL + "#" + fragment)
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", pointer, err)
	}
	d.compiled[pointer] = s
	return s, nil
}

func escapePointer(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(s)
}

// undocumented reports every key of v that no applicable schema describes, with the name of the schema that describes its siblings.
func undocumented(schemas []*jsonschema.Schema, v any, report func(component, key string)) {
	switch v := v.(type) {
	case map[string]any:
		applicable := flatten(schemas, v, nil)
		open, described := false, false
		for _, s := range applicable {
			described = described || len(s.Properties) > 0
			allowed, isBool := s.AdditionalProperties.(bool)
			open = open || (isBool && allowed) || (!isBool && s.AdditionalProperties != nil)
		}
		for key, value := range v {
			var next []*jsonschema.Schema
			for _, s := range applicable {
				if p := s.Properties[key]; p != nil {
					next = append(next, p)
				} else if p, ok := s.AdditionalProperties.(*jsonschema.Schema); ok {
					next = append(next, p)
				}
			}
			if len(next) == 0 && described && !open {
				report(componentOf(applicable), key)
				continue
			}
			undocumented(next, value, report)
		}
	case []any:
		var next []*jsonschema.Schema
		for _, s := range flatten(schemas, v, nil) {
			if s.Items2020 != nil {
				next = append(next, s.Items2020)
			}
		}
		for _, item := range v {
			undocumented(next, item, report)
		}
	}
}

// flatten follows references and the branches of unions that v satisfies.
func flatten(schemas []*jsonschema.Schema, v any, into []*jsonschema.Schema) []*jsonschema.Schema {
	for _, s := range schemas {
		into = append(into, s)
		if s.Ref != nil {
			into = flatten([]*jsonschema.Schema{s.Ref}, v, into)
		}
		into = flatten(s.AllOf, v, into)
		for _, branches := range [][]*jsonschema.Schema{s.AnyOf, s.OneOf} {
			for _, b := range branches {
				if b.Validate(v) == nil {
					into = flatten([]*jsonschema.Schema{b}, v, into)
				}
			}
		}
	}
	return into
}

func componentOf(schemas []*jsonschema.Schema) string {
	name := "?"
	for _, s := range schemas {
		if len(s.Properties) == 0 {
			continue
		}
		if _, after, ok := strings.Cut(s.Location, "#/components/schemas/"); ok {
			name, _, _ = strings.Cut(after, "/")
		}
	}
	return name
}

func TestOpenAPIDocument(t *testing.T) {
	t.Parallel()
	d := loadDocument(t)
	ops := d.operations(t)
	if len(ops) == 0 {
		t.Fatal("the OpenAPI document has no GET operations")
	}
	for path, op := range ops { // every schema compiles, or a check of it later would be no check
		for status := range op.statuses {
			if _, err := d.response(path, status); err != nil {
				t.Error(err)
			}
		}
	}
	limits, err := d.component("MetricsLimits")
	if err != nil {
		t.Fatal(err)
	}
	dashboard, err := d.component("MetricDashboardSchema")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		schema *jsonschema.Schema
		json   string
		valid  bool
		extra  string
	}{
		{limits, `{"min_date":"2023-01-01"}`, false, ""},
		{limits, `{"min_date":"yesterday","intervals":{}}`, false, ""},
		{dashboard, `{"id":"0f8b6a1e-54f1-4c9c-9d3a-6f7e2f1c0b11","created_at":"2026-01-02T03:04:05.000006Z","modified_at":null,"name":"a","metrics":["x"],"organization_id":"0f8b6a1e-54f1-4c9c-9d3a-6f7e2f1c0b12","color":1}`, true, "MetricDashboardSchema.color"},
		{dashboard, `{"id":"0f8b6a1e-54f1-1c9c-9d3a-6f7e2f1c0b11","created_at":"2026-01-02T03:04:05Z","modified_at":null,"name":"a","metrics":[],"organization_id":"0f8b6a1e-54f1-4c9c-9d3a-6f7e2f1c0b12"}`, false, ""},
		{dashboard, `{"id":"0f8b6a1e-54f1-4c9c-9d3a-6f7e2f1c0b11","created_at":"2026-01-02 03:04","modified_at":null,"name":"a","metrics":[],"organization_id":"0f8b6a1e-54f1-4c9c-9d3a-6f7e2f1c0b12"}`, false, ""},
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(c.json))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.schema.Validate(v); (err == nil) != c.valid {
			t.Errorf("%s: validation says %v", c.json, err)
		}
		extra := ""
		undocumented([]*jsonschema.Schema{c.schema}, v, func(component, key string) { extra += component + "." + key })
		if c.valid && extra != c.extra {
			t.Errorf("%s: undocumented keys %q, want %q", c.json, extra, c.extra)
		}
	}
}

// decode reads JSON as the schema validator wants it, numbers unconverted.
func decode(body []byte) (any, error) {
	if !json.Valid(body) {
		return nil, fmt.Errorf("not JSON: %.80q", body)
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(body))
}
