// Package fetch sends one request to Polar: a client with a request budget, one retry layer, classified errors, and a page
// of a list taken apart. It knows no table and no SQL, and no more of a list than one page: whole lists are read by fetch/scan.
//
// The layers of one request, outermost first:
//
//	Salvage   one page, around the rows of it that Polar cannot render    gap.go salvage.go untie.go
//	Client    URL, headers, one bounded body, split into raw items        client.go page.go spool.go document.go
//	retry     which answers are worth another attempt, and when           retry.go errors.go
//	gate      waits for its turn: budget, pauses, outages                 gate.go, and fetch/limit
//	exchange  one attempt: its timeout, its count, no redirects           exchange.go clock.go
//
// The gate lies under the retry layer, so retries spend the budget too. The body is read and decoded inside the
// retried unit, so an answer that is cut in the middle costs one more attempt, not the run.
package fetch
