//go:build unix

package store

import (
	"os"
	"syscall"
)

// freeSpace is how many bytes can still be written to a directory, if that can
// be known.
func freeSpace(dir string) (bytes int64, known bool) {
	var disk syscall.Statfs_t
	err := syscall.Statfs(dir, &disk)
	return int64(disk.Bavail) * int64(disk.Bsize), err == nil
}

// lockFile takes the lock of a file without waiting.
func lockFile(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
