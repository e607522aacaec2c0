package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"go.yaml.in/yaml/v3"
)

// kept is the configuration file as it was last parsed. Each organization is loaded by itself, from the text that the file has then:
// to parse a list of a thousand for each of them takes seconds.
type kept struct {
	mu     sync.Mutex
	last   *document
	path   string
	text   []byte
	parsed int // how often that was done
}

// document is the text of a file as nodes, which know their lines. Nobody changes it.
type document struct {
	root          *yaml.Node // nil: it holds none
	organizations *list      // nil: it has no list
	problems      Problems
}

// list are the organizations of a file, in their order.
type list struct {
	members  []member
	first    map[string]int // where a name comes first
	problems Problems
}

// document parses the text of a file, unless it was the last that was parsed.
func (k *kept) document(path string, text []byte) *document {
	if k == nil {
		return parse(path, text)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last == nil || k.path != path || !bytes.Equal(k.text, text) {
		k.last, k.path, k.text = parse(path, text), path, text
		k.parsed++
	}
	return k.last
}

func parse(path string, text []byte) *document {
	in, d := yaml.NewDecoder(bytes.NewReader(text)), &document{}
	var doc, more yaml.Node
	switch err := in.Decode(&doc); {
	case errors.Is(err, io.EOF): // nothing but comments
		return d
	case err != nil:
		d.problems.add("file %s is no YAML: %w", path, err)
		return d
	}
	if in.Decode(&more) == nil {
		d.problems.add("file %s:%d: a second document begins: write all settings in one", path, more.Line)
	}
	d.root = doc.Content[0]
	if n := valueOf(d.root, organizationsKey); n != nil {
		d.organizations = listOf(path, n)
	}
	return d
}

// listOf reads a list of organizations.
func listOf(path string, n *yaml.Node) *list {
	in := &list{first: map[string]int{}}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return in
	}
	if n.Kind != yaml.SequenceNode {
		in.problems.add("file %s:%d %s: write a list: `- name: NAME` and below it the settings of this organization", path, n.Line, organizationsKey)
		return in
	}
	for _, entry := range n.Content {
		entry = resolve(entry)
		name, line := nameOf(entry)
		where := fmt.Sprintf("file %s:%d %s", path, line, organizationsKey)
		if name == "" {
			in.problems.add("%s: this organization has no name: write `- name: NAME`", where)
			continue
		}
		if _, twice := in.first[name]; !twice {
			in.first[name] = len(in.members)
		}
		in.members = append(in.members, member{name: name, where: where + "." + name, node: entry, path: path})
	}
	return in
}

// named is the first organization of a name. A missing list has none.
func (in *list) named(name string) (m member, is bool) {
	if in == nil {
		return m, false
	}
	i, is := in.first[name]
	if is {
		m = in.members[i]
	}
	return m, is
}

// nameOf finds the name in an entry of the list, and its line.
func nameOf(entry *yaml.Node) (name string, line int) {
	if entry.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(entry.Content); i += 2 {
			if value := resolve(entry.Content[i+1]); entry.Content[i].Value == nameKey && isText(value) {
				return value.Value, entry.Content[i].Line
			}
		}
	}
	return "", entry.Line
}

// valueOf is the first value of a key in a mapping; nil where there is none.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	if n = resolve(n); n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return resolve(n.Content[i+1])
			}
		}
	}
	return nil
}
