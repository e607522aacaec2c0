package fleet

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"syncd/internal/config"
)

// lookAgain is how often the directory of organizations is looked at.
const lookAgain = 10 * time.Second

// names are the organizations of the configuration, as it was last read.
type names struct {
	sources config.Sources
	dir     string // "" = none

	mu     sync.Mutex
	known  []string
	files  map[string]stamp // of dir, as they were when it was last looked at
	looked time.Time
}

// stamp tells one state of a file from another.
type stamp struct {
	at   time.Time
	size int64
}

func newNames(s config.Sources, dir string, known []string) *names {
	return &names{sources: s, dir: dir, known: known, files: stamps(dir), looked: time.Now()}
}

func (n *names) list() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known
}

// read reads again which organizations there are.
func (n *names) read() error {
	list, err := n.sources.Organizations()
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known = list
	return nil
}

// look returns the organizations. If files of the directory have changed, they are read again, and changed is called with the name of
// each that was there before.
func (n *names) look(log *slog.Logger, changed func(name string)) []string {
	if n.dir == "" || time.Since(n.looked) < lookAgain {
		return n.list()
	}
	n.looked = time.Now()
	now, before := stamps(n.dir), n.files
	if maps.Equal(now, before) {
		return n.list()
	}
	n.files = now
	if err := n.read(); err != nil {
		log.Error("the organizations could not be read again: syncd goes on with the previous ones", slog.Any("error", err))
		return n.list()
	}
	log.Info("the directory of organizations has changed", "organizations", len(n.list()))
	for path, s := range now {
		if was, is := before[path]; is && was != s {
			changed(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))
		}
	}
	return n.list()
}

// stamps are those of the files of a directory. What is a link, as in a mounted ConfigMap, counts as what it leads to.
func stamps(dir string) map[string]stamp {
	files := map[string]stamp{}
	if dir == "" {
		return files
	}
	entries, _ := os.ReadDir(dir) // reading the organizations tells what is wrong
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			files[path] = stamp{info.ModTime(), info.Size()}
		}
	}
	return files
}
