package api

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// operation is one row of the readable page.
type operation struct {
	Method, Path, Description string
	Parameters                []parameter
}

type parameter struct {
	Name, Default, Description string
}

// operations reads the OpenAPI document, so that the page cannot tell another story.
func operations(o *huma.OpenAPI) []operation {
	var all []operation
	for path, item := range o.Paths {
		for method, op := range map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post} {
			if op == nil {
				continue
			}
			row := operation{Method: method, Path: path, Description: op.Description}
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
