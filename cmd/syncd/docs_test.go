package main

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/jackc/pgx/v5"

	"syncd/internal/config"
	"syncd/internal/daemon"
	"syncd/internal/localpg/pgtest"
)

// repository is where the pages are, seen from this package.
const repository = "../.."

// docPage is a page that people read: its code, and the rest.
type docPage struct {
	path   string
	blocks map[string][]string // fenced code, by its language
	spans  []string            // code within a line
	prose  string              // all lines outside of fenced code
}

// docPages reads the README and its like, and everything in docs/.
func docPages(t *testing.T) []docPage {
	t.Helper()
	var paths []string
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		found, err := filepath.Glob(filepath.Join(repository, pattern))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	if len(paths) < 12 {
		t.Fatalf("only %d pages: %q", len(paths), paths)
	}
	var pages []docPage
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, parsePage(path, string(text)))
	}
	return pages
}

var codeSpan = regexp.MustCompile("`([^`\n]+)`")

func parsePage(path, text string) docPage {
	p := docPage{path: path, blocks: map[string][]string{}}
	var block strings.Builder
	language, inside := "", false
	for line := range strings.Lines(text) {
		switch after, fence := strings.CutPrefix(strings.TrimSpace(line), "```"); {
		case fence && inside:
			p.blocks[language] = append(p.blocks[language], block.String())
			block.Reset()
			inside = false
		case fence:
			language, inside = after, true
		case inside:
			block.WriteString(line)
		default:
			p.prose += line
		}
	}
	for _, found := range codeSpan.FindAllStringSubmatch(p.prose, -1) {
		p.spans = append(p.spans, found[1])
	}
	return p
}

// commands are the lines that a reader would type, without their comments.
func (p docPage) commands() []string {
	commands := slices.Clone(p.spans)
	for _, block := range p.blocks["sh"] {
		for line := range strings.Lines(block) {
			line, _, _ = strings.Cut(line, " #")
			commands = append(commands, strings.TrimSpace(line))
		}
	}
	return commands
}

// shellWords splits a line as a shell does that knows quotes and pipes.
func shellWords(line string) []string {
	var words []string
	var word strings.Builder
	quote, begun := rune(0), false
	for _, r := range line + " " {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, begun = r, true
		case quote == 0 && r == '|':
			return words
		case quote == 0 && unicode.IsSpace(r):
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	return words
}

// Every command in a page can be called: its command, flags and arguments are there, and what settings are given is valid.
// RUN and the like stand for something of the reader's. The changelog tells of what was, and is left out.
func TestDocsCommands(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, p := range docPages(t) {
		for _, line := range p.commands() {
			words := shellWords(line)
			if len(words) < 2 || words[0] != "syncd" || filepath.Base(p.path) == "CHANGELOG.md" || words[1] == "COMMAND" {
				continue
			}
			for i, word := range words {
				if regexp.MustCompile(`^[A-Z]+$`).MatchString(word) {
					words[i] = "1"
				}
			}
			if len(words) == 2 { // may be a command's name alone, in the middle of a sentence
				words = append(words, "--help")
			}
			if err := tryCommand(words[1:]); err != nil {
				t.Errorf("%s: %s: %v", p.path, line, err)
			}
			checked++
		}
	}
	if checked < 40 {
		t.Errorf("only %d commands were found", checked)
	}
	for _, wrong := range []string{"syncd snyc", "syncd snyc --help", "syncd sync --fast", "syncd run orders", "syncd approve-deletions", "syncd run --tail 1s"} {
		if tryCommand(shellWords(wrong)[1:]) == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}

// tryCommand has the program's own parser take a command line, and its settings checked. Nothing is run.
func tryCommand(args []string) error {
	c := &command{sources: config.Sources{Domain: daemon.Domain()}, stdout: io.Discard, stderr: io.Discard}
	helped := false
	parser, settings, err := c.parser(func(int) { helped = true })
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	switch {
	case helped:
		return nil
	case err != nil:
		return err
	}
	flags := settingsOf(parsed, settings)
	for _, file := range []string{"polar_access_token_file", "database_url_file"} {
		delete(flags, file) // of the reader's
	}
	delete(flags, "organization") // of a configuration that is the reader's
	_, _, err = config.Sources{Domain: c.sources.Domain, Flags: flags}.Load()
	return err
}

// Every task and file that a page names is there.
func TestDocsTargetsAndFiles(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	file := regexp.MustCompile(`^(cmd|internal|migrations|queries|bench|tools|scripts|docs|\.ci)/[a-z0-9_./-]*$`)
	targets, files := 0, 0
	for _, p := range docPages(t) {
		for _, line := range p.commands() {
			words := shellWords(line)
			if len(words) > 1 && words[0] == "make" {
				targets++
				if !strings.Contains(string(makefile), "\n"+words[1]+": ") {
					t.Errorf("%s: %s: the Makefile has no %s", p.path, line, words[1])
				}
			}
			for _, word := range words {
				if !file.MatchString(word) {
					continue
				}
				files++
				if _, err := os.Stat(filepath.Join(repository, word)); err != nil {
					t.Errorf("%s: %s: %v", p.path, word, err)
				}
			}
		}
	}
	if targets < 10 || files < 10 {
		t.Errorf("only %d tasks and %d files were found", targets, files)
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
)

// anchors are those that a page's headings make, as the usual hosts of repositories do.
func (p docPage) anchors() []string {
	var anchors []string
	for _, found := range heading.FindAllStringSubmatch(p.prose, -1) {
		anchors = append(anchors, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, found[1]))
	}
	return anchors
}

// Every link within the repository leads to a file, and to a heading of it.
func TestDocsLinks(t *testing.T) {
	t.Parallel()
	pages := docPages(t)
	byPath := map[string]docPage{}
	for _, p := range pages {
		byPath[p.path] = p
	}
	checked := 0
	for _, p := range pages {
		for _, found := range link.FindAllStringSubmatch(p.prose, -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			checked++
			name, anchor, _ := strings.Cut(found[1], "#")
			path := p.path
			if name != "" {
				path = filepath.Join(filepath.Dir(p.path), name)
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: %s: %v", p.path, found[1], err)
			} else if anchor != "" && !slices.Contains(byPath[path].anchors(), anchor) {
				t.Errorf("%s: %s: no heading of %s makes %s", p.path, found[1], path, anchor)
			}
		}
	}
	if checked < 60 {
		t.Errorf("only %d links were found", checked)
	}
}

// What a page asks of the tables, Postgres takes.
func TestDocsSQL(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgtest.Migrated(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	checked := 0
	for _, p := range docPages(t) {
		for _, sql := range p.blocks["sql"] {
			switch first, _, _ := strings.Cut(sql, " "); first {
			case "SELECT", "UPDATE", "WITH":
				sql = "EXPLAIN " + sql
			case "SET":
			default:
				continue
			}
			checked++
			if _, err := conn.Exec(t.Context(), sql); err != nil {
				t.Errorf("%s: %s: %v", p.path, sql, err)
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d statements were found", checked)
	}
}

// What the guide to a stream shows is what stands in the program: each line of its code, other than the dots for what is left out.
func TestDocsAddingAStream(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, pattern := range []string{"internal/*/*.go", "migrations/*.sql", "views/*.sql", "queries/*.sql"} {
		files, err := filepath.Glob(filepath.Join(repository, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.WriteString(strings.Join(strings.Fields(string(text)), " ") + "\n")
		}
	}
	checked := 0
	for _, p := range docPages(t) {
		if filepath.Base(p.path) != "adding-a-stream.md" {
			continue
		}
		for _, block := range slices.Concat(p.blocks["sql"], p.blocks["go"]) {
			for line := range strings.Lines(block) {
				line, _, _ = strings.Cut(line, "...")
				line = strings.Join(strings.Fields(line), " ")
				checked++
				if !strings.Contains(all.String(), line) {
					t.Errorf("%s: the program has no %s", p.path, line)
				}
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d lines were found", checked)
	}
}

// The README is read to its end.
func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	const most = 180
	if n := strings.Count(string(text), "\n"); n > most {
		t.Errorf("README.md has %d lines, and at most %d are read: move what is not for everybody into docs/", n, most)
	}
}

// What the files in deploy/ set are settings.
func TestDeployedSettings(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"PGPASSWORD": true}
	for _, d := range daemon.Domain().DescribeSettings() {
		known[d.Variable] = true
	}
	found := 0
	err := filepath.WalkDir(filepath.Join(repository, "deploy"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, name := range regexp.MustCompile(`\b(SYNCD|POLAR)_[A-Z_]+`).FindAllString(string(text), -1) {
			if found++; !known[name] {
				t.Errorf("%s sets %s, which is no setting", path, name)
			}
		}
		return err
	})
	if err != nil || found < 8 {
		t.Errorf("%d settings: %v", found, err)
	}
}
