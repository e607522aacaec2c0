package manual

import (
	"cmp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Candidate is a word that may come next, and what it means.
type Candidate struct{ Word, Help string }

// Complete lists what may stand in the place of the last of these words, which follow the name of the program. values are those of
// flags and arguments, by name, that are closed lists and that the model does not know to be.
func Complete(model *kong.Node, words []string, values map[string][]string) []Candidate {
	if words = joined(words); len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	node, args, awaited := walk(model, words[:len(words)-1])
	if awaited != nil {
		return matching(valuesOf(awaited, values), last)
	}
	if name, value, is := strings.Cut(last, "="); is && strings.HasPrefix(name, "--") {
		var all []Candidate
		if flag := flagOf(node, name); flag != nil {
			all = matching(valuesOf(flag.Value, values), value)
		}
		return all
	}
	if strings.HasPrefix(last, "-") {
		return matching(flagsOf(node), last)
	}
	var all []Candidate
	if args == 0 {
		for _, child := range node.Children {
			if !child.Hidden {
				all = append(all, Candidate{child.Name, child.Help})
			}
		}
		if node.DefaultCmd != nil {
			node = node.DefaultCmd
		}
	}
	if n := len(node.Positional); n > 0 && (args < n || node.Positional[n-1].IsSlice()) {
		all = append(all, valuesOf(node.Positional[min(args, n-1)], values)...)
	}
	return matching(all, last)
}

// joined puts words together again that a shell has split at an equals sign.
func joined(words []string) (whole []string) {
	for i := 0; i < len(words); i++ {
		if n := len(whole); words[i] == "=" && n > 0 && strings.HasPrefix(whole[n-1], "--") {
			whole[n-1] += "="
			if i+1 < len(words) {
				i++
				whole[n-1] += words[i]
			}
			continue
		}
		whole = append(whole, words[i])
	}
	return whole
}

// Given are the values of flags of these names among words, by name.
func Given(words []string, names ...string) map[string]string {
	given := map[string]string{}
	words = joined(words)
	for i, word := range words {
		name, value, is := strings.Cut(word, "=")
		if !is && i+1 < len(words) {
			value, is = words[i+1], true
		}
		if name, long := strings.CutPrefix(name, "--"); is && long && slices.Contains(names, name) {
			given[name] = value
		}
	}
	return given
}

// walk follows whole words to a command. It counts the arguments behind it; awaited is the flag whose value comes next.
func walk(node *kong.Node, words []string) (at *kong.Node, args int, awaited *kong.Value) {
	for i := 0; i < len(words); i++ {
		word := words[i]
		if strings.HasPrefix(word, "-") {
			flag := flagOf(node, word)
			if flag == nil || flag.IsBool() || strings.Contains(word, "=") {
				continue
			}
			if i++; i == len(words) {
				return node, args, flag.Value
			}
			continue
		}
		child := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == word })
		switch {
		case args == 0 && child >= 0:
			node = node.Children[child]
		case node.DefaultCmd != nil:
			node = node.DefaultCmd
			args++
		default:
			args++
		}
	}
	return node, args, nil
}

// flagOf finds a flag of a command by what is written: --name, --name=value, -n.
func flagOf(node *kong.Node, word string) *kong.Flag {
	name, _, _ := strings.Cut(word, "=")
	for _, flags := range allFlags(node) {
		for _, flag := range flags {
			if name == "--"+flag.Name || flag.Short != 0 && name == "-"+string(flag.Short) {
				return flag
			}
		}
	}
	return nil
}

// allFlags are those of a command, of those above it, and of the one that it stands for.
func allFlags(node *kong.Node) [][]*kong.Flag {
	all := node.AllFlags(true)
	if node.DefaultCmd != nil {
		all = append(all, node.DefaultCmd.Flags)
	}
	return all
}

func flagsOf(node *kong.Node) (all []Candidate) {
	for _, flags := range allFlags(node) {
		for _, flag := range flags {
			all = append(all, Candidate{"--" + flag.Name, flag.Help})
			if flag.Tag.Negatable != "" {
				all = append(all, Candidate{"--no-" + flag.Name, "Not: " + flag.Help})
			}
		}
	}
	slices.SortFunc(all, func(a, b Candidate) int { return cmp.Compare(a.Word, b.Word) })
	return slices.Compact(all)
}

func valuesOf(v *kong.Value, values map[string][]string) (all []Candidate) {
	known := values[v.Name]
	if v.Enum != "" {
		known = v.EnumSlice()
	}
	for _, word := range known {
		all = append(all, Candidate{Word: word})
	}
	return all
}

// matching are the candidates that begin with what is written, and their help as one line.
func matching(all []Candidate, begun string) (some []Candidate) {
	for _, c := range all {
		if strings.HasPrefix(c.Word, begun) {
			some = append(some, Candidate{c.Word, strings.Join(strings.Fields(c.Help), " ")})
		}
	}
	return some
}

// Scripts are the completions of each shell, for a program of this name. They ask the program itself, so they never tell of
// another version of it.
func Scripts(program, command string) map[string]string {
	filled := map[string]string{}
	for shell, script := range scripts {
		filled[shell] = strings.NewReplacer("PROGRAM", program, "COMMAND", command).Replace(script)
	}
	return filled
}

var scripts = map[string]string{
	"bash": `# Completion of PROGRAM for bash: PROGRAM completion bash > /etc/bash_completion.d/PROGRAM
_PROGRAM() {
    local IFS=$'\n' line
    COMPREPLY=()
    while read -r line; do
        COMPREPLY+=("${line%%$'\t'*}")
    done < <(PROGRAM COMMAND -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o bashdefault -o default -F _PROGRAM PROGRAM
`,
	"zsh": `#compdef PROGRAM
# Completion of PROGRAM for zsh: PROGRAM completion zsh > "${fpath[1]}/_PROGRAM"
_PROGRAM() {
    local -a lines
    lines=("${(@f)$(PROGRAM COMMAND -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    lines=("${(@)lines//:/\\:}")
    lines=("${(@)lines//$'\t'/:}")
    if [[ -n "${lines[1]}" ]]; then
        _describe PROGRAM lines
    else
        _files
    fi
}
if [[ "${funcstack[1]}" = _PROGRAM ]]; then
    _PROGRAM "$@"
else
    compdef _PROGRAM PROGRAM
fi
`,
	"fish": `# Completion of PROGRAM for fish: PROGRAM completion fish > ~/.config/fish/completions/PROGRAM.fish
function __PROGRAM_complete
    set -l words (commandline -opc)
    set -l now (commandline -ct)
    PROGRAM COMMAND -- $words[2..-1] "$now" 2>/dev/null
end
complete -c PROGRAM -f -a '(__PROGRAM_complete)'
`,
}
