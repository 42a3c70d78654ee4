package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"strings"
	"time"
)

const (
	askEvery    = time.Second            // whether the child is well
	answerIn    = 2 * time.Second        // or it counts as not ready
	hungAfter   = time.Minute            // without any answer it is killed and started again
	startWithin = 5 * time.Minute        // as long as opening a large folder may take
	endWithin   = 15 * time.Second       // once it is told to end; then it is killed
	firstPause  = 200 * time.Millisecond // before a child that ended is started again; doubles each time
	longPause   = 30 * time.Second       // and goes no further
	steadyAfter = time.Minute            // a child that lived so long is worth firstPause again
)

var errStopped = errors.New("the embedded engine is stopped")

// launch starts a child and waits until it answers, or says why it does not.
func (e *Engine) launch(ctx context.Context) (*process, error) {
	begun := time.Now()
	e.task.token = rand.Text()
	child, err := spawn(e.options.Command, e.task.args(), e.log)
	if err != nil {
		return nil, fmt.Errorf("starting the engine process: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for e.ask(ctx) != nil {
		select {
		case <-child.gone:
			return nil, fmt.Errorf("the embedded engine did not start: %w", child.ending())
		case <-ctx.Done():
			child.kill()
			<-child.gone
			return nil, fmt.Errorf("the embedded engine did not start within %v", time.Since(begun).Round(time.Second))
		case <-time.After(10 * time.Millisecond):
		}
	}
	e.log.Info("engine started", "pid", child.pid(), "after", time.Since(begun).Round(time.Millisecond))
	e.note(child, nil)
	return child, nil
}

// note keeps the child that runs and why it is not ready.
func (e *Engine) note(child *process, why error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.process, e.why = child, why
}

// supervise keeps a child running until ctx ends, and then ends it.
func (e *Engine) supervise(ctx context.Context, child *process) {
	defer close(e.ended)
	defer e.release()
	defer e.note(nil, errStopped)
	pause := firstPause
	for child != nil {
		begun := time.Now()
		e.watch(ctx, child)
		if ctx.Err() != nil {
			if child.end(endWithin) {
				e.log.Warn("engine did not end in time and was killed", "pid", child.pid())
			}
			return
		}
		if time.Since(begun) > steadyAfter {
			pause = firstPause
		}
		child = e.again(ctx, child.ending(), &pause)
	}
}

// watch asks the child how it is until it ends or ctx does. A child that hangs is killed.
func (e *Engine) watch(ctx context.Context, child *process) {
	ticks := time.NewTicker(askEvery)
	defer ticks.Stop()
	answered := time.Now()
	for {
		select {
		case <-child.gone:
			return
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		err := e.ask(ctx)
		if err == nil || errors.Is(err, errUnwell) {
			answered = time.Now()
		}
		if err != nil {
			err = fmt.Errorf("the embedded engine does not answer: %w", err)
		}
		e.note(child, err)
		if time.Since(answered) > hungAfter {
			e.log.Error("engine hangs and is killed", "pid", child.pid(), "error", err)
			child.kill()
		}
	}
}

// again starts a child after the last one has ended, pausing longer each time it fails; nil when ctx ends first.
func (e *Engine) again(ctx context.Context, reason error, pause *time.Duration) *process {
	for {
		wait := *pause/2 + mathrand.N(*pause)
		*pause = min(2**pause, longPause)
		e.note(nil, fmt.Errorf("the embedded engine has ended (%w) and is being started again", reason))
		e.log.Error("engine ended", "error", reason, "again_in", wait)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		e.mu.Lock()
		e.restarts++
		e.mu.Unlock()
		child, err := e.launch(ctx)
		if err == nil {
			return child
		}
		reason = err
	}
}

// errUnwell is an answer that says the engine cannot work, for want of memory say.
var errUnwell = errors.New("it is not well")

// ask has the child run a tiny statement.
func (e *Engine) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/ping", nil)
	if err != nil {
		return err
	}
	resp, err := e.client.Do(req)
	if ctx.Err() != nil {
		return fmt.Errorf("nothing within %v", answerIn)
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxLine))
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%w: %s", errUnwell, strings.TrimSpace(string(text)))
	case string(text) != e.task.token:
		return errors.New("an earlier child answers in its place")
	}
	return nil
}
