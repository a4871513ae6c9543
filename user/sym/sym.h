/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Rules to unwind by, and names, of places in ELF objects. ELF and DWARF of a workload are hostile
 * input, and libraries read them: so all of that is done by a server, a process of its own without
 * privileges and with limits of memory and time. What it answers is checked here again.
 *
 * If a request ends the server, or takes it too long, a new one takes its place. Of the object that
 * was asked about, the debug information is then left alone, and at the next time all of it: that and
 * each later request about it gives -EIO or -ETIMEDOUT. The other objects are not touched.
 *
 * Nothing that a file, or the file system that it is on, can do holds up the caller for longer than
 * this: not even one that never answers, since the server opens the files as well.
 *
 * One thread at a time. Everything returns 0 or -errno.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "sym/unwind.h"

#define SYM_NAME_SIZE	200 /* bytes of a name with its NUL; a longer one ends in "..." */
#define SYM_FILE_SIZE	512 /* of a path; a longer one begins with "..." */
#define SYM_DEPTH	32  /* inlined functions at one place, with the one that they are in */
#define SYM_OBJECTS_MAX 16384

#define SYM_VDSO "[vdso]"

struct sym;

struct sym_opts {
	bool debuginfod; /* may ask servers for debug information; names may then take minutes */
	const char *debuginfod_urls; /* as in DEBUGINFOD_URLS; NULL: unset */
	char **environ;		     /* ... and what else its library goes by: HOME for its cache */
	bool change_user;	     /* become uid and gid, without further groups (needs root) */
	uid_t uid;
	gid_t gid;
};

/* Forks the server; early, before this process holds anything that it should not have. -EINVAL,
 * -ENOENT with the remedy in err: debuginfod cannot be had. */
int sym_start(struct sym **ret, const struct sym_opts *opts, struct err *err);
/* From here on all that waits for the server ends as soon as this descriptor can be read, and so does
 * all that is asked after that: -ECANCELED. It stays the caller's. */
void sym_cancel_by(struct sym *sym, int fd);
/* Ends the server and waits for it; the CPU time that it has used, in nanoseconds. NULL is nothing. */
uint64_t sym_stop(struct sym *sym);

/* The object behind a descriptor, which stays the caller's. path is what it was mapped by: its debug
 * file is looked for beside it; it may be gone. With fd -1 and SYM_VDSO: this process's own
 * vdso. Nothing is parsed yet. Sets its number, for all that follows. */
int sym_add(struct sym *sym, int fd, const char *path, uint32_t *ret_object);

/* A file, as the kernel names it where it is mapped. */
struct sym_file {
	uint64_t inode;
	uint32_t major, minor;
	uint32_t pid; /* of a process that has mapped it: its root folder may be another one */
	uint32_t unused;
};

#define SYM_OPEN_MS 250 /* which a file may take to be opened */

/* The same of the file that was mapped from this path, and no other that may be there by now; or of
 * the vdso. -ESTALE: it is another one; -ETIMEDOUT: its file system does not answer. Unless it may
 * wait for that, -EAGAIN: a rule is late, see sym_rule_within(). */
int sym_open(struct sym *sym, const struct sym_file *file, const char *path, bool wait,
	     uint32_t *ret_object);

/* The rule of the code at this offset into the file (of a return address: of the byte before it).
 * -ENOENT: there is none; -ENOEXEC: no ELF object of this machine. */
int sym_rule(struct sym *sym, uint32_t object, uint64_t offset, struct unwind_rule *ret);
/* The same, but -EAGAIN if the answer is not there after so many ms, or that to an earlier one: it is
 * kept for the time when it is asked for again. */
int sym_rule_within(struct sym *sym, uint32_t object, uint64_t offset, unsigned ms,
		    struct unwind_rule *ret);

struct sym_frame {
	const char *function; /* demangled; NULL: not known */
	const char *file;     /* NULL: not known */
	uint32_t line;	      /* 0: not known */
	bool is_inlined;      /* into the next one */
	bool tries_lock;      /* it calls what takes a lock only if nobody has it: see tries.c */
};

/* Innermost first; n 0: nothing is known of it. Strings are valid UTF-8 without NUL, but may hold
 * control characters, and are gone after the call. What is not 0 ends sym_names and is its result. */
typedef int (*sym_frame_fn)(void *ctx, size_t index, const struct sym_frame *frames, size_t n);

/* The functions and lines at n offsets into the file, as sym_rule takes them. Calls fn once for each,
 * in the order of the offsets' values; after an error those that are left were not named. -ENOEXEC: no
 * ELF object. Many at once are cheaper than one by one. */
int sym_names(struct sym *sym, uint32_t object, const uint64_t *offsets, size_t n, sym_frame_fn fn,
	      void *ctx);

/* The address in the object's memory image (its p_vaddr, before the load bias) at which a mapping of
 * the file at this offset begins. Two segments may share a page of the file, and then the executable
 * one is meant if executable is set, else the first. -ENOENT: no segment has it.
 * So the bias is the start of an executable mapping less this; data cannot go by offsets into the
 * file, since .bss has none. */
int sym_image(struct sym *sym, uint32_t object, uint64_t offset, bool executable,
	      uint64_t *ret_address);

/* Behind its last address in that image: what lies further is none of its variables. */
int sym_image_end(struct sym *sym, uint32_t object, uint64_t *ret_address);

struct sym_data {
	char name[SYM_NAME_SIZE]; /* "account_lock", "queue+40", "accounts[3].lock" */
	char file[SYM_FILE_SIZE]; /* of its definition; "": not known */
};

/* The variable at this address of the memory image (see sym_image). -ENOENT: none is known. */
int sym_data(struct sym *sym, uint32_t object, uint64_t address, struct sym_data *ret);
