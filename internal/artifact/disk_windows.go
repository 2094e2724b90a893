package artifact

import (
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
