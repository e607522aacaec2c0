package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"syncd/internal/serve"
	"syncd/internal/terminal"
)

// These are set by the build of a release: -ldflags "-X main.version=... -X main.commit=... -X main.commitDate=...".
var version, commit, commitDate string

type versionCmd struct {
	JSON bool `name:"json" help:"As JSON."`
}

func (cmd *versionCmd) Run(c *command) error {
	b := buildInfo()
	if cmd.JSON {
		return terminal.PrintJSON(c.stdout, struct {
			Version  string `json:"version"`
			Commit   string `json:"commit"`
			Date     string `json:"date,omitempty"`
			Go       string `json:"go"`
			Platform string `json:"platform"`
		}{b.Version, b.Commit, b.Date, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
	}
	_, err := fmt.Fprintln(c.stdout, versionLine())
	return err
}

// versionLine says which syncd this is.
func versionLine() string {
	b := buildInfo()
	made := b.Commit
	if b.Date != "" {
		made += " of " + b.Date
	}
	return fmt.Sprintf("syncd %s (commit %s, %s, %s/%s)", b.Version, made, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// buildInfo is what the Go toolchain wrote into the binary.
func buildInfo() serve.Build {
	b := serve.Build{Version: version, Commit: cmp.Or(commit, "unknown"), Date: commitDate}
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
		case s.Key == "vcs.time":
			b.Date = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			b.Commit += "+changes"
		}
	}
	return b
}
