package ingest

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// What unpacking may cost. A file that wants more is refused with the name of the limit.
const (
	maxDepth    = 4        // archives within archives
	maxMembers  = 100_000  // files in one import
	maxRatio    = 300      // unpacked to packed bytes, once maxFree is exceeded
	maxFree     = 64 << 20 // unpacked bytes that are not compared with the packed ones
	maxUnpacked = 1 << 40  // unpacked bytes of one import
)

// unpacker walks through a file, whatever it is packed in: gzip, Zstandard, zip and tar are told by their first bytes.
type unpacker struct {
	packed   func() int64 // packed bytes read so far
	each     func(name string, r io.Reader) error
	unpacked int64
	members  int
	temp     string // folder for zip files that come out of other archives
}

var errLimit = errors.New("refused")

// walk calls each for every text in r.
func (u *unpacker) walk(name string, r io.Reader, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: archives %d deep: %w", name, depth, errLimit)
	}
	b := bufio.NewReaderSize(r, 256<<10)
	head, err := b.Peek(262 + 6)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", name, err)
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		return u.walk(name, &meter{r: z, u: u, name: name}, depth+1)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(128<<20))
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		defer z.Close()
		return u.walk(name, &meter{r: z, u: u, name: name}, depth+1)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return u.zip(name, b, depth)
	case len(head) >= 262 && string(head[257:262]) == "ustar":
		return u.tar(name, b, depth)
	}
	if u.members++; u.members > maxMembers {
		return fmt.Errorf("%s: more than %d files in one import: %w", name, maxMembers, errLimit)
	}
	return u.each(name, b)
}

func (u *unpacker) tar(name string, r io.Reader, depth int) error {
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read %s: %w", name, err)
		case h.Typeflag != tar.TypeReg:
			continue
		}
		if err := u.walk(name+"/"+h.Name, t, depth+1); err != nil {
			return err
		}
	}
}

// zip needs to seek: the file is copied aside, because it may come out of another archive.
func (u *unpacker) zip(name string, r io.Reader, depth int) error {
	f, err := os.CreateTemp(u.temp, "flapwatch-zip-*")
	if err != nil {
		return fmt.Errorf("unpack %s: %w", name, err)
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}()
	n, err := io.Copy(f, r)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", name, err)
	}
	z, err := zip.NewReader(f, n)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
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
	r, err := member.Open()
	if err != nil {
		return fmt.Errorf("read %s/%s: %w", name, member.Name, err)
	}
	defer func() { _ = r.Close() }()
	return u.walk(name+"/"+member.Name, &meter{r: r, u: u, name: name}, depth+1)
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
		return n, fmt.Errorf("%s: more than %d bytes unpacked: %w", m.name, int64(maxUnpacked), errLimit)
	case m.u.unpacked > maxFree && m.u.unpacked > maxRatio*m.u.packed():
		return n, fmt.Errorf("%s: unpacks to more than %d times its size: %w", m.name, maxRatio, errLimit)
	}
	return n, err
}
