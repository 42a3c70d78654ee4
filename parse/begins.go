package parse

// Begins tells whether a record can begin with line, so that a text of several can be cut there.
func Begins(line []byte) bool { return beginsRecord(string(line[:min(len(line), peek)])) }
