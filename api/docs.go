package api

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// operation is one row of the readable page.
type operation struct {
	Method, Path, Description string
	Role                      Role
	Parameters                []parameter
}

type parameter struct {
	Name, Default, Description string
}

// operations reads the OpenAPI document, so that the page cannot tell another story.
func operations(o *huma.OpenAPI) []operation {
	var all []operation
	for path, item := range o.Paths {
		for method, op := range methods(item) {
			row := operation{Method: method, Path: path, Description: op.Description, Role: needs(method, path)}
			for _, p := range op.Parameters {
				row.Parameters = append(row.Parameters, readable(p))
			}
			all = append(all, row)
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method)) })
	return all
}

func readable(p *huma.Param) parameter {
	row := parameter{Name: p.Name, Description: p.Description}
	if p.Schema == nil {
		return row
	}
	row.Description = cmp.Or(row.Description, p.Schema.Description)
	if p.Schema.Default != nil {
		row.Default = fmt.Sprint(p.Schema.Default)
	}
	return row
}
