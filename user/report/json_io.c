// SPDX-License-Identifier: BSD-2-Clause
/* What was waited for with descriptors and names. */
#include "report/json_parts.h"

#include "report/frames.h"

static const char *kind_of(const struct io *io)
{
	static const char *const names[TARGET_KIND_COUNT] = {
		[0] = "unknown",
		[TARGET_FILE] = "file",
		[TARGET_PIPE] = "pipe",
		[TARGET_SOCKET] = "socket",
		[TARGET_TTY] = "tty",
		[TARGET_DEVICE] = "device",
		[TARGET_NAME] = "file",
		[TARGET_QUEUE] = "queue",
		[TARGET_SIGNALS] = "signals",
	};

	if (io->kind == TARGET_DEVICE &&
	    (io->cause == CAUSE_IO_DISK || io->cause == CAUSE_FAULT_MAJOR))
		return "disk";
	/* What has no name is called what it is. */
	return io->kind == TARGET_OBJECT ? io->name : names[io->kind];
}

static const char *side_name(enum target_side side)
{
	static const char *const names[SIDE_COUNT] = {
		[SIDE_CONNECTED] = "client",   [SIDE_SERVED] = "server",
		[SIDE_LISTENING] = "listener", [SIDE_BOUND] = "receiver",
		[SIDE_PAIR] = "pair",
	};

	return names[side];
}

/* Each once. */
static void put_numbers(struct json *j, const char *key, const uint32_t *numbers, size_t n)
{
	json_line_array(j, key);
	for (size_t i = 0; i < n; i++) {
		bool is_new = numbers[i] != TARGET_NO_FD;

		for (size_t k = 0; k < i; k++)
			is_new &= numbers[k] != numbers[i];
		if (is_new)
			json_u64(j, NULL, numbers[i]);
	}
	json_end(j);
}

static void put_users(struct json *j, const struct io *io)
{
	size_t n = io->n_users < TARGET_USERS ? io->n_users : TARGET_USERS;
	uint32_t pids[TARGET_USERS], fds[TARGET_USERS];

	for (size_t i = 0; i < n; i++) {
		pids[i] = io->users[i].pid;
		fds[i] = io->users[i].fd;
	}
	put_numbers(j, "pids", pids, n);
	put_numbers(j, "fds", fds, n);
}

static void put_sites(struct json *j, const struct io_sites *sites, struct room *r)
{
	size_t n = room_for(r, ROOM_IO_SITES, sites->n);
	char text[FRAME_TEXT_SIZE];

	json_array(j, "sites");
	for (size_t i = 0; i < n; i++) {
		json_line_object(j, NULL);
		json_string(j, "function", frame_text(text, sizeof(text), sites->items[i].frame));
		json_u64(j, "waits", estimate_whole(sites->items[i].waits));
		json_u64(j, "wait_ns", estimate_whole(sites->items[i].ns));
		json_end(j);
	}
	json_end(j);
}

static void put_io(struct json *j, const struct io *io, enum io_model model,
		   const struct io_sites *sites, struct room *r)
{
	json_object(j, NULL);
	json_string(j, "kind", kind_of(io));
	json_string(j, "target", io->name);
	json_string(j, "path", io->path);
	json_bool(j, "deleted", io->is_deleted);
	json_string(j, "local", io->local);
	json_string(j, "peer", io->peer);
	json_string(j, "side", side_name(io->side));
	json_u64(j, "descriptors", io->objects);
	json_string(j, "cause", cause_name(io->cause));
	json_string(j, "model", io_model_name(model));
	put_users(j, io);
	json_u64(j, "waits", io->waits);
	json_u64(j, "wait_ns", io->ns);
	json_u64(j, "max_wait_ns", io->max_ns);
	json_u64(j, "waited_wall_ns", io->any_ns);
	json_u64(j, "open", io->open);
	json_u64(j, "checked", io->looked);
	json_u64(j, "empty", io->empty);
	if (io->samples) {
		json_u64(j, "samples", io->samples);
		json_u64(j, "running_ns_estimated", io->running_ns);
	}
	json_histogram(j, "wait_histogram_log2_ns", io->histogram, TARGET_BUCKETS);
	put_sites(j, sites, r);
	json_end(j);
}

void json_io(struct json *j, const struct findings *f, struct room *r)
{
	const struct model *m = f->model;
	size_t n = room_for(r, ROOM_IO, m->n_ios);

	json_array(j, "io");
	for (size_t i = 0; i < n; i++)
		put_io(j, &m->ios[i], f->io_row_models[i], &f->io_places[i], r);
	json_end(j);
}
