// Package privatefile writes files that their owner alone can read.
package privatefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write writes a file whole or not at all. It replaces an existing one, even one made meanwhile, only if it may overwrite: else it
// returns fs.ErrExist. Where the path is a symbolic link it replaces what that leads to, and the link stays.
func Write(path string, content []byte, overwrite bool) (err error) {
	if overwrite {
		if path, err = target(path); err != nil {
			return err
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".syncd-*.part")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if e := os.Remove(f.Name()); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if !overwrite {
		// A link fails if the name is taken. If the file system has no links, the name is checked once more.
		if err := os.Link(f.Name(), path); err == nil {
			return nil
		}
		if _, e := os.Lstat(path); !errors.Is(e, fs.ErrNotExist) {
			return fmt.Errorf("write %s: %w", path, fs.ErrExist)
		}
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// target follows symbolic links to a file, which need not be there yet.
func target(path string) (string, error) {
	for range 40 { // as many as Linux follows
		to, err := os.Readlink(path)
		if err != nil { // it is none
			return path, nil
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", fmt.Errorf("write %s: too many symbolic links", path)
}
