package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// resolver gives flags their values where the command line does not: environment first, then the file named by --config.
// `http: 127.0.0.1:9090` in the file and FLAPWATCH_HTTP stand for --http.
type resolver struct {
	env  func(string) (string, bool)
	path string
	keys map[string]ast.Node
}

// Validate refuses keys of the file that no flag has, with their line.
func (r *resolver) Validate(app *kong.Application) error {
	known := names(app)
	for key, node := range r.keys {
		if !known[key] {
			return fmt.Errorf("%s line %d: there is no setting %q; flapwatch serve --help lists them", r.path, node.GetToken().Position.Line, key)
		}
	}
	return nil
}

// names are those of all flags.
func names(app *kong.Application) map[string]bool {
	known := map[string]bool{}
	_ = kong.Visit(app, func(n kong.Visitable, next kong.Next) error {
		if f, ok := n.(*kong.Flag); ok {
			known[f.Name] = true
		}
		return next(nil)
	})
	return known
}

// variable is what stands for a flag in the environment.
func variable(flag string) string {
	return "FLAPWATCH_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Resolve implements kong.Resolver.
func (r *resolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Name == "help" || flag.Name == "config" {
		return nil, nil
	}
	if v, ok := r.env(variable(flag.Name)); ok {
		return v, nil
	}
	node, ok := r.keys[flag.Name]
	if !ok {
		return nil, nil
	}
	return r.value(flag, node)
}

// value gives a flag what stands in the file: one word, or a list joined with commas.
func (r *resolver) value(flag *kong.Flag, node ast.Node) (any, error) {
	var v any
	if err := yaml.NodeToValue(node, &v); err != nil {
		return nil, fmt.Errorf("%s line %d: %s: %w", r.path, node.GetToken().Position.Line, flag.Name, err)
	}
	switch v := v.(type) {
	case nil:
		return nil, fmt.Errorf("%s line %d: %s: the value is missing", r.path, node.GetToken().Position.Line, flag.Name)
	case []any:
		words := make([]string, len(v))
		for i, w := range v {
			words[i] = fmt.Sprint(w)
		}
		return strings.Join(words, ","), nil
	case map[string]any:
		return nil, fmt.Errorf("%s line %d: %s: a value or a list is expected", r.path, node.GetToken().Position.Line, flag.Name)
	}
	return fmt.Sprint(v), nil
}

// load reads the file.
func (r *resolver) load(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return fmt.Errorf("%s: %s", path, strings.TrimSpace(yaml.FormatError(err, false, false)))
	}
	r.path, r.keys = path, map[string]ast.Node{}
	for _, d := range file.Docs {
		mapping, ok := d.Body.(*ast.MappingNode)
		if !ok && d.Body != nil {
			return fmt.Errorf("%s: write it as `name: value`, one a line", path)
		}
		if mapping == nil {
			continue
		}
		for _, m := range mapping.Values {
			key := m.Key.GetToken().Value
			if _, twice := r.keys[key]; twice {
				return fmt.Errorf("%s line %d: %q stands twice", path, m.Key.GetToken().Position.Line, key)
			}
			r.keys[key] = m.Value
		}
	}
	return nil
}

// configPath finds --config before the flags are read, because the file gives flags their values.
func configPath(args []string, env func(string) (string, bool)) string {
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--config="); ok {
			return v
		}
		if a == "--config" && i+1 < len(args) {
			return args[i+1]
		}
		if a == "--" {
			break
		}
	}
	path, _ := env("FLAPWATCH_CONFIG")
	return path
}
