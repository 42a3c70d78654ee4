package ingest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"flapwatch/parse"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

type file struct{ name, text string }

func gzipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	closing(t, z, text)
	return b.String()
}

func zstandard(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	closing(t, z, text)
	return b.String()
}

func closing(t testing.TB, w io.WriteCloser, text string) {
	t.Helper()
	_, err := io.WriteString(w, text)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
}

func zipped(t testing.TB, files ...file) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.Create(f.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func tarred(t testing.TB, files ...file) string {
	t.Helper()
	var b bytes.Buffer
	z := tar.NewWriter(&b)
	for _, f := range files {
		if err := z.WriteHeader(&tar.Header{Name: f.name, Mode: 0o600, Size: int64(len(f.text)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(z, f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// bzip2 of "a\nb\n": the standard library only reads it.
const bzip2AB = "BZh91AY&SY<\x85A\x12\x00\x00\x01A\x00\x00\x100\x00 \x000\xcc\x0cz\x82qw$S\x85\t\x03\xc8T\x11 "

// unpacked gives the texts in a file by name.
func unpacked(t testing.TB, packed string) (texts map[string]string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "packed")
	if err := os.WriteFile(path, []byte(packed), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	texts = map[string]string{}
	i := &Importer{Temp: filepath.Join(t.TempDir(), "temp")}
	err = i.unpack(t.Context(), f, int64(len(packed)), "x", new(atomic.Int64), func(_ context.Context, name string, r io.Reader) error {
		b, err := io.ReadAll(r)
		texts[name] = string(b)
		if err != nil {
			return reading(name, err)
		}
		return nil
	})
	if left, _ := filepath.Glob(filepath.Join(i.Temp, "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	return texts, err
}

func TestUnpack(t *testing.T) {
	const text = "a\nb\n"
	two := []file{{"n/1", "one"}, {"n/2", text}}
	for _, c := range []struct {
		name, packed string
		want         map[string]string
	}{
		{"plain", text, map[string]string{"x": text}},
		{"empty", "", map[string]string{"x": ""}},
		{"gzip", gzipped(t, text), map[string]string{"x": text}},
		{"gzip of nothing", gzipped(t, ""), map[string]string{"x": ""}},
		{"several gzip members", gzipped(t, "a\n") + gzipped(t, "b\n"), map[string]string{"x": text}},
		{"gzip twice", gzipped(t, gzipped(t, text)), map[string]string{"x": text}},
		{"bzip2", bzip2AB, map[string]string{"x": text}},
		{"zstd", zstandard(t, text), map[string]string{"x": text}},
		{"zip", zipped(t, two...), map[string]string{"x/n/1": "one", "x/n/2": text}},
		{"empty zip", zipped(t), map[string]string{}},
		{"tar", tarred(t, two...), map[string]string{"x/n/1": "one", "x/n/2": text}},
		{"tar.gz", gzipped(t, tarred(t, two...)), map[string]string{"x/n/1": "one", "x/n/2": text}},
		{"gz in zip in tar.zst", zstandard(t, tarred(t, file{"z", zipped(t, file{"g", gzipped(t, text)})})), map[string]string{"x/z/g": text}},
		{"text that begins like bzip2", "BZh is not a magic", map[string]string{"x": "BZh is not a magic"}},
	} {
		got, err := unpacked(t, c.packed)
		if err != nil || !maps.Equal(got, c.want) {
			t.Errorf("%s: %q and error %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestUnpackRefuses(t *testing.T) {
	zeros := strings.Repeat("\x00", 66<<20)
	deep := "a"
	for range maxDepth + 1 {
		deep = gzipped(t, deep)
	}
	for _, c := range []struct{ name, packed, says string }{
		{"gzip bomb", gzipped(t, zeros), "300 times"},
		{"zstd bomb", zstandard(t, zeros), "300 times"},
		{"zip bomb", zipped(t, file{"a", zeros[:33<<20]}, file{"b", zeros[:33<<20]}), "300 times"},
		{"bomb in a zip", zipped(t, file{"a", gzipped(t, zeros)}), "300 times"},
		{"depth", deep, "deep"},
		{"xz", "\xfd7zXZ\x00rest", "xz"},
		{"7-Zip in a tar", tarred(t, file{"a", "7z\xbc\xaf\x27\x1crest"}), "7-Zip"},
	} {
		if _, err := unpacked(t, c.packed); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %v with %q", c.name, err, ErrRefused, c.says)
		}
	}
}

// TestUnpackSparse: a sparse member of a tar file holds far more than it takes.
func TestUnpackSparse(t *testing.T) {
	// The map of GNU.sparse 1.0 is the first block of the data: here one piece without bytes, where the file ends.
	block := make([]byte, 512)
	copy(block, "1\n1099511627776\n0\n")
	if _, err := unpacked(t, sparse(t, block)); !errors.Is(err, ErrRefused) {
		t.Errorf("error %v, want %v", err, ErrRefused)
	}
}

// sparse makes a tar file whose only member is a hole of 1 TiB: an extended header, which archive/tar does not write, and a block
// that holds the map of the data.
func sparse(t testing.TB, block []byte) string {
	t.Helper()
	records := ""
	for _, r := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=holes", "GNU.sparse.realsize=1099511627776"} {
		n := len(r) + 2
		for len(fmt.Sprint(n))+len(r)+2 != n {
			n = len(fmt.Sprint(n)) + len(r) + 2
		}
		records += fmt.Sprintf("%d %s\n", n, r)
	}
	return tarBlock('x', len(records)) + records + strings.Repeat("\x00", 512-len(records)) + tarBlock('0', len(block)) + string(block) + strings.Repeat("\x00", 1024)
}

// tarBlock is a USTAR header (POSIX.1-2017, pax, "ustar Interchange Format").
func tarBlock(kind byte, size int) string {
	b := make([]byte, 512)
	copy(b, "holes")
	copy(b[100:], "0000600\x000000000\x000000000\x00")
	copy(b[124:], fmt.Sprintf("%011o\x00%011o\x00        ", size, 0))
	b[156] = kind
	copy(b[257:], "ustar\x0000")
	sum := 0
	for _, c := range b {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return string(b)
}

func TestUnpackDamaged(t *testing.T) {
	var lines strings.Builder
	noise := rand.New(rand.NewPCG(1, 1))
	for lines.Len() < 1<<20 {
		fmt.Fprintf(&lines, "line %x\n", noise.Uint64())
	}
	text := lines.String()
	z, tz := gzipped(t, text), gzipped(t, tarred(t, file{"a", text}))
	for _, c := range []struct{ name, packed string }{
		{"cut gzip", z[:len(z)/2]},
		{"checksum of gzip", z[:len(z)-8] + "\x00\x00\x00\x00" + z[len(z)-4:]},
		{"cut zstd", zstandard(t, text)[:len(z)/2]},
		{"cut tar", tarred(t, file{"a", text})[:1<<19]},
		{"checksum of tar.gz", tz[:len(tz)-8] + "\x00\x00\x00\x00" + tz[len(tz)-4:]},
		{"cut gz in a zip", zipped(t, file{"a", z[:len(z)/2]})},
	} {
		got, err := unpacked(t, c.packed)
		if !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: error %v, want %v", c.name, err, ErrUnreadable)
		}
		first := ""
		for _, name := range slices.Sorted(maps.Keys(got)) {
			first = got[name]
		}
		if !strings.HasPrefix(text, first) || len(first) < len(text)/4 {
			t.Errorf("%s: %d bytes were read of %d", c.name, len(first), len(text))
		}
	}
	if _, err := unpacked(t, zipped(t, file{"a", text})[:1000]); !errors.Is(err, ErrUnreadable) {
		t.Errorf("cut zip: error %v, want %v", err, ErrUnreadable)
	}
}

// FuzzUnpack reads whatever it gets as an import would: it may be refused or damaged, but it ends, and gives no record longer than
// allowed and no more bytes than the limits let pass.
func FuzzUnpack(f *testing.F) {
	line := "<187>1: h: Jul 02 2015 06:22:31.123 UTC :  %UC_CALLMANAGER-3-EndPointUnregistered: %[DeviceName=SEP1]: x\n"
	f.Add([]byte(line))
	f.Add([]byte(gzipped(f, line)))
	f.Add([]byte(zstandard(f, line)))
	f.Add([]byte(zipped(f, file{"a", line}, file{"b", gzipped(f, line)})))
	f.Add([]byte(gzipped(f, tarred(f, file{"a", line}, file{"b", line}))))
	f.Add([]byte(bzip2AB))
	f.Add([]byte(sparse(f, append([]byte("1\n1099511627776\n0\n"), make([]byte, 494)...))))
	path := filepath.Join(f.TempDir(), "packed")
	f.Fuzz(func(t *testing.T, packed []byte) {
		if err := os.WriteFile(path, packed, 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = in.Close() }()
		read, bytes := new(atomic.Int64), int64(0)
		i := &Importer{Temp: filepath.Dir(path)}
		_ = i.unpack(t.Context(), in, int64(len(packed)), "x", read, func(_ context.Context, _ string, r io.Reader) error {
			records := parse.NewRecords(r, MaxFrame)
			for records.Next() {
				if len(records.Text()) > MaxFrame {
					t.Errorf("a record of %d bytes", len(records.Text()))
				}
				bytes += int64(len(records.Text()))
			}
			return records.Err()
		})
		if most := max(maxFree, maxRatio*int64(len(packed))) + 1<<20; bytes > most {
			t.Errorf("%d bytes came out of %d", bytes, len(packed))
		}
	})
}
