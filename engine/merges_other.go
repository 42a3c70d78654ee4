//go:build !linux

package engine

import "context"

func yieldMerges(context.Context) {} // there is no niceness of threads
