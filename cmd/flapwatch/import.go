package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"flapwatch/api"
	"flapwatch/ingest"

	"github.com/alecthomas/kong"
	"github.com/schollz/progressbar/v3"
)

// Import implements api.Importer.
func (s *service) Import(ctx context.Context, file io.Reader, name string, wait bool) (api.Import, error) {
	in, err := s.importer.Reader(ctx, file, name, api.MaxImport)
	done := api.Import{Accepted: in.Accepted()}
	if wait && ctx.Err() == nil {
		counts, waited := in.Wait(ctx)
		if err = errors.Join(err, waited); waited == nil {
			done = importView(in.Accepted(), counts)
		}
	}
	switch {
	case errors.Is(err, ingest.ErrTooLarge):
		err = importError{err, api.ErrTooLarge}
	case errors.Is(err, ingest.ErrUnreadable), errors.Is(err, ingest.ErrRefused):
		err = importError{err, api.ErrBadImport}
	}
	return done, err
}

// importError is an error of an import, and what it is to the API.
type importError struct {
	error
	kind error
}

func (e importError) Is(target error) bool { return target == e.kind }

// importCmd reads log files.
type importCmd struct {
	Paths []string `arg:"" help:"Log files, packed or not (gz, bz2, zst, zip, tar), folders of such, or - for standard input." name:"path"`
	remote
	Zone    []senderZone `help:"With --offline: time zone of times that name none. A service has its own (serve --zone)." placeholder:"Europe/Berlin"`
	Offline bool         `help:"Without a service: analyse the files on a ClickHouse of their own, print what was found, and forget it all."`
	JSON    bool         `help:"Print JSON." name:"json"`
}

// Help shows how it is called.
func (importCmd) Help() string {
	return `Reads CiscoSyslog, AlternateSyslog and messages files, exports of the Event Viewer and of RTMT, and what a relay stored. A record
that is stored already, from the network or from a file read before, counts as duplicate.

Examples:
  flapwatch import AlternateSyslog*
  flapwatch import --offline ucm-logs.zip        needs no service
  ssh relay cat /var/log/cucm.log.gz | flapwatch import -`
}

// imported is a file and what became of it.
type imported struct {
	File string `json:"file"`
	api.Import
	Error string `json:"error,omitempty"`
}

// Run imports.
func (c *importCmd) Run(ctx context.Context, con *console, command *kong.Context) error {
	if c.Offline {
		return c.offline(ctx, con)
	}
	for _, p := range command.Path {
		if p.Flag != nil && p.Flag.Name == "zone" && !p.Resolved { // in the environment and the file it may stand for serve
			return usageError{errors.New("--zone is for --offline: what a service takes in is read as serve --zone says")}
		}
	}
	files, errs := logFiles(c.Paths)
	var list []imported
	for _, err := range errs {
		list = append(list, imported{Error: err.Error()})
	}
	bar := byteBar(con.err, totalSize(files))
	for _, f := range files {
		bar.Describe(plain(f.name))
		done, err := c.send(ctx, con, f, bar)
		list = append(list, imported{f.name, done, text(err)})
		if errors.As(err, new(absentError)) || ctx.Err() != nil {
			break
		}
	}
	_ = bar.Finish()
	if err := c.print(con, list); err != nil {
		return err
	}
	return failures(failed(list))
}

// print prints a line for each file.
func (c *importCmd) print(con *console, list []imported) error {
	if c.JSON {
		return printJSON(con.out, struct {
			Files []imported `json:"files"`
		}{list})
	}
	printFailed(con.err, list)
	return printImported(con.out, list)
}

// absentError says that no service answers: the other files need not be tried.
type absentError struct{ error }

// send streams a file to the service.
func (c *importCmd) send(ctx context.Context, con *console, f logFile, bar *progressbar.ProgressBar) (done api.Import, err error) {
	in, size := con.in, int64(-1)
	if f.path != "-" {
		file, err := os.Open(f.path)
		if err != nil {
			return done, unreadable(f.path, err)
		}
		defer func() { _ = file.Close() }()
		in, size = io.LimitReader(file, f.size), f.size
	}
	return c.upload(ctx, f.name, io.TeeReader(in, bar), size)
}

// upload imports a file of size bytes, -1 where that is not known, and waits until it is stored.
func (r *remote) upload(ctx context.Context, name string, file io.Reader, size int64) (done api.Import, err error) {
	q := url.Values{"name": {api.Name(name)}, "wait": {"true"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, string(r.URL)+"/api/v1/import?"+q.Encode(), io.NopCloser(file))
	if err != nil {
		return done, fmt.Errorf("ask %s: %w", r.URL, err)
	}
	if request.ContentLength = size; size == 0 {
		request.Body = http.NoBody
	}
	request.Header.Set("Content-Type", "application/octet-stream")
	r.authorize(request)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return done, r.unanswered(ctx, name, err)
	}
	defer func() { _ = response.Body.Close() }()
	return r.readImport(name, response)
}

// unanswered says why there is no answer.
func (r *remote) unanswered(ctx context.Context, name string, err error) error {
	const again = "import it again: what is stored counts as duplicate then"
	var op *net.OpError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: ended before it was stored; %s", plain(name), again)
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return absentError{r.unreached(ctx, err)}
	case errors.As(err, &op) && op.Op == "dial":
		return absentError{fmt.Errorf("%w --offline needs no service", r.unreached(ctx, err))}
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("%s: the service went away before it answered (%w); %s", plain(name), err, again)
}

// readImport reads the service's answer.
func (r *remote) readImport(name string, response *http.Response) (done api.Import, err error) {
	body := json.NewDecoder(io.LimitReader(response.Body, 1<<20))
	if response.StatusCode == http.StatusOK {
		if err := body.Decode(&done); err != nil {
			return done, fmt.Errorf("%s: read the answer: %w", plain(name), err)
		}
		return done, nil
	}
	var p api.ImportProblem
	if body.Decode(&p) != nil || p.Detail == "" {
		return done, fmt.Errorf("%s: %w", plain(name), r.strange(response))
	}
	return p.Import, errors.New(refusal(p.ErrorModel).Error())
}

// text is an error's text, empty without an error.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// failed counts the files with an error.
func failed(list []imported) (n int) {
	for _, f := range list {
		if f.Error != "" {
			n++
		}
	}
	return n
}

// failures is the error of a command of which n files failed. Their own errors were printed.
func failures(n int) error {
	switch n {
	case 0:
		return nil
	case 1:
		return errors.New("1 file was not imported whole")
	}
	return fmt.Errorf("%d files were not imported whole", n)
}

func printFailed(w io.Writer, list []imported) {
	for _, f := range list {
		if f.Error != "" {
			fmt.Fprintln(w, "flapwatch:", plain(f.Error))
		}
	}
}

// printImported prints a line for each file of which something was accepted, or that was read without an error.
func printImported(w io.Writer, list []imported) error {
	t := newTable(w, "FILE", "ACCEPTED", "STORED", "DUPLICATE", "UNPARSED", "OTHER")
	rows := 0
	for _, f := range list {
		if f.Error != "" && f.Accepted == 0 {
			continue
		}
		t.row(f.File, f.Accepted, known(f.Stored), known(f.Duplicate), known(f.Unparsed), known(f.Other))
		rows++
	}
	if rows == 0 {
		return nil
	}
	return t.Flush()
}

// known prints a number that may not be known.
func known(n *uint64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatUint(*n, 10)
}
