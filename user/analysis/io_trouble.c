// SPDX-License-Identifier: BSD-2-Clause
/* Common troubles of input and output that is waited for: see tiny_calls.c for what is not. */
#include <string.h>

#include "../bpf/wall.h"
#include "analysis/internal.h"
#include "base/units.h"
#include "model/target.h"

#define NAME_MOST 60 /* bytes of a path */

static double part(const struct findings *f, double ns)
{
	return f->model->wall_ns ? ns / f->model->wall_ns : 0;
}

static double at_most(double ns, double most)
{
	return ns < most ? ns : most;
}

/* --- syncs in a loop ---------------------------------------------------------------- */

#define SYNCS_LEAST	100
#define SYNC_SHARE	0.1 /* of the wall time */
#define SYNC_CALL_KINDS 8

/* All waits in calls that sync, by samples. */
struct syncs {
	double ns, waits;
	const char *call; /* the one with most of it */
	const struct site_row *most;
};

static void find_syncs(struct syncs *ret, const struct findings *f)
{
	struct {
		const char *name;
		double ns;
	} calls[SYNC_CALL_KINDS] = { 0 };
	double most = 0;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < f->sites.n_waits; i++) {
		const struct site_row *row = &f->sites.waits[i];
		const char *call = call_of_sync(f->model, row->stack);
		size_t k = 0;

		if (!call || row_kind(row_of_cause(row->cause)) != ROW_IO)
			continue;
		ret->ns += row->ns;
		ret->waits += row->waits;
		if (!ret->most && row->own >= 0) /* they come the longest first */
			ret->most = row;
		while (k < SYNC_CALL_KINDS - 1 && calls[k].name && strcmp(calls[k].name, call))
			k++;
		calls[k].name = call;
		calls[k].ns += row->ns;
		if (calls[k].ns > most) {
			most = calls[k].ns;
			ret->call = call;
		}
	}
}

static void say_where(struct finding *to, const struct findings *f, const struct site_row *row,
		      double all)
{
	char share[UNITS_SIZE], place[128];
	const struct frame *own;

	if (!row || row->own < 0)
		return;
	own = &f->model->frames[row->stack->frames[row->own]];
	if (own->function[0])
		evidence_add(to, "wait_sites.wait_ns", (uint64_t)row->ns,
			     "%s of it by one chain of calls from %s",
			     units_percent(share, row->ns / all),
			     place_words(place, sizeof(place), own));
}

static void find_fsync(struct findings *f)
{
	const struct model *m = f->model;
	char share[UNITS_SIZE], waits[UNITS_SIZE], total[UNITS_SIZE], mean[UNITS_SIZE];
	struct finding *to;
	struct syncs s;
	double wall;

	find_syncs(&s, f);
	if (s.waits < SYNCS_LEAST || part(f, s.ns) < SYNC_SHARE)
		return;
	wall = at_most(s.ns, m->wall_ns);
	to = finding_add(f, "io.fsync", SEVERITY_WARNING);
	finding_title(to, "it waits again and again until what it wrote is safe on a disk");
	evidence_add(to, "wait_sites.waits", estimate_whole(s.waits),
		     "%s waits took %s in all, %s each, mostly in %s",
		     units_count(waits, estimate_whole(s.waits)),
		     units_ns(total, (uint64_t)s.ns, true),
		     units_ns(mean, (uint64_t)(s.ns / s.waits), true), s.call);
	evidence_add(to, "wait_sites.wait_ns", (uint64_t)wall,
		     "as much as %s of the wall time, if no two of them were at once",
		     units_percent(share, part(f, wall)));
	say_where(to, f, s.most, s.ns);
	finding_advice(to,
		       "Sync once for many writes: a transaction around many changes, or one sync "
		       "for all that wait for one (group commit). Sync where it is promised that "
		       "nothing is lost, and not elsewhere; fdatasync instead of fsync is enough "
		       "for a file that does not grow.");
	finding_gain(to, f, wall, "by never waiting for a sync");
}

/* --- names ---------------------------------------------------------------------------- */

#define NAMES_LEAST 200
#define NAMES_SHARE 0.1 /* of the wall time */

struct names {
	uint64_t waits, n;
	double ns, any_ns;
	bool is_sum; /* any_ns is one of what may have been at once */
	const struct io *most;
};

static bool is_device(const struct io *io)
{
	return io->cause == CAUSE_IO_DISK || io->cause == CAUSE_IO_FILE;
}

static void sum_names(struct names *ret, const struct model *m)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < m->n_ios; i++) {
		const struct io *io = &m->ios[i];

		if (io->kind != TARGET_NAME || !is_device(io))
			continue;
		ret->n += io->objects;
		ret->waits += io->waits;
		ret->ns += io->ns;
		ret->any_ns += io->any_ns;
		if (!ret->most || io->ns > ret->most->ns)
			ret->most = io;
	}
	/* Who is woken, but not on a CPU yet, counts as waiting if others begin to. */
	ret->is_sum = !m->names_any_ns || (double)m->names_any_ns >= ret->any_ns;
	if (!ret->is_sum)
		ret->any_ns = m->names_any_ns;
	ret->any_ns = at_most(ret->any_ns, m->wall_ns);
}

static void find_names(struct findings *f)
{
	char share[UNITS_SIZE], waits[UNITS_SIZE], total[UNITS_SIZE], mean[UNITS_SIZE];
	struct finding *to;
	struct names n;

	sum_names(&n, f->model);
	if (n.waits < NAMES_LEAST || part(f, n.any_ns) < NAMES_SHARE)
		return;
	to = finding_add(f, "io.names", SEVERITY_WARNING);
	finding_title(to, "it waits for a disk to look up, create or remove files by name");
	evidence_add(to, "io.waits", n.waits, "%s such waits took %s in all, %s each",
		     units_count(waits, n.waits), units_ns(total, (uint64_t)n.ns, true),
		     units_ns(mean, (uint64_t)n.ns / n.waits, true));
	evidence_add(to, "io.waited_wall_ns", (uint64_t)n.any_ns,
		     "%s%s of the wall time a thread was in one", n.is_sum ? "up to " : "",
		     units_percent(share, part(f, n.any_ns)));
	if (n.most->ns >= 0.1 * n.ns)
		evidence_add(to, "io.wait_ns", n.most->ns, "%s of it for %s",
			     units_percent(share, n.most->ns / n.ns),
			     target_end_of(n.most->name, NAME_MOST));
	finding_advice(to,
		       "Ask for fewer names: keep files open, remember what stat(2) said, read a "
		       "directory once instead of asking for name after name, put many small "
		       "files into one. What must be asked can be asked by several threads at "
		       "once, or with io_uring.");
	finding_gain(to, f, n.any_ns, "by never waiting for a name");
}

/* --- one request at a time --------------------------------------------------------------- */

#define WAITS_LEAST    200
#define WAIT_MEAN_MOST 50000000
#define ALONE_SHARE    0.5     /* of the wall time */
#define ALONE	       1.1     /* waits at once while anybody waited, at most */
#define ALL_LEAST      0.9     /* of the time in which anybody waited for a device: for a disk */
#define ONE_FILE       0.6     /* of the waits for devices, for it to be named */
#define LARGE	       0x40000 /* bytes for each wait: from there on the disk is busy with one, too */

/* Waits for devices: of all of them, or of one file. */
struct requests {
	const struct io *file; /* NULL: of several */
	double ns, any_ns;     /* any_ns: at least, of several */
	uint64_t waits, max_ns;
	double read_bytes, written_bytes;
	bool is_counted; /* the bytes are known */
};

/* What those threads moved in all that wait for devices. And while one of them waits, somebody
 * does: how long that was at least. */
static void add_threads(struct requests *ret, const struct model *m)
{
	ret->is_counted = m->n_threads > 0;
	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		if (!t->row_ns[ROW_IO])
			continue;
		if (t->row_ns[ROW_IO] > ret->any_ns)
			ret->any_ns = t->row_ns[ROW_IO];
		if (!(t->flags & THREAD_IO_COUNTED))
			ret->is_counted = false;
		ret->read_bytes += t->witness.read_bytes;
		ret->written_bytes += t->witness.written_bytes;
	}
}

static void sum_requests(struct requests *ret, const struct findings *f)
{
	const struct wait *w = &f->totals.waits[CAUSE_IO_DISK];
	const struct model *m = f->model;

	memset(ret, 0, sizeof(*ret));
	ret->ns = w->ns;
	ret->waits = w->count;
	ret->max_ns = w->max_ns;
	add_threads(ret, m);
	if (m->wall.row_ns[ROW_IO] > ret->any_ns)
		ret->any_ns = m->wall.row_ns[ROW_IO];
	for (size_t i = 0; i < m->n_ios; i++) {
		const struct io *io = &m->ios[i];

		if (io->cause == CAUSE_IO_DISK && io->kind == TARGET_FILE && io->objects == 1 &&
		    io->ns >= ONE_FILE * ret->ns && (!ret->file || io->ns > ret->file->ns))
			ret->file = io;
	}
	if (!ret->file)
		return;
	ret->ns = ret->file->ns;
	ret->any_ns = ret->file->any_ns;
	ret->waits = ret->file->waits;
	ret->max_ns = ret->file->max_ns;
}

/* Small ones: of large ones the disk itself is busy, and the kernel reads ahead. */
static bool is_one_at_a_time(const struct requests *r, const struct findings *f)
{
	double bytes = r->read_bytes + r->written_bytes;

	return r->waits >= WAITS_LEAST && r->ns < (double)WAIT_MEAN_MOST * r->waits &&
	       part(f, r->any_ns) >= ALONE_SHARE && r->ns < ALONE * r->any_ns &&
	       r->ns >= ALL_LEAST * r->any_ns && r->is_counted && bytes < (double)LARGE * r->waits;
}

static void say_requests(struct finding *to, const struct findings *f, const struct requests *r)
{
	char share[UNITS_SIZE], waits[UNITS_SIZE], total[UNITS_SIZE], mean[UNITS_SIZE];
	bool reads = r->written_bytes < 0.1 * r->read_bytes;
	uint64_t each = (uint64_t)((r->read_bytes + r->written_bytes) / r->waits);

	units_percent(share, part(f, r->any_ns));
	if (r->file)
		finding_title(to, "%s of the time it %s %s, one request at a time", share,
			      reads ? "reads" : "waits for",
			      target_end_of(r->file->name, NAME_MOST));
	else
		finding_title(to, "%s of the time it %s, one request at a time", share,
			      reads ? "reads from a disk" : "waits for a disk");
	evidence_add(to, "io.waits", r->waits, "%s waits took %s in all, %s each",
		     units_count(waits, r->waits), units_ns(total, (uint64_t)r->ns, true),
		     units_ns(mean, (uint64_t)(r->ns / r->waits), true));
	evidence_add(to, "io.waited_wall_ns", (uint64_t)r->any_ns,
		     "while anybody waited, %.2f threads did on average", r->ns / r->any_ns);
	evidence_add(to, "threads.io_calls.read_bytes", each,
		     "those threads moved %s for each wait, at most", units_bytes(mean, each));
}

static void find_one_at_a_time(struct findings *f)
{
	struct finding *to;
	struct requests r;
	struct syncs s;
	struct names n;

	sum_requests(&r, f);
	find_syncs(&s, f);
	sum_names(&n, f->model);
	/* Syncs and names have advice of their own. */
	if (!is_one_at_a_time(&r, f) || s.ns >= r.ns / 2 || (!r.file && n.ns >= r.ns / 2))
		return;
	to = finding_add(f, "io.one_at_a_time", SEVERITY_WARNING);
	say_requests(to, f, &r);
	finding_advice(to,
		       "Have several requests under way at once: threads, io_uring, or "
		       "posix_fadvise(WILLNEED) for what will be wanted next; or fewer and larger "
		       "ones. If each needs the answer to the one before, keep in memory what "
		       "those ask for.");
	finding_gain(to, f, r.any_ns - r.max_ns, "by having all requests under way at once");
}

void io_trouble_find(struct findings *f)
{
	find_one_at_a_time(f);
	find_fsync(f);
	find_names(f);
	tiny_calls_find(f);
	blocking_log_find(f);
}
