/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Which file's code lies where in the memory of each process, as its mappings, forks and
 * executions say. A process whose beginning was not seen has none.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/code.h"

struct spaces;

/* A file, by what the kernel calls it; numbered from 0 on. */
struct space_file {
	uint32_t major, minor;
	uint64_t inode;
	uint32_t pid; /* of MAPPING_ANONYMOUS: whose memory it is; else 0 */
	const char *path;
	uint64_t first; /* offset that was seen mapped first */
};

/* Where an address lies. */
struct place {
	uint32_t file;
	uint64_t offset; /* in the file */
};

struct spaces *spaces_new(void);
void spaces_free(struct spaces *s);

/* From here on this process's children and mappings are followed. */
void spaces_follow(struct spaces *s, uint32_t pid);
void spaces_mapping(struct spaces *s, const struct mapping *m);
/* The process has ended; stacks of it may still come, up to spaces_bury(). */
void spaces_ended(struct spaces *s, uint32_t pid);
void spaces_bury(struct spaces *s);

struct memory;

/* What the process had as its memory then (CLOCK_MONOTONIC, as in a mapping), in the round that has
 * not been buried: as long as nothing else is said here, or else it is held. NULL: not known. */
struct memory *spaces_memory(const struct spaces *s, uint32_t pid, uint64_t at);
/* Keeps it as it is now, for its release; NULL is nothing. */
void memory_hold(struct memory *m);
void memory_release(struct memory *m);
/* Where the address is in it. False: no file's code is there. */
bool memory_find(const struct memory *m, uint64_t address, struct place *ret);

/* The code of a file that is mapped closest below the address, or at it: of a variable, that
 * of its object, whose data lie behind its code. ret_start: where the mapping begins; the place:
 * its beginning. False: there is none, or it was not seen; m may be NULL. */
bool memory_below(const struct memory *m, const struct spaces *s, uint64_t address,
		  uint64_t *ret_start, struct place *ret);

const struct space_file *spaces_file(const struct spaces *s, uint32_t file);
/* How many there are. */
uint32_t spaces_files(const struct spaces *s);
