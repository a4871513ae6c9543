// SPDX-License-Identifier: BSD-2-Clause
/* How things stand while the measurement goes on. */
#include "probe/internal.h"

struct peeking {
	peeked_fn fn;
	void *ctx;
};

static int on_thread(void *ctx, const struct event *record)
{
	const struct peeking *peeking = ctx;

	return peeking->fn(peeking->ctx, (const struct peeked *)record);
}

int probe_peek(struct probe *p, peeked_fn thread, event_fn fn, void *ctx)
{
	struct peeking peeking = { thread, ctx };
	int error =
		collect_records(p->skel->progs.cp_peek, sizeof(struct peeked), on_thread, &peeking);

	if (!error)
		error = peek_locks(p, fn, ctx);
	return error ? error : peek_targets(p, fn, ctx);
}
