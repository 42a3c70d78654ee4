package ingest

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// What unpacking may cost. A file that wants more is refused with the name of the limit.
const (
	maxDepth     = 4        // archives within archives
	maxMembers   = 100_000  // files in one import
	maxRatio     = 300      // unpacked to packed bytes, once maxFree is exceeded
	maxFree      = 64 << 20 // unpacked bytes that are not compared with the packed ones
	maxUnpacked  = 1 << 40  // unpacked bytes of one import
	maxDirectory = 64 << 20 // bytes of a zip file's directory, which is held in memory
	maxWindow    = 64 << 20 // bytes that a zstd decoder may hold
)

// ErrRefused says that a file wants more than unpacking may cost, or is packed in a way that is not read.
var ErrRefused = errors.New("refused")

// unpacker walks through a file, whatever it is packed in: gzip, bzip2, Zstandard, zip and tar are told by their first bytes.
type unpacker struct {
	file     *os.File // the outermost file,
	size     int64    // and its length
	packed   func() int64
	each     func(name string, r io.Reader) error
	temp     string // folder for zip files that come out of other archives
	unpacked int64
	members  int
}

// magics are the beginnings of packed files.
var magics = []struct {
	at          int
	bytes, kind string
}{
	{0, "\x1f\x8b", "gzip"},
	{4, "1AY&SY", "bzip2"},
	{0, "\x28\xb5\x2f\xfd", "zstd"},
	{0, "PK\x03\x04", "zip"},
	{0, "PK\x05\x06", "zip"}, // with nothing in it
	{257, "ustar", "tar"},
	{0, "\xfd7zXZ\x00", "xz"},
	{0, "7z\xbc\xaf\x27\x1c", "7-Zip"},
	{0, "Rar!\x1a\x07", "RAR"},
	{0, "\x1f\x9d", "compress (.Z)"},
}

// packing tells how a file is packed by its head; "" is not at all.
func packing(head []byte) string {
	for _, m := range magics {
		if len(head) >= m.at && bytes.HasPrefix(head[m.at:], []byte(m.bytes)) {
			return m.kind
		}
	}
	return ""
}

// walk calls each for every text in r.
func (u *unpacker) walk(name string, r io.Reader, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: archives in archives, more than %d deep: %w", plainName(name), maxDepth, ErrRefused)
	}
	b := bufio.NewReaderSize(r, 256<<10)
	head, err := b.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return reading(name, err)
	}
	switch kind := packing(head); kind {
	case "":
		return u.text(name, b)
	case "gzip":
		return u.gzip(name, b, depth)
	case "bzip2":
		return u.walk(name, &meter{bzip2.NewReader(b), u, name}, depth+1)
	case "zstd":
		return u.zstd(name, b, depth)
	case "zip":
		return u.zip(name, b, depth)
	case "tar":
		return u.tar(name, b, depth)
	default:
		return fmt.Errorf("%s is packed with %s, which is not read here; unpack it first: %w", plainName(name), kind, ErrRefused)
	}
}

func (u *unpacker) text(name string, r io.Reader) error {
	if u.members++; u.members > maxMembers {
		return fmt.Errorf("%s: more than %d files in one import: %w", plainName(name), maxMembers, ErrRefused)
	}
	return u.each(name, r)
}

// ErrUnreadable says that a file is damaged, or that what it came from broke off.
var ErrUnreadable = errors.New("unreadable")

// unreadable says where reading ended. It is an ErrUnreadable.
type unreadable struct {
	name string
	err  error
}

func reading(name string, err error) error { return unreadable{plainName(name), err} }

func (e unreadable) Error() string {
	says := "read " + e.name + ": " + e.err.Error()
	if errors.Is(e.err, ErrRefused) || errors.Is(e.err, context.Canceled) {
		return says
	}
	return says + "; is it whole? Fetch it again: what was taken of it counts as duplicate then"
}

func (e unreadable) Unwrap() error        { return e.err }
func (e unreadable) Is(target error) bool { return target == ErrUnreadable }

func (u *unpacker) gzip(name string, r io.Reader, depth int) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return reading(name, err)
	}
	return u.walk(name, &meter{z, u, name}, depth+1)
}

func (u *unpacker) zstd(name string, r io.Reader, depth int) error {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return reading(name, err)
	}
	defer z.Close()
	return u.walk(name, &meter{z, u, name}, depth+1)
}

func (u *unpacker) tar(name string, r io.Reader, depth int) error {
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			if _, err := io.Copy(io.Discard, r); err != nil { // what it is packed in has its checksum at the end
				return reading(name, err)
			}
			return nil
		case err != nil:
			return reading(name, err)
		case h.Typeflag != tar.TypeReg:
			continue
		}
		if err := u.walk(name+"/"+h.Name, &meter{t, u, name}, depth+1); err != nil { // metered: a sparse member holds more than it takes
			return err
		}
	}
}

// zip needs to seek, so one that comes out of another archive is copied aside.
func (u *unpacker) zip(name string, r io.Reader, depth int) error {
	if depth == 0 {
		_, err := io.Copy(io.Discard, r) // packed bytes are counted as they are read
		return errors.Join(err, u.seekable(name, u.file, u.size, depth))
	}
	if err := os.MkdirAll(u.temp, 0o750); err != nil {
		return fmt.Errorf("unpack %s: %w", plainName(name), err)
	}
	f, err := os.CreateTemp(u.temp, "zip-*")
	if err != nil {
		return fmt.Errorf("unpack %s: %w", plainName(name), err)
	}
	defer func() { _ = errors.Join(f.Close(), os.Remove(f.Name())) }()
	n, err := io.Copy(f, r)
	if err != nil {
		return reading(name, err)
	}
	return u.seekable(name, f, n, depth)
}

func (u *unpacker) seekable(name string, f io.ReaderAt, size int64, depth int) error {
	directory := &bounded{f, maxDirectory}
	z, err := zip.NewReader(directory, size)
	if errors.Is(err, zip.ErrFormat) {
		err = fmt.Errorf("%w (its directory is not at the end)", err)
	}
	if err != nil {
		return reading(name, err)
	}
	directory.left = 1 << 62
	for _, member := range z.File {
		if member.FileInfo().IsDir() {
			continue
		}
		if err := u.zipped(name, member, depth); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacker) zipped(name string, member *zip.File, depth int) error {
	within := name + "/" + member.Name
	r, err := member.Open()
	if err != nil {
		return reading(within, err)
	}
	defer func() { _ = r.Close() }()
	return u.walk(within, &meter{r, u, name}, depth+1)
}

// bounded is a file of which so many bytes may be read.
type bounded struct {
	io.ReaderAt
	left int64
}

func (b *bounded) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, fmt.Errorf("the directory of the zip file is longer than %d bytes: %w", int64(maxDirectory), ErrRefused)
	}
	return b.ReaderAt.ReadAt(p, off)
}

// meter counts what comes out of an archive and stops a bomb.
type meter struct {
	r    io.Reader
	u    *unpacker
	name string
}

func (m *meter) Read(b []byte) (int, error) {
	n, err := m.r.Read(b)
	m.u.unpacked += int64(n)
	switch {
	case m.u.unpacked > maxUnpacked:
		return n, fmt.Errorf("%s: more than %d bytes unpacked: %w", plainName(m.name), int64(maxUnpacked), ErrRefused)
	case m.u.unpacked > maxFree && m.u.unpacked > maxRatio*m.u.packed():
		return n, fmt.Errorf("%s: unpacks to more than %d times its size: %w", plainName(m.name), maxRatio, ErrRefused)
	}
	return n, err
}
