//go:build !linux

package watch

func standBack() {} // there is no niceness of threads
