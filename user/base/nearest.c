// SPDX-License-Identifier: BSD-2-Clause
#include "base/nearest.h"

#include <string.h>

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* One row of the table of distances, from the two before it. */
static void fill_row(size_t *row, const size_t *last, const size_t *before, const char *a, size_t i,
		     const char *b, size_t n)
{
	row[0] = i;
	for (size_t k = 1; k <= n; k++) {
		size_t other = last[k - 1] + (a[i - 1] != b[k - 1]);

		row[k] = least(other, least(last[k], row[k - 1]) + 1);
		if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
			row[k] = least(row[k], before[k - 2] + 1);
	}
}

size_t edit_distance(const char *a, const char *b)
{
	size_t rows[3][NEAREST_LENGTH + 1];
	size_t m = strnlen(a, NEAREST_LENGTH), n = strnlen(b, NEAREST_LENGTH);

	for (size_t k = 0; k <= n; k++)
		rows[0][k] = k;
	for (size_t i = 1; i <= m; i++)
		fill_row(rows[i % 3], rows[(i + 2) % 3], rows[(i + 1) % 3], a, i, b, n);
	return rows[m % 3][n];
}
