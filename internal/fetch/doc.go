// Package fetch sends one request to Polar: a client with a request budget, one retry layer, classified errors, and a page of a
// list taken apart. It knows no table and no SQL, and no more of a list than one page: fetch/scan reads whole lists.
//
// A request passes these layers, outermost first:
//
//	Salvage   reads a page around the rows that Polar cannot render       gap.go salvage.go untie.go
//	Client    sets URL and headers, bounds the body, splits it into items client.go page.go spool.go document.go
//	retry     decides which answers are worth another attempt, and when   retry.go errors.go
//	gate      waits for its turn: budget, pauses, outages                 gate.go, and fetch/limit
//	exchange  makes one attempt: its timeout, its count, no redirects     exchange.go clock.go
//
// What comes in is a path and a query; what comes out is a Page or an *Error, never part of a page. Nothing is lost between the
// layers: retry reads and decodes the body inside each attempt, so an answer that is cut short costs one more attempt and not the
// run. The gate lies below retry, so retries spend the budget too. exchange dates each attempt before it sends it, so of two
// answers it is known which was requested later.
package fetch
