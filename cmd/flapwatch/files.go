package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// logFile is a file to be imported. Standard input has the path "-" and no size.
type logFile struct {
	path, name string
	size       int64
}

// logFiles lists files: those given, in that order, and those in given folders, sorted. What cannot be read is an error of its own,
// and the others are listed all the same.
func logFiles(paths []string) (files []logFile, errs []error) {
	for _, path := range paths {
		if path == "-" {
			files = append(files, logFile{path: path, name: "stdin"})
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			errs = append(errs, unreadable(path, err))
		case info.IsDir():
			found, failed := filesIn(path)
			files, errs = append(files, found...), append(errs, failed...)
		case !info.Mode().IsRegular() && info.Mode()&os.ModeNamedPipe == 0:
			errs = append(errs, fmt.Errorf("%s is neither a file nor a folder", plain(path)))
		default:
			files = append(files, logFile{path, filepath.Base(path), info.Size()})
		}
	}
	return files, errs
}

// filesIn walks through a folder. Links are not followed.
func filesIn(folder string) (files []logFile, errs []error) {
	root := filepath.Base(filepath.Clean(folder))
	_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			errs = append(errs, unreadable(path, err))
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			errs = append(errs, unreadable(path, err))
			return nil
		}
		within, err := filepath.Rel(folder, path)
		if err != nil {
			within = entry.Name()
		}
		files = append(files, logFile{path, filepath.Join(root, within), info.Size()})
		return nil
	})
	return files, errs
}

// unreadable says which file cannot be read, and why, on one line.
func unreadable(path string, err error) error {
	return fmt.Errorf("%s cannot be read: %w", plain(path), rootCause(err))
}

// totalSize adds up the sizes, -1 if one is not known.
func totalSize(files []logFile) (total int64) {
	for _, f := range files {
		if f.path == "-" {
			return -1
		}
		total += f.size
	}
	return total
}

// byteBar shows how many of total bytes are done, on a terminal; nothing elsewhere.
func byteBar(w io.Writer, total int64) *progressbar.ProgressBar {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return progressbar.NewOptions64(total, progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true),
			progressbar.OptionThrottle(100e6), progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())
	}
	return progressbar.DefaultSilent(total)
}

// interruptible lets ctx end a read that waits for somebody to type.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { _ = out.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.Copy(in, r)
		_ = in.CloseWithError(err)
	}()
	return out
}
