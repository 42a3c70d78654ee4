package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/zeebo/xxh3"
)

// packages are the npm packages that carry the library, by GOOS/GOARCH.
var packages = map[string]string{
	"linux/amd64":  "@chdb/lib-linux-x64-gnu",
	"linux/arm64":  "@chdb/lib-linux-arm64-gnu",
	"darwin/amd64": "@chdb/lib-darwin-x64",
	"darwin/arm64": "@chdb/lib-darwin-arm64",
}

// Fetch puts the library into the user's cache folder with the npm client, which checks its integrity, and returns its
// path. A sound library that is there already is left alone, without a network. Several processes may fetch at once:
// one does, the others wait. What happens is told on out, a line each.
func Fetch(ctx context.Context, out io.Writer) (string, error) {
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, libraryName)
	if sound(dir) == nil {
		fmt.Fprintf(out, "engine library %s is there: %s\n", Version, path)
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("making the cache folder: %w", err)
	}
	held, err := waitLock(ctx, dir+".lock")
	if err != nil {
		return "", fmt.Errorf("waiting for another fetch of the engine library: %w", err)
	}
	defer held.Close()
	if sound(dir) != nil { // nobody else has fetched it meanwhile
		err = install(ctx, dir, out)
	}
	if err != nil {
		return "", err
	}
	fmt.Fprintf(out, "engine library %s is ready: %s\n", Version, path)
	return path, nil
}

// sound compares the content of the library in dir with its record.
func sound(dir string) error {
	if err := sized(dir); err != nil {
		return err
	}
	noted, err := readRecord(dir)
	if err != nil {
		return err
	}
	is, err := measure(filepath.Join(dir, libraryName))
	if err == nil && is != noted {
		err = errors.New("its content has changed")
	}
	return err
}

func measure(path string) (record, error) {
	file, err := os.Open(path)
	if err != nil {
		return record{}, err
	}
	defer file.Close()
	sum := xxh3.New()
	size, err := io.Copy(sum, file)
	return record{Size: size, XXH3: fmt.Sprintf("%016x", sum.Sum64())}, err
}

// install fetches into a folder beside dir and then puts it in the place of dir.
func install(ctx context.Context, dir string, out io.Writer) error {
	name, known := packages[runtime.GOOS+"/"+runtime.GOARCH]
	if !known {
		return fmt.Errorf("there is no engine library for %s/%s: use a ClickHouse server instead", runtime.GOOS, runtime.GOARCH)
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), "fetch-")
	if err != nil {
		return fmt.Errorf("making a folder to fetch into: %w", err)
	}
	defer os.RemoveAll(temp)
	fmt.Fprintf(out, "fetching %s@%s with npm (about 180 MB)\n", name, Version)
	if err := npmInstall(ctx, temp, name+"@"+Version); err != nil {
		return err
	}
	fresh := filepath.Join(temp, "node_modules", filepath.FromSlash(name))
	if err := writeRecord(fresh); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing the damaged library: %w", err)
	}
	if err := os.Rename(fresh, dir); err != nil {
		return fmt.Errorf("putting the library into its place: %w", err)
	}
	return nil
}

func writeRecord(dir string) error {
	path := filepath.Join(dir, libraryName)
	if err := whole(path); err != nil {
		return fmt.Errorf("npm brought an unusable library: %w", err)
	}
	noted, err := measure(path)
	if err != nil {
		return fmt.Errorf("reading the fetched library: %w", err)
	}
	text, err := json.Marshal(noted)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, recordName), append(text, '\n'), 0o644)
}

// npmInstall runs the npm client as the user has set it up. It runs no script of the package.
func npmInstall(ctx context.Context, prefix, spec string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("fetching the engine library needs npm, which is not on the PATH: install Node.js, or name a library with %s", libraryEnv)
	}
	cmd := exec.CommandContext(ctx, npm, "install", "--prefix", prefix, "--no-save", "--no-package-lock",
		"--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--loglevel=error", "--fetch-retry-mintimeout=1000", spec)
	cmd.Dir = prefix
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("npm could not fetch %s (%w: %s): see that the network is there, then %s", spec, err, npmReason(said.String()), remedy)
	}
	return nil
}

// npmReason is the first line in which npm says what went wrong; the others are codes, addresses and log files.
func npmReason(said string) string {
	reason := "it gave no reason"
	for line := range strings.Lines(said) {
		text, isError := strings.CutPrefix(strings.TrimSpace(line), "npm error ")
		if isError && !strings.HasPrefix(text, "code ") && !strings.HasPrefix(text, "syscall ") && !strings.HasPrefix(text, "errno ") {
			return text
		}
	}
	return reason
}
