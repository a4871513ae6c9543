/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Between page.c and table.c. */
#include "report/page.h"

void style_begin(const struct page *p, enum style style);
void style_end(const struct page *p, enum style style);
void table_print_terminal(struct page *p, const struct table *t);
