package polarsim

import "strings"

// locking says which lock on the world a handler holds while it runs.
type locking int

const (
	lockRead locking = iota
	lockWrite
	lockOwn // it locks by itself
)

// route is one operation of the API.
type route struct {
	method, pattern string // segments in braces are parameters
	scopes          []string
	lock            locking
	webOnly         bool   // refuses organization tokens
	since           string // the version that has it first; "" = all
	handle          func(c *call)
	segments        []string
}

// routes is the table of everything served under /v1/.
func routes() []route {
	var table []route
	for _, r := range resources() {
		table = append(table, route{method: "GET", pattern: r.path, scopes: r.scopes, handle: r.list})
		if !r.noID {
			table = append(table, route{method: "GET", pattern: strings.TrimSuffix(r.path, "/") + "/{id}", scopes: r.scopes, handle: r.get})
		}
	}
	table = append(table, specialRoutes()...)
	for i := range table {
		table[i].segments = strings.Split(table[i].pattern, "/")
	}
	return table
}

// route finds the operation of a path. Where the path exists with other methods only, others lists them.
func (s *Server) route(method, path, version string) (found *route, params map[string]string, others []string) {
	segments := strings.Split(path, "/")
	literal := -1 // the route with most literal segments wins: /v1/metrics/limits over /v1/metrics/{id}
	for i := range s.routes {
		rt := &s.routes[i]
		if version < rt.since {
			continue
		}
		values, fixed, ok := rt.match(segments)
		if !ok || fixed < literal {
			continue
		}
		if fixed > literal {
			literal, found, others = fixed, nil, nil
		}
		if rt.method == method {
			found, params = rt, values
		} else {
			others = append(others, rt.method)
		}
	}
	if found != nil {
		others = nil
	}
	return found, params, others
}

func (rt *route) match(segments []string) (params map[string]string, fixed int, ok bool) {
	if len(segments) != len(rt.segments) {
		return nil, 0, false
	}
	for i, want := range rt.segments {
		if name, isParam := strings.CutPrefix(want, "{"); isParam {
			if segments[i] == "" {
				return nil, 0, false
			}
			if params == nil {
				params = map[string]string{}
			}
			params[strings.TrimSuffix(name, "}")] = segments[i]
			continue
		}
		if want != segments[i] {
			return nil, 0, false
		}
		fixed++
	}
	return params, fixed, true
}

// specialRoutes are the operations besides lists and GET by id.
func specialRoutes() []route {
	customers, orders, meters := []string{"customers:read", "customers:write"}, []string{"orders:read"}, []string{"meters:read", "meters:write"}
	members, benefits := []string{"members:read", "members:write"}, []string{"benefits:read", "benefits:write"}
	table := []route{
		// Since June 2026 only web sessions may read tokens (polarsource/polar, server/polar/organization_access_token/auth.py).
		{method: "GET", pattern: "/v1/organization-access-tokens/", webOnly: true, handle: (*call).notFound},
		{method: "POST", pattern: "/v1/organization-access-tokens/", webOnly: true, handle: (*call).notFound},
		{method: "PATCH", pattern: "/v1/organization-access-tokens/{id}", webOnly: true, handle: (*call).notFound},
		{method: "DELETE", pattern: "/v1/organization-access-tokens/{id}", webOnly: true, handle: (*call).notFound},
		{method: "GET", pattern: "/v1/customers/external/{external_id}", scopes: customers, handle: (*call).getCustomerExternal},
		{method: "GET", pattern: "/v1/customers/{id}/state", scopes: customers, handle: (*call).getState},
		{method: "GET", pattern: "/v1/customers/external/{external_id}/state", scopes: customers, handle: (*call).getState},
		{method: "GET", pattern: "/v1/customers/{id}/members/{member_id}", scopes: members, handle: (*call).getMember},
		{method: "GET", pattern: "/v1/customers/external/{external_id}/members/{member_external_id}", scopes: members, handle: (*call).getMember},
		{method: "GET", pattern: "/v1/customers/{id}/payment-methods", scopes: customers, handle: (*call).listPaymentMethods},
		{method: "GET", pattern: "/v1/customers/external/{external_id}/payment-methods", scopes: customers, handle: (*call).listPaymentMethods},
		{method: "GET", pattern: "/v1/customers/{id}/members", scopes: members, since: "2026-10", handle: (*call).listMembers},
		{method: "GET", pattern: "/v1/customers/external/{external_id}/members", scopes: members, since: "2026-10", handle: (*call).listMembers},
		{method: "GET", pattern: "/v1/benefits/{id}/grants", scopes: benefits, handle: (*call).listBenefitGrants},
		{method: "GET", pattern: "/v1/benefits/{id}/files", scopes: benefits, handle: (*call).listBenefitFiles},
		{method: "GET", pattern: "/v1/license-keys/{id}", scopes: []string{"license_keys:read", "license_keys:write"}, handle: (*call).getLicenseKey},
		{method: "GET", pattern: "/v1/license-keys/{id}/activations/{activation_id}", scopes: []string{"license_keys:read", "license_keys:write"}, handle: (*call).getActivation},
		{method: "GET", pattern: "/v1/customer-seats", scopes: []string{"customer_seats:read"}, handle: (*call).listSeats},
		{method: "GET", pattern: "/v1/orders/{id}/invoice", scopes: orders, handle: (*call).getInvoice},
		{method: "GET", pattern: "/v1/orders/{id}/receipt", scopes: orders, handle: (*call).getReceipt},
		{method: "GET", pattern: "/v1/meters/{id}/quantities", scopes: meters, handle: (*call).getQuantities},
	}
	table = append(append(table, exportRoutes()...), eventRoutes()...)
	table = append(table, webhookRoutes()...)
	return append(append(table, metricRoutes()...), writeRoutes()...)
}
