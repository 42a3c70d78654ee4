// Package migrations holds the steps that bring a ClickHouse database to the schema of this program.
//
// Each file is one step, named NNNN_noun.sql and applied in the order of its number, forward only. ClickHouse
// has no transactions, so a step may be interrupted between two statements: every statement must be safe to
// run again (IF NOT EXISTS and the like). A file that has been released is never changed; a new need is a new
// file. Statements end with a semicolon at the end of a line; lines that start with -- are comments.
//
// Applying them is the work of package store. Start with 0001_events.sql.
package migrations

import "embed"

// FS holds the steps.
//
//go:embed *.sql
var FS embed.FS
