//go:build race

package watch

func init() { weeks = 2 }
