/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The sections of the text report that text.c puts together. Each begins with
 * an empty line, and prints nothing if it has nothing to say.
 */
#include "report/page.h"

/* The heading of a section, and what it is about. */
void text_heading(struct page *p, const char *title, const char *about);
/* "3 threads", "1 thread" */
char *text_counted(char *buf, size_t size, uint64_t n, const char *one, const char *many);

void text_wall(struct page *p, const struct findings *f);
void text_waits(struct page *p, const struct findings *f);
void text_calls(struct page *p, const struct findings *f);
void text_threads(struct page *p, const struct findings *f);
void text_processes(struct page *p, const struct findings *f);
void text_left_over(struct page *p, const struct findings *f);
void text_trust(struct page *p, const struct findings *f);
