// Package ahead reads on while what has been read is being worked on, so that two servers need not wait for each other. It knows
// neither of them.
//
// Read hands over all that is ready, up to a number. Next hands over one at a time. Both bound how much is on its way, and end
// their goroutine with the loop.
package ahead
