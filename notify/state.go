package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// state is what is remembered over a restart: a file in the data folder, replaced as a whole. It is not a table, because the
// alert that matters most says that the database is away.
type state struct {
	Open    []*entry            `json:"open"`
	Pending map[string][]Notice `json:"pending"` // by channel, oldest first
	changed bool
}

// load reads the file. One that cannot be understood is set aside: alerts that are open are then told once more.
func (a *Alerter) load() error {
	text, err := os.ReadFile(a.File)
	if err == nil {
		if bad := json.Unmarshal(text, &a.state); bad != nil {
			a.state = state{}
			aside := a.File + ".damaged"
			a.Log.Error("alerts: what was told is damaged and set aside", "file", aside, "error", bad)
			err = os.Rename(a.File, aside)
		}
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	a.state.Open = slices.DeleteFunc(a.state.Open, func(e *entry) bool { return e == nil || e.Members == nil })
	if a.state.Pending == nil {
		a.state.Pending = map[string][]Notice{}
	}
	return err
}

// forgetChannels drops what waits for channels that are not set any more.
func (a *Alerter) forgetChannels() {
	for name, waiting := range a.state.Pending {
		if !slices.ContainsFunc(a.Channels, func(c Channel) bool { return c.Name() == name }) {
			a.Metrics.dropped(name, "channel_removed", len(waiting))
			delete(a.state.Pending, name)
		}
	}
}

// save writes the file if anything was told, queued or delivered since. That it cannot be written is counted and logged: alerts go
// on, and may be repeated after a restart.
func (a *Alerter) save() {
	if !a.state.changed {
		return
	}
	if err := a.write(); err != nil {
		a.Metrics.looked("state")
		a.Log.Error("alerts: cannot keep what was told", "error", err)
		return
	}
	a.state.changed = false
}

func (a *Alerter) write() error {
	text, err := json.Marshal(&a.state)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(a.File+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", f.Name(), err)
	}
	if err := os.Rename(f.Name(), a.File); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(a.File))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
