package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tests make a package that passes and one that does what end says.
func tests(t *testing.T, end string) {
	t.Helper()
	module(t, map[string]string{
		"good/a_test.go": "package good\n\nimport \"testing\"\n\nfunc TestQuiet(t *testing.T) { t.Log(\"said by a test that passes\") }\n",
		"bad/a_test.go": "package bad\n\nimport \"testing\"\n\nfunc TestFine(t *testing.T) { t.Log(\"said by a test that passes\") }\n\n" +
			"func TestOuter(t *testing.T) {\n\tt.Run(\"inner\", func(t *testing.T) { t.Log(\"the why\"); " + end + " })\n}\n",
	})
}

// module makes a module of these files, and goes there.
func module(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module example\n\ngo 1.26.0\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

func TestRun(t *testing.T) {
	for name, tc := range map[string]struct {
		end       string
		args      []string
		code      int
		want, not []string
	}{
		"all pass": {"", nil, 0, []string{"ok  \texample/good", "ok  \texample/bad", "slowest tests", "example/bad TestOuter"}, []string{"the why", "said by"}},
		"verbose":  {"", []string{"-v"}, 0, []string{"=== RUN   TestFine", "the why", "said by"}, nil},
		"one fails": {"t.Fail()", nil, 1, []string{"ok  \texample/good", "--- FAIL: TestOuter/inner", "the why", "--- FAIL: TestOuter (", "FAIL\texample/bad", "slowest tests"},
			[]string{"said by", "=== "}},
		"one panics":           {`panic("gone")`, nil, 1, []string{"the why", "panic: gone", "FAIL\texample/bad"}, []string{"said by"}},
		"one does not compile": {"os.Exit(3)", nil, 1, []string{"undefined: os", "FAIL\texample/bad [build failed]", "ok  \texample/good"}, nil},
		"no test of the name":  {"", []string{"-run", "Nobody"}, 0, []string{"no tests to run"}, []string{"slowest"}},
	} {
		t.Run(name, func(t *testing.T) {
			tests(t, tc.end)
			var out strings.Builder
			code, err := run(append(tc.args, "./..."), &out)
			if err != nil || code != tc.code {
				t.Errorf("exit code %d (%v), want %d", code, err, tc.code)
			}
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is missing", want)
				}
			}
			for _, not := range tc.not {
				if strings.Contains(out.String(), not) {
					t.Errorf("%q is there", not)
				}
			}
			if t.Failed() {
				t.Log(out.String())
			}
		})
	}
}
