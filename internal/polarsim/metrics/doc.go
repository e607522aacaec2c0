// Package metrics computes Polar's metrics (polarsource/polar, server/polar/metrics) from the rows of an organization: Timeline cuts the days asked for
// into periods, Choose says which metrics are wanted, Compute goes through the tables and counts. It knows neither HTTP nor the rest of the
// simulator, which hands it the rows that count and writes what it answers.
package metrics
