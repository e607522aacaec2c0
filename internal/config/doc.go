// Package config reads every setting of syncd: from flags, the environment, a file, or its default.
//
// The way of a setting, in order:
//
//  1. A command parses its flags and hands them over by key, with the environment: Sources.
//  2. Load lays the sources over each other: flags, entry of the organization, environment, top of the file, defaults. It reads the file as YAML nodes, which know their
//     lines. An unknown name that looks like a setting is a problem, so that a typing error never silently leaves a setting unset.
//  3. Each setting takes its text from the first source that has it. A secret may be in a file of its own instead.
//  4. The setting checks its text and stores it in its field of Config. A problem does not end the reading: Load returns all of them
//     at once (Problems), each with its place and its remedy, and everything that it could read.
//  5. Load also returns each value with its source, as it may be shown: Value. A Secret is never shown.
//
// A configuration may have many organizations, as a list or as files of a directory. Organizations names them, and finds what is
// wrong with all of them together; Of gives the sources of one.
//
// The daemon reads its Sources again while it runs; WithLive takes over the settings that can change then.
//
// The package knows no SQL and no HTTP, no streams and no Polar. The caller hands it what settings are checked against: Domain.
package config
