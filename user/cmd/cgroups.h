/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the cgroups of version 2 are called, as events: EV_CGROUP. */
#include "base/map.h"
#include "event/event.h"

/* Those that are there now, and that `told` does not have yet; they are added to it. Where none is
 * mounted there is nothing to tell. 0, what fn returned, or -errno. */
int cgroups_tell(event_fn fn, void *ctx, struct map *told);
