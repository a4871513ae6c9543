// SPDX-License-Identifier: BSD-2-Clause
/*
 * Copies types of the kernel, each with what it contains, so that offsets and sizes are the same.
 * What it only points to is left out: nothing is known of it but that it is pointed to.
 */
#include "probe/kernel_types.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Structures within structures; the kernel's have some ten levels. */
#define MOST_DEPTH 64

struct kernel_types {
	struct btf *kernels;
	int fd;
	char path[32];
};

struct names {
	char **items; /* sorted; a name may come twice */
	size_t n;
};

struct copy {
	const struct btf *from;
	struct btf *to;
	uint32_t *ids; /* by the original's id; 0: not copied yet */
	int pointer, depth;
};

struct kernel_types *kernel_types_open(void)
{
	struct kernel_types *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->fd = memfd_create("concprof-types", MFD_CLOEXEC);
	if (k->fd < 0) {
		free(k);
		return NULL;
	}
	snprintf(k->path, sizeof(k->path), "/proc/self/fd/%d", k->fd);
	return k;
}

void kernel_types_free(struct kernel_types *k)
{
	if (!k)
		return;
	btf__free(k->kernels);
	close(k->fd);
	free(k);
}

const char *kernel_types_path(const struct kernel_types *k)
{
	return k->path;
}

/* --- names ------------------------------------------------------------------------------- */

static bool has_layout(const struct btf_type *t)
{
	return t->name_off && (btf_is_composite(t) || btf_is_any_enum(t));
}

/* file___v61 is looked for as file. */
static char *essential_name(const char *name)
{
	const char *flavour = strstr(name, "___");

	return flavour && flavour != name ? strndup(name, flavour - name) : strdup(name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_names(struct names *names, const struct btf *local)
{
	uint32_t all = btf__type_cnt(local);

	names->items = calloc(all, sizeof(*names->items));
	if (!names->items)
		return -ENOMEM;
	for (uint32_t i = 1; i < all; i++) {
		const struct btf_type *t = btf__type_by_id(local, i);
		char *name;

		if (!has_layout(t))
			continue;
		name = essential_name(btf__name_by_offset(local, t->name_off));
		if (!name)
			return -ENOMEM;
		names->items[names->n++] = name;
	}
	qsort(names->items, names->n, sizeof(*names->items), by_name);
	return 0;
}

static void free_names(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
}

/* --- types ------------------------------------------------------------------------------- */

static int copy_type(struct copy *c, uint32_t id);

static int copy_enum(struct copy *c, const struct btf_type *t, const char *name)
{
	const struct btf_enum64 *wide = btf_enum64(t);
	const struct btf_enum *narrow = btf_enum(t);
	int id = btf_is_enum64(t) ? btf__add_enum64(c->to, name, t->size, btf_kflag(t))
				  : btf__add_enum(c->to, name, t->size);
	int error = id < 0 ? id : 0;

	for (int i = 0; i < btf_vlen(t) && !error; i++)
		error = btf_is_enum64(t)
				? btf__add_enum64_value(
					  c->to, btf__name_by_offset(c->from, wide[i].name_off),
					  btf_enum64_value(&wide[i]))
				: btf__add_enum_value(
					  c->to, btf__name_by_offset(c->from, narrow[i].name_off),
					  narrow[i].val);
	return error ? error : id;
}

static int copy_array(struct copy *c, const struct btf_array *a)
{
	int index = copy_type(c, a->index_type), item = index < 0 ? index : copy_type(c, a->type);

	return item < 0 ? item : btf__add_array(c->to, index, item, a->nelems);
}

/* Types come before what contains them: members are added to the newest type alone. */
static int copy_composite(struct copy *c, const struct btf_type *t, const char *name)
{
	const struct btf_member *m = btf_members(t);
	int id, error = 0;

	for (int i = 0; i < btf_vlen(t) && error >= 0; i++)
		error = copy_type(c, m[i].type);
	if (error < 0)
		return error;
	id = btf_is_struct(t) ? btf__add_struct(c->to, name, t->size)
			      : btf__add_union(c->to, name, t->size);
	error = id < 0 ? id : 0;
	for (int i = 0; i < btf_vlen(t) && !error; i++)
		error = btf__add_field(c->to, btf__name_by_offset(c->from, m[i].name_off),
				       c->ids[m[i].type], btf_member_bit_offset(t, i),
				       btf_member_bitfield_size(t, i));
	return error ? error : id;
}

static int copy_new(struct copy *c, const struct btf_type *t)
{
	const char *name = btf__name_by_offset(c->from, t->name_off);

	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return btf__add_int(c->to, name, t->size, btf_int_encoding(t));
	case BTF_KIND_FLOAT:
		return btf__add_float(c->to, name, t->size);
	case BTF_KIND_PTR:
		return c->pointer;
	case BTF_KIND_ARRAY:
		return copy_array(c, btf_array(t));
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return copy_composite(c, t, name);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return copy_enum(c, t, name);
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return copy_type(c, t->type);
	default: /* has no size, so nothing contains it */
		return -EINVAL;
	}
}

/* Returns its number among the copies, or -errno. */
static int copy_type(struct copy *c, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(c->from, id);
	int copied;

	if (c->ids[id])
		return c->ids[id];
	if (!t || c->depth == MOST_DEPTH)
		return -EINVAL;
	c->depth++;
	copied = copy_new(c, t);
	c->depth--;
	if (copied > 0)
		c->ids[id] = copied;
	return copied;
}

static int copy_named(struct copy *c, const struct names *names)
{
	uint32_t all = btf__type_cnt(c->from);
	int error = 0;

	for (uint32_t i = 1; i < all && error >= 0; i++) {
		const struct btf_type *t = btf__type_by_id(c->from, i);
		const char *name;

		if (!has_layout(t))
			continue;
		name = btf__name_by_offset(c->from, t->name_off);
		if (bsearch(&name, names->items, names->n, sizeof(name), by_name))
			error = copy_type(c, i);
	}
	return error < 0 ? error : 0;
}

/* --- the file ---------------------------------------------------------------------------- */

static int write_types(int fd, const struct btf *types)
{
	uint32_t size, done = 0;
	const char *data = btf__raw_data(types, &size);

	if (!data)
		return -ENOMEM;
	while (done < size) {
		ssize_t n = write(fd, data + done, size - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? n : 0;
	}
	return 0;
}

static int copy_and_write(struct copy *c, int fd, const struct names *names)
{
	int error;

	c->to = btf__new_empty();
	if (!c->to)
		return -errno;
	c->ids = calloc(btf__type_cnt(c->from), sizeof(*c->ids));
	if (!c->ids)
		return -ENOMEM;
	c->pointer = btf__add_ptr(c->to, 0);
	error = c->pointer < 0 ? c->pointer : copy_named(c, names);
	return error ? error : write_types(fd, c->to);
}

int kernel_types_fill(struct kernel_types *k, const struct bpf_object *object)
{
	struct names names = { NULL, 0 };
	struct copy c = { NULL };
	int error;

	k->kernels = btf__load_vmlinux_btf();
	if (!k->kernels)
		return -errno;
	c.from = k->kernels;
	error = list_names(&names, bpf_object__btf(object));
	if (!error)
		error = copy_and_write(&c, k->fd, &names);
	free_names(&names);
	free(c.ids);
	btf__free(c.to);
	return error;
}

int kernel_types_id(const struct kernel_types *k, const char *name)
{
	return btf__find_by_name_kind(k->kernels, name, BTF_KIND_STRUCT);
}

int kernel_types_tracepoint(const struct kernel_types *k, const char *name)
{
	char type[64];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(k->kernels, type, BTF_KIND_TYPEDEF);
}
