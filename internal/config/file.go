package config

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"syncd/internal/sched"
	"syncd/internal/spelling"
)

// file is what a configuration file holds.
type file struct {
	path      string
	values    map[string]string // by key
	schedules map[string]string // by stream
	lines     map[string]int    // line of each key; a stream's schedule is streams.NAME.schedule

	prefix        string // of the keys where they are named: of whom they are
	organizations *list  // nil = none
}

func newFile(path, prefix string) *file {
	return &file{path: path, prefix: prefix, values: map[string]string{}, schedules: map[string]string{}, lines: map[string]int{}}
}

func (f *file) where(key string) string {
	if f.path == "" { // it is not written yet
		return f.prefix + key
	}
	return fmt.Sprintf("file %s:%d %s%s", f.path, f.lines[key], f.prefix, key)
}

// readTop reads a configuration file: what all organizations have in common, and their list as it is written.
func (l *loader) readTop(path, source string) *file {
	f := newFile(path, "")
	d := l.decode(path, source, l.kept.document)
	if d.root == nil {
		return f
	}
	l.mapping(f, d.root, "", append(keys(l.settings), "streams", organizationsKey), func(key string, n *yaml.Node) {
		if key == organizationsKey {
			f.organizations = d.organizations
		} else {
			l.value(f, key, n)
		}
	})
	return f
}

// value reads the value of a setting.
func (l *loader) value(f *file, key string, n *yaml.Node) {
	if key == "streams" && !isText(n) {
		l.readStreams(f, n)
	} else if text, ok := l.scalar(f, key, n); ok {
		f.values[key] = text
	}
}

// decode reads a file; what cannot be read holds nothing.
func (l *loader) decode(path, source string, parse func(path string, text []byte) *document) *document {
	text, err := os.ReadFile(path)
	if err != nil {
		l.problems.add("%s: %w: create the file, or correct its path", source, err)
		return &document{}
	}
	d := parse(path, text)
	l.problems = append(l.problems, d.problems...)
	return d
}

// readStreams reads the settings of single streams.
func (l *loader) readStreams(f *file, n *yaml.Node) {
	l.mapping(f, n, "streams.", l.streams, func(stream string, n *yaml.Node) {
		l.mapping(f, n, "streams."+stream+".", []string{"enabled", "schedule"}, func(key string, n *yaml.Node) {
			if key == "enabled" {
				l.enableStream(f, stream, n)
			} else {
				l.scheduleStream(f, stream, n)
			}
		})
	})
}

// scheduleStream gives a stream a schedule of its own.
func (l *loader) scheduleStream(f *file, stream string, n *yaml.Node) {
	spec, ok := l.scalar(f, scheduleKey(stream), n)
	if !ok {
		return
	}
	f.schedules[stream] = spec
	if err := sched.Validate(spec); err != nil {
		l.problems.add("%s: %w", f.where(scheduleKey(stream)), err)
	}
}

// enableStream adds a stream to the setting that lists those that are on, or removes it.
func (l *loader) enableStream(f *file, stream string, n *yaml.Node) {
	text, ok := l.scalar(f, enabledKey(stream), n)
	if !ok {
		return
	}
	sign, ok := map[string]string{"true": "+", "false": "-"}[text]
	if !ok {
		l.problems.add("%s: %q: write true or false", f.where(enabledKey(stream)), text)
		return
	}
	f.values["streams"] = strings.TrimPrefix(f.values["streams"]+","+sign+stream, ",")
}

// mapping calls each for every known key of a mapping. An unknown or repeated key is a problem.
func (l *loader) mapping(f *file, n *yaml.Node, prefix string, known []string, each func(string, *yaml.Node)) {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		l.problems.add("file %s:%d: write `name: value` lines here", f.path, n.Line)
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, key := n.Content[i].Value, prefix+n.Content[i].Value
		_, twice := f.lines[key]
		f.lines[key] = n.Content[i].Line
		if twice {
			l.problems.add("%s is set twice: leave one out", f.where(key))
			continue
		}
		if !slices.Contains(known, name) {
			problem := fmt.Errorf("%s is no setting: remove it (`syncd config reference` lists them all)", f.where(key))
			if near := spelling.Nearest(name, known); near != "" {
				problem = fmt.Errorf("%s is no setting: did you mean %s?", f.where(key), near)
			}
			l.problems = append(l.problems, problem)
			continue
		}
		each(name, n.Content[i+1])
	}
}

// scalar is a value as written; "" for a key without one.
func (l *loader) scalar(f *file, key string, n *yaml.Node) (text string, ok bool) {
	switch n = resolve(n); {
	case n.Kind != yaml.ScalarNode:
		l.problems.add("%s: write one value, in quotes if it holds special characters", f.where(key))
		return "", false
	case n.Tag == "!!null":
		return "", true
	}
	return n.Value, true
}

// isText: the key has a value, which is neither a mapping nor a list.
func isText(n *yaml.Node) bool {
	n = resolve(n)
	return n.Kind == yaml.ScalarNode && n.Tag != "!!null"
}

// resolve follows aliases.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}
