// SPDX-License-Identifier: BSD-2-Clause
/* Waits for disks and other devices: for which files. */
#include <stdio.h>

#include "analysis/internal.h"

#include "base/units.h"
#include "model/target.h"

#define MOST	  0.6 /* of the waits for devices, for one to be named as the reason */
#define NAME_MOST 60  /* bytes of a path: a finding says more than that */
#define ALONE                                                                                      \
	1.1 /* waits at once while anybody waited, below which they come one after the other */

static bool is_device(const struct io *io)
{
	bool is_file = io->kind == TARGET_FILE || io->kind == TARGET_DEVICE;

	return io->cause == CAUSE_IO_DISK || io->cause == CAUSE_IO_FILE ||
	       (io->cause == CAUSE_IO_URING && is_file);
}

/* NULL: it is not one above all. */
static const struct io *most_waited_for(const struct findings *f)
{
	const struct model *m = f->model;
	const struct io *most = NULL;

	for (size_t i = 0; i < m->n_ios; i++) {
		if (m->ios[i].path && is_device(&m->ios[i]) && (!most || m->ios[i].ns > most->ns))
			most = &m->ios[i];
	}
	return most && most->ns >= MOST * f->totals.row_ns[ROW_IO] ? most : NULL;
}

static void add_evidence(struct finding *to, const struct io *io)
{
	char total[UNITS_SIZE], waits[UNITS_SIZE], mean[UNITS_SIZE];
	double at_once = io->any_ns ? (double)io->ns / (double)io->any_ns : 0;
	/* In one wait at a ring there may be many. */
	bool is_alone = io->objects == 1 && at_once < ALONE && io->cause != CAUSE_IO_URING;

	evidence_add(to, "io.wait_ns", io->ns, "%s wait%s took %s in all, %s each%s, for %s",
		     units_count(waits, io->waits), io->waits == 1 ? "" : "s",
		     units_ns(total, io->ns, true),
		     units_ns(mean, io->waits ? io->ns / io->waits : 0, true),
		     is_alone ? ", one at a time" : "", target_end_of(io->name, NAME_MOST));
}

/* NULL: they are not in one directory, most of them. */
static const struct io_folder *most_in(const struct findings *f)
{
	for (size_t k = 0; k < f->n_folders; k++) {
		if ((double)f->folders[k].ns >= MOST * f->totals.row_ns[ROW_IO])
			return &f->folders[k];
	}
	return NULL;
}

static void say_folder(struct finding *to, const struct io_folder *folder)
{
	char total[UNITS_SIZE], waits[UNITS_SIZE], mean[UNITS_SIZE], path[NAME_MOST + 1];
	size_t cut = folder->size > NAME_MOST ? folder->size - NAME_MOST : 0;

	snprintf(path, sizeof(path), "%.*s", (int)(folder->size - cut), folder->path + cut);
	finding_title(to, "most of the time goes to waiting for %zu small files in %s%s",
		      folder->files, cut ? "..." : "", path);
	evidence_add(to, "io.wait_ns", folder->ns, "%s wait%s took %s in all, %s each, for those",
		     units_count(waits, folder->waits), folder->waits == 1 ? "" : "s",
		     units_ns(total, folder->ns, true),
		     units_ns(mean, folder->waits ? folder->ns / folder->waits : 0, true));
}

void device_say(struct finding *to, const struct findings *f)
{
	const struct io *most = most_waited_for(f);
	const struct io_folder *folder = most ? NULL : most_in(f);

	if (most && most->kind == TARGET_FILE && most->cause == CAUSE_IO_DISK)
		finding_title(to, "most of the time goes to waiting for %s, which is on a disk",
			      target_end_of(most->name, NAME_MOST));
	else if (most)
		finding_title(to, "most of the time goes to waiting for %s",
			      target_end_of(most->name, NAME_MOST));
	else if (folder)
		say_folder(to, folder);
	else
		finding_title(to, "most of the time goes to waiting for a disk or another device");
	finding_advice(to, "Do the waiting at the same time: read ahead, write behind, put small "
			   "requests together, have several in flight (threads, an event loop, "
			   "io_uring), sync less often. A faster CPU would not help.");
	if (most)
		add_evidence(to, most);
}
