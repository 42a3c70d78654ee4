package main

import "golang.org/x/sys/unix"

// synchronised asks the kernel whether anything disciplines the clock (adjtimex(2)).
func synchronised() (state, says string) {
	var t unix.Timex
	switch s, err := unix.Adjtimex(&t); {
	case err != nil:
		return note, "; the kernel does not tell whether it is synchronised"
	case s == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0:
		return note, "; the kernel says that nothing keeps it synchronised (NTP)"
	}
	return good, "; synchronised"
}
