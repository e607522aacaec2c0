// Package grafana has dashboards for Grafana, and the test that runs each query of theirs.
package grafana
