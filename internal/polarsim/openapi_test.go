package polarsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"syncd/internal/polarsim/openapi"
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
	"CustomerStateSubscription": {"price_id", "seats", "units"},
	"Product":                   {"is_deletable"},
	"WebhookEndpoint":           {"api_version", "uses_standard_webhook_signature"},
	"BenefitCustom":             {"is_tax_applicable"},
	"BenefitSlackSharedChannel": {"is_tax_applicable"},
	"BenefitPublic":             {"is_tax_applicable"},
	"BenefitGrant":              {"user_id"},

	"BenefitGitHubRepositoryProperties": {"repository_id"},
	"OrganizationFeatureSettings":       {"unit_based_pricing_enabled"},

	"Checkout":                  {"customer_billing_address_fields", "subtotal_amount", "units", "min_units", "max_units", "customer_external_id"},
	"CheckoutLink":              {"product_id", "product_price_id", "product", "product_price", "units"},
	"LicenseKeyRead":            {"member_id", "member", "user_id", "user"},
	"LicenseKeyWithActivations": {"member_id", "member", "user_id", "user"},
}

// apiDocument is what is known of Polar's API, with its response schemas, compiled when first used.
type apiDocument struct {
	facts    *openapi.Document
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

const documentURL = "https://example.com/openapi.json"

// loadDocument reads the facts that this repository holds of Polar's OpenAPI document.
func loadDocument(t *testing.T) *apiDocument {
	t.Helper()
	facts, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	return newDocument(t, facts)
}

func newDocument(t *testing.T, facts *openapi.Document) *apiDocument {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.RegisterFormat(&jsonschema.Format{Name: "uuid4", Validate: isUUID4})
	c.RegisterFormat(&jsonschema.Format{Name: "ipvanyaddress", Validate: isAddress})
	c.UseRegexpEngine(compilePattern)
	if err := c.AddResource(documentURL, facts.JSONSchema()); err != nil {
		t.Fatalf("add the schemas to their compiler: %v", err)
	}
	return &apiDocument{facts: facts, compiler: c, compiled: map[string]*jsonschema.Schema{}}
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

// operation is one GET.
type operation struct {
	path       string // template
	parameters []parameter
}

type parameter struct {
	Name, In string
	Required bool
	Enum     []string // values, where the type has a closed list
	Boolean  bool
}

// operations lists the GETs by path template.
func (d *apiDocument) operations() map[string]operation {
	ops := map[string]operation{}
	for _, o := range d.facts.Operations {
		if o.Method != http.MethodGet {
			continue
		}
		op := operation{path: o.Path}
		for _, p := range o.Parameters {
			entry := parameter{Name: p.Name, In: p.In, Required: p.Required}
			entry.Enum, entry.Boolean = d.facts.Values(p.Schema)
			op.parameters = append(op.parameters, entry)
		}
		ops[o.Path] = op
	}
	return ops
}

// response gives the schema of a JSON response; nil where none is known.
func (d *apiDocument) response(path, status string) (*jsonschema.Schema, error) {
	for _, o := range d.facts.Operations {
		for i, r := range o.Responses {
			if o.Method == http.MethodGet && o.Path == path && r.Status == status && r.Type == "" {
				return d.schema(o.Pointer(i))
			}
		}
	}
	return nil, nil
}

func (d *apiDocument) component(name string) (*jsonschema.Schema, error) {
	return d.schema(strings.TrimPrefix(openapi.Component, "#") + name)
}

func (d *apiDocument) schema(pointer string) (*jsonschema.Schema, error) {
	if s := d.compiled[pointer]; s != nil {
		return s, nil
	}
	fragment := strings.NewReplacer("%", "%25", "{", "%7B", "}", "%7D", " ", "%20").Replace(pointer)
	s, err := d.compiler.Compile(documentURL + "#" + fragment)
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", pointer, err)
	}
	d.compiled[pointer] = s
	return s, nil
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
			var left []*jsonschema.Schema
			for _, b := range branches {
				if !excluded(b, v) {
					left = append(left, b)
				}
			}
			for _, b := range left {
				if len(left) == 1 || b.Validate(v) == nil { // v as a whole is validated elsewhere
					into = flatten([]*jsonschema.Schema{b}, v, into)
				}
			}
		}
	}
	return into
}

// excluded tells cheaply of most branches of a union that v does not satisfy them: a constant in v is another one.
func excluded(s *jsonschema.Schema, v any) bool {
	for s.Ref != nil {
		s = s.Ref
	}
	object, is := v.(map[string]any)
	if s.Types != nil && slices.Equal(s.Types.ToStrings(), []string{"null"}) {
		return v != nil
	}
	if s.Types != nil && slices.Equal(s.Types.ToStrings(), []string{"object"}) && !is {
		return true
	}
	for name, p := range s.Properties {
		if value, has := object[name]; has && p.Const != nil && value != *p.Const {
			return true
		}
	}
	return false
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
	checked := 0
	for _, op := range d.facts.Operations { // every schema compiles, or a check of it later would be no check
		for i, r := range op.Responses {
			if r.Type != "" {
				continue
			}
			checked++
			if _, err := d.schema(op.Pointer(i)); err != nil {
				t.Error(err)
			}
		}
	}
	if checked < 100 {
		t.Errorf("%d responses are known, want at least 100", checked)
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
