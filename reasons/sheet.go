package reasons

import (
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strconv"
	"strings"
)

//go:embed data/*.csv
var embedded embed.FS

// sheets reads CSV files (RFC 4180, with a header and lines of comment that begin with '#') and gathers whatever is wrong with them.
type sheets struct {
	files    fs.FS
	sources  map[string]string // key of sources.csv, or several parted by blanks, to "title: url; title: url"
	problems []error
}

// row is one record of a sheet. Its methods take the name of a column; what they cannot read they report and replace by nothing.
type row struct {
	sheets *sheets
	file   string
	line   int
	column map[string]int // place of a column
	cells  []string
}

// rows reads file, which must have exactly the named columns in that order.
func (s *sheets) rows(file, columns string) iter.Seq[row] {
	return func(yield func(row) bool) {
		f, err := s.files.Open(file)
		if err != nil {
			s.problems = append(s.problems, err)
			return
		}
		defer f.Close()
		names := strings.Fields(columns)
		column := make(map[string]int, len(names))
		for i, n := range names {
			column[n] = i
		}
		in := csv.NewReader(f)
		in.Comment, in.FieldsPerRecord = '#', len(names)
		for header := true; ; header = false {
			cells, err := in.Read()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					s.problems = append(s.problems, fmt.Errorf("%s: %w", file, err)) // csv.ParseError names the line
				} else if header {
					s.problems = append(s.problems, fmt.Errorf("%s: no header", file))
				}
				return
			}
			line, _ := in.FieldPos(0)
			r := row{s, file, line, column, cells}
			if header {
				r.header(names)
			} else if !yield(r) {
				return
			}
		}
	}
}

func (r row) header(names []string) {
	for i, n := range names {
		if r.cells[i] != n {
			r.complain("column %d is %q, want %q", i+1, r.cells[i], n)
		}
	}
}

// complain notes a problem with its file and line.
func (r row) complain(format string, args ...any) {
	r.sheets.problems = append(r.sheets.problems, fmt.Errorf("%s:%d: %s", r.file, r.line, fmt.Sprintf(format, args...)))
}

// maybe gives a cell that may be empty.
func (r row) maybe(column string) string { return r.cells[r.column[column]] }

// text gives a cell that must not be empty.
func (r row) text(column string) string {
	v := r.maybe(column)
	if strings.TrimSpace(v) == "" {
		r.complain("%s is empty", column)
	}
	return v
}

// list splits a cell at " | ".
func (r row) list(column string) []string {
	list := []string{}
	if r.maybe(column) == "" {
		return list
	}
	for _, part := range strings.Split(r.maybe(column), " | ") {
		if part = strings.TrimSpace(part); part == "" {
			r.complain("%s has an empty part", column)
			continue
		}
		list = append(list, part)
	}
	return list
}

// words splits a cell at blanks.
func (r row) words(column string) []string { return strings.Fields(r.maybe(column)) }

// parse reads a whole number below limit.
func (r row) parse(column, v string, limit uint64) uint32 {
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil || n >= limit {
		r.complain("%s: %q is not a whole number below %d", column, v, limit)
		return 0
	}
	return uint32(n)
}

func (r row) severity(column string) uint8 { return uint8(r.parse(column, r.maybe(column), 8)) }

func (r row) numbers(column string) []uint32 {
	list := []uint32{}
	for _, v := range r.words(column) {
		list = append(list, r.parse(column, v, 1<<32))
	}
	return list
}

// seconds reads positive durations parted by blanks.
func (r row) seconds(column string) []float64 {
	list := []float64{}
	for _, v := range r.words(column) {
		x, err := strconv.ParseFloat(v, 64)
		if err != nil || !(x > 0) || x > 1e9 {
			r.complain("%s: %q is not a positive number of seconds", column, v)
			continue
		}
		list = append(list, x)
	}
	return list
}

func (r row) flag(column string) bool {
	v := r.maybe(column)
	if v != "yes" && v != "no" {
		r.complain("%s is %q, want yes or no", column, v)
	}
	return v == "yes"
}

// sureness are the words one of which each confidence must hold.
var sureness = [...]string{"documented", "seen", "measured", "corroborated", "conflicting", "inference", "own knowledge"}

// origin resolves the keys in column source and takes the confidence.
func (r row) origin() Origin {
	confidence := r.text("confidence")
	if !slices.ContainsFunc(sureness[:], func(word string) bool { return strings.Contains(confidence, word) }) {
		r.complain("confidence %q has none of the words %s", confidence, strings.Join(sureness[:], ", "))
	}
	keys := r.text("source")
	if titles, ok := r.sheets.sources[keys]; ok {
		return Origin{titles, confidence}
	}
	var titles []string
	for _, key := range strings.Fields(keys) {
		title, ok := r.sheets.sources[key]
		if !ok {
			r.complain("source %q is not in sources.csv", key)
			return Origin{}
		}
		titles = append(titles, title)
	}
	joined := strings.Join(titles, "; ")
	r.sheets.sources[keys] = joined
	return Origin{joined, confidence}
}

func (s *sheets) readSources() {
	s.sources = map[string]string{}
	seen := once[string]{}
	for r := range s.rows("sources.csv", "key title url") {
		key, title := r.text("key"), r.text("title")
		seen.check(r, key)
		if url := r.maybe("url"); url != "" {
			title += ": " + url
		}
		s.sources[key] = title
	}
}

// once remembers keys and the lines where they stood.
type once[K comparable] map[K]int

// check complains if key stood in an earlier row.
func (o once[K]) check(r row, key K) {
	if line, ok := o[key]; ok {
		r.complain("%v stands already in line %d", key, line)
	}
	o[key] = r.line
}
