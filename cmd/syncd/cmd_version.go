package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"syncd/internal/serve"
)

// version is set by the build (-ldflags "-X main.version=...") for releases.
var version string

type versionCmd struct{}

func (versionCmd) Run(c *command) error {
	b := buildInfo()
	_, err := fmt.Fprintf(c.stdout, "syncd %s (commit %s, %s, %s/%s)\n", b.Version, b.Commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// buildInfo is what the Go toolchain wrote into the binary.
func buildInfo() serve.Build {
	b := serve.Build{Version: version, Commit: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if ok && b.Version == "" {
		b.Version = info.Main.Version
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
	}
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.Commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			b.Commit += "+changes"
		}
	}
	return b
}
