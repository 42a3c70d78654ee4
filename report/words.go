package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"flapwatch/event"
)

// perhaps writes what may not be known.
func perhaps(seconds *float64) string {
	if seconds == nil {
		return "–"
	}
	return event.Span(*seconds)
}

// Grouped writes 12,345.
func Grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Counted writes "1 device", "3 devices".
func Counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Grouped(n) + " " + many
}

// share writes 99.8 % with a blank that does not break, and with as many digits as the rest to 100 needs.
func share(v *float64) string {
	switch {
	case v == nil:
		return "–"
	case *v >= 0.9999:
		return fmt.Sprintf("%.3f\u00a0%%", floor(*v, 1e5)*100)
	case *v >= 0.99:
		return fmt.Sprintf("%.2f\u00a0%%", floor(*v, 1e4)*100)
	}
	return fmt.Sprintf("%.1f\u00a0%%", *v*100)
}

// floor cuts v to 1/steps, so that only a whole is shown as a whole.
func floor(v, steps float64) float64 { return float64(int64(v*steps+1e-9)) / steps }

// certainty puts a score into a word.
func certainty(score float64) string {
	switch {
	case score >= 0.8:
		return "most likely"
	case score >= 0.5:
		return "likely"
	}
	return "possible"
}

// score writes a score, cut so that none is shown as certain.
func score(v float64) string { return fmt.Sprintf("%.2f", floor(v, 100)) }

// against writes how n compares with another before: "12 % more than", "2.4 times as many as", "about as many as".
func against(n, before int) string {
	share := 100 * float64(n-before) / float64(max(1, before))
	switch {
	case before == 0:
		return "more than"
	case n >= 10*before:
		return Grouped((n+before/2)/before) + " times as many as"
	case n >= 2*before:
		return fmt.Sprintf("%.1f times as many as", float64(n)/float64(before))
	case share >= 1:
		return fmt.Sprintf("%.0f\u00a0%% more than", share)
	case share <= -1:
		return fmt.Sprintf("%.0f\u00a0%% fewer than", -share)
	}
	return "about as many as"
}

// Plain replaces what a reader would obey instead of read: control characters but line feeds, and marks that turn the direction
// of text. Bytes that are not UTF-8 become the replacement character.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return '·'
		}
		return r
	}, s)
}

// Clip cuts s to n characters.
func Clip(n int, s string) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
