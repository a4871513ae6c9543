// SPDX-License-Identifier: BSD-2-Clause
/* concprof check: what this kernel and these privileges allow, a row per probe. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/output.h"
#include "probe/probe.h"

int cmd_check(void)
{
	struct feature rows[32];
	size_t n = probe_features(rows, sizeof(rows) / sizeof(*rows));
	bool usable = true;

	for (size_t i = 0; i < n; i++) {
		const char *mark = rows[i].works ? "yes" : rows[i].needed ? "NO" : "no";

		printf("%-4s %-32s %s\n", mark, rows[i].name, rows[i].why);
		usable &= rows[i].works || !rows[i].needed;
	}
	printf("\n%s\n", usable ? "concprof works here."
				: "concprof does not work here: see the rows marked NO.");
	return output_said() || !usable ? STATUS_FAILED : 0;
}
