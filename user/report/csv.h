/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdio.h>

/* A cell of any bytes. */
void csv_text(FILE *out, const char *text);
