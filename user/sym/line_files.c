// SPDX-License-Identifier: BSD-2-Clause
/* The tables of directories and files of a unit, in .debug_line. */
#include "sym/line_program.h"

#include <dwarf.h>
#include <limits.h>
#include <stdio.h>

struct entry {
	const char *path;
	uint64_t directory;
};

/* One value of a table of version 5: a string, or a number. */
static bool read_form(struct object *o, const struct program *p, struct reader *r, uint64_t form,
		      const char **ret_string, uint64_t *ret_number)
{
	struct reader strings;

	switch (form) {
	case DW_FORM_string:
		*ret_string = line_string(r);
		return *ret_string;
	case DW_FORM_line_strp:
	case DW_FORM_strp:
		strings = line_section(o, form == DW_FORM_strp ? LINE_OTHER_STRINGS : LINE_STRINGS);
		line_take(&strings, line_number(r, p->is_64 ? 8 : 4));
		*ret_string = strings.is_bad ? NULL : line_string(&strings);
		return *ret_string;
	case DW_FORM_udata:
		*ret_number = line_leb(r, false);
		return true;
	case DW_FORM_data1:
	case DW_FORM_data2:
		*ret_number = line_number(r, form == DW_FORM_data1 ? 1 : 2);
		return true;
	case DW_FORM_data16:
		return line_take(r, 16);
	default:
		return false;
	}
}

/* Of the next table its entry of this number; the reader is then behind the table. */
static bool entry_5(struct object *o, const struct program *p, struct reader *r, uint64_t wanted,
		    struct entry *ret)
{
	unsigned formats = (unsigned)line_number(r, 1);
	struct reader format = *r;
	bool found = false;
	uint64_t n;

	for (unsigned i = 0; i < 2 * formats; i++)
		line_leb(r, false);
	n = line_leb(r, false);
	for (uint64_t i = 0; i < n && formats && !r->is_bad; i++) {
		struct reader f = format;
		struct entry entry = { .path = NULL };

		for (unsigned k = 0; k < formats; k++) {
			uint64_t content = line_leb(&f, false), value = 0;
			const char *text = NULL;

			if (!read_form(o, p, r, line_leb(&f, false), &text, &value))
				return false;
			if (content == DW_LNCT_path)
				entry.path = text;
			else if (content == DW_LNCT_directory_index)
				entry.directory = value;
		}
		if (i == wanted) {
			*ret = entry;
			found = entry.path;
		}
	}
	return found && !r->is_bad;
}

static bool find_file_5(struct object *o, const struct program *p, uint64_t wanted,
			struct entry *ret, const char **ret_directory)
{
	struct reader directories = p->tables, files = p->tables;
	struct entry entry = { .path = NULL };

	entry_5(o, p, &files, 0, &entry); /* to get behind it */
	if (!entry_5(o, p, &files, wanted, ret))
		return false;
	if (!entry_5(o, p, &directories, ret->directory, &entry))
		return false;
	*ret_directory = entry.path;
	return true;
}

/* Before version 5 both count from 1; directory 0 is where the unit was compiled. */
static bool find_file_4(const struct program *p, uint64_t wanted, struct entry *ret,
			const char **ret_directory)
{
	struct reader r = p->tables, directories = r;
	const char *text;
	uint64_t i = 0;

	while ((text = line_string(&r)) && *text)
		;
	while (i < wanted && (ret->path = line_string(&r)) && *ret->path) {
		ret->directory = line_leb(&r, false);
		line_leb(&r, false);
		line_leb(&r, false);
		i++;
	}
	if (!wanted || i < wanted || r.is_bad)
		return false;
	*ret_directory = NULL;
	for (i = 0; i < ret->directory; i++) {
		*ret_directory = line_string(&directories);
		if (!*ret_directory || !**ret_directory)
			return false;
	}
	return true;
}

bool line_set_file(struct object *o, Dwarf_Die *unit, const struct program *p, uint64_t file,
		   char to[SYM_FILE_SIZE])
{
	const char *directory = NULL;
	struct entry entry = { .path = NULL };
	char path[PATH_MAX];

	if (p->version == 5 ? !find_file_5(o, p, file, &entry, &directory)
			    : !find_file_4(p, file, &entry, &directory))
		return false;
	if (*entry.path == '/' || !directory || !*directory)
		snprintf(path, sizeof(path), "%s", entry.path);
	else
		snprintf(path, sizeof(path), "%s/%s", directory, entry.path);
	text_file_of(to, unit, path);
	return true;
}

bool lines_file(struct object *o, Dwarf_Die *unit, uint64_t number, char to[SYM_FILE_SIZE])
{
	struct program program;

	return line_program_of(o, unit, &program) && line_set_file(o, unit, &program, number, to);
}
