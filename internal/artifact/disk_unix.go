//go:build unix

package artifact

import (
	"syscall"
)

// freeSpace is how many bytes can still be written to a directory, if that can
// be known.
func freeSpace(dir string) (bytes int64, known bool) {
	var disk syscall.Statfs_t
	err := syscall.Statfs(dir, &disk)
	return int64(disk.Bavail) * int64(disk.Bsize), err == nil
}
