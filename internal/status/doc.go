// Package status is how a mirror stands at one moment, as data: the daemon reads it; JSON, text and the page are made from it.
package status
