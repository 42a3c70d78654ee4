package engine_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"flapwatch/engine"
	"flapwatch/internal/clickhousetest"
)

// systemLibrary is a shared library that is not libchdb: this program itself.
func systemLibrary(t testing.TB) string { return clickhousetest.Command(t)[0] }

// cutLibrary is a shared library that ends too early.
func cutLibrary(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "libchdb.so")
	copyFile(t, systemLibrary(t), path)
	if err := os.Truncate(path, 100_000); err != nil {
		t.Fatal(err)
	}
	return path
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o755); err != nil {
		t.Fatal(err)
	}
}

// emptyCache makes an empty user cache folder and returns where the library belongs in it.
func emptyCache(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, ".cache"))
	t.Setenv("FLAPWATCH_ENGINE_LIB", "")
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(cache, "flapwatch", "engine", engine.Version, runtime.GOOS+"-"+runtime.GOARCH, "libchdb.so")
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Error("no error")
		return
	}
	for _, part := range append(parts, "flapwatch engine fetch") {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %v", err)
	}
}

func TestLocateNamedLibrary(t *testing.T) {
	emptyCache(t)
	t.Setenv("FLAPWATCH_ENGINE_LIB", systemLibrary(t))
	if path, err := engine.Locate(); err != nil || path != systemLibrary(t) {
		t.Errorf("%s, %v", path, err)
	}
	for _, c := range []struct{ path, says string }{
		{"/nonexistent/libchdb.so", "no such file"},
		{cutLibrary(t), "not a whole shared library"},
		{"library_test.go", "not a whole shared library"},
	} {
		t.Setenv("FLAPWATCH_ENGINE_LIB", c.path)
		_, err := engine.Locate()
		wantError(t, err, "FLAPWATCH_ENGINE_LIB", c.path, c.says)
	}
}

func TestLocateMissing(t *testing.T) {
	path := emptyCache(t)
	_, err := engine.Locate()
	wantError(t, err, path+" is missing")
}

// fakeNPM puts an npm on the PATH that needs no network: its packages hold this program instead of libchdb. It returns
// the file with one line for each call.
func fakeNPM(t *testing.T) (calls string) {
	t.Helper()
	bin := t.TempDir()
	calls = filepath.Join(bin, "calls")
	script := `#!/bin/sh
echo called >> ` + calls + `
while [ $# -gt 1 ]; do [ "$1" = --prefix ] && prefix=$2; shift; done
dir=$prefix/node_modules/${1%@*}
mkdir -p "$dir" && cp ` + systemLibrary(t) + ` "$dir/libchdb.so"
`
	if err := os.WriteFile(filepath.Join(bin, "npm"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	return calls
}

func callsOf(t *testing.T, calls string) int {
	t.Helper()
	text, err := os.ReadFile(calls)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Count(string(text), "called")
}

func TestFetchOnceForAll(t *testing.T) {
	want := emptyCache(t)
	calls := fakeNPM(t)
	var fetching sync.WaitGroup
	for range 5 {
		fetching.Go(func() {
			if path, err := engine.Fetch(t.Context(), io.Discard); err != nil || path != want {
				t.Errorf("%s, %v", path, err)
			}
		})
	}
	fetching.Wait()
	if n := callsOf(t, calls); n != 1 {
		t.Errorf("npm was called %d times", n)
	}
	if path, err := engine.Locate(); err != nil || path != want {
		t.Errorf("%s, %v", path, err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(want)), "fetch-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestFetchMendsWhatIsDamaged(t *testing.T) {
	path := emptyCache(t)
	calls := fakeNPM(t)
	if _, err := engine.Fetch(t.Context(), io.Discard); err != nil {
		t.Fatal(err)
	}
	flip := func() error {
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = file.WriteAt([]byte("flip"), 5000)
		return err
	}
	for i, c := range []struct {
		name    string
		damage  func() error
		locates bool // the damage is too small to be seen without reading it all
	}{
		{"cut", func() error { return os.Truncate(path, 1000) }, false},
		{"empty", func() error { return os.Truncate(path, 0) }, false},
		{"removed", func() error { return os.Remove(path) }, false},
		{"without record", func() error { return os.Remove(filepath.Join(filepath.Dir(path), "libchdb.json")) }, false},
		{"flipped bits", flip, true},
	} {
		if err := c.damage(); err != nil {
			t.Fatal(err)
		}
		_, err := engine.Locate()
		if c.locates == (err != nil) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil {
			wantError(t, err, path)
		}
		if _, err := engine.Fetch(t.Context(), io.Discard); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, err := engine.Locate(); err != nil {
			t.Errorf("%s is not mended: %v", c.name, err)
		}
		if n := callsOf(t, calls); n != i+2 {
			t.Errorf("%s: npm was called %d times", c.name, n)
		}
	}
}

func TestFetchNeedsNoNetworkTwice(t *testing.T) {
	emptyCache(t)
	fakeNPM(t)
	var out strings.Builder
	first, err := engine.Fetch(t.Context(), &out)
	if err != nil || strings.Count(out.String(), "\n") != 2 {
		t.Fatalf("%v: %s", err, out.String())
	}
	t.Setenv("PATH", "")
	second, err := engine.Fetch(t.Context(), io.Discard)
	if err != nil || first != second {
		t.Errorf("%s, %s: %v", first, second, err)
	}
}

func TestFetchWithoutNPM(t *testing.T) {
	emptyCache(t)
	t.Setenv("PATH", "")
	_, err := engine.Fetch(t.Context(), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "needs npm") || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
}

func TestFetchOffline(t *testing.T) {
	emptyCache(t)
	t.Setenv("npm_config_cache", t.TempDir())
	t.Setenv("npm_config_offline", "true")
	_, err := engine.Fetch(t.Context(), io.Discard)
	if err != nil && strings.Contains(err.Error(), "needs npm") {
		t.Skip(err)
	}
	wantError(t, err, "npm could not fetch")
}

func TestFetchGivesUpWithItsContext(t *testing.T) {
	emptyCache(t)
	fakeNPM(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := engine.Fetch(ctx, io.Discard); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
