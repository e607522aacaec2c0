package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"syncd/internal/catalog"
)

// saying runs a command without a database, and returns what it wrote.
func saying(t *testing.T, want int, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), nil, args, nil, &stdout, &stderr); code != want {
		t.Fatalf("%v: exit code %d, want %d: %s", args, code, want, stderr.String())
	}
	return stdout.String() + stderr.String()
}

// Help can be had in every usual way, and a call without a command says what there is.
func TestWaysToHelp(t *testing.T) {
	t.Parallel()
	sync := saying(t, exitComplete, "sync", "--help")
	if got := saying(t, exitComplete, "help", "sync"); got != sync {
		t.Errorf("help sync: %s", got)
	}
	if got := saying(t, exitComplete, "help"); got != saying(t, exitComplete, "--help") || !strings.Contains(got, "Commands:") {
		t.Errorf("help: %s", got)
	}
	if got := saying(t, exitUsage); !strings.Contains(got, "Commands:") {
		t.Errorf("nothing: %s", got)
	}
	version := saying(t, exitComplete, "version")
	if !strings.HasPrefix(version, "syncd ") || saying(t, exitComplete, "--version") != version || saying(t, exitComplete, "-v") != version {
		t.Errorf("version: %s, %s", version, saying(t, exitComplete, "--version"))
	}
	if got := saying(t, exitComplete, "version", "--json"); !strings.Contains(got, `"commit": `) {
		t.Error(got)
	}
}

// What may come next is what the parser takes.
func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		words string // the last is begun
		want  string // the first words that are offered
	}{
		{"sy", "sync"},
		{"sync ord", "orders orders_export"},
		{"sync orders cust", "custom_fields customers"},
		{"sync --log-level ", "debug info warn error"},
		{"sync --log-level w", "warn"},
		{"sync --log-level=w", "warn"},
		{"sync --log-level = w", "warn"}, // as bash splits it
		{"sync --qui", "--quiet"},
		{"sync --no-", "--no-migrate"},
		{"sync --quiet prod", "products"},
		{"sync --schema x prod", "products"},
		{"refresh or", "organizations orders"},
		{"refresh orders x", ""},
		{"backfill ", "window history"},
		{"backfill ord", "orders"},
		{"backfill window ord", "orders"},
		{"backfill orders --si", "--since"},
		{"migrate s", "status"},
		{"completion ", "bash zsh fish"},
		{"config reference --format y", "yaml"},
		{"nonsense ", ""},
	} {
		out := saying(t, exitComplete, append([]string{completeCommand, "--"}, strings.Split(tc.words, " ")...)...)
		var got []string
		for line := range strings.Lines(out) {
			word, _, _ := strings.Cut(line, "\t")
			got = append(got, word)
		}
		if all := strings.Join(got, " "); !strings.HasPrefix(all, tc.want) || tc.want == "" && all != "" {
			t.Errorf("%q: offered %q, want %q", tc.words, all, tc.want)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"acme", "north"} {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte("nonsense: x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for words, want := range map[string]string{"sync --organizations-dir " + dir + " --organization ": "acme north", "org remove --organizations-dir=" + dir + " n": "north", "org add --organizations-dir=" + dir + " n": "", "sync --organization ": ""} {
		if got := strings.Join(strings.Fields(saying(t, exitComplete, append([]string{completeCommand, "--"}, strings.Split(words, " ")...)...)), " "); got != want {
			t.Errorf("%q: offered %q, want %q", words, got, want)
		}
	}
	if all := saying(t, exitComplete, completeCommand, "--", "sync", ""); strings.Count(all, "\n") != len(catalog.Names()) {
		t.Errorf("streams: %s", all)
	}
	if all := saying(t, exitComplete, completeCommand, "--", ""); strings.Contains(all, "__") || !strings.Contains(all, "sync\tSync streams once") {
		t.Errorf("commands: %s", all)
	}
}

// The scripts work in the shells that they are for, as far as those are here; bash always is.
func TestCompletionScripts(t *testing.T) {
	t.Parallel()
	for shell, ask := range map[string]string{
		"bash": `source <(syncd completion bash); COMP_WORDS=(syncd sync pay); COMP_CWORD=2; _syncd; printf '%s\n' "${COMPREPLY[@]}"`,
		"fish": `syncd completion fish | source; complete -C 'syncd sync pay' | string split -f1 \t; true`,
		"zsh":  `autoload -U compinit && compinit -D; source <(syncd completion zsh); _describe() { print -l -- "${(@)lines%%:*}" }; words=(syncd sync pay); CURRENT=3; _syncd`,
	} {
		program, err := exec.LookPath(shell)
		if err != nil && shell != "bash" {
			continue
		}
		cmd := exec.CommandContext(t.Context(), program, "-c", ask)
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if want := "payments\npayment_methods\n"; err != nil || string(out) != want {
			t.Errorf("%s: %q, want %q (%v)", shell, out, want, err)
		}
	}
}

// The page of man tells of each command, and is that of this program.
func TestManualPage(t *testing.T) {
	t.Parallel()
	page := saying(t, exitComplete, "manual")
	for _, want := range []string{".TH SYNCD 1", ".SS \"sync [", ".SS \"backfill history", `\-\-for\fR=`, `\fBPOLAR_ACCESS_TOKEN\fR`, `\fB130\fR`, `syncd status \-\-json`} {
		if !strings.Contains(page, want) {
			t.Errorf("it lacks %s", want)
		}
	}
	if strings.Contains(page, completeCommand) {
		t.Error("it tells of what is hidden")
	}
	kept, err := os.ReadFile("../../docs/syncd.1")
	if err != nil || string(kept) != page {
		t.Errorf("docs/syncd.1 is not current: make generate (%v)", err)
	}
}
