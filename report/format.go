package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// Format is a form of the report.
type Format struct {
	Name        string // "html"
	ContentType string
	write       func(io.Writer, *Report) error
}

// Formats in the order in which they are preferred.
func Formats() []Format {
	return []Format{
		{"html", "text/html; charset=utf-8", HTML},
		{"json", "application/json", JSON},
		{"csv", "text/csv; charset=utf-8", CSV},
		{"md", "text/markdown; charset=utf-8", Markdown},
	}
}

// FormatOf gives the form of that name.
func FormatOf(name string) (Format, error) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, nil
		}
	}
	return Format{}, fmt.Errorf("there is no form %q: html, md, csv or json", name)
}

// Write renders r.
func (f Format) Write(w io.Writer, r *Report) error { return f.write(w, r) }

// JSON writes the model. Texts are as they came.
func JSON(w io.Writer, r *Report) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(true) // for pages that show it
	return e.Encode(r)
}
