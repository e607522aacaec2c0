// Package webhook receives Polar's webhooks, and takes from each no more than what to fetch.
//
// The way of a webhook, in order:
//
//  1. The Receiver listens on an address of its own, and finds the Endpoint of the organization by the path (receiver.go). It reads a body of bounded size within bounded time.
//  2. Keys check the signature, by both kinds of keys that Polar uses, and the time at which it was signed (keys.go).
//  3. read takes the body apart (message.go), and Config.Names says which objects it names. The rest is forgotten.
//  4. Config.Nudge has these fetched. Polar gets its answer without waiting for that: nothing here needs the database.
//
// A webhook is never believed: it only says where to look, so one that comes twice, late, out of order or not at all changes
// nothing but the time at which a change is found. What finds no room, or a crash loses, is found by the feeds.
//
// Silence watches for an endpoint that no webhook comes from although Polar tells of changes (silence.go).
package webhook
