package api

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// csvType is the type of tables. huma finds the format by the whole of it, so that nobody gets it by negotiation alone: errors and
// answers that are no table stay JSON.
const csvType = "text/csv; charset=utf-8"

// wantsTable says whether an Accept header asks for a table rather than for JSON.
func wantsTable(accept string) bool {
	for _, part := range strings.Split(strings.ToLower(accept), ",") {
		switch kind, _, _ := strings.Cut(part, ";"); strings.TrimSpace(kind) {
		case "text/csv":
			return true
		case "application/json", "*/*":
			return false
		}
	}
	return false
}

// table is the format of answers with items: a head, and a line for each.
var table = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		items := reflect.ValueOf(v).FieldByName("Items")
		out := csv.NewWriter(w)
		out.UseCRLF = true // RFC 4180
		if err := out.Write(heads(nil, "", items.Type().Elem())); err != nil {
			return err
		}
		for i := range items.Len() {
			if err := out.Write(cells(nil, items.Type().Elem(), items.Index(i))); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	},
	Unmarshal: func([]byte, any) error { return fmt.Errorf("csv is not read") },
}

// flat says whether the fields of a type get columns of their own.
func flat(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !t.Implements(reflect.TypeFor[json.Marshaler]())
}

func pointed(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// heads are the JSON keys of a type, those of a part behind the key of the part: reason.code.
func heads(out []string, prefix string, t reflect.Type) []string {
	for f := range fields(t) {
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch inner := pointed(f.Type); {
		case f.Anonymous:
			out = heads(out, prefix, inner)
		case flat(inner):
			out = heads(out, prefix+key+".", inner)
		default:
			out = append(out, prefix+key)
		}
	}
	return out
}

// cells are the values under heads; v may be invalid, for a part that is absent.
func cells(out []string, t reflect.Type, v reflect.Value) []string {
	for f := range fields(t) {
		var value reflect.Value
		if v.IsValid() {
			value = v.FieldByIndex(f.Index)
		}
		if f.Type.Kind() == reflect.Pointer && value.IsValid() {
			value = value.Elem()
		}
		if inner := pointed(f.Type); flat(inner) {
			out = cells(out, inner, value)
		} else {
			out = append(out, defuse(text(value)))
		}
	}
	return out
}

func fields(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && f.Tag.Get("json") != "-" && !yield(f) {
				return
			}
		}
	}
}

// text is a value in a cell: words as they are, lists of words with a blank between, anything else as in JSON.
func text(v reflect.Value) string {
	if !v.IsValid() {
		return ""
	}
	switch x := v.Interface().(type) {
	case string:
		return x
	case []string:
		return strings.Join(x, " ")
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v.Interface()) != nil {
		return ""
	}
	switch s := strings.TrimSpace(b.String()); s {
	case "null", "[]", "{}":
		return ""
	default:
		return strings.Trim(s, `"`)
	}
}

// defuse keeps a spreadsheet from reading a cell as a formula: one that begins with = + - @ tab or CR gets an apostrophe before it.
// Numbers stay numbers.
func defuse(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r", rune(cell[0])) || json.Valid([]byte(cell)) {
		return cell
	}
	return "'" + cell
}
