package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gatehouse-dev/gatehouse/internal/seal"
)

// rootKey finds the root key: in the environment, or in its file. A new
// database gets a new key; an old one never does.
func rootKey(cfg *Config, identity string) (*seal.Root, error) {
	if cfg.RootKey != "" {
		return seal.Parse(cfg.RootKey)
	}
	path := cfg.RootKeyFile
	if path == "" {
		path = filepath.Join(cfg.Data, "root.key")
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && identity == "" && cfg.RootKeyFile == "" {
		return newRootKey(path)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("the root key is missing: %s does not exist; the database needs root key %s: put the file back, name another in GATEHOUSE_ROOT_KEY_FILE, or give the key itself in GATEHOUSE_ROOT_KEY", path, or(identity, "(any, it is new)"))
	}
	if err != nil {
		return nil, fmt.Errorf("read the root key: %w", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		return nil, errors.Join(fmt.Errorf("the root key in %s can be read by others; run: chmod 600 %s", path, path), err)
	}
	root, err := seal.Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return root, nil
}

// newRootKey makes a root key and its file. The file is complete before it has
// its name, so that a crash leaves none or a whole one.
func newRootKey(path string) (*seal.Root, error) {
	root, err := seal.Generate(rand.Reader)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make a root key: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".root.key-")
	if err != nil {
		return nil, fmt.Errorf("make a root key: %w", err)
	}
	defer os.Remove(file.Name()) // fails once it has its name
	_, err = file.WriteString(root.Text() + "\n")
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, fmt.Errorf("make a root key: %w", err)
	}
	if err := os.Link(file.Name(), path); err != nil {
		return nil, fmt.Errorf("make a root key: %w", err)
	}
	return root, syncDirectory(filepath.Dir(path))
}

func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
