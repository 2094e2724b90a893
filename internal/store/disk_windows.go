package store

import (
	"os"
	"syscall"
	"unsafe"
)

// freeSpace is how many bytes can still be written to a directory, if that can
// be known.
func freeSpace(dir string) (bytes int64, known bool) {
	name, err := syscall.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	done, _, _ := syscall.NewLazyDLL("kernel32.dll").NewProc("GetDiskFreeSpaceExW").Call(
		uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&bytes)), 0, 0)
	return bytes, done != 0
}

// lockFile takes the lock of a file without waiting.
func lockFile(file *os.File) error {
	const exclusive, atOnce = 2, 1
	done, _, err := syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx").Call(
		file.Fd(), exclusive|atOnce, 0, 1, 0, uintptr(unsafe.Pointer(&syscall.Overlapped{})))
	if done == 0 {
		return err
	}
	return nil
}
