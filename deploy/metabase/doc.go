// Package metabase has the keys of the mirror for Metabase, and the test of the script that brings them there.
package metabase
