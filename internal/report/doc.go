// Package report writes what commands did and found: as text for people, and as JSON.
package report
