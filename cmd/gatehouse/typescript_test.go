package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const typeScript = "../../client/typescript"

// TestTypeScriptClient compiles the TypeScript client and runs its example
// against a started server. Its types are those of the OpenAPI document.
func TestTypeScriptClient(t *testing.T) {
	t.Parallel()
	modules := os.Getenv("GATEHOUSE_TEST_NODE_MODULES")
	if modules == "" {
		t.Fatal("GATEHOUSE_TEST_NODE_MODULES is not set: run make test, or scripts/with-services go test …")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(typeScript)); err != nil {
		t.Fatal(err)
	}
	_ = os.RemoveAll(filepath.Join(dir, "node_modules")) // of whoever works on it
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	node := func(env []string, args ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, "node", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("node %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	document, err := filepath.Abs(committedDocument)
	if err != nil {
		t.Fatal(err)
	}
	node(nil, "node_modules/openapi-typescript/bin/cli.js", document, "-o", "made.d.ts")
	made, err := os.ReadFile(filepath.Join(dir, "made.d.ts"))
	if err != nil {
		t.Fatal(err)
	}
	committed := filepath.Join(typeScript, "src", "schema.d.ts")
	if *update {
		if err := os.WriteFile(committed, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(committed); err != nil || string(have) != string(made) {
		t.Errorf("%s is not what the OpenAPI document says (%v); run npm run generate in client/typescript", committed, err)
	}
	if err := os.Rename(filepath.Join(dir, "made.d.ts"), filepath.Join(dir, "src", "schema.d.ts")); err != nil {
		t.Fatal(err)
	}
	node(nil, "node_modules/typescript/bin/tsc")

	demo := startDemo(t)
	got := node([]string{"GATEHOUSE_URL=" + demo.Issuer, "GATEHOUSE_KEY=" + demo.Verifier, "CREDENTIAL=" + demo.Admin}, "dist/example.js")
	if want := "ok: user, by testkase_pat\n9 schemes\n401 invalid_credential\n"; got != want {
		t.Errorf("the example prints:\n%swant:\n%s", got, want)
	}
}
