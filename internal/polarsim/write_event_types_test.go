package polarsim

import (
	"strings"
	"testing"
)

func TestEventTypesAreLabelled(t *testing.T) {
	t.Parallel()
	s := NewServer(NewWorld(Options{Seed: 1, Customers: 30}), ServerOptions{})
	var id, name string
	for _, item := range list1(t, s, "/v1/event-types/?limit=100").Items {
		if item["source"] == "user" {
			id, name = item["id"].(string), item["name"].(string)
		} else if item["id"] != nil {
			t.Errorf("a type of the system has an id: %v", item)
		}
	}
	if res, body := do(t, s, "PATCH", "/v1/event-types/"+id, `{"label":"Called"}`); res.StatusCode != 200 || !strings.Contains(body, `"label":"Called"`) {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	for _, list := range []string{"/v1/event-types/?limit=100", "/v1/events/?name=" + name} {
		for _, item := range list1(t, s, list).Items {
			if item["name"] == name && item["label"] != "Called" {
				t.Errorf("%s: %v", list, item)
			}
		}
	}
	for target, status := range map[string]int{"/v1/event-types/" + id: 422, "/v1/event-types/00000000-0000-4000-8000-000000000000": 404} {
		body := `{"label":""}`
		if status == 404 {
			body = `{"label":"x"}`
		}
		if res, body := do(t, s, "PATCH", target, body); res.StatusCode != status {
			t.Errorf("%s: %d %s, want %d", target, res.StatusCode, body, status)
		}
	}
	for sorting, status := range map[string]int{"label": 200, "-first_seen": 200, "timestamp": 422} {
		if res, body := do(t, s, "GET", "/v1/event-types/?sorting="+sorting, ""); res.StatusCode != status {
			t.Errorf("sorting=%s: %d %s, want %d", sorting, res.StatusCode, body, status)
		}
	}
	if res, body := do(t, s, "GET", "/v1/events/names?sorting=label", ""); res.StatusCode != 422 || !strings.Contains(body, "'last_seen' or '-last_seen'") {
		t.Errorf("names by label: %d %s", res.StatusCode, body)
	}
}
