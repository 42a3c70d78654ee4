package engine

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Limits of one request. An INSERT is streamed, so its limit is not a limit of memory.
const (
	maxStatement = 16 << 20
	maxInsert    = 1 << 30
)

// request is one statement as ClickHouse's HTTP interface writes it: the statement in the body, or in the argument
// "query" with the rows of an INSERT in the body. Every argument that has no meaning of its own is a setting.
// https://clickhouse.com/docs/interfaces/http
type request struct {
	sql      string
	format   string // of the answer, unless the statement names one
	rows     string // format of the rows in the body; empty when there are none
	database string
	protocol string // the client's protocol version
	params   parameters
	settings map[string]string
}

var insertWithRows = regexp.MustCompile(`(?is)^\s*(INSERT\s.*\S)\s+FORMAT\s+(\w+)[\s;]*$`)

// badRequest is a request that the engine never sees.
type badRequest struct{ reason string }

func (e *badRequest) Error() string { return e.reason }

// readRequest reads the statement, not the rows.
func readRequest(r *http.Request, body io.Reader) (*request, error) {
	req := &request{format: "TabSeparated", params: parameters{}, settings: map[string]string{}}
	args, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &badRequest{fmt.Sprintf("reading the arguments: %v", err)}
	}
	for name, values := range args {
		if err := req.argument(name, values[0]); err != nil {
			return nil, err
		}
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, errCompressed
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return nil, &badRequest{"the embedded engine takes no external tables"}
	}
	if match := insertWithRows.FindStringSubmatch(req.sql); match != nil {
		req.sql, req.rows = match[1], match[2]
		return req, nil
	}
	if err := req.readBody(body); err != nil {
		return nil, err
	}
	if strings.TrimSpace(req.sql) == "" {
		return nil, &badRequest{"there is no statement in the request"}
	}
	return req, nil
}

var errCompressed = &badRequest{"the embedded engine does not compress: open the connection without compression"}

var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (req *request) argument(name, value string) error {
	if param, found := strings.CutPrefix(name, "param_"); found {
		req.params[param] = value
		return nil
	}
	switch name {
	case "query":
		req.sql = value
	case "default_format":
		req.format = value
	case "database":
		req.database = value
	case "client_protocol_version":
		req.protocol = value
	case "compress", "decompress":
		if value != "0" {
			return errCompressed
		}
	case "query_id", "quota_key", "user", "password", "wait_end_of_query", "buffer_size":
	default:
		if !settingName.MatchString(name) {
			return &badRequest{fmt.Sprintf("%q is not the name of a setting", name)}
		}
		req.settings[name] = value
	}
	return nil
}

// readBody takes the body as the statement, or as its rest when the argument "query" began it.
func (req *request) readBody(body io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, maxStatement+1))
	if err != nil {
		return fmt.Errorf("reading the statement: %w", err)
	}
	if len(text) > maxStatement {
		return &badRequest{fmt.Sprintf("a statement has at most %d bytes", maxStatement)}
	}
	if req.sql == "" {
		req.sql = string(text)
	} else if len(text) > 0 {
		req.sql += "\n" + string(text)
	}
	return nil
}

// prepare makes conn as the request wants it: its settings, and tag to find the statement by; then its database.
func (req *request) prepare(conn *connection, tag string) error {
	req.settings["log_comment"] = tag
	if err := conn.exec(req.set(), "Null", nil, discard); err != nil {
		return err
	}
	if req.database == "" {
		return nil
	}
	return conn.exec("USE "+quote(req.database, '`'), "Null", nil, discard)
}

func (req *request) set() string {
	parts := make([]string, 0, len(req.settings))
	for _, name := range slices.Sorted(maps.Keys(req.settings)) {
		parts = append(parts, name+" = "+quote(req.settings[name], '\''))
	}
	return "SET " + strings.Join(parts, ", ")
}

func quote(text string, mark byte) string {
	m := string(mark)
	return m + strings.NewReplacer(`\`, `\\`, m, `\`+m).Replace(text) + m
}

var readsRows = regexp.MustCompile(`(?is)^(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(?:SELECT|WITH|FROM)\b`)

// streams says whether the answer may come block by block; the engine does so for queries only.
func (req *request) streams() bool { return readsRows.MatchString(req.sql) }
