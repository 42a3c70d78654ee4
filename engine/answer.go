package engine

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"time"
)

// maxStall is how long a client may neither send nor read before it is given up.
const maxStall = 5 * time.Minute

// answer is the response to one statement.
type answer struct {
	w     http.ResponseWriter
	begun bool
}

func (a *answer) write(block []byte) error {
	a.begun = true
	_, err := a.w.Write(block)
	return err
}

var exceptionCode = regexp.MustCompile(`^Code: (\d+)\.`)

// fail answers with an error: as the status and a header, or, when rows are already on their way, in the stream.
func (a *answer) fail(err error) {
	if a.begun {
		io.WriteString(a.w, framed(err.Error()))
		return
	}
	if match := exceptionCode.FindStringSubmatch(err.Error()); match != nil {
		a.w.Header().Set("X-ClickHouse-Exception-Code", match[1])
	}
	http.Error(a.w, err.Error(), status(err))
}

func status(err error) int {
	var tooLarge *http.MaxBytesError
	var refused *badRequest
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.As(err, &refused):
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

// framed is an exception in the middle of a stream: marker, tag, text, length and tag, marker.
// https://clickhouse.com/docs/interfaces/http#http_response_codes_caveats
func framed(text string) string {
	const marker = "\r\n__exception__\r\n"
	tag := rand.Text()[:16]
	return fmt.Sprintf("%s%s\r\n%s\n%d %s%s", marker, tag, text, len(text)+1, tag, marker)
}

// patientBody gives the client maxStall for each read of its body.
type patientBody struct {
	body    io.Reader
	control *http.ResponseController
}

func (b *patientBody) Read(p []byte) (int, error) {
	b.control.SetReadDeadline(time.Now().Add(maxStall))
	n, err := b.body.Read(p)
	if err != nil {
		b.control.SetReadDeadline(time.Time{}) // from here on a read only notices that the client goes away
	}
	return n, err
}

// patientListener gives its clients maxStall to take each piece of an answer.
type patientListener struct{ net.Listener }

func (l patientListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return patientConn{conn}, nil
}

type patientConn struct{ net.Conn }

func (c patientConn) Write(p []byte) (int, error) {
	c.SetWriteDeadline(time.Now().Add(maxStall))
	return c.Conn.Write(p)
}
