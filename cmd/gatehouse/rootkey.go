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
		return seal.ParseAll(cfg.RootKey)
	}
	path := keyFile(cfg)
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
	root, err := seal.ParseAll(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return root, nil
}

// newRootKey makes a root key and its file.
func newRootKey(path string) (*seal.Root, error) {
	root, err := seal.Generate(rand.Reader)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make a root key: %w", err)
	}
	return root, writeKeys(path, root.Text()+"\n", os.Link)
}

// writeKeys writes a file of root keys. It is complete before it has its name,
// so that a crash leaves none, the one before or a whole one.
func writeKeys(path, text string, name func(from, to string) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".root.key-")
	if err != nil {
		return fmt.Errorf("make a root key: %w", err)
	}
	defer os.Remove(file.Name()) // fails once it has its name
	_, err = file.WriteString(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("make a root key: %w", err)
	}
	if err := name(file.Name(), path); err != nil {
		return fmt.Errorf("make a root key: %w", err)
	}
	return syncDirectory(filepath.Dir(path))
}

// keyFile is where the root key lies that isn't in the environment.
func keyFile(cfg *Config) string { return or(cfg.RootKeyFile, filepath.Join(cfg.Data, "root.key")) }

// addRootKey puts a new root key before those in the file.
func addRootKey(cfg *Config) (path string, err error) {
	if cfg.RootKey != "" {
		return "", errors.New("the root key is given in GATEHOUSE_ROOT_KEY: put a new one before it there, with a space between them; make one with: openssl rand -hex 32")
	}
	old, err := rootKey(cfg, "(see gatehouse root-key list)")
	if err != nil {
		return "", err
	}
	all := old.All()
	if len(all) == seal.MostKeys {
		return "", fmt.Errorf("there are %d root keys in use; retire the oldest first, and take it out of the file", len(all))
	}
	root, err := seal.Generate(rand.Reader)
	if err != nil {
		return "", err
	}
	text := root.Text() + "\n"
	for _, other := range all {
		text += other.Text() + "\n"
	}
	return keyFile(cfg), writeKeys(keyFile(cfg), text, os.Rename)
}

func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
