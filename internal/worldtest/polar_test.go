package worldtest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"syncd/internal/polarsim"
)

// Decode gives what encoding/json gives: what is compared with the mirror must not depend on who reads it.
func TestDecode(t *testing.T) {
	t.Parallel()
	polar := polarsim.NewServer(polarsim.NewWorld(polarsim.Options{Seed: 1, Customers: 5}), polarsim.ServerOptions{})
	r := httptest.NewRequest(http.MethodGet, "/v1/orders/?limit=100", nil)
	r.Header.Set("Authorization", "Bearer "+Token)
	rec := httptest.NewRecorder()
	polar.ServeHTTP(rec, r)
	if rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	for _, body := range []string{rec.Body.String(), `{"Items":[{"a":1e400,"a":[1.50,[],{},null,true,"\ud800é\n"],"":false}]}`} {
		var want, got struct{ Items []map[string]any }
		d := json.NewDecoder(strings.NewReader(body))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		Decode(t, []byte(body), &got)
		if len(got.Items) == 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("read as %v, want %v", got, want)
		}
	}
}
