// SPDX-License-Identifier: BSD-2-Clause
#include "sym/object.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

#define MANGLED_MAX 4096 /* a longer one is shown as it is, cut */

/* Not within a character of UTF-8. */
static size_t cut_before(const char *s, size_t at)
{
	while (at && ((unsigned char)s[at] & 0xc0) == 0x80)
		at--;
	return at;
}

void text_cut_name(char to[SYM_NAME_SIZE], const char *name)
{
	static const char dots[] = "...";
	size_t length = strnlen(name, SYM_NAME_SIZE), cut;

	if (length < SYM_NAME_SIZE) {
		memcpy(to, name, length + 1);
		return;
	}
	cut = cut_before(name, SYM_NAME_SIZE - sizeof(dots));
	memcpy(to, name, cut);
	memcpy(to + cut, dots, sizeof(dots));
}

/* The end of a path says more than its start. */
static void join(char to[SYM_FILE_SIZE], const char *directory, const char *path)
{
	bool joined = directory && *directory && *path != '/';
	size_t before = joined ? strlen(directory) + 1 : 0, length = strlen(path), cut;

	if (before + length < SYM_FILE_SIZE) {
		snprintf(to, SYM_FILE_SIZE, "%s%s%s", joined ? directory : "", joined ? "/" : "",
			 path);
		return;
	}
	cut = length > SYM_FILE_SIZE - 1 - 3 ? length - (SYM_FILE_SIZE - 1 - 3) : 0;
	while (((unsigned char)path[cut] & 0xc0) == 0x80)
		cut++;
	snprintf(to, SYM_FILE_SIZE, "...%s", path + cut);
}

void text_file(char to[SYM_FILE_SIZE], const char *path)
{
	join(to, NULL, path);
}

void text_file_of(char to[SYM_FILE_SIZE], Dwarf_Die *unit, const char *path)
{
	Dwarf_Attribute attribute;
	const char *directory =
		dwarf_attr(unit, DW_AT_comp_dir, &attribute) ? dwarf_formstring(&attribute) : NULL;

	join(to, directory, path);
}

/* Not by dwarf_decl_file(), which aborts if the unit's files cannot be read. */
void text_file_by(struct object *o, char to[SYM_FILE_SIZE], Dwarf_Attribute *attribute)
{
	Dwarf_Files *files;
	Dwarf_Word number;
	const char *path;
	Dwarf_Die unit;
	size_t n;

	if (dwarf_formudata(attribute, &number) ||
	    dwarf_cu_info(attribute->cu, NULL, NULL, &unit, NULL, NULL, NULL, NULL) ||
	    lines_file(o, &unit, number, to) || dwarf_getsrcfiles(&unit, &files, &n))
		return;
	path = number < n ? dwarf_filesrc(files, number, NULL, NULL) : NULL;
	if (path)
		text_file_of(to, &unit, path);
}

bool text_is_mangled(const char *name)
{
	return !strncmp(name, "_Z", 2) || !strncmp(name, "_R", 2);
}

void text_name(char to[SYM_NAME_SIZE], const char *mangled)
{
	char *plain = NULL;

	if (text_is_mangled(mangled) && strnlen(mangled, MANGLED_MAX) < MANGLED_MAX)
		plain = cplus_demangle(mangled, DMGL_PARAMS | DMGL_ANSI | DMGL_AUTO);
	text_cut_name(to, plain ? plain : mangled);
	free(plain);
}

enum text_name text_name_of(char to[SYM_NAME_SIZE], Dwarf_Die *die)
{
	static const struct {
		unsigned attribute;
		enum text_name name;
	} ways[] = {
		{ DW_AT_linkage_name, TEXT_LINKAGE_NAME },
		{ DW_AT_MIPS_linkage_name, TEXT_LINKAGE_NAME },
		{ DW_AT_name, TEXT_PLAIN_NAME },
	};
	Dwarf_Attribute attribute;

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const char *name;

		if (!dwarf_attr_integrate(die, ways[i].attribute, &attribute))
			continue;
		name = dwarf_formstring(&attribute);
		if (name && *name) {
			text_name(to, name);
			return ways[i].name;
		}
	}
	return TEXT_NO_NAME;
}

/* memcpy@@GLIBC_2.14 is memcpy. */
void text_symbol(char to[SYM_NAME_SIZE], const char *name)
{
	const char *at = name[0] && name[0] != '@' ? strchr(name, '@') : NULL;
	char plain[SYM_NAME_SIZE];

	if (at && at - name < SYM_NAME_SIZE) {
		memcpy(plain, name, (size_t)(at - name));
		plain[at - name] = '\0';
		name = plain;
	}
	text_name(to, name);
}
