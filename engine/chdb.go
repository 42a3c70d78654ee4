package engine

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// library is libchdb, loaded into this process: the C functions of its header chdb.h under Go signatures. Handles are
// addresses that belong to the library; zero is "none". One process has one library and one data folder.
type library struct {
	args []string // command line of each connection, the data folder above all

	setSignalHandlers func(enabled int32)
	connect           func(argc int32, argv **byte) *uintptr
	closeConn         func(conn *uintptr)
	shutdown          func() int32

	query       statementFunc
	streamQuery statementFunc
	streamFetch func(conn, stream uintptr) uintptr
	streamStop  func(conn, stream uintptr)

	insert        statementFunc
	insertAppend  func(stream uintptr, data *byte, length uintptr) int32
	insertDone    func(stream uintptr) uintptr
	insertCancel  func(stream uintptr)
	insertError   func(stream uintptr) string
	insertDestroy func(stream uintptr)

	resultBuffer  func(result uintptr) *byte
	resultLength  func(result uintptr) uintptr
	resultError   func(result uintptr) string
	resultDestroy func(result uintptr)
}

// statementFunc begins a statement: its text, the format of its rows, and its parameters as four arrays of n.
type statementFunc func(conn uintptr, sql *byte, sqlLen uintptr, format *byte, formatLen uintptr,
	names **byte, nameLens *uintptr, values **byte, valueLens *uintptr, n uintptr) uintptr

// load opens the shared library at path. The library's own signal handlers are switched off first: Go needs SIGSEGV and
// its like for itself.
func load(path string, args ...string) (*library, error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("the engine library cannot be loaded (%w): %s", err, remedy)
	}
	lib := &library{args: args}
	for name, fn := range map[string]any{
		"chdb_set_signal_handlers_enabled": &lib.setSignalHandlers,
		"chdb_connect":                     &lib.connect,
		"chdb_close_conn":                  &lib.closeConn,
		"chdb_shutdown":                    &lib.shutdown,
		"chdb_query_with_params_n":         &lib.query,
		"chdb_stream_query_with_params_n":  &lib.streamQuery,
		"chdb_stream_fetch_result":         &lib.streamFetch,
		"chdb_stream_cancel_query":         &lib.streamStop,
		"chdb_stream_insert_with_params_n": &lib.insert,
		"chdb_stream_append":               &lib.insertAppend,
		"chdb_stream_done":                 &lib.insertDone,
		"chdb_stream_cancel_insert":        &lib.insertCancel,
		"chdb_stream_insert_error":         &lib.insertError,
		"chdb_destroy_insert_stream":       &lib.insertDestroy,
		"chdb_result_buffer":               &lib.resultBuffer,
		"chdb_result_length":               &lib.resultLength,
		"chdb_result_error":                &lib.resultError,
		"chdb_destroy_query_result":        &lib.resultDestroy,
	} {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("the engine library %s is not libchdb %s (%w): %s", path, Version, err, remedy)
		}
		purego.RegisterFunc(fn, symbol)
	}
	lib.setSignalHandlers(0)
	return lib, nil
}

// open makes one connection. The first one opens the data folder, the close of the last one closes it. The reason for a
// failure goes to the process's standard error, not here.
func (l *library) open() (*connection, error) {
	var pins runtime.Pinner
	defer pins.Unpin()
	argv := make([]*byte, 0, len(l.args)+1)
	for _, arg := range append([]string{"clickhouse"}, l.args...) {
		text := append([]byte(arg), 0)
		pins.Pin(&text[0])
		argv = append(argv, &text[0])
	}
	pins.Pin(&argv[0])
	handle := l.connect(int32(len(argv)), &argv[0])
	if handle == nil {
		return nil, errors.New("the engine refused its folder; what it logged before says why")
	}
	return &connection{lib: l, handle: handle}, nil
}

// connection runs one statement at a time and is used by one goroutine at a time.
type connection struct {
	lib    *library
	handle *uintptr
}

func (c *connection) close() { c.lib.closeConn(c.handle) }

// exception is the text of an error of the database, "Code: 60. DB::Exception: ...".
type exception string

func (e exception) Error() string { return string(e) }

// parameters are the values of {name:Type} in a statement, as TSV-escaped text.
type parameters map[string]string

// arrays lays the parameters out as C takes them: two arrays of addresses, two of lengths.
type arrays struct {
	names, values       []*byte
	nameLens, valueLens []uintptr
	pins                runtime.Pinner
}

func (p parameters) arrays() *arrays {
	a := &arrays{}
	for name, value := range p {
		a.names, a.nameLens = append(a.names, a.pin(name)), append(a.nameLens, uintptr(len(name)))
		a.values, a.valueLens = append(a.values, a.pin(value)), append(a.valueLens, uintptr(len(value)))
	}
	return a
}

// pin gives the address of text, kept in place until unpin. An empty text has an address too: the library refuses null.
func (a *arrays) pin(text string) *byte {
	if text == "" {
		text = "\x00"
	}
	start := unsafe.StringData(text)
	a.pins.Pin(start)
	return start
}

// start begins a statement and returns the handle of its result.
func (c *connection) start(run statementFunc, sql, format string, params parameters) uintptr {
	a := params.arrays()
	defer a.pins.Unpin()
	return run(*c.handle, a.pin(sql), uintptr(len(sql)), a.pin(format), uintptr(len(format)),
		unsafe.SliceData(a.names), unsafe.SliceData(a.nameLens), unsafe.SliceData(a.values), unsafe.SliceData(a.valueLens), uintptr(len(params)))
}

// exec runs a statement to its end and hands its whole result to write, whose bytes are only valid during the call.
func (c *connection) exec(sql, format string, params parameters, write func([]byte) error) error {
	result := c.start(c.lib.query, sql, format, params)
	defer c.lib.resultDestroy(result)
	chunk, err := c.lib.chunk(result)
	if err != nil || len(chunk) == 0 {
		return err
	}
	return write(chunk)
}

// stream runs a SELECT and hands each block to write as it comes. When write fails the query is stopped.
func (c *connection) stream(sql, format string, params parameters, write func([]byte) error) error {
	stream := c.start(c.lib.streamQuery, sql, format, params)
	defer c.lib.resultDestroy(stream)
	if text := c.lib.resultError(stream); text != "" {
		return newException(text)
	}
	for {
		more, err := c.fetch(stream, write)
		if err != nil {
			c.lib.streamStop(*c.handle, stream)
			return err
		}
		if !more {
			return nil
		}
	}
}

func (c *connection) fetch(stream uintptr, write func([]byte) error) (more bool, err error) {
	result := c.lib.streamFetch(*c.handle, stream)
	defer c.lib.resultDestroy(result)
	chunk, err := c.lib.chunk(result)
	if err != nil || len(chunk) == 0 {
		return false, err
	}
	return true, write(chunk)
}

// chunk is the content of a result, in the library's memory.
func (l *library) chunk(result uintptr) ([]byte, error) {
	if text := l.resultError(result); text != "" {
		return nil, newException(text)
	}
	return unsafe.Slice(l.resultBuffer(result), l.resultLength(result)), nil
}

// newException drops what the library writes before the database's own text.
func newException(text string) exception {
	return exception(strings.TrimPrefix(text, "Error: "))
}

// inserter is one INSERT whose data comes in pieces. It ends with commit or cancel, whichever comes first.
type inserter struct {
	lib    *library
	stream uintptr
}

func (c *connection) insert(sql, format string, params parameters) (*inserter, error) {
	in := &inserter{lib: c.lib, stream: c.start(c.lib.insert, sql, format, params)}
	if err := in.err(); err != nil {
		c.lib.insertDestroy(in.stream)
		return nil, err
	}
	return in, nil
}

func (in *inserter) err() error {
	if text := in.lib.insertError(in.stream); text != "" {
		return newException(text)
	}
	return nil
}

// Write hands data to the engine, which copies it; it waits while the engine is behind.
func (in *inserter) Write(data []byte) (int, error) {
	if in.lib.insertAppend(in.stream, unsafe.SliceData(data), uintptr(len(data))) == 0 {
		return len(data), nil
	}
	if err := in.err(); err != nil {
		return 0, err
	}
	return 0, errors.New("the engine takes no more rows")
}

// commit ends the data and waits until it is stored.
func (in *inserter) commit() error {
	defer in.lib.insertDestroy(in.stream)
	result := in.lib.insertDone(in.stream)
	defer in.lib.resultDestroy(result)
	_, err := in.lib.chunk(result)
	return err
}

// cancel drops the data that has not been stored yet.
func (in *inserter) cancel() {
	in.lib.insertCancel(in.stream)
	in.lib.insertDestroy(in.stream)
}
