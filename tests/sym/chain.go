// SPDX-License-Identifier: BSD-2-Clause
package main

import (
	"fmt"
	"runtime"
	"syscall"
)

var sink int

//go:noinline
func leaf(n int) {
	syscall.Tgkill(syscall.Getpid(), syscall.Gettid(), syscall.SIGSTOP)
	sink += n
}

//go:noinline
func sized(n int) int {
	var room [200]int

	leaf(n)
	room[n&127] = sink
	return room[sink&127]
}

//go:noinline
func busy(n int) int {
	return sized(n+1)*sink + n
}

func main() {
	runtime.LockOSThread()
	fmt.Println(busy(3))
}
