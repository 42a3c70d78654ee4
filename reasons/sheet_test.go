package reasons

import (
	"errors"
	"testing"
	"testing/fstest"
)

func TestLinesOfProblems(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		s := &sheets{files: fstest.MapFS{"x.csv": {Data: []byte(text)}}}
		for r := range s.rows("x.csv", "a b") {
			r.text("a")
			r.text("b")
		}
		got := ""
		if err := errors.Join(s.problems...); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
	f("a,b\n1,2\n", "")
	f("# comment\n\na,b\n1,2\n", "")
	f("a,b\n1,\n,2\n", "x.csv:2: b is empty\nx.csv:3: a is empty")
	f("# comment\na,b\n\"1\nand more\",2\n3, \n", "x.csv:5: b is empty") // a cell may hold a line break
	f("a,c\n", `x.csv:1: column 2 is "c", want "b"`)
	f("a,b\n1,2,3\n", "x.csv: record on line 2: wrong number of fields")
	f("a,b\n1,\"2\n", `x.csv: parse error on line 2, column 6: extraneous or missing " in quoted-field`)
	f("\"a\"x,b\n", `x.csv: parse error on line 1, column 3: extraneous or missing " in quoted-field`)
	f("", "x.csv: no header")
}
