// Package seats counts seats as Polar's metrics count them, and tells who pays for them.
package seats
