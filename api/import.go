package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

const (
	// MaxImport is the most bytes that one import may send, packed as they are.
	MaxImport = 10 << 30
	// patience is how long an upload may pause.
	patience = time.Minute
)

// What may be wrong with an import.
var (
	ErrTooLarge  = errors.New("too large")  // more than MaxImport
	ErrBadImport = errors.New("bad import") // the text around it is for the one who sent it
)

// Importer takes log files in.
type Importer interface {
	// Import keeps the records of a file, of whatever packing, and returns when they are durable, or with wait when they are
	// stored. What it returns beside an error was accepted all the same. The error may wrap ErrTooLarge or ErrBadImport.
	Import(ctx context.Context, file io.Reader, name string, wait bool) (Import, error)
}

// Import is what became of a file.
type Import struct {
	Accepted  uint64  `json:"accepted" doc:"Records that are safe on disk."`
	Stored    *uint64 `json:"stored,omitempty" doc:"With wait: records that are new in the store."`
	Duplicate *uint64 `json:"duplicate,omitempty" doc:"With wait: records that were there before."`
	Unparsed  *uint64 `json:"unparsed,omitempty" doc:"With wait: records not understood, kept with the reason."`
	Other     *uint64 `json:"other,omitempty" doc:"With wait: records understood that are no CUCM alarms."`
	Dropped   *uint64 `json:"dropped,omitempty" doc:"With wait: records lost to a damaged disk after they were accepted; absent if there are none."`
}

// ImportProblem is an error document (RFC 9457) that says what was accepted nevertheless.
type ImportProblem struct {
	huma.ErrorModel
	Import
}

// upload is a file in the body of a request. It is read as it comes and never held in memory.
type upload struct {
	request
	Name string `query:"name" maxLength:"1024" default:"import" doc:"File name, kept as the source of the events."`
	Wait bool   `query:"wait" doc:"Answer when everything is stored, with what became of it."`

	context huma.Context
	broken  error // why it broke off
}

// Resolve keeps the request, whose body huma does not read because the input has no field for it.
func (u *upload) Resolve(ctx huma.Context) []error {
	u.context = ctx
	return append(u.read(ctx), clean("name", u.Name)...)
}

// Read implements io.Reader: an upload may take as long as it moves.
func (u *upload) Read(b []byte) (int, error) {
	if err := u.context.SetReadDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := u.context.BodyReader().Read(b)
	if err != nil && err != io.EOF {
		u.broken = err
	}
	return n, err
}

func (s *server) importFile(ctx context.Context, in *upload) (*answer[Import], error) {
	done, err := s.Importer.Import(ctx, in, in.Name, in.Wait)
	status := http.StatusInternalServerError
	switch {
	case err == nil:
		return &answer[Import]{Body: done}, nil
	case errors.Is(err, ErrTooLarge):
		status = http.StatusRequestEntityTooLarge
	case in.broken != nil:
		status = http.StatusBadRequest
	case errors.Is(err, ErrBadImport):
		status = http.StatusUnprocessableEntity
	case ctx.Err() != nil:
		status = http.StatusServiceUnavailable
	}
	s.Log.Warn("import", "name", in.Name, "accepted", done.Accepted, "error", err)
	detail := err.Error()
	if status == http.StatusInternalServerError {
		detail = "the import went wrong; the log of the service has the cause"
	}
	return nil, &ImportProblem{huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: detail}, done}
}

// aboutImport describes the body, which huma does not see.
func aboutImport(o *huma.Operation) {
	about("Import a log file", "Keeps the records of a log file: a text, or several in any of gzip, bzip2, zstd, zip and tar. "+
		"The answer comes when they are safe on disk, with wait when they are stored. A record that is stored already counts as duplicate. "+
		"Where an error ends it, accepted says how many records were taken all the same.")(o)
	anything := &huma.MediaType{Schema: &huma.Schema{Type: "string", Format: "binary"}}
	o.RequestBody = &huma.RequestBody{
		Required: true, Description: "The file, at most 10 GiB.",
		Content: map[string]*huma.MediaType{"text/plain": anything, "application/octet-stream": anything},
	}
	o.Errors = []int{http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
}
