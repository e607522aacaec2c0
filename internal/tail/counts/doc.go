// Package counts compares what Polar counts with the rows here, and finds with few questions whose rows they are where the two differ.
package counts
