// Command filelog turns messages as CUCM sends them into the lines that it keeps in its own files, for measurements of the import:
//
//	flapwatch simulate --scenario office --from -60d --to - | go run ./bench/filelog > AlternateSyslog00000001
//
// "<187>41679: ucm-01.example: Jul 02 2015 06:22:31.123 UTC :  %UC_…" becomes
// "Jul  2 06:22:31 ucm-01 local7 3 ccm: 41679: ucm-01.example: Jul 02 2015 06:22:31.123 UTC :  %UC_…".
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "filelog:", err)
		os.Exit(1)
	}
}

// message is a priority, and where the message has them a host, month, day and time.
var message = regexp.MustCompile(`^<(\d+)>(?:\d+: ([^.: ]+)[^ ]* (\w{3}) (\d\d) \d{4} (\d\d:\d\d:\d\d))?`)

// run converts line by line. A message without a time gets that of the one before.
func run(in io.Reader, out io.Writer) error {
	host, month, day, clock := []byte("ucm-01"), []byte("Jan"), 1, []byte("00:00:00")
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	w := bufio.NewWriterSize(out, 1<<20)
	for lines.Scan() {
		line := lines.Bytes()
		m := message.FindSubmatch(line)
		if m == nil {
			return fmt.Errorf("%q is no message with a priority", line)
		}
		if m[2] != nil {
			host, month, clock = append(host[:0], m[2]...), append(month[:0], m[3]...), append(clock[:0], m[5]...)
			day, _ = strconv.Atoi(string(m[4]))
		}
		priority, err := strconv.Atoi(string(m[1]))
		if err != nil {
			return fmt.Errorf("priority of %q: %w", line, err)
		}
		if _, err := fmt.Fprintf(w, "%s %2d %s %s local7 %d ccm: %s\n", month, day, clock, host, priority%8, line[len(m[1])+2:]); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return w.Flush()
}
