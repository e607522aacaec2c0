package polarsim

import (
	"strings"
	"testing"

	"syncd/internal/contract"
	"syncd/internal/polarsim/recorded"
)

func TestListsBelowAnObject(t *testing.T) {
	t.Parallel()
	s := NewServer(NewWorld(Options{Seed: 1, Customers: 120}), ServerOptions{StableTies: true})
	grants := map[any]int{}
	for _, g := range all(t, s, "/v1/benefit-grants/") {
		grants[g["benefit_id"]]++
	}
	files := 0
	for _, b := range all(t, s, "/v1/benefits/") {
		path := "/v1/benefits/" + b["id"].(string)
		for _, g := range list1(t, s, path+"/grants?limit=100").Items {
			if g["benefit_id"] != b["id"] {
				t.Errorf("a grant of another benefit: %v", g["id"])
			}
		}
		if got := list1(t, s, path+"/grants").Pagination.TotalCount; got != grants[b["id"]] {
			t.Errorf("%v: %d grants, want %d", b["type"], got, grants[b["id"]])
		}
		if b["type"] == "downloadables" {
			files += len(list1(t, s, path+"/files").Items)
		} else if res, body := do(t, s, "GET", path+"/files", ""); res.StatusCode != 404 {
			t.Errorf("files of %v: %d %s", b["type"], res.StatusCode, body)
		}
	}
	if files == 0 {
		t.Error("no benefit lists files")
	}
	members := 0
	for _, customer := range all(t, s, "/v1/customers/") {
		for field, path := range map[string]string{"id": "/v1/customers/", "external_id": "/v1/customers/external/"} {
			id, ok := customer[field].(string)
			if !ok || strings.ContainsAny(id, "/?%# ") {
				continue
			}
			path += id
			if got, want := list1(t, s, path+"/payment-methods"), list1(t, s, "/v1/customers/"+customer["id"].(string)+"/payment-methods"); got.Pagination != want.Pagination {
				t.Errorf("%s: %d means of payment, want %d", path, got.Pagination.TotalCount, want.Pagination.TotalCount)
			}
			got, want := list1(t, s, path+"/members?limit=100"), list1(t, s, "/v1/members/?limit=100&customer_id="+customer["id"].(string))
			if got.Pagination != want.Pagination || len(got.Items) != len(want.Items) {
				t.Errorf("%s: %d members, want %d", path, len(got.Items), len(want.Items))
			}
			members += len(got.Items)
			if res, body := do(t, s, "GET", path+"/members", "", "Polar-Version", recordedVersion); res.StatusCode != 405 || res.Header.Get("Allow") != "POST" {
				t.Errorf("%s/members in %s: %d %s", path, recordedVersion, res.StatusCode, body)
			}
		}
	}
	if members == 0 {
		t.Error("no customer has members")
	}
}

// sinceAugust are fields at the top of objects that Polar has sent since the answers were recorded.
var sinceAugust = []string{"is_deletable", "api_version", "uses_standard_webhook_signature"}

// What was recorded of one object is answered for one of the simulator's own with the same status and headers, and the fields at its top.
func TestObjectsAreAnsweredAsRecorded(t *testing.T) {
	t.Parallel()
	answers, err := recorded.Gets()
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(NewWorld(Options{Seed: 1, Customers: 120}), ServerOptions{StableTies: true})
	first := func(list string, fits func(o map[string]any) bool) string {
		for _, o := range all(t, s, list) {
			if fits(o) {
				return o["id"].(string)
			}
		}
		t.Fatalf("%s has no such row", list)
		return ""
	}
	for _, e := range answers {
		target, query, _ := strings.Cut(e.Request.Path, "?")
		segments := strings.Split(target, "/") // "", v1, orders, id ...
		fits := func(map[string]any) bool { return true }
		switch {
		case strings.HasSuffix(target, "/invoice"):
			fits = func(o map[string]any) bool { return o["is_invoice_generated"] == false }
		case strings.HasSuffix(target, "/receipt"):
			fits = func(o map[string]any) bool { return o["receipt_number"] == nil }
		case segments[2] == "benefits":
			fits = func(b map[string]any) bool { return b["type"] == "custom" }
		case segments[2] == "discounts":
			fits = func(d map[string]any) bool { return d["type"] == "percentage" && d["duration"] == "once" }
		}
		want := e.Body
		if segments[2] == "webhooks" {
			segments[4] = first("/v1/webhooks/endpoints", fits)
		} else if len(segments) > 3 && len(segments[3]) == len(unknownID) {
			id := first("/v1/"+segments[2]+"/", fits)
			want, segments[3] = strings.ReplaceAll(want, segments[3], id), id
		}
		if name, id, given := strings.Cut(query, "_id="); given { // of seats
			owner := first("/v1/subscriptions/", func(o map[string]any) bool { return o["seats"] != nil })
			query, want = name+"_id="+owner, strings.ReplaceAll(want, id, owner)
		}
		target = strings.Join(segments, "/") + "?" + query
		res, body := do(t, s, "GET", target, "", "Polar-Version", recordedVersion)
		if res.StatusCode != e.Status {
			t.Errorf("%s: %d %s\nrecorded %d %s", target, res.StatusCode, body, e.Status, e.Body)
			continue
		}
		for _, name := range contract.ComparedHeaders() {
			if got, want := res.Header.Get(name), e.Headers[strings.ToLower(name)]; got != want {
				t.Errorf("%s: %s is %q, recorded %q", target, name, got, want)
			}
		}
		if e.Status != 200 && body != want {
			t.Errorf("%s: %s\nrecorded %s", target, body, want)
		}
		if got, want := keys(body), keys(e.Body); e.Status == 200 && len(want) > 0 {
			for name := range want {
				if !got[name] {
					t.Errorf("%s: no %s", target, name)
				}
				delete(got, name)
			}
			for _, name := range sinceAugust {
				delete(got, name)
			}
			for name := range got {
				t.Errorf("%s: %s was not recorded", target, name)
			}
		}
	}
}
