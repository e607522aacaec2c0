// Package fetch reads from Polar: a client with a request budget, one retry layer, classified errors, and scans
// that read a whole list without losing rows. It knows no table and no SQL.
//
// The layers of one request, outermost first:
//
//	Scan      in which order a list is read so that nothing is lost       keyset.go offset.go array.go metrics.go
//	Client    URL, headers, one bounded body, split into raw items        client.go page.go
//	retry     which answers are worth another attempt, and when           retry.go
//	limiter   warm-up, budget, the shared pause after a 429               limiter.go
//	exchange  one attempt: its timeout, its count, no redirects           exchange.go
//
// The limiter lies under the retry layer, so retries spend the budget too. The body is read and decoded inside the
// retried unit, so an answer that is cut in the middle costs one more attempt, not the run.
package fetch
