// Package config reads every setting of syncd: from flags, the environment, a file, or its default.
//
// The way of a setting, in order:
//
//  1. A command parses its flags and hands them over by key, with the environment: Sources.
//  2. Load lays the sources over each other: flags, environment, file, defaults. The file is read as YAML nodes, which know
//     their lines. What looks like a setting and is none is a problem, so that a typing error is never a setting that is
//     silently not set.
//  3. Each setting takes its text from the first source that has it. A secret may be in a file of its own instead.
//  4. The setting checks its text and stores it in its field of Config. A problem does not end the reading: Load returns all of
//     them at once (Problems), each with its place and its remedy, along with what could be read.
//  5. Each value is also returned as it may be shown, with its source: Value. A Secret never is.
//
// The daemon reads its Sources again while it runs; WithLive takes over what can change then.
//
// The package knows no SQL and no HTTP, no streams and no Polar. What settings are checked against is handed to it: Domain.
package config
