package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCmd prints a script for a shell. The script asks this program for the words that may come next.
type completionCmd struct {
	Shell string `arg:"" help:"bash, zsh or fish." enum:"bash,zsh,fish"`
}

// Help shows where the script goes.
func (completionCmd) Help() string {
	return `Examples:
  flapwatch completion bash > ~/.local/share/bash-completion/completions/flapwatch
  flapwatch completion zsh > "${fpath[1]}/_flapwatch"
  flapwatch completion fish > ~/.config/fish/completions/flapwatch.fish`
}

const (
	bashScript = `_flapwatch() {
    local current="${COMP_WORDS[COMP_CWORD]}" words
    words="$("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)"
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    [[ ${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _flapwatch flapwatch
`
	zshScript = `#compdef flapwatch
_flapwatch() {
    local -a next
    next=(${(f)"$(${words[1]} __complete -- ${words[2,CURRENT-1]} 2>/dev/null)"})
    if (( ${#next} )); then compadd -a next; else _files; fi
}
if [ "$funcstack[1]" = "_flapwatch" ]; then _flapwatch "$@"; else compdef _flapwatch flapwatch; fi
`
	fishScript = `function __flapwatch
    set -l words (commandline -opc)
    $words[1] __complete -- $words[2..-1] 2>/dev/null
end
complete -c flapwatch -a '(__flapwatch)'
`
)

// Run prints it.
func (c *completionCmd) Run(con *console) error {
	script := map[string]string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[c.Shell]
	_, err := fmt.Fprint(con.out, script)
	return err
}

// completeCmd prints the words that may come after those on the command line.
type completeCmd struct {
	Words []string `arg:"" optional:"" help:"Words so far, without the one being typed."`
}

// Run prints one a line.
func (c *completeCmd) Run(con *console, app *kong.Kong) error {
	for _, w := range nextWords(app.Model.Node, c.Words) {
		if _, err := fmt.Fprintln(con.out, w); err != nil {
			return err
		}
	}
	return nil
}

// nextWords follows the words through the commands and lists what may come next: the values of a flag that waits for one, else
// commands, values of an argument, and flags.
func nextWords(at *kong.Node, words []string) []string {
	flags := map[string]*kong.Flag{}
	enter := func(n *kong.Node) {
		for _, f := range n.Flags {
			flags["--"+f.Name] = f
		}
	}
	enter(at)
	var waiting *kong.Flag
	for _, w := range words {
		if waiting != nil {
			waiting = nil
			continue
		}
		if f := flags[w]; f != nil {
			if !f.IsBool() {
				waiting = f
			}
			continue
		}
		i := slices.IndexFunc(at.Children, func(n *kong.Node) bool { return n.Name == w })
		if i >= 0 {
			at = at.Children[i]
			enter(at)
		}
	}
	if waiting != nil {
		return values(waiting.Enum)
	}
	var next []string
	for _, n := range at.Children {
		if !n.Hidden {
			next = append(next, n.Name)
		}
	}
	for _, p := range at.Positional {
		next = append(next, values(p.Enum)...)
	}
	for name, f := range flags {
		if !f.Hidden {
			next = append(next, name)
		}
	}
	slices.Sort(next)
	return next
}

// values splits the list of an enum.
func values(enum string) []string {
	if enum == "" {
		return nil
	}
	return strings.Split(enum, ",")
}
