package parse

import "strings"

// OpenNMS stores a message as one parameter of an event, "syslogmessage=..(string,text);process=229250(string,text);..", and
// encodes '=' and ';' in it by their ASCII codes in decimal.
const (
	codedEqual     = "%61"
	codedSemicolon = "%59"
)

func decode(s string) string {
	return strings.NewReplacer(codedEqual, "=", codedSemicolon, ";").Replace(s)
}

// decodeText cuts the parameters that follow the message off its text. The number of the alarm is among them, as OpenNMS takes
// it for the name of a process.
func (r *record) decodeText(s string) string {
	text, rest, _ := strings.Cut(s, "(string,text);")
	if _, process, ok := strings.Cut(rest, "process="); ok && !r.e.HasSeq {
		r.setSeq(process[:digits(process)])
	}
	return decode(text)
}
