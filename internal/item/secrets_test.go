package item

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestWithoutSecrets(t *testing.T) {
	t.Parallel()
	names := []string{"key", "guild_token"}
	for in, want := range map[string]string{
		`{"id":"a"}`:                       `{"id":"a"}`,
		`{"id":"a","key":"s"}`:             `{"id":"a"}`,
		`{"key":"s"}`:                      `{}`,
		` { "key" : "s" , "id" : 1.50 } `:  `{"id":1.50}`,
		`{"a":{"key":{"deep":[1]},"b":2}}`: `{"a":{"b":2}}`,
		`{"list":[{"key":"s"},{"id":1},[{"guild_token":"s","x":[]}]]}`:                      `{"list":[{},{"id":1},[{"x":[]}]]}`,
		`{"key":"s","key":"t","id":1}`:                                                      `{"id":1}`,
		`{"k\u0065y":"s","id":1}`:                                                           `{"id":1}`,
		`{"Key":"not it","keys":1,"id":"key"}`:                                              `{"Key":"not it","keys":1,"id":"key"}`,
		`{"metadata":{"key":"theirs"},"meta":{"key":1},"key":"s"}`:                          `{"metadata":{"key":"theirs"},"meta":{"key":1}}`,
		`{"id":1,"text":"say \"key\": \\","key":"s","guild_token":null,"end":-1.0e400}`:     `{"id":1,"text":"say \"key\": \\","end":-1.0e400}`,
		"{\"id\":\"\xff\",\"key\":\"s\"}":                                                   "{\"id\":\"\xff\"}",
		`{"nul":"\u0000","key":"s"}`:                                                        `{"nul":"\u0000"}`,
		`{"properties":{"guild_id":"1","guild_token":"s","role_id":"2"},"selectable":true}`: `{"properties":{"guild_id":"1","role_id":"2"},"selectable":true}`,
	} {
		if got := string(withoutSecrets(jsontext.Value(in), names)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestMayHold(t *testing.T) {
	for raw, want := range map[string]bool{
		`{"token":1}`: true, "{\"token\" \n:1}": true, `{"a:":2,"b":{"token":1}}`: true, `{"to\u006ben":1}`: true,
		`{"a":{"b:token":1}}`: false, `{"a":"token","b":1}`: false, `{"xtoken":1}`: false, `{"tokenx":1}`: false, `:`: false, `n":`: false, ``: false,
	} {
		if got := mayHold([]byte(raw), []string{"token", "client_secret"}); got != want {
			t.Errorf("%s: %t", raw, got)
		}
	}
}
