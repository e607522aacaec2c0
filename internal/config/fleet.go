package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"syncd/internal/spelling"
)

// organizationsKey is the list of organizations in the file. Each has its nameKey.
const (
	organizationsKey = "organizations"
	nameKey          = "name"
)

// names are those of organizations: they name a file, and a part of a schema.
var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$`)

// CheckName says what is wrong with the name of an organization.
func CheckName(name string) error {
	if !names.MatchString(name) {
		return fmt.Errorf("%q names no organization: write a letter or digit, and then at most 49 letters, digits, _ or -", name)
	}
	return nil
}

// defaultSchema is the schema of an organization that has none of its own.
func defaultSchema(name string) string {
	if name == "" {
		return "polar"
	}
	return "polar_" + strings.ToLower(strings.ReplaceAll(name, "-", "_"))
}

// member is an organization of the configuration: an entry of the list, a file of the directory, or one that is being added.
type member struct {
	name   string
	where  string
	node   *yaml.Node        // the entry; nil = a file
	path   string            // the file that it is in
	values map[string]string // of one that is being added
}

// Of returns the sources of one organization.
func (s Sources) Of(name string) Sources {
	s.name = name
	return s
}

// Selected names the organization whose configuration is loaded; "" = what all have in common.
func (s Sources) Selected() string {
	for _, name := range []string{s.name, s.Flags[selected], s.Environ[variableName(selected)]} {
		if name != "" {
			return name
		}
	}
	return ""
}

// Organizations names the organizations that are meant: the one that `organization` names, or all of the configuration in their
// order. It is nil where the configuration has none of its own. It returns the problems that concern all; those of one organization
// are found when it is loaded.
func (s Sources) Organizations() ([]string, error) {
	one := s.Of("").Selected()
	l := s.begin(&Config{domain: s.Domain})
	for _, setting := range l.settings {
		l.apply(setting, false)
	}
	members, is := l.members()
	if is {
		l.checkCommon(members, one)
		l.checkApart(s.Domain, members)
	}
	var list []string
	if is {
		list = namesOf(members)
	}
	switch {
	case len(l.problems) > 0:
		return list, l.problems
	case one != "" && !slices.Contains(list, one):
		return list, Problems{unknownOrganization(one, list)}
	case one != "":
		return []string{one}, nil
	case !is:
		return nil, nil
	}
	return list, nil
}

// Names lists all organizations of the configuration, whatever else is wrong with it.
func (s Sources) Names() []string {
	list, _ := s.begin(&Config{domain: s.Domain}).members()
	return namesOf(list)
}

func namesOf(list []member) []string {
	all := make([]string, len(list))
	for i, m := range list {
		all[i] = m.name
	}
	return all
}

func unknownOrganization(name string, list []string) error {
	switch near := spelling.Nearest(name, list); {
	case len(list) == 0:
		return fmt.Errorf("organization %s: the configuration has no organizations: add it to %s, or leave --%s and %s out", name, organizationsKey, selected, variableName(selected))
	case near != "":
		return fmt.Errorf("organization %s is not in the configuration: did you mean %s?", name, near)
	}
	return fmt.Errorf("organization %s is not in the configuration, which has %s", name, Listed(list))
}

// Listed is a list of names for people: the first ones, and how many more.
func Listed(list []string) string {
	const most = 10
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}

// members lists the organizations: those of the list, then those of the directory. is: there is a list or a directory.
func (l *loader) members() (list []member, is bool) {
	if in := l.top.organizations; in != nil {
		is, list = true, slices.Clone(in.members)
		l.problems = append(l.problems, in.problems...)
	}
	quiet := *l // applying the setting tells its problems
	if dir, source, ok := quiet.find(setting{key: "organizations_dir"}); ok {
		is, list = true, append(list, l.inDir(dir, source)...)
	}
	if l.added != nil {
		is, list = true, append(list, *l.added)
	}
	first := map[string]string{}
	return slices.DeleteFunc(list, func(m member) bool {
		err := CheckName(m.name)
		where, twice := first[m.name]
		switch first[m.name] = m.where; {
		case err != nil:
			l.problems.add("%s: %w", m.where, err)
		case twice:
			l.problems.add("%s: an organization has this name already: %s", m.where, where)
		}
		return err != nil || twice
	}), is
}

// inDir lists the files of organizations in a directory. Hidden ones are skipped: a mounted ConfigMap of Kubernetes has such.
func (l *loader) inDir(dir, source string) (list []member) {
	entries, err := os.ReadDir(dir)
	if err != nil && (l.added == nil || !errors.Is(err, fs.ErrNotExist)) { // it is made for the one that is being added
		l.problems.add("%s: %w: create the directory, or correct its path", source, err)
	}
	for _, entry := range entries {
		name, is := nameOfFile(entry)
		if path := filepath.Join(dir, entry.Name()); is {
			list = append(list, member{name: name, where: "file " + path, path: path})
		}
	}
	return list
}

// extensions end the names of files of organizations.
var extensions = []string{".yaml", ".yml"}

func nameOfFile(entry fs.DirEntry) (name string, is bool) {
	ext := filepath.Ext(entry.Name())
	is = slices.Contains(extensions, ext) && !strings.HasPrefix(entry.Name(), ".") && !entry.IsDir()
	return strings.TrimSuffix(entry.Name(), ext), is
}

// entryOf reads the settings of one organization. Problems of the others stay unsaid.
func (l *loader) entryOf(name string) *file {
	others := *l
	if m, is := others.memberOf(name); is {
		return l.readEntry(m)
	}
	list, _ := others.members()
	l.problems = append(l.problems, unknownOrganization(name, namesOf(list)))
	return newFile("", "")
}

// memberOf finds an organization by its name, without a look at the others: a thousand are loaded one by one.
func (l *loader) memberOf(name string) (m member, is bool) {
	if CheckName(name) != nil {
		return m, false
	}
	if m, is := l.top.organizations.named(name); is {
		return m, true
	}
	if dir, _, is := l.find(setting{key: "organizations_dir"}); is {
		for _, ext := range extensions {
			path := filepath.Join(dir, name+ext)
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				return member{name: name, where: "file " + path, path: path}, true
			}
		}
	}
	if l.added != nil && l.added.name == name {
		return *l.added, true
	}
	return m, false
}

// readEntry reads the settings of an organization where they are.
func (l *loader) readEntry(m member) *file {
	n, f, known := m.node, newFile(m.path, ""), append(keys(l.settings), "streams")
	if m.values != nil {
		f.values, f.prefix = m.values, m.where+": "
		return f
	}
	if n == nil {
		n = l.decode(m.path, "organization "+m.name, parse).root
	} else {
		f.prefix, known = organizationsKey+"."+m.name+".", append(known, nameKey)
	}
	if n == nil {
		return f
	}
	l.mapping(f, n, "", known, func(key string, n *yaml.Node) {
		switch {
		case l.isOfProcess(key):
			l.problems.add("%s is a setting of the whole process, and an organization has none of its own: move it to the top of the configuration file", f.where(key))
		case key != nameKey:
			l.value(f, key, n)
		}
	})
	return f
}

// refuseSeveral: what is loaded is to be that of one organization, and none is named.
func (l *loader) refuseSeveral() {
	others := *l
	if list, is := others.members(); is {
		l.problems.add("the configuration has %d organizations: name the one that is meant by --%s or %s", len(list), selected, variableName(selected))
	}
}

func (l *loader) isOfProcess(key string) bool {
	return slices.ContainsFunc(l.settings, func(s setting) bool { return s.process && (s.key == key || s.secret && s.key+fileOf == key) })
}

// ofOne are the settings that tell organizations apart. One token may serve many of them where each request names which one is meant,
// or be written at the top of the file.
var ofOne = []string{"schema", "polar_organization_id", tokenKey, tokenKey + fileOf}

const (
	tokenKey  = "polar_access_token"
	headerKey = "polar_organization_header"
)

// checkCommon refuses what would make several organizations one without a word: flags, variables and lines at the top of the file
// that only one can have.
func (l *loader) checkCommon(members []member, one string) {
	if one != "" || len(members) == 1 {
		return
	}
	header, _, _ := l.find(setting{key: headerKey})
	for i, in := range l.layers {
		for _, key := range ofOne {
			shared := strings.HasPrefix(key, tokenKey) && (i == len(l.layers)-1 || header == "true")
			if _, set := in.values[key]; set && !shared {
				l.problems.add("%s: each organization has its own, and the configuration has %d: set it where they are, or name the one that is meant by --%s", in.where(key), len(members), selected)
			}
		}
	}
}

// checkApart refuses two organizations with one schema, or with one token that is not told which of them is meant. What flags and
// the environment say of these is of the one that is meant.
func (l *loader) checkApart(domain Domain, members []member) {
	type owner struct{ name, source, id string }
	schemas, tokens := map[string]owner{}, map[string][]owner{}
	header, _, _ := l.find(setting{key: headerKey})
	for _, m := range members {
		own := &loader{settings: l.settings, streams: l.streams}
		entry := own.readEntry(m)
		own.layers = []layer{{entry.values, entry.where}, {l.top.values, l.top.where}}
		schema, source, _ := own.find(setting{key: "schema", def: defaultSchema(m.name)})
		if source == "default" {
			source = m.where
		}
		for _, s := range domain.Schemas(schema) {
			if other, taken := schemas[s]; taken && other.name != m.name {
				l.problems.add("%s: organization %s needs the schema %s, which is that of organization %s (%s): give each a schema of its own", source, m.name, s, other.name, other.source)
				break
			}
			schemas[s] = owner{name: m.name, source: source}
		}
		id, _, _ := own.find(setting{key: "polar_organization_id"})
		token, source, ok := own.find(setting{key: tokenKey, secret: true})
		if !ok && header == "true" { // one token for many, which may be a flag or in the environment
			quiet := *l
			token, source, ok = quiet.find(setting{key: tokenKey, secret: true})
		}
		if !ok {
			continue
		}
		same := func(o owner) bool { return o.id == id || o.id == "" || id == "" }
		if i := slices.IndexFunc(tokens[token], same); i >= 0 {
			other := tokens[token][i]
			l.problems.add("%s: organization %s has the access token of organization %s (%s): give each a token of its own, or, where one token serves many, each its polar_organization_id", source, m.name, other.name, other.source)
		}
		tokens[token] = append(tokens[token], owner{m.name, source, id})
	}
}
