package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program being measured.
type process struct {
	*exec.Cmd
	log bytes.Buffer
}

func start(dir string, env []string, name string, args ...string) (*process, error) {
	p := &process{Cmd: exec.Command(name, args...)}
	p.Dir, p.Env = dir, append(os.Environ(), env...)
	p.Stderr = &p.log
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return p, p.Start()
}

// stop ends the process, and by force if it does not listen.
func (p *process) stop() {
	_ = p.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(15*time.Second, func() { _ = p.Process.Kill() })
	defer timer.Stop()
	_ = p.Wait()
}

// usage is what a process has used since it began.
type usage struct {
	cpu  time.Duration // user and system
	peak int           // bytes of memory, at the most (VmHWM)
}

// used reads proc(5). The clock of stat ticks at 100 Hz.
func used(pid int) (usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, err
	}
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // f[0] is field 3
	if len(f) < 13 {
		return usage{}, errors.New("proc stat is short")
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	u := usage{cpu: time.Duration(user+system) * 10 * time.Millisecond}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.Atoi(strings.Fields(rest)[0])
			u.peak = kib << 10
		}
	}
	return u, err
}

// usedBy is what a program uses: its process and those it has started, but for its database, which is told apart.
func usedBy(pid int) (program usage, database time.Duration, err error) {
	if program, err = used(pid); err != nil {
		return program, 0, err
	}
	for _, child := range children(pid) {
		u, _ := used(child)
		if args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child)); bytes.Contains(args, []byte("engine-child")) {
			database += u.cpu
			continue
		}
		program.cpu += u.cpu
		program.peak += u.peak
	}
	return program, database, nil
}

// children are the processes that a process has started.
func children(pid int) (out []int) {
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, t := range tasks {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, t.Name()))
		for word := range strings.FieldsSeq(string(text)) {
			if n, err := strconv.Atoi(word); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}
