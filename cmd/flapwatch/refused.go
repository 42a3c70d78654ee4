package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"flapwatch/event"
	"flapwatch/ingest"
)

// refusedFile keeps lines that no table of ClickHouse takes, as spool export writes messages: flapwatch import reads them again.
type refusedFile struct {
	path string
	most int64      // bytes
	mu   sync.Mutex // batches are written beside each other
}

const mostRefused = 64 << 20

func newRefusedFile(data string) *refusedFile {
	return &refusedFile{path: filepath.Join(data, "refused.jsonl"), most: mostRefused}
}

// refusedLine is a line of the file.
type refusedLine struct {
	ingest.Exported
	Table string `json:"table"`
	Error string `json:"error"`
}

// keep implements store.Refused: what it has kept is on disk, and the file is as it was after an error.
func (f *refusedFile) keep(table string, lines []event.Line) (kept int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return 0, fmt.Errorf("keep refused lines: %w", err)
	}
	defer func() {
		if err = errors.Join(err, file.Close()); err != nil {
			kept, err = 0, fmt.Errorf("keep refused lines: %w", err)
		}
	}()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	text, kept, err := f.room(file, size, table, lines)
	if err != nil {
		return 0, err
	}
	_, err = file.WriteAt(text, size)
	if err == nil {
		err = file.Sync()
	}
	if err == nil && size == 0 {
		err = syncFolder(filepath.Dir(f.path))
	}
	if err != nil {
		return 0, errors.Join(err, file.Truncate(size))
	}
	return kept, nil
}

// room gives the lines for which there is room, written out, and how many they are. A line torn by a power cut stays one of its own.
func (f *refusedFile) room(file io.ReaderAt, size int64, table string, lines []event.Line) (text []byte, n int, err error) {
	var b bytes.Buffer
	if last := []byte{'\n'}; size > 0 {
		if _, err := file.ReadAt(last, size-1); err != nil {
			return nil, 0, err
		}
		if last[0] != '\n' {
			b.WriteByte('\n')
		}
	}
	for _, l := range lines {
		before := b.Len()
		if err := printLine(&b, refusedLine{ingest.Export(l.Received.UnixNano(), l.Source, []byte(l.Raw)), table, l.Reason}); err != nil {
			return nil, 0, err
		}
		if size+int64(b.Len()) > f.most {
			return b.Bytes()[:before], n, nil
		}
		n++
	}
	return b.Bytes(), n, nil
}

// syncFolder makes the name of a new file last.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
