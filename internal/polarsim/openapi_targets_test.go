package polarsim

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// requiredQuery are the parameters without which an operation answers 422.
var requiredQuery = map[string]url.Values{
	"/v1/metrics/": {"start_date": {"2026-10-10"}, "end_date": {"2026-10-15"}, "interval": {"day"}},
}

// moreQueries are worth asking besides those that the document's closed parameters give.
func (w *walker) moreQueries() map[string][]string {
	more := map[string][]string{"/v1/metrics/": {
		"start_date=2026-10-10&end_date=2026-10-15&interval=hour&timezone=America/New_York",
		"start_date=2025-10-15&end_date=2026-10-15&interval=day",
		"start_date=2026-01-01&end_date=2026-10-15&interval=week&timezone=Asia/Kathmandu",
		"start_date=2024-01-01&end_date=2026-10-15&interval=month&timezone=Europe/Paris",
		"start_date=2020-01-01&end_date=2026-10-15&interval=year",
		"start_date=2026-01-01&end_date=2026-10-15&interval=month&billing_type=recurring",
		"start_date=2026-01-01&end_date=2026-10-15&interval=month&metrics=orders&metrics=churn_rate",
		"start_date=2026-01-01&end_date=2026-10-15&interval=month&metrics=costs",
	}}
	for i := range eventTexts {
		more["/v1/events/"] = append(more["/v1/events/"], "limit=3&name="+url.QueryEscape(eventTexts[i][0]))
	}
	for _, meter := range w.items["/v1/meters/"] {
		id := text(meter["id"])
		more["/v1/customer-meters/"] = append(more["/v1/customer-meters/"], "limit=100&meter_id="+id)
		more["/v1/meters/"+id+"/quantities"] = append(more["/v1/meters/"+id+"/quantities"],
			"start_timestamp=2026-10-01T00:00:00Z&end_timestamp=2026-10-03T00:00:00Z&interval=day")
	}
	for i, customer := range w.items["/v1/customers/"] {
		if i == 5 {
			break
		}
		for _, path := range []string{"/v1/members/", "/v1/orders/", "/v1/subscriptions/", "/v1/payments/", "/v1/customer-meters/"} {
			more[path] = append(more[path], "customer_id="+text(customer["id"]))
		}
		more["/v1/customers/"] = append(more["/v1/customers/"], "email="+url.QueryEscape(text(customer["email"])))
	}
	for list, owner := range map[string]string{"/v1/subscriptions/": "subscription_id=", "/v1/orders/": "order_id="} {
		for i, row := range w.items[list] {
			if row["seats"] != nil || i == 0 { // one without seats has none to list
				more["/v1/customer-seats"] = append(more["/v1/customer-seats"], owner+text(row["id"]))
			}
		}
	}
	if orders := w.items["/v1/orders/"]; len(orders) > 0 {
		more["/v1/orders/"] = append(more["/v1/orders/"], "sorting=created_at&limit=100&created_after="+text(orders[len(orders)/2]["created_at"]))
	}
	return more
}

// single asks for rows one by one: for each template the targets that the rows of the lists lead to.
func (w *walker) single() {
	external := map[string]string{} // of customers, by id
	for _, c := range w.items["/v1/customers/"] {
		external[text(c["id"])] = text(c["external_id"])
	}
	expand := map[string]func(yield func(target string)){}
	each := func(template, list string, path func(row map[string]any) string) {
		expand[template] = func(yield func(string)) {
			for _, row := range distinct(w.items[list]) {
				if p := path(row); p != "" {
					yield(p)
				}
			}
		}
	}
	for _, op := range w.ops { // /v1/things/{id} of /v1/things/ or /v1/things
		parent, ok := strings.CutSuffix(op.path, "{id}")
		if !ok {
			continue
		}
		list := parent
		if w.items[list] == nil {
			list = strings.TrimSuffix(parent, "/")
		}
		each(op.path, list, func(row map[string]any) string { return parent + text(row["id"]) })
	}
	each("/v1/customers/{id}/state", "/v1/customers/", func(c map[string]any) string { return "/v1/customers/" + text(c["id"]) + "/state" })
	each("/v1/customers/{id}/payment-methods", "/v1/customers/", func(c map[string]any) string {
		return "/v1/customers/" + text(c["id"]) + "/payment-methods"
	})
	for _, end := range []string{"", "/state", "/payment-methods"} {
		each("/v1/customers/external/{external_id}"+end, "/v1/customers/", func(c map[string]any) string {
			if text(c["external_id"]) == "" {
				return ""
			}
			return "/v1/customers/external/" + url.PathEscape(text(c["external_id"])) + end
		})
	}
	each("/v1/customers/{id}/members/{member_id}", "/v1/members/", func(m map[string]any) string {
		return "/v1/customers/" + text(m["customer_id"]) + "/members/" + text(m["id"])
	})
	each("/v1/customers/external/{external_id}/members/{member_external_id}", "/v1/members/", func(m map[string]any) string {
		c := external[text(m["customer_id"])]
		if c == "" || text(m["external_id"]) == "" {
			return ""
		}
		return "/v1/customers/external/" + url.PathEscape(c) + "/members/" + url.PathEscape(text(m["external_id"]))
	})
	each("/v1/orders/{id}/invoice", "/v1/orders/", func(o map[string]any) string {
		if o["is_invoice_generated"] != true {
			return ""
		}
		return "/v1/orders/" + text(o["id"]) + "/invoice"
	})
	for template, targets := range expand {
		targets(func(target string) { w.check(template, target, http.StatusOK) })
	}
}

// unknown asks for rows that nobody has, and with ids that are none.
func (w *walker) unknown() {
	for _, owner := range []string{"subscription_id=", "order_id="} {
		w.check("/v1/customer-seats", "/v1/customer-seats?"+owner+unknownID, http.StatusNotFound)
		w.check("/v1/customer-seats", "/v1/customer-seats?"+owner+"none", http.StatusUnprocessableEntity)
	}
	for path := range w.ops {
		if !strings.Contains(path, "{") || strings.HasSuffix(path, "/quantities") {
			continue
		}
		for _, c := range []struct {
			id     string
			status int
		}{{unknownID, http.StatusNotFound}, {"none", http.StatusUnprocessableEntity}} {
			target := path
			for _, p := range w.ops[path].parameters {
				if p.In != "path" {
					continue
				}
				id := c.id
				if strings.Contains(p.Name, "external") {
					id = "nobody"
				}
				target = strings.ReplaceAll(target, "{"+p.Name+"}", id)
			}
			if c.status == http.StatusUnprocessableEntity && !strings.Contains(target, "/none") {
				continue // an external id has no wrong form
			}
			w.check(path, target, c.status)
		}
	}
}

// distinct keeps of rows those that differ in kind: in which keys are null and in what their statuses and types are.
func distinct(rows []map[string]any) []map[string]any {
	seen := map[string]bool{}
	var kept []map[string]any
	for _, row := range rows {
		var shape strings.Builder
		for _, key := range slices.Sorted(maps.Keys(row)) {
			switch v := row[key].(type) {
			case nil:
				shape.WriteString(key + "=null ")
			case bool:
				fmt.Fprintf(&shape, "%s=%t ", key, v)
			case []any:
				fmt.Fprintf(&shape, "%s=%d ", key, min(len(v), 2))
			case string:
				if slices.Contains([]string{"status", "type", "role", "currency", "billing_reason", "trigger", "unit", "visibility", "recurring_interval"}, key) {
					shape.WriteString(key + "=" + v + " ")
				}
			}
		}
		if !seen[shape.String()] {
			seen[shape.String()] = true
			kept = append(kept, row)
		}
	}
	return kept
}

// receipts asks for those of a few orders: 200 with an address, or 202 without a body while one is made.
func (w *walker) receipts() {
	const template = "/v1/orders/{id}/receipt"
	asked := 0
	for _, order := range w.items["/v1/orders/"] {
		if order["receipt_number"] == nil || asked == 20 {
			continue
		}
		asked++
		target := "/v1/orders/" + text(order["id"]) + "/receipt"
		rec := w.get(target, w.token)
		if rec.Code != http.StatusAccepted {
			w.check(template, target, http.StatusOK)
		} else if w.served[template]++; rec.Body.Len() != 0 {
			w.fail(target, "%s: 202 with a body: %.80s", template, rec.Body)
		}
	}
}
