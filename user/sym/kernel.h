/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Names of the kernel's functions, from the list that it gives of its symbols, and which of them
 * say something. Addresses of the kernel go no further than this: what is told are names.
 */
#include <stddef.h>
#include <stdint.h>

#include "sym/sym.h"

#define KERNEL_MODULE_SIZE 64

struct kernel_function {
	uint64_t start; /* 0: not known, and so are the others */
	char type;
	char name[SYM_NAME_SIZE];
	char module[KERNEL_MODULE_SIZE]; /* "": part of the kernel itself */
};

/* Who opens it may see addresses, or not; who reads it does not matter. -errno */
int kernel_open(const char *path);

/* The functions that n addresses lie in, which rise. Reads the whole list, but keeps only what
 * is asked for. Returns how many symbols of it have an address: 0, it hides them. */
size_t kernel_find(int fd, const uint64_t *addresses, size_t n, struct kernel_function *ret);

/* What a function says to who wants to know why a thread is in the kernel. */
enum kernel_says {
	KERNEL_SOMETHING,
	KERNEL_ENTRY,	/* nothing: each call, fault or interrupt of the kind comes by it */
	KERNEL_WAITING, /* at the inner end of a wait nothing: that it waits is known */
};

enum kernel_says kernel_says(const char *function);
