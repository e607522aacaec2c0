// Package terminal writes what commands say: tables, JSON, and the progress and results of runs.
package terminal
