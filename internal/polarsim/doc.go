// Package polarsim simulates Polar's HTTP API: a deterministic organization of any size, the same behaviour on the wire, faults on demand.
package polarsim
