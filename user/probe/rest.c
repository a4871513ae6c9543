// SPDX-License-Identifier: BSD-2-Clause
/* When the probe of wake-ups has nothing to look for it is detached: each wake-up of the machine, of
 * whatever program, is some 2 % slower for its mere presence. */
#include "probe/internal.h"

#include <bpf/libbpf.h>

#include "base/clock.h"
#include "bpf/channel.h"

#define MS	1000000ull
#define LOOK_NS (25 * MS)   /* between two looks whether it has, or may have again */
#define REST_NS (230 * MS)  /* a new period of channel_has_time() will have begun, at 250 Hz */
#define KEEP_NS (2000 * MS) /* from a wait for a lock: who ends the next ones is to be seen */

/* Does no thread wait for a lock, and has none for long enough? */
static bool has_no_locks(struct probe *p, uint64_t now)
{
	if (p->rest.locks != p->skel->bss->locks_begun) {
		p->rest.locks = p->skel->bss->locks_begun;
		p->rest.not_before = now + KEEP_NS;
	}
	return now >= p->rest.not_before && !p->skel->bss->lock_waits;
}

static void rest(struct probe *p, size_t row, uint64_t now)
{
	bool may = has_no_locks(p, now);

	if (!p->links[row]) {
		if (!may || now >= p->rest.until)
			(void)attach_row(p, row, NULL); /* if it fails its row says why */
		return;
	}
	if (!may || p->skel->bss->wakes_looked_at < WAKES_A_PERIOD)
		return;
	/* That it is no longer there is all that can come of it. */
	(void)bpf_link__destroy(p->links[row]);
	p->links[row] = NULL;
	p->rest.until = now + REST_NS;
}

uint64_t probe_rest(struct probe *p)
{
	uint64_t now = clock_ns();

	for (size_t i = 0; i < PROBE_ROWS; i++) {
		if (probe_rows[i].when == ATTACH_AND_REST && !p->why[i][0])
			rest(p, i, now);
	}
	return LOOK_NS;
}
