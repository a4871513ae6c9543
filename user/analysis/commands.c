// SPDX-License-Identifier: BSD-2-Clause
/* Command lines as names that are the same from run to run. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/commands.h"
#include "base/vec.h"

#define PROGRAM_MAX 64 /* bytes */
#define DIGITS	    3  /* so many and more are a number that may be anything */

typedef VEC(char) chars;

static void put(chars *to, const char *text, size_t n)
{
	for (size_t i = 0; i < n && to->n < COMMAND_MAX; i++)
		*vec_add(to) = text[i];
}

static const char *program_of(const struct process *p)
{
	const char *first = p->n_args ? p->args[0] : p->comm;
	const char *slash = strrchr(first, '/');

	return slash && slash[1] ? slash + 1 : first;
}

/* The length of the folder for temporary files that begins here. */
static size_t temporary_folder(const char *s)
{
	static const char *const folders[] = { "/tmp/", "/var/tmp/", "/dev/shm/" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		if (!strncmp(s, folders[i], strlen(folders[i])))
			return strlen(folders[i]);
	}
	return 0;
}

/* A name in such a folder, but for a file's ending: "ccXY12.s" is "*.s". */
static size_t put_temporary(chars *to, const char *s)
{
	size_t n = strcspn(s, "/:,= "), dot = n;

	while (dot && s[dot - 1] != '.')
		dot--;
	put(to, "*", 1);
	if (dot > 1 && s[n] != '/')
		put(to, s + dot - 1, n - dot + 1);
	return n;
}

static void put_word(chars *to, const char *word, bool is_loose)
{
	size_t n;

	for (const char *s = word; *s; s += n) {
		n = is_loose ? temporary_folder(s) : 0;
		if (n) {
			put(to, s, n);
			n += put_temporary(to, s + n);
			continue;
		}
		n = is_loose ? strspn(s, "0123456789") : 0;
		if (n >= DIGITS)
			put(to, "*", 1);
		else
			put(to, s, n = n ? n : 1);
	}
}

char *command_name(const struct process *p, enum command_detail detail)
{
	const char *program = program_of(p);
	chars name = { 0 };

	put(&name, program, strnlen(program, PROGRAM_MAX));
	for (size_t i = 1; i < p->n_args && detail != COMMAND_PROGRAM; i++) {
		put(&name, " ", 1);
		put_word(&name, p->args[i], detail == COMMAND_LOOSE);
	}
	if (detail == COMMAND_PROGRAM)
		put(&name, COMMAND_OTHERS, strlen(COMMAND_OTHERS));
	*vec_add(&name) = '\0';
	return name.items;
}

char *command_loose(const char *words)
{
	chars name = { 0 };

	put_word(&name, words, true);
	*vec_add(&name) = '\0';
	return name.items;
}

size_t command_program(const char *name)
{
	return strcspn(name, " ");
}

/* Up to the blank before the first word that is not the same. */
static size_t shared_words(const char *a, const char *b)
{
	size_t n = 0, blank = 0;

	for (; a[n] && a[n] == b[n]; n++) {
		if (a[n] == ' ')
			blank = n;
	}
	return blank;
}

char *command_brief(const char *name, const char *first, const char *last)
{
	size_t program = command_program(name), shared = shared_words(first, last);
	char *ret;

	if (shared <= program || strncmp(name, first, shared))
		shared = program;
	if (asprintf(&ret, "%.*s%s%s", (int)program, name, shared > program ? " …" : "",
		     name + shared) < 0)
		out_of_memory();
	return ret;
}
