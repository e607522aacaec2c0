// Package polarsim simulates Polar's HTTP API: a deterministic organization of any size, the same behaviour on the wire, faults on demand. The same
// Options give the same bytes.
//
// The first word of a file's name says which part of the simulator it belongs to:
//
//   - world: one organization. Tables of rows in memory, whose numbers are their identities (world_ids turns them into UUIDs and back), a clock, and
//     what every part does with the rows: orders, payments, disputes, grants.
//   - generate: the past of a new world, from a seed: catalogue, customers, subscriptions with an order for each period, payments, usage.
//     generate_showcase has what other servers are compared with.
//   - advance: time goes on (Advance), and customers and merchants change things (Churn). What falls due happens at its time.
//   - serve: requests. serve_routes finds the route, serve checks limit, token and scope and takes the world's lock; serve_resource is what lists have
//     in common (sort keys, filters), serve_lists the table of them; serve_query reads the parameters, serve_selection sorts and cuts pages.
//     serve_problems words a 422, serve_control answers under /sim/.
//   - render: rows as JSON, and as CSV, with the keys in the order of Polar's schemas.
//   - write: POST, PATCH and DELETE. write_form reads and checks the body of a request, the other files make the change.
//   - tell: what others hear of a change: the journal of events, webhooks, and the worker that is late with both.
//   - fault: what goes wrong on demand: fault has the kinds and which requests they strike, the others how they spoil an answer.
//   - fleet: many organizations behind one server, each made when it is first asked for.
//   - versions: which versions of the API are served.
//   - doc: this map.
//
// A change goes write or advance -> world -> tell; a request goes serve -> world -> render, through fault if one strikes.
//
// Three parts are packages of their own: metrics computes Polar's metrics from the rows that it is handed; openapi holds the facts of Polar's OpenAPI
// document that the tests (openapi_*_test.go) hold every answer against; recorded holds answers of a real server, for the same purpose
// (serve_recorded_test.go: the answers at the edges; serve_below_test.go: objects; the shapes of all items are compared by package contract, which
// also has what differs and why).
package polarsim
