// SPDX-License-Identifier: BSD-2-Clause
package main

import "sync"

type account struct {
	balance int
	lock    sync.Mutex
}

var accounts [4]account

func work(i int, all *sync.WaitGroup) {
	defer all.Done()
	accounts[i&3].lock.Lock()
	accounts[i&3].balance += i
	accounts[i&3].lock.Unlock()
}

func main() {
	var all sync.WaitGroup
	for i := 0; i < 8; i++ {
		all.Add(1)
		go work(i, &all)
	}
	all.Wait()
}
