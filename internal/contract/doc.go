// Package contract compares what two servers of Polar's API answer: the shapes of the items of each list, what is around
// them, headers, and the answers at the edges. One server is Polar or what passes for it, the other the simulated Polar that
// the tests of syncd have in its place: where both differ, the tests speak of another server than the one that is mirrored.
//
// The way of a comparison:
//
//  1. SampleStreams says how each entry of the table of streams is sampled: its address, its order, its edges (sample.go).
//  2. TakeSamples asks one server for the samples and keeps what they look like, but nothing of what is in them (view.go).
//  3. Shapes are noted item by item: each path with the JSON types that stand there, how often, and the values of
//     enums (shapes.go).
//  4. Compare takes two views and names the differences, less those that are known (compare.go, known.go).
//
// Nothing is written anywhere: all requests are GET and HEAD.
package contract
