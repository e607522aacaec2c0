package privatefile

import (
	"os"
	"path/filepath"
	"testing"
)

// What comes to be while the content is made is not overwritten either.
func TestWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.pdf")
	for i, step := range []struct {
		force bool
		want  string
	}{{false, "0"}, {false, "0"}, {true, "2"}} {
		err := Write(path, []byte{byte('0' + i)}, step.force)
		if got, e := os.ReadFile(path); e != nil || string(got) != step.want || (err != nil) != (i == 1) {
			t.Errorf("%d: %q, %v, %v", i, got, e, err)
		}
	}
}

// A symbolic link stays: what it leads to is written. Without leave to overwrite it is in the way, whatever it leads to.
func TestWriteThroughLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.Mkdir(at("there"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"link": "there/file", "far": at("link"), "circle": "circle"} {
		if err := os.Symlink(to, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name  string
		force bool
		want  string // in the file
	}{{"link", false, ""}, {"link", true, "1"}, {"far", true, "2"}, {"link", true, "3"}, {"far", false, "3"}, {"circle", true, "3"}} {
		err := Write(at(step.name), []byte(step.want), step.force)
		got, _ := os.ReadFile(at("there/file"))
		if refused := !step.force || step.name == "circle"; string(got) != step.want || (err != nil) != refused {
			t.Errorf("%v: the file holds %q, %v", step, got, err)
		}
		if info, err := os.Lstat(at(step.name)); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s is no link any more: %v, %v", step.name, info, err)
		}
	}
	if left, err := os.ReadDir(at("there")); err != nil || len(left) != 1 {
		t.Errorf("beside the link's file there are %v, %v", left, err)
	}
}
