/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The kernel's types that an object of BPF programs names, alone. libbpf looks for each of them
 * among all of the kernel's (about 120,000, and those of each module for one that is not there),
 * which takes most of the time that it needs to load an object.
 */
struct bpf_object;

struct kernel_types;

/* A file of types, still empty; NULL with errno. */
struct kernel_types *kernel_types_open(void);
void kernel_types_free(struct kernel_types *k);
/* For bpf_object_open_opts.btf_custom_path; until kernel_types_free(). */
const char *kernel_types_path(const struct kernel_types *k);
/*
 * Writes what `object`, which is open, names. The types of modules are not looked at, and none has the
 * number that it has in the kernel: bpf_core_type_id_kernel() gives a wrong one.
 * Returns 0 or -errno: -ENOENT without BTF.
 */
int kernel_types_fill(struct kernel_types *k, const struct bpf_object *object);
/* The kernel's number of a structure; after kernel_types_fill(). -ENOENT. */
int kernel_types_id(const struct kernel_types *k, const char *name);
/* ... of the type by which programs attach to a tracepoint. */
int kernel_types_tracepoint(const struct kernel_types *k, const char *name);
