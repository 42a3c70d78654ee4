package engine

import (
	"debug/elf"
	"debug/macho"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Version is the release of libchdb that this program is made for.
const Version = "26.7.3-stable.1"

const (
	libraryName = "libchdb.so" // on macOS too
	recordName  = "libchdb.json"
	libraryEnv  = "FLAPWATCH_ENGINE_LIB"
	remedy      = `run "make engine" or "flapwatch engine fetch"`
)

// record is what Fetch noted of the library it put into the cache.
type record struct {
	Size int64  `json:"size"`
	XXH3 string `json:"xxh3"`
}

// Locate finds the library: the file that FLAPWATCH_ENGINE_LIB names, else the one that Fetch left in the user's cache
// folder. A missing or cut file is an error that says what to do.
func Locate() (string, error) {
	if path := os.Getenv(libraryEnv); path != "" {
		if err := whole(path); err != nil {
			return "", fmt.Errorf("the engine library that %s names cannot be used: %w: name another, or unset it and %s", libraryEnv, err, remedy)
		}
		return path, nil
	}
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, libraryName)
	switch err := sized(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("the engine library %s is missing: %s", path, remedy)
	case err != nil:
		return "", fmt.Errorf("the engine library %s is damaged (%w): %s", path, err, remedy)
	}
	return path, nil
}

// cacheDir is the folder of this version for this machine, and need not exist.
func cacheDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder to keep the engine library in (%w): set XDG_CACHE_HOME or HOME, or name a library with %s", err, libraryEnv)
	}
	return filepath.Join(cache, "flapwatch", "engine", Version, runtime.GOOS+"-"+runtime.GOARCH), nil
}

// sized compares the library in dir with its record.
func sized(dir string) error {
	noted, err := readRecord(dir)
	if err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(dir, libraryName))
	if err != nil {
		return err
	}
	if info.Size() != noted.Size {
		return fmt.Errorf("%d bytes instead of %d", info.Size(), noted.Size)
	}
	return nil
}

func readRecord(dir string) (record, error) {
	var noted record
	text, err := os.ReadFile(filepath.Join(dir, recordName))
	if err != nil {
		return noted, err
	}
	if err := json.Unmarshal(text, &noted); err != nil {
		return noted, fmt.Errorf("reading %s: %w", recordName, err)
	}
	return noted, nil
}

// whole checks that each segment that the loader would map lies within the file: a loader that meets a cut library may
// be killed instead of being told.
func whole(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	end, err := imageEnd(path)
	if err != nil {
		return fmt.Errorf("%s is not a whole shared library: %w", path, err)
	}
	if uint64(info.Size()) < end {
		return fmt.Errorf("%s is not a whole shared library: %d bytes instead of at least %d", path, info.Size(), end)
	}
	return nil
}

// imageEnd is where the last segment of a shared library ends in its file, in bytes.
func imageEnd(path string) (end uint64, err error) {
	if runtime.GOOS == "darwin" {
		file, err := macho.Open(path)
		if err != nil {
			return 0, err
		}
		defer file.Close()
		for _, load := range file.Loads {
			if segment, ok := load.(*macho.Segment); ok {
				end = max(end, segment.Offset+segment.Filesz)
			}
		}
		return end, nil
	}
	file, err := elf.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	for _, segment := range file.Progs {
		end = max(end, segment.Off+segment.Filesz)
	}
	return end, nil
}
