package main

import (
	"fmt"
	"os"

	"flapwatch/api"
)

// tokenCmd holds the commands about tokens.
type tokenCmd struct {
	New tokenNewCmd `cmd:"" help:"Make a token. Its line goes into the file that serve --http-token-file names; the token itself is shown once."`
}

type tokenNewCmd struct {
	Role string `help:"read: ask; ingest: bring messages; admin: everything." enum:"read,ingest,admin" default:"read"`
	Name string `help:"Whose it is, for people who read the file."`
	File string `help:"Append the line to this file." type:"path" placeholder:"FILE"`
	JSON bool   `help:"Print JSON." name:"json"`
}

// Help shows how it goes on.
func (tokenNewCmd) Help() string {
	return `Examples:
  flapwatch token new --role read --name grafana --file tokens
  flapwatch serve --http 0.0.0.0:8080 --http-token-file tokens
  curl -H "Authorization: Bearer fw_..." http://host:8080/api/v1/flapping

A line is: role sha256:HASH name. Take one away by deleting its line; serve reads the file again within a second.`
}

// Run makes one.
func (c *tokenNewCmd) Run(con *console) error {
	if c.Name != plain(c.Name) {
		return usageError{fmt.Errorf("--name: letters, digits and blanks")}
	}
	token, line := api.NewToken(api.Role(c.Role), c.Name)
	if c.File != "" {
		if err := appendLine(c.File, line); err != nil {
			return err
		}
	}
	switch {
	case c.JSON:
		return printJSON(con.out, map[string]string{"token": token, "line": line, "role": c.Role})
	case c.File != "":
		_, err := fmt.Fprintln(con.out, token)
		return err
	}
	_, err := fmt.Fprintf(con.out, "token  %s\nline   %s\n", token, line)
	return err
}

// appendLine adds a line to a file that only its owner may read.
func appendLine(path, line string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("keep the token: %w", err)
	}
	if size, err := f.Seek(0, 2); err == nil && size > 0 {
		var last [1]byte
		if _, err := f.ReadAt(last[:], size-1); err == nil && last[0] != '\n' {
			line = "\n" + line
		}
	}
	_, err = fmt.Fprintln(f, line)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("keep the token: %w", err)
	}
	return nil
}
