package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"flapwatch/internal/clickhousetest"
)

// raw speaks HTTP to the embedded engine, past clickhouse-go.
type raw struct {
	opts   *clickhouse.Options
	client http.Client
}

func newRaw(t *testing.T, opts *clickhouse.Options) *raw {
	t.Helper()
	if opts.DialContext == nil {
		t.Skip("a server's own interface is not ours to test")
	}
	return &raw{opts: opts, client: http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			return opts.DialContext(ctx, addr)
		},
	}}}
}

// do posts; the caller closes the body of the answer.
func (r *raw) do(t *testing.T, args url.Values, body io.Reader, header ...string) *http.Response {
	t.Helper()
	args.Set("database", r.opts.Auth.Database)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/?"+args.Encode(), body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if req.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func (r *raw) post(t *testing.T, args url.Values, body io.Reader, header ...string) (status int, text string) {
	t.Helper()
	resp := r.do(t, args, body, header...)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

func (r *raw) query(t *testing.T, sql string) string {
	t.Helper()
	status, text := r.post(t, url.Values{}, strings.NewReader(sql))
	if status != http.StatusOK {
		t.Fatalf("%s: %s", sql, text)
	}
	return text
}

// copy writes the answer to a query to w.
func (r *raw) copy(t *testing.T, sql string, w io.Writer) (size int64) {
	t.Helper()
	resp := r.do(t, url.Values{}, strings.NewReader(sql))
	defer resp.Body.Close()
	size, err := io.Copy(w, resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", sql, resp.StatusCode, err)
	}
	return size
}

var intoRaw = url.Values{"query": {"INSERT INTO t (a, b) FORMAT Native"}}

// A body that is cut, wherever, stores nothing.
func TestCutInsertStoresNothing(t *testing.T) {
	r := newRaw(t, clickhousetest.Open(t))
	r.query(t, "CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
	block := r.query(t, "SELECT number AS a, toString(number) AS b FROM numbers(1000) FORMAT Native")
	for _, size := range []int{0, 1, 2, 10, 100, len(block) / 2, len(block) - 1} {
		if status, text := r.post(t, intoRaw, strings.NewReader(block[:size])); status != http.StatusInternalServerError {
			t.Errorf("%d of %d bytes: %d %s", size, len(block), status, text)
		}
		r.abort(t, block[:size])
	}
	if n := r.query(t, "SELECT count() FROM t"); n != "0\n" {
		t.Errorf("%s rows of cut inserts", n)
	}
	if status, text := r.post(t, intoRaw, strings.NewReader(block)); status != http.StatusOK {
		t.Errorf("the whole block: %s", text)
	}
	if n := r.query(t, "SELECT count() FROM t"); n != "1000\n" {
		t.Errorf("%s rows of the whole block", n)
	}
}

// abort sends the beginning of an INSERT and hangs up.
func (r *raw) abort(t *testing.T, part string) {
	t.Helper()
	conn, err := r.opts.DialContext(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	args := url.Values{"query": intoRaw["query"], "database": {r.opts.Auth.Database}}
	fmt.Fprintf(conn, "POST /?%s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", args.Encode(), len(part)+1, part)
}

func TestWhatIsRefused(t *testing.T) {
	r := newRaw(t, clickhousetest.Open(t))
	args := func(pairs ...string) url.Values {
		values := url.Values{}
		for i := 0; i+1 < len(pairs); i += 2 {
			values.Set(pairs[i], pairs[i+1])
		}
		return values
	}
	for _, c := range []struct {
		name   string
		args   url.Values
		body   string
		header []string
		status int
		says   string
	}{
		{"compressed answer", args("compress", "1"), "SELECT 1", nil, 400, "does not compress"},
		{"compressed rows", args("decompress", "1"), "SELECT 1", nil, 400, "does not compress"},
		{"gzip", args(), "SELECT 1", []string{"Content-Encoding", "gzip"}, 400, "does not compress"},
		{"external table", args(), "SELECT 1", []string{"Content-Type", "multipart/form-data; boundary=x"}, 400, "external tables"},
		{"setting that is code", args("a = 1, b", "2"), "SELECT 1", nil, 400, "not the name of a setting"},
		{"long statement", args(), "SELECT 1" + strings.Repeat(" ", 16<<20), nil, 400, "16777216 bytes"},
		{"foreign page", args(), "SELECT 1", []string{"Origin", "https://example.com"}, 403, "this machine"},
		{"foreign name", args(), "SELECT 1", []string{"Host", "example.com"}, 403, "this machine"},
		{"insert without rows", args("query", "INSERT INTO FUNCTION null('a UInt8') FORMAT Native"), "", nil, 500, "Code: 108."},
		{"unknown database", args("query", "SELECT 1 FROM missing.t"), "", nil, 500, "Code: 81."},
		{"nothing", args(), " \n", nil, 400, "no statement"},
	} {
		if status, text := r.post(t, c.args, strings.NewReader(c.body), c.header...); status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %.200s", c.name, status, text)
		}
	}
}

func TestPlainStatements(t *testing.T) {
	r := newRaw(t, clickhousetest.Open(t))
	for _, c := range []struct{ args, body, want string }{
		{"", "SELECT 1", "1\n"},
		{"query=SELECT+1", "", "1\n"},
		{"query=SELECT", "2", "2\n"},
		{"default_format=CSV", "SELECT 1, 'x'", "1,\"x\"\n"},
		{"param_a=it%27s", "SELECT {a:String}", "it\\'s\n"},
		{"max_block_size=7", "SELECT getSetting('max_block_size')", "7\n"},
		{"query_id=abc", " /* comment */ (SELECT 1)", "1\n"},
		{"", "WITH 1 AS one SELECT one", "1\n"},
		{"", "SELECT 1 FORMAT JSONEachRow", "{\"1\":1}\n"},
		{"", "SELECT 1 WHERE 0", ""},
	} {
		args, err := url.ParseQuery(c.args)
		if err != nil {
			t.Fatal(err)
		}
		if status, got := r.post(t, args, strings.NewReader(c.body)); status != http.StatusOK || got != c.want {
			t.Errorf("?%s %s: %d %q", c.args, c.body, status, got)
		}
	}
}

// The rows of an INSERT may be in any format, and the error of a row reaches a client that is still sending.
func TestRowsAsText(t *testing.T) {
	r := newRaw(t, clickhousetest.Open(t))
	r.query(t, "CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
	into := url.Values{"query": {"insert into t format TSV;"}}
	if status, text := r.post(t, into, strings.NewReader("1\tx\n2\ty\n")); status != http.StatusOK {
		t.Error(text)
	}
	long := bytes.Repeat([]byte("3\tz\n"), 1<<20)
	copy(long, "wrong")
	if status, text := r.post(t, into, bytes.NewReader(long)); status != http.StatusInternalServerError || !strings.HasPrefix(text, "Code: 27.") {
		t.Errorf("%d %.200s", status, text)
	}
	if n := r.query(t, "SELECT count() FROM t"); n != "2\n" {
		t.Errorf("%s rows", n)
	}
}
