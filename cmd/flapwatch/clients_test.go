package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"flapwatch/api"
)

// TestClients lets others read the document: a public linter, and two public generators whose clients are compiled and ask for
// patterns. It fetches packages, so it runs only where FLAPWATCH_CHECK_API is set (make check-api).
func TestClients(t *testing.T) {
	if os.Getenv("FLAPWATCH_CHECK_API") == "" {
		t.Skip("fetches packages from the network: make check-api runs it")
	}
	p := serve(t, folder(t))
	play(t, p, "office", 7*24*time.Hour)
	p.settled()
	var want api.List[api.Pattern]
	p.get("/patterns", query("from", "-8d"), &want)
	if len(want.Items) == 0 {
		t.Fatal("no pattern to ask for")
	}
	dir := t.TempDir()
	for _, name := range []string{"openapi.json", "openapi-3.0.json"} {
		status, _, text := p.call(http.MethodGet, "/"+name, "")
		if status != http.StatusOK {
			t.Fatalf("%s: %d", name, status)
		}
		writeTo(t, filepath.Join(dir, name), text)
	}
	t.Run("TypeScript", func(t *testing.T) {
		needTool(t, "npm")
		for _, name := range []string{"package.json", "redocly.yaml", "tsconfig.json", "main.ts"} {
			copyTo(t, filepath.Join(dir, name), filepath.Join("testdata", "clients", name))
		}
		if out, err := runTool(t, dir, "npm", "install", "--no-audit", "--no-fund"); err != nil {
			t.Skipf("packages cannot be fetched: %v\n%s", err, out)
		}
		mustRun(t, dir, "npx", "redocly", "lint", "openapi.json")
		mustRun(t, dir, "npx", "openapi-typescript", "openapi.json", "-o", "api.d.ts")
		mustRun(t, dir, "npx", "tsc")
		if got := lastLine(mustRun(t, dir, "node", "out/main.js", p.web)); got != strconv.Itoa(len(want.Items)) {
			t.Errorf("the client got %s patterns, want %d", got, len(want.Items))
		}
	})
	t.Run("Go", func(t *testing.T) {
		module := filepath.Join(dir, "go")
		if err := os.Mkdir(module, 0o755); err != nil {
			t.Fatal(err)
		}
		copyTo(t, filepath.Join(module, "main.go"), filepath.Join("testdata", "clients", "main.go.txt"))
		mustRun(t, module, "go", "mod", "init", "example.com/client")
		const generator = "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
		if out, err := runTool(t, module, "go", "get", "-tool", generator+"@v2.8.2"); err != nil {
			t.Skipf("modules cannot be fetched: %v\n%s", err, out)
		}
		mustRun(t, module, "go", "tool", "oapi-codegen", "-generate", "types,client", "-package", "main", "-o", "client.gen.go", "../openapi-3.0.json")
		mustRun(t, module, "go", "mod", "tidy")
		if got := lastLine(mustRun(t, module, "go", "run", ".", p.web)); got != strconv.Itoa(len(want.Items)) {
			t.Errorf("the client got %s patterns, want %d", got, len(want.Items))
		}
	})
}

// needTool skips where a program is missing, and fails where CI is set.
func needTool(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// runTool runs a program in a folder.
func runTool(t *testing.T, dir, name string, args ...string) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	return c.CombinedOutput()
}

func mustRun(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := runTool(t, dir, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// lastLine is the last line of an output.
func lastLine(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

func writeTo(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func copyTo(t *testing.T, to, from string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeTo(t, to, bytes.TrimSpace(text))
}
