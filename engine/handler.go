package engine

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxStatements = 32                     // run at the same time; the next wait their turn
	killEvery     = 500 * time.Millisecond // while a statement nobody waits for goes on
	chunkSize     = 256 << 10              // rows of an INSERT handed to the library at a time
)

// handler answers ClickHouse's HTTP interface from the library. Each request has a connection of its own (0.1 ms), so
// that no setting, database or temporary table outlives it, as on a server.
type handler struct {
	lib   *library
	id    identity
	token string // answers the question how the child is
	slots chan struct{}
	tags  atomic.Uint64
}

func newHandler(lib *library, token string) (*handler, error) {
	h := &handler{lib: lib, token: token, slots: make(chan struct{}, maxStatements)}
	return h, h.introduce()
}

// introduce asks the library who it is.
func (h *handler) introduce() error {
	return h.own("SELECT displayName(), version(), timezone()", func(row []byte) error {
		fields := strings.Split(strings.TrimSpace(string(row)), "\t")
		if len(fields) != 3 {
			return fmt.Errorf("the library introduces itself as %q", row)
		}
		h.id = identity{name: fields[0], version: fields[1], timezone: fields[2]}
		return nil
	})
}

// own runs a short statement of the handler's, past the queue.
func (h *handler) own(sql string, write func([]byte) error) error {
	conn, err := h.lib.open()
	if err != nil {
		return err
	}
	defer conn.close()
	return conn.exec(sql, "TabSeparated", nil, write)
}

func discard([]byte) error { return nil }

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !local(r):
		http.Error(w, "only programs on this machine are answered", http.StatusForbidden)
	case r.Method == http.MethodGet && r.URL.Path == "/ping":
		h.ping(w)
	case r.Method == http.MethodPost && r.URL.Path == "/":
		h.statement(w, r)
	default:
		http.NotFound(w, r)
	}
}

// local refuses what a web page may make a browser on this machine send.
func local(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return r.Header.Get("Origin") == "" && loopback(host)
}

func loopback(host string) bool {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ping answers with the token, by which the parent knows its child, when the engine works.
func (h *handler) ping(w http.ResponseWriter) {
	if err := h.own("SELECT 1", discard); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	io.WriteString(w, h.token)
}

func (h *handler) statement(w http.ResponseWriter, r *http.Request) {
	body := &patientBody{body: http.MaxBytesReader(w, r.Body, maxInsert), control: http.NewResponseController(w)}
	a := &answer{w: w}
	req, err := readRequest(r, body)
	switch {
	case err != nil:
	case req.sql == helloQuery && req.format == "Native":
		err = a.write(h.id.hello(req.protocol))
	default:
		err = h.run(r.Context(), req, body, a)
	}
	if err != nil {
		io.Copy(io.Discard, body) // a client that is still sending would not see the answer
		a.fail(err)
	}
}

// run waits for its turn, makes a connection as the request wants it, and runs the statement.
func (h *handler) run(ctx context.Context, req *request, body io.Reader, a *answer) error {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	conn, err := h.lib.open()
	if err != nil {
		return err
	}
	defer conn.close()
	tag := fmt.Sprintf("statement %d", h.tags.Add(1))
	if err := req.prepare(conn, tag); err != nil {
		return err
	}
	if req.rows != "" {
		return insert(conn, req, body)
	}
	defer h.killWhenGone(ctx, tag)()
	if req.streams() {
		return conn.stream(req.sql, req.format, req.params, a.write)
	}
	return conn.exec(req.sql, req.format, req.params, a.write)
}

// errNoRows is what a server answers to an INSERT without rows. clickhouse-go sends such a body, well ended, when it
// could not encode the rows; to answer "good" would lose them.
const errNoRows = exception("Code: 108. DB::Exception: No data to insert. (NO_DATA_TO_INSERT)")

// insert streams the rows of the body into the engine. They are committed only when the body came to its proper end.
func insert(conn *connection, req *request, body io.Reader) error {
	in, err := conn.insert(req.sql, req.rows, req.params)
	if err != nil {
		return err
	}
	rows := bufio.NewWriterSize(in, chunkSize)
	size, err := io.Copy(rows, body)
	if err == nil {
		err = rows.Flush()
	}
	if err == nil && size == 0 {
		err = errNoRows
	}
	if err != nil {
		in.cancel()
		return err
	}
	return in.commit()
}

// killWhenGone stops the statement with this tag once its client has gone away; call what it returns when the statement
// has ended. It asks repeatedly, because a statement that has not quite begun cannot be stopped.
func (h *handler) killWhenGone(ctx context.Context, tag string) (ended func()) {
	over := make(chan struct{})
	go func() {
		select {
		case <-over:
			return
		case <-ctx.Done():
		}
		for kill := time.NewTicker(killEvery); ; {
			h.own("KILL QUERY WHERE Settings['log_comment'] = "+quote(tag, '\'')+" ASYNC", discard)
			select {
			case <-over:
				kill.Stop()
				return
			case <-kill.C:
			}
		}
	}()
	return func() { close(over) }
}
