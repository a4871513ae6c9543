/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The sections of the text report that text.c puts together. Each begins with
 * an empty line, and prints nothing if it has nothing to say.
 */
#include "report/page.h"

void text_findings(struct page *p, const struct findings *f);
/* Part of the verdict: without an empty line. */
void text_wall(struct page *p, const struct findings *f);
void text_course(struct page *p, const struct findings *f);
void text_waits(struct page *p, const struct findings *f);
void text_peers(struct page *p, const struct findings *f);
void text_calls(struct page *p, const struct findings *f);
void text_threads(struct page *p, const struct findings *f);
void text_processes(struct page *p, const struct findings *f);
void text_left_over(struct page *p, const struct findings *f);
void text_trust(struct page *p, const struct findings *f);
