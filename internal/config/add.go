package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"syncd/internal/privatefile"
)

// Adding returns the sources with one more organization, which is in no file yet. What flags and the environment say of an
// organization is said of it.
func (s Sources) Adding(name string) Sources {
	l := s.begin(&Config{domain: s.Domain})
	header, _, _ := l.find(setting{key: headerKey})
	values, flags, environ := map[string]string{}, maps.Clone(s.Flags), maps.Clone(s.Environ)
	for _, key := range keys(l.settings) {
		shared := header == "true" && strings.HasPrefix(key, tokenKey) // one token for many
		if text, is := environ[variableName(key)]; is && (slices.Contains(ofOne, key) || key == "polar_server") && !shared {
			values[key] = text
			delete(environ, variableName(key))
		}
	}
	for _, key := range keys(l.settings) {
		if text, is := flags[key]; is && !l.isOfProcess(key) {
			delete(values, strings.TrimSuffix(key, fileOf)) // a flag comes before the environment
			delete(values, key+fileOf)
			values[key] = text
			delete(flags, key)
		}
	}
	if path, is := values[tokenKey+fileOf]; is {
		if path, err := filepath.Abs(path); err == nil {
			values[tokenKey+fileOf] = path // the daemon may be started elsewhere
		}
	}
	s.Flags, s.Environ, s.added = flags, environ, &member{name: name, where: "organization " + name, values: values}
	return s
}

// WriteAdded writes the file of the organization that Adding added, which its owner alone can read, and returns its path.
func (s Sources) WriteAdded() (path string, err error) {
	dir, err := s.dir()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the directory of the organizations: %w", err)
	}
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(s.added.values)) {
		fmt.Fprintf(&b, "%s: %q\n", key, s.added.values[key])
	}
	path = filepath.Join(dir, s.added.name+".yaml")
	if err := privatefile.Write(path, []byte(b.String()), false); errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("%s exists: choose another name", path)
	} else if err != nil {
		return "", err
	}
	return path, nil
}

func (s Sources) dir() (string, error) {
	l := s.begin(&Config{domain: s.Domain})
	dir, _, ok := l.find(setting{key: "organizations_dir"})
	if !ok {
		return "", Problems{errors.New("organizations_dir is not set: name a directory, where each organization has a file of its own")}
	}
	return dir, nil
}

// FileOf is the path of the file that an organization has of its own.
func (s Sources) FileOf(name string) (string, error) {
	l := s.begin(&Config{domain: s.Domain})
	list, _ := l.members()
	var known []string
	for _, m := range list {
		switch {
		case m.name == name && m.node != nil:
			return "", Problems{fmt.Errorf("%s: organization %s has no file of its own: remove it from the list there", m.where, name)}
		case m.name == name:
			return m.path, nil
		}
		known = append(known, m.name)
	}
	return "", Problems{unknownOrganization(name, known)}
}
