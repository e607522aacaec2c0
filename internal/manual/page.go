package manual

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Row is a line of a table of the page: a name, and what it means.
type Row struct{ Name, Text string }

// Page is what a page says beyond the help of the commands.
type Page struct {
	Exits       []Row
	Environment []Row
	Also        string // where to read on
}

// Roff writes the page of man of a program.
func Roff(model *kong.Node, p Page) string {
	var b strings.Builder
	name := model.Name
	fmt.Fprintf(&b, ".\\\" Made of the help of %s by `make generate`.\n.TH %s 1 \"\" %q\n", name, strings.ToUpper(name), name)
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", name, roff(strings.TrimSuffix(lowered(strings.TrimPrefix(model.Help, name+" ")), ".")))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n.I command\n[\\fIflags\\fR]\n", name)
	b.WriteString(".SH COMMANDS\n")
	shared := map[string][]*kong.Flag{}
	var groups []string
	for _, leaf := range model.Leaves(true) {
		command(&b, model, leaf, func(f *kong.Flag) {
			key := f.Group.Title
			if !slices.Contains(groups, key) {
				groups = append(groups, key)
			}
			if !slices.ContainsFunc(shared[key], func(o *kong.Flag) bool { return o.Name == f.Name }) {
				shared[key] = append(shared[key], f)
			}
		})
	}
	b.WriteString(".SH SETTINGS\nFlags that many commands share. Each may also be a variable of the environment or a line of the configuration file.\n")
	for _, f := range model.Flags {
		if f.Name != "help" && f.Group == nil {
			flag(&b, f)
		}
	}
	for _, key := range groups {
		fmt.Fprintf(&b, ".SS %s\n", roff(key))
		for _, f := range shared[key] {
			flag(&b, f)
		}
	}
	b.WriteString(".SH ENVIRONMENT\n")
	table(&b, p.Environment)
	b.WriteString(".SH EXIT STATUS\n")
	table(&b, p.Exits)
	fmt.Fprintf(&b, ".SH SEE ALSO\n%s\n", roff(p.Also))
	return b.String()
}

// command writes the section of a command, and hands over the flags that it shares with others.
func command(b *strings.Builder, root, n *kong.Node, share func(*kong.Flag)) {
	fmt.Fprintf(b, ".SS \"%s\"\n%s\n", roff(n.Summary()), roff(n.Help))
	if n.Detail != "" {
		for paragraph := range strings.SplitSeq(n.Detail, "\n\n") {
			fmt.Fprintf(b, ".PP\n%s\n", roff(paragraph))
		}
	}
	for _, arg := range n.Positional {
		fmt.Fprintf(b, ".TP\n\\fI%s\\fR\n%s\n", roff(arg.Name), roff(arg.Help))
	}
	var groups []string
	for _, flags := range n.AllFlags(true) {
		for _, f := range flags {
			switch {
			case f.Name == "help" || f.Group == nil && slices.Contains(root.Flags, f):
			case f.Group != nil && f.Group.Title != "":
				share(f)
				if !slices.Contains(groups, f.Group.Title) {
					groups = append(groups, f.Group.Title)
				}
			default:
				flag(b, f)
			}
		}
	}
	if len(groups) > 0 {
		fmt.Fprintf(b, ".PP\nSettings: %s.\n", roff(strings.Join(groups, ", ")))
	}
	if example := n.Tag.Get("example"); example != "" {
		fmt.Fprintf(b, ".PP\nExample:\n.PP\n.nf\n  %s\n.fi\n", roff(example))
	}
}

func flag(b *strings.Builder, f *kong.Flag) {
	name := "--" + f.Name
	if f.Tag.Negatable != "" {
		name = "--[no-]" + f.Name
	}
	if f.Short != 0 {
		name = "-" + string(f.Short) + ", " + name
	}
	value := ""
	if !f.IsBool() {
		value = "=\\fI" + roff(f.FormatPlaceHolder()) + "\\fR"
	}
	fmt.Fprintf(b, ".TP\n\\fB%s\\fR%s\n%s\n", roff(name), value, roff(f.Help))
}

func table(b *strings.Builder, rows []Row) {
	for _, r := range rows {
		fmt.Fprintf(b, ".TP\n\\fB%s\\fR\n%s\n", roff(r.Name), roff(r.Text))
	}
}

// roff escapes text: a line that begins with a dot or a quote is a request, and a plain dash may become a hyphen.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		if strings.HasPrefix(line, `\- `) { // of a list
			line = ".br\n" + line
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}

func lowered(text string) string {
	if text == "" {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}
